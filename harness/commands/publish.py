"""The end of a command that makes a report: every view of it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

from rich.console import Console

from harness.console import human, put
from harness.output import append_step_summary, write, write_views
from harness.report import terminal
from harness.report.html import JsonDocument
from harness.report.markdown import render_markdown
from harness.report.models import Report
from harness.signals import deferred

Kind = TypeVar("Kind", bound=JsonDocument, contravariant=True)


class Views(Protocol[Kind]):
    """A module with the views of one kind of report."""

    def render_html(self, report: Kind, /) -> str: ...
    def render_markdown(self, report: Kind, /) -> str: ...
    def show(self, report: Kind, console: Console, /) -> None: ...


def publish(report: Report, folder: Path, console: Console, as_json: bool) -> None:
    """Files in the folder, the summary of a CI job, the terminal, and with --json stdout."""
    with deferred():
        write_views(report, folder)
    console.print()
    terminal.show(report, console)
    _tell_the_rest(report, folder, console, render_markdown(report), as_json)


def publish_as(views: Views[Kind], report: Kind, folder: Path, as_json: bool) -> None:
    """The same for a report of another kind, which its own views show."""
    summary = views.render_markdown(report)
    with deferred():
        write(folder / "report.json", report.to_json() + "\n")
        write(folder / "report.html", views.render_html(report))
        write(folder / "summary.md", summary)
    console = human()
    console.print()
    views.show(report, console)
    _tell_the_rest(report, folder, console, summary, as_json)


def _tell_the_rest(report: JsonDocument, folder: Path, console: Console, summary: str, as_json: bool) -> None:
    console.print(f"report: {folder / 'report.html'}", style="dim", soft_wrap=True)
    if problem := append_step_summary(summary):
        console.print(f"warning: {problem}", style="yellow", soft_wrap=True)
    if as_json:
        put(report.to_json())
