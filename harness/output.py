"""Where a run writes: the folder, and every view of its report in it."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import OutputError
from harness.report.document import Document

REPORTS = Path("reports")
WORK = ".harness-work"  # below the folder of a run, of no name that others give: it is removed with all it holds


def timestamp() -> str:
    """UTC, to the second, as a folder name sorts."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def make_folder(kind: str, asked: Path | None, corpus: Path | None = None) -> Path:
    """The folder of this run: the one asked for, else a new one below `reports/`; never one that holds the corpus."""
    if asked is None:
        return _new_folder(REPORTS / f"{kind}-{timestamp()}")
    if corpus is not None and corpus.resolve().is_relative_to(asked.resolve()):
        raise OutputError(f"{corpus} lies in {asked}, where the report would be written: give another folder with -o")
    try:
        asked.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {asked}: {error.strerror}; give another with -o") from error
    return asked


def _new_folder(named: Path) -> Path:
    """A folder that was not there: of two runs that begin in one second, the other one gets a number."""
    for number in itertools.count(1):
        folder = named if number == 1 else named.with_name(f"{named.name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise OutputError(f"cannot make the folder {folder}: {error.strerror}; give another with -o") from error
        return folder
    raise AssertionError("there is always a next number")


def leave_no_empty(folder: Path) -> None:
    """Remove the folder of a run that came to nothing, and that of all reports, where nothing is in them."""
    for empty in (folder, *([REPORTS] if folder.parent == REPORTS else [])):
        with suppress(OSError):
            empty.rmdir()


def write_views(report: Document, folder: Path) -> None:
    """Every file view of a report."""
    from harness.report.views import files_of

    for name, text in files_of(report).items():
        write(folder / name, text)


def write(path: Path, text: str) -> None:
    """Write a whole file or none of it."""
    partial = path.with_name(path.name + ".tmp")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def append_step_summary(text: str) -> str:
    """Show a Markdown view on the page of a GitHub job, when running in one. What went wrong; empty if nothing did."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        try:
            with Path(target).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            return f"cannot append to $GITHUB_STEP_SUMMARY ({target}): {error.strerror}"
    return ""
