"""`harness diagnose`: what is wrong, from a report that is there."""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.commands.options import PathOption
from harness.console import human, put
from harness.diagnosis.rules import diagnose
from harness.output import write_views
from harness.report import terminal
from harness.report.models import read_report


@click.command("diagnose")
@click.argument("source", metavar="REPORT|DIR", type=PathOption())
@click.option("--json", "as_json", is_flag=True, help="The findings on stdout, as one JSON document.")
@click.option("--write", is_flag=True, help="Also write the findings into the report and its views.")
def command(source: Path, as_json: bool, write: bool) -> None:
    """Say what is wrong with the subject of a report: findings by weight, with evidence, and what to do."""
    file = source / "report.json" if source.is_dir() else source
    report = read_report(file)
    report = report.model_copy(update={"findings": diagnose(report)})
    if write:
        write_views(report, file.parent)
    human().print(terminal.diagnosis(report))
    if as_json:
        findings = [finding.model_dump(mode="json") for finding in report.findings]
        document = {"schema": "harness.diagnosis/1", "subject": report.subject.name, "findings": findings}
        put(json.dumps(document, indent=1))
