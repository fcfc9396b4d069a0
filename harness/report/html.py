"""The page: one file, no script, no network. All of it comes from the report, which is embedded as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from harness import units
from harness.report.document import Document, Subject
from harness.report.fidelity import Faults
from harness.report.models import Report
from harness.report.plots import plots
from harness.report.summary import conditions, fidelity_tables, forecast_lines, headline, passed

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Figure:
    """One number that stands for much, at the top of the page."""

    value: str
    name: str
    detail: str = ""


def render_page(
    template: str,
    report: Document,
    *,
    kind: str,
    named: str,
    headline: str,
    outcome: str,
    conditions: str,
    subjects: Sequence[tuple[str, Subject]],
    **shown: Any,
) -> str:
    """A whole page as text: a template in the layout of all, the style sheet, and the report as JSON inside.

    kind, named : what the page is of;  outcome : "good", "bad", "unsure", or "" where it is neither
    subjects : all that took part, by their parts
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"svg": Markup}
    return environment.get_template(template).render(
        report=report,
        kind=kind,
        named=named,
        headline=headline,
        outcome=outcome,
        conditions=conditions,
        subjects=subjects,
        units=units,
        css=Markup((HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - a file of this package
        json_text=Markup(embeddable(report)),  # noqa: S704 - holds no character that HTML knows
        **shown,
    )


def render_html(report: Report) -> str:
    """The page of a ladder."""
    generated = "generated text" if report.rungs else "generated lines"
    return render_page(
        "page.html",
        report,
        kind=report.kind,
        named=report.subject.name,
        headline=headline(report),
        outcome="good" if passed(report) else "bad",
        conditions=f"{conditions(report)} · {report.settings.corpus or generated}",
        limits=conditions(report),
        subjects=[("subject", report.subject)],
        forecasts=forecast_lines(report),
        figures=figures(report),
        plots=plots(report),
        tables=fidelity_tables(report),
    )


def embeddable(report: Document) -> str:
    """The report as JSON that cannot end the element it stands in."""
    text = json.dumps(json.loads(report.to_json()), ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def figures(report: Report) -> list[Figure]:
    """The numbers at the top: of faults, or of the largest rung that passed, and of the growth over all of them."""
    if report.faults is not None:
        return fault_figures(report.faults)
    good = [rung for rung in (*report.rungs, *report.narrowing) if rung.passed]
    if not good:
        return []
    top = max(good, key=lambda rung: rung.size_bytes)
    found = [Figure(top.label, "largest size passed", f"{top.corpus_lines:,} lines")]
    if top.learning is not None:
        learning = top.learning
        speed = f"{units.decimal(learning.mb_per_cpu_s)} MB/CPU s"
        found.append(
            Figure(speed, f"learning speed at {top.label}", f"{learning.lines_per_s:,.0f} lines/s on the wall")
        )
    found.append(
        Figure(
            units.memory(top.peak_anon_bytes),
            f"peak private memory at {top.label}",
            f"{units.memory(top.peak_rss_bytes)} resident",
        )
    )
    if top.quality is not None and top.quality.bits_per_byte is not None:
        quality = top.quality
        recalled = f"{quality.facts_recalled} of {quality.facts_asked} planted facts recalled"
        found.append(Figure(f"{quality.bits_per_byte:.3f} bits/byte", f"cost of unseen text at {top.label}", recalled))
    if report.scaling is not None and report.scaling.time is not None:
        time = report.scaling.time
        interval = f"95 % interval {time.low:.2f} to {time.high:.2f}"
        found.append(
            Figure(
                f"size^{time.value:.2f}",
                f"growth of CPU time from {units.size(time.from_bytes)} on",
                interval,
            )
        )
    if report.work is not None:
        where = f"of learning at {units.label(report.work.size_bytes)}: the same on every run"
        found.append(Figure(f"{report.work.per_line:,.0f} opcodes", "of Python for each line", where))
    if top.brain is not None:
        found.append(
            Figure(
                units.size(top.brain.file_bytes),
                f"brain at {top.label}",
                f"{units.count(top.brain.nodes)} nodes, {units.count(top.brain.edges)} edges",
            )
        )
    return found


def fault_figures(faults: Faults) -> list[Figure]:
    """Points in all, and those of the sweeps that a person asks about first."""
    total, kills, files = (faults.total("points", sweeps) for sweeps in ("", "d", "f"))
    found = [
        Figure(f"{total:,}", "points swept", f"{faults.total('before'):,} before, {faults.total('after'):,} after"),
        Figure(f"{faults.total('corrupt'):,}", "corrupt", "neither before nor after, or damage not seen"),
    ]
    if kills:
        found.append(Figure(f"{kills:,}", "random kills, resumed", f"{faults.total('corrupt', 'd'):,} corrupt"))
    if files:
        found.append(Figure(f"{files:,}", "damaged files", f"{faults.total('refused', 'f'):,} refused"))
    return found
