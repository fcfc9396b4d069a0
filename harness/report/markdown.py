"""The Markdown view: the summary of a CI job, or a comment on a change."""

from __future__ import annotations

from harness import units
from harness.report.fidelity import Table
from harness.report.models import Report, Rung
from harness.report.summary import conditions, fidelity_tables, forecast_lines, headline, passed, work_line

COLUMNS = ("size", "verdict", "lines/s", "MB/CPU s", "peak private", "bits/byte", "recalled", "brain")


def render_markdown(report: Report) -> str:
    """A heading, one table, what broke, how costs grow: far below the 1 MiB that GitHub takes."""
    mark = "✅" if passed(report) else "❌"
    lines = [
        f"## {mark} {text(report.subject.name)}: {text(headline(report))}",
        "",
        text(conditions(report)),
        "",
    ]
    if report.rungs:
        lines += ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * 2 + "---:|" * (len(COLUMNS) - 2)]
        lines += [*(_row(rung) for rung in report.rungs), ""]
    for table in fidelity_tables(report):
        lines += _of_text(table)
    if report.scaling is not None and report.scaling.time is not None:
        time = report.scaling.time
        lines += [
            f"CPU time grows as size^{units.slope(time.value, time.low, time.high)} "
            f"from {units.size(time.from_bytes)} on.",
            "",
        ]
    if report.work is not None:
        lines += [f"{work_line(report.work)}.", ""]
    for rung in report.rungs:
        if not rung.passed:
            fault = rung.attempts[0].fault.strip() or rung.attempts[0].stderr.tail.strip()
            lines += [
                f"<details><summary>{text(rung.label)}: {text(rung.because)}</summary>",
                "",
                *_block(fault),
                "",
                "</details>",
                "",
            ]
    lines += _diagnosis(report)
    if report.forecasts and (foretold := forecast_lines(report)):
        lines += ["### Forecast", "", *(f"- {text(line)}" for line in foretold), ""]
    lines += [f"- {text(note)}" for note in report.notes]
    return "\n".join(lines).rstrip() + "\n"


def _of_text(table: Table) -> list[str]:
    rows = ["| " + " | ".join(text(cell) for cell in row) + " |" for row in table.rows]
    if rows:
        rows = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns), *rows]
    return [*(rows or [table.empty]), "", *(f"- {text(remark)}" for remark in table.remarks), ""]


def _diagnosis(report: Report) -> list[str]:
    """Findings, the heaviest first."""
    if not report.findings:
        return []
    lines = ["### Diagnosis", ""]
    for number, finding in enumerate(report.findings, 1):
        lines += [f"{number}. **{text(finding.title)}** ({text(finding.kind)}, {text(finding.confidence)} confidence)"]
        lines += [f"   - {text(line)}" for line in finding.evidence]
        lines += [f"   - What to do: {text(finding.advice)}"]
    return [*lines, ""]


def _row(rung: Rung) -> str:
    learning, quality = rung.learning, rung.quality
    cells = (
        rung.label,
        rung.verdict if rung.passed else f"**{rung.verdict}**",
        units.count(learning.lines_per_s if learning else None),
        units.decimal(learning.mb_per_cpu_s if learning else None),
        units.memory(rung.peak_anon_bytes),
        units.decimal(quality.bits_per_byte if quality else None, 3),
        units.share(quality.facts_recalled, quality.facts_asked) if quality else units.NOT_MEASURED,
        units.size(rung.brain.file_bytes if rung.brain else None),
    )
    return "| " + " | ".join(text(cell) if "**" not in cell else cell for cell in cells) + " |"


def text(value: str) -> str:
    """Text that is nothing but text: no markup, no cell border, one line."""
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "\\|")
    return " ".join(escaped.split())


def _block(content: str) -> list[str]:
    """An indented block: nothing in it can end it."""
    return ["    " + line for line in content.splitlines()]
