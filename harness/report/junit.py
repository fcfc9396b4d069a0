"""The JUnit view: one case per rung, sweep or loss, so that CI shows which broke. Properties are the suite's only."""

from __future__ import annotations

from xml.etree import ElementTree

from harness.report.fidelity import Table
from harness.report.models import Report, Rung
from harness.report.summary import fidelity_tables, headline


def render_junit(report: Report) -> str:
    """The document as text."""
    tables = fidelity_tables(report)
    failures = sum(not rung.passed for rung in report.rungs) + sum(len(table.bad) for table in tables)
    cases = len(report.rungs) + sum(max(len(table.rows), 1) for table in tables)
    wall_s = sum(attempt.wall_s for rung in report.rungs for attempt in rung.attempts)
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name=f"{report.kind}.{report.subject.name}",
        tests=str(cases),
        failures=str(failures),
        errors="0",
        skipped="0",
        time=f"{wall_s:.3f}",
        timestamp=report.created,
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (
        ("headline", headline(report)),
        ("machine", report.machine.fingerprint),
        ("schema", report.schema_),
    ):
        ElementTree.SubElement(properties, "property", name=name, value=value)
    for rung in report.rungs:
        _case(suite, report, rung)
    for table in tables:
        _cases(suite, report, table)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, report: Report, rung: Rung) -> None:
    wall_s = sum(attempt.wall_s for attempt in rung.attempts)
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"{report.kind}.{report.subject.name}",
        name=f"rung.{rung.label}",
        time=f"{wall_s:.3f}",
    )
    if not rung.passed:
        failure = ElementTree.SubElement(case, "failure", type=rung.verdict, message=rung.because)
        failure.text = rung.attempts[0].fault or rung.attempts[0].stderr.tail


def _cases(suite: ElementTree.Element, report: Report, table: Table) -> None:
    """One case per row of a table; one for all where nothing is lost."""
    for number, row in enumerate(table.rows or [[table.empty]]):
        name = " ".join(cell for cell in row[:3] if cell)
        classname = f"{report.kind}.{report.subject.name}"
        case = ElementTree.SubElement(suite, "testcase", classname=classname, name=name, time="0")
        if number in table.bad:
            told = ", ".join(f"{column}: {cell}" for column, cell in zip(table.columns, row, strict=True) if column)
            ElementTree.SubElement(case, "failure", type=report.kind, message=told)
