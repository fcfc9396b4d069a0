"""Reports: JSON there and back, and every view of one that holds the worst that a subject can say."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from rich.console import Console

from harness.errors import ReportError
from harness.report import terminal
from harness.report.html import render_html
from harness.report.junit import render_junit
from harness.report.markdown import render_markdown
from harness.report.models import SCHEMA, Report, parse_report, read_report
from harness.report.summary import headline

NASTY = "</script><script>alert(1)</script> | `x` & \x00\x1b[31m \ud800 <img src=http://example.com/a.png>"
VOID = {"meta", "link", "img", "br", "hr", "input"}


def stage(name, wall_s):
    return {"name": name, "entered": 1, "wall_s": wall_s, "cpu_s": wall_s, "peak_rss_bytes": 10**7}


def attempt(verdict, **changes):
    stream = {"bytes": 3, "lines": 1, "tail": ""}
    return {
        "limiter": "watchdog",
        "verdict": verdict,
        "because": "so it is",
        "wall_s": 1.0,
        "cpu_s": 1.0,
        "involuntary_switches": 0,
        "peak_rss_bytes": 10**8,
        "peak_anon_bytes": 10**8,
        "exit": {"code": 0, "result_complete": True},
        "last_stage": "count",
        "last_bytes": 1,
        "last_lines": 1,
        "stdout": stream,
        "stderr": stream,
        "samples": [
            {"at_s": t, "stage": "count", "bytes": 1, "lines": 1, "rss_bytes": 10**7, "anon_bytes": 10**6}
            for t in (0, 1)
        ],
        **changes,
    }


def rung(size, verdict="ok", **changes):
    seconds = size / 3e6
    return {
        "size_bytes": size,
        "label": f"{size}B",
        "corpus_bytes": size,
        "corpus_lines": size // 60,
        "verdict": verdict,
        "passed": verdict == "ok",
        "because": "everything ran",
        "peak_rss_bytes": 10**7 + size,
        "peak_anon_bytes": 10**6 + size,
        "stages": [stage("start", 0.1), stage("count", seconds), stage("save", 0.01)],
        "learning": {
            "wall_s": seconds,
            "cpu_s": seconds,
            "lines_per_s": 5e4,
            "mb_per_s": 3.0,
            "mb_per_cpu_s": 3.0,
        },
        "quality": {
            "bits_per_byte": 2.5,
            "heldout_bytes": 10**5,
            "facts_planted": 9,
            "facts_asked": 9,
            "facts_recalled": 8,
        },
        "latency": {"queries": 9, "median_s": 0.001, "p99_s": 0.004},
        "brain": {"file_bytes": size // 2, "nodes": 10, "edges": 20, "stats": {"nodes": 10, "edges": 20}},
        "checks": [{"name": "it learnt something", "holds": True, "verdict": "wrong_result"}],
        "attempts": [attempt(verdict)],
        **changes,
    }


def document(**changes):
    slope = {"from_bytes": 10**6, "to_bytes": 10**7, "value": 1.02, "low": 0.9, "high": 1.14}
    return {
        "schema": SCHEMA,
        "kind": "ladder",
        "created": "2030-01-01T00:00:00+00:00",
        "command": ["python", "-m", "harness", "ladder"],
        "exit_code": 0,
        "tool": {"harness": "0.1.0", "python": "3.11.7", "packages": {"numpy": "2.1"}},
        "machine": {
            "fingerprint": "abc",
            "cpu_model": "a cpu",
            "cores": 2,
            "memory_bytes": 2**33,
            "system": "Linux",
        },
        "subject": {"name": "melvin", "commit": "0123456789abcdef", "dirty": True},
        "settings": {
            "corpus": None,
            "seed": 7,
            "sizes_bytes": [10**6, 10**7],
            "memory_limit_bytes": 2**32,
            "time_limit_s": 600.0,
            "limiter": "watchdog",
            "bisect_runs": 6,
        },
        "rungs": [rung(10**6), rung(10**7)],
        "scaling": {
            "scaling_from_bytes": 10**6,
            "time": slope,
            "time_steps": [slope],
            "memory_steps": [slope],
        },
        **changes,
    }


def broken():
    nasty = attempt(
        "segv",
        because=NASTY,
        fault=NASTY,
        stderr={"bytes": 9, "lines": 1, "tail": NASTY},
        exit={"code": -11, "signal": "SIGSEGV", "result_complete": False},
        black_box="black-box/1",
    )
    bad = rung(
        10**8,
        "segv",
        because=NASTY,
        learning=None,
        quality=None,
        latency=None,
        brain=None,
        stages=[],
        attempts=[nasty] * 2,
    )
    found = {
        "last_passed_bytes": 10**7,
        "first_broken_bytes": 2 * 10**7,
        "verdict": "segv",
        "because": NASTY,
        "confirmed_by": ["watchdog"],
    }
    subject = {"name": NASTY}
    return document(
        rungs=[rung(10**6), rung(10**7), bad],
        narrowing=[bad],
        subject=subject,
        notes=[NASTY],
        **{"break": found},
    )


def report(of=None):
    return parse_report(of or document(), "test")


class Page(HTMLParser):
    """Collects tags and attributes, and checks that every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.references, self.open, self.data = [], [], [], {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.references += [v for k, v in attributes if k in ("src", "href", "srcset", "action", "data", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open:
            self.data.setdefault(self.open[-1], []).append(text)


def test_a_report_survives_json():
    before = report()
    again = parse_report(json.loads(before.to_json()), "again")
    assert again == before
    assert json.loads(before.to_json())["schema"] == SCHEMA


def test_what_was_not_measured_is_null_and_stays_null():
    text = report(document(rungs=[rung(10**6, quality=None)])).to_json()
    assert json.loads(text)["rungs"][0]["quality"] is None


def test_unknown_fields_of_a_later_version_are_ignored():
    assert report(document(horoscope=[{"new": "thing"}])) == report()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1, 2]", "not a report"),
        ('{"schema": "other/1"}', "not a report"),
        ('{"schema": "harness.report/2"}', "reads harness.report/1"),
        ('{"schema": "harness.report/1"}', "damaged at created"),
    ],
)
def test_a_file_that_is_no_report_of_this_version_is_refused_with_a_sentence(tmp_path, text, message):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(ReportError, match=message):
        read_report(path)


