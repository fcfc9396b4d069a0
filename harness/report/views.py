"""Every kind of report, and its views: files beside the JSON, and what a terminal shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rich.console import Console

from harness.report import ablation_views, gate_views, html, leak_views, markdown, profile_views, terminal
from harness.report.ablation import Ablation
from harness.report.document import Document
from harness.report.gate import Gate
from harness.report.junit import render_junit
from harness.report.leak import LeakReport
from harness.report.models import Report
from harness.report.profile import Profile

Kind = TypeVar("Kind", bound=Document)


@dataclass(frozen=True)
class Views(Generic[Kind]):
    """page : HTML, one file;  summary : Markdown, for a CI job;  show : prints it"""

    page: Callable[[Kind], str]
    summary: Callable[[Kind], str]
    show: Callable[[Kind, Console], None]


OF: dict[type[Document], Views[Any]] = {
    Report: Views(html.render_html, markdown.render_markdown, terminal.show),
    Ablation: Views(ablation_views.render_html, ablation_views.render_markdown, ablation_views.show),
    Gate: Views(gate_views.render_html, gate_views.render_markdown, gate_views.show),
    LeakReport: Views(leak_views.render_html, leak_views.render_markdown, leak_views.show),
    Profile: Views(profile_views.render_html, profile_views.render_markdown, profile_views.show),
}
KINDS = tuple(OF)


def files_of(report: Document) -> dict[str, str]:
    """The text of every file, by name, the JSON first: it is the truth, the rest can be made again from it."""
    views = OF[type(report)]
    files = {
        "report.json": report.to_json() + "\n",
        "report.html": views.page(report),
        "summary.md": views.summary(report),
    }
    return files | ({"junit.xml": render_junit(report)} if isinstance(report, Report) else {})
