"""The end of a command that makes a report: every view of it."""

from __future__ import annotations

from pathlib import Path

from harness.console import human, put
from harness.output import append_step_summary, write_views
from harness.report.document import Document
from harness.report.views import OF
from harness.signals import deferred


def publish(report: Document, folder: Path, as_json: bool) -> None:
    """Files in the folder, the summary of a CI job, the terminal, and with --json stdout."""
    views = OF[type(report)]
    with deferred():
        write_views(report, folder)
    console = human()
    console.print()
    views.show(report, console)
    console.print(f"report: {folder / 'report.html'}", style="dim", soft_wrap=True)
    if problem := append_step_summary(views.summary(report)):
        console.print(f"warning: {problem}", style="yellow", soft_wrap=True)
    if as_json:
        put(report.to_json())
