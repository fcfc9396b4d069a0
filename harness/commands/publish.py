"""The end of a command that makes a report: every view of it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.console import put
from harness.output import append_step_summary, write_views
from harness.report import terminal
from harness.report.markdown import render_markdown
from harness.report.models import Report
from harness.signals import deferred


def publish(report: Report, folder: Path, console: Console, as_json: bool) -> None:
    """Files in the folder, the summary of a CI job, the terminal, and with --json stdout."""
    with deferred():
        write_views(report, folder)
    console.print()
    terminal.show(report, console)
    console.print(f"report: {folder / 'report.html'}", style="dim", soft_wrap=True)
    if problem := append_step_summary(render_markdown(report)):
        console.print(f"warning: {problem}", style="yellow", soft_wrap=True)
    if as_json:
        put(report.to_json())
