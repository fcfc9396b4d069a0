"""Kinds of option values."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.durations import parse_duration
from scaling_suite.errors import SizeError
from scaling_suite.sizes import parse_size
from scaling_suite.workload import DEFAULT_SEED

MOST_SHARE = 10.0
Command = TypeVar("Command", bound=Callable[..., Any])


class PathOption(click.Path):
    """A path that a file can have."""

    def __init__(self, *, exists: bool = False, file_okay: bool = True) -> None:
        super().__init__(exists=exists, file_okay=file_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("it is empty: write the path of a file or a folder", param, ctx)
        if "\0" in str(value):
            self.fail(f"{value!r} holds a NUL byte, and no file has such a name", param, ctx)
        return super().convert(value, param, ctx)


class Size(click.ParamType[int]):
    """A size such as 10MB (10,000,000) or 512MiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else parse_size(value)
        except SizeError as error:
            self.fail(str(error), param, ctx)


class Duration(click.ParamType[float]):
    """A duration such as 90s or 10min."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return value if isinstance(value, float) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Share(click.ParamType[float]):
    """A share such as 10%: kept as 0.1."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            share = float(value.removesuffix("%")) / 100 if value.endswith("%") else math.nan
        except ValueError:
            share = math.nan
        if not 0 < share <= MOST_SHARE:
            self.fail(f"{value!r} is no share: write percents above 0, up to {MOST_SHARE:.0%}, such as 10%", param, ctx)
        return share


class Rate(click.FloatRange):
    """A number above 0 that can be reached."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        rate: float = super().convert(value, param, ctx)
        if not math.isfinite(rate):
            self.fail(f"{value!r} is no rate: write a number above 0, such as 20000", param, ctx)
        return rate


def output_option(kind: str) -> Callable[[Command], Command]:
    """-o DIR, for a report of this kind."""
    return click.option(
        "-o",
        "--output",
        type=PathOption(file_okay=False),
        help=f"Where to write. [default: reports/{kind}-TIME]",
    )


def time_limit_option(default: str, of: str) -> Callable[[Command], Command]:
    """--time-limit. of : what is ended by it"""
    said = f"Wall time of {of}."
    return click.option("--time-limit", default=default, show_default=True, type=Duration(), help=said)


corpus_option = click.option("--corpus", type=PathOption(), help="A text file or folder. [default: generated text]")
memory_limit_option = click.option(
    "--memory-limit", default="4GiB", show_default=True, type=Size(), help="Private memory of a worker."
)
seed_option = click.option(
    "--seed", default=DEFAULT_SEED, show_default=True, type=click.IntRange(min=0), help="Of the text and the facts."
)
json_option = click.option("--json", "as_json", is_flag=True, help="The report on stdout, as one JSON document.")