def test_a_report_that_is_not_there_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(ReportError, match="No such file"):
        read_report(tmp_path / "none.json")


@pytest.mark.parametrize("make", [document, broken])
def test_the_page_needs_no_network_and_no_script(make):
    page = Page(render_html(report(make())))
    assert page.references == []
    assert page.tags.count("script") == 1  # the embedded JSON
    assert "@import" not in "".join(page.data["style"])
    assert "url(" not in "".join(page.data["style"])


def test_the_page_draws_every_plot_with_a_table_under_it():
    page = Page(render_html(report()))
    titles = [title for title in page.data["h3"] if title.strip()]
    assert titles[:7] == [
        "Speed of learning",
        "Peak memory",
        "Growth per decade",
        "Where the time goes",
        "Cost of unseen text",
        "Facts recalled",
        "Time to answer",
    ]
    assert page.tags.count("figure") == page.tags.count("svg") == 8
    assert page.tags.count("table") == 1 + 8


@pytest.mark.parametrize("make", [document, broken])
def test_the_json_inside_the_page_is_the_report(make):
    before = report(make())
    text = render_html(before)
    embedded = re.search(r'<script type="application/json" id="report">(.*)</script>', text, re.DOTALL)[1]
    assert "<" not in embedded
    assert parse_report(json.loads(embedded), "embedded") == before


@pytest.mark.parametrize("make", [render_html, render_junit, render_markdown, Report.to_json])
def test_no_view_holds_a_command_to_a_terminal_or_what_cannot_be_written(make):
    text = make(report(broken()))
    assert not set("\x00\x1b") & set(text)
    assert text.encode("utf-8")


def test_what_a_subject_says_is_text_on_the_page_never_markup():
    text = render_html(report(broken()))
    assert "<script>alert" not in text
    assert "<img" not in text


def test_coordinates_on_the_page_are_numbers():
    text = render_html(report(broken()))
    assert "nan" not in re.sub(r">[^<]*<", "><", text).lower()
    assert not re.search(r'(?:x|y|cx|cy|x1|x2|y1|y2|width|height)="-?inf', text)


def test_junit_counts_what_broke_and_is_xml_whatever_a_subject_says():
    root = ElementTree.fromstring(render_junit(report(broken())))
    suite = root.find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    (failure,) = suite.iter("failure")
    assert failure.get("type") == "segv"
    assert next(case.get("name") for case in suite.iter("testcase")) == "rung.1000000B"


def test_markdown_is_one_table_and_no_markup_of_others():
    text = render_markdown(report(broken()))
    assert len(re.findall(r"^\|---", text, flags=re.MULTILINE)) == 1
    assert "<script>" not in re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    assert "**segv**" in text


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("make", [document, broken])
def test_the_terminal_view_fits_any_width(make, width):
    console = Console(width=width, record=True, quiet=True)
    terminal.show(report(make()), console)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "not broken up to 10MB"),
        ({"rungs": []}, "nothing was tried"),
        (
            {"rungs": [], "interrupted": "SIGINT at 1MB"},
            "stopped before the first rung was done: SIGINT at 1MB",
        ),
    ],
)
def test_the_headline_says_how_far_it_came(changes, words):
    assert words in headline(report(document(**changes)))


def test_the_headline_of_a_break_names_both_bounds():
    assert "breaks between 10MB and 20MB: segv" in headline(report(broken()))


def test_a_report_of_nothing_still_has_a_page():
    assert "nothing was tried" in render_html(report(document(rungs=[], scaling=None)))


def test_report_is_immutable():
    with pytest.raises(ValueError, match="frozen"):
        report().kind = "other"


def test_the_schema_of_a_new_report_is_this_version():
    assert Report.model_fields["schema_"].default == SCHEMA


def test_faults_without_a_point_prove_nothing():
    report = parse_report(document(rungs=[], faults={"file_bytes": 9, "rows": [], "left_out": ["(c): no"]}), "a test")
    assert headline(report).startswith("nothing was tested")
    assert "❌" in render_markdown(report)


def test_a_round_trip_that_could_look_at_nothing_has_no_empty_remark():
    report = parse_report(document(rungs=[], roundtrip={"cases": 3, "offered": {"state": False}}), "a test")
    assert "looked at:" not in render_markdown(report)
