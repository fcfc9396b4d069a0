"""Reports from strangers: whatever is in the file, `report` shows it or says in one sentence why it does not."""

import copy
import json
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from test_reports import document as document_of_ladder

from harness.cli import main
from harness.exit_codes import ExitCode
from harness.report import gate_views, leak_views
from harness.report.ablation import Ablation
from harness.report.document import parse_document
from harness.report.gate import Gate
from harness.report.leak import LeakReport
from harness.report.profile import Profile

REFERENCE = Path(__file__).parents[3] / "reports" / "reference" / "report.json"
HUGE = 10**400

DOCUMENT = {
    "created": "2030-01-01T00:00:00+00:00",
    "command": ["python", "-m", "harness"],
    "exit_code": 0,
    "tool": {"harness": "1", "python": "3.11", "packages": {"numpy": "2.1"}},
    "machine": {"fingerprint": "f", "cpu_model": "cpu", "cores": 2, "memory_bytes": 2**33, "system": "Linux"},
}
SUBJECT = {"name": "python:mine.learner:Learner", "code_fingerprint": "sha256:a", "commit": "0123456789ab"}
SETTINGS = {
    "corpus": None,
    "seed": 7,
    "size_bytes": 1000,
    "corpus_lines": 100,
    "memory_limit_bytes": 2**30,
    "time_limit_s": 60.0,
}


def gate():
    run = {"cpu_s": 1.0, "wall_s": 1.1, "run_queue_wait_s": 0.1, "peak_anon_bytes": 50_000_000}
    measure = {"ratio": 1.0, "most": 1.05, "outcome": "ok", "because": "so it is"}
    return {
        **DOCUMENT,
        "schema": "harness.gate/1",
        "base_named": "main",
        "base": SUBJECT,
        "candidate": SUBJECT,
        "settings": {
            **SETTINGS,
            "tolerance": {"slowdown": 0.1, "work": 0.01, "memory": 0.1},
            "most_pairs": 61,
        },
        "measures": [
            {"name": "time", "base": 1.0, "candidate": 1.0, "low": 0.9, "high": 1.1, **measure},
            {"name": "memory", "base": 5e7, "candidate": 5e7, **measure},
            {"name": "work", "base": 866.0, "candidate": 866.0, **measure},
        ],
        "pairs": [{"base": run, "candidate": {**run, "cpu_s": 1.0 + number / 100}} for number in range(3)],
    }


def leak():
    trend = {"per_epoch": 5.0, "low": 4.0, "high": 6.0, "per_line": 0.05, "floor_per_epoch": 1.0, "says": "rises"}
    site = {"where": "mine/cache.py:3", "function": "keep", "bytes_per_epoch": 5e3, "blocks_per_epoch": 5.0}
    return {
        **DOCUMENT,
        "schema": "harness.leak/1",
        "exit_code": 8,
        "subject": SUBJECT,
        "settings": {**SETTINGS, "epochs": 8, "warm_up_epochs": 2},
        "verdict": "retention",
        "confidence": "high",
        "because": "something holds them",
        "trends": [
            {"ledger": "blocks", "at_first": 115.0, **trend},
            {"ledger": "objects", "at_first": 65.0, **trend},
            {"ledger": "malloc", "at_first": 10_015.0, **trend},
            {"ledger": "resident", "at_first": 20_015.0, **trend},
        ],
        "readings": [
            {
                "epoch": epoch,
                "blocks": 100 + 5 * epoch,
                "objects": 50 + 5 * epoch,
                "malloc_bytes": 10_000 + 5 * epoch,
                "anon_bytes": 20_000 + 5 * epoch,
                "trimmed_anon_bytes": 20_000,
            }
            for epoch in range(1, 9)
        ],
        "profiles": [
            {
                "profiler": "tracemalloc",
                "epochs": 3,
                "bytes_per_epoch": 5e3,
                "sites": [{**site, "stack": ["a.py:1 in a"]}],
                "kinds": [{"name": "list", "per_epoch": 5.0, "held_by": ["dict", "mine.CACHE"]}],
            }
        ],
    }


def profile():
    seen = {
        "file": "time.speedscope.json",
        "frames": [
            {"function": "learn", "file": "mine/learner.py", "line": 3},
            {"function": "sort", "file": "numpy/core.py", "line": 9},
        ],
        "stacks": [{"frames": [0], "weight": 1.5}, {"frames": [0, 1], "weight": 0.5}],
    }
    return {
        **DOCUMENT,
        "schema": "harness.profile/1",
        "subject": SUBJECT,
        "settings": {**SETTINGS, "native": False},
        "time": {**seen, "rate_hz": 100},
        "memory": {
            **seen,
            "allocations": 9,
            "snapshots": [{"at_s": at / 10, "rss_bytes": 10**7, "heap_bytes": 10**6 * at} for at in range(3)],
        },
        "problems": ["so it is"],
    }


def ablation():
    measures = {
        "bits_per_byte": 2.0,
        "facts_recalled": 9,
        "lines_per_cpu_s": 1e4,
        "peak_anon_bytes": 10**7,
        "brain_bytes": 10**6,
        "capabilities": {"order": 0.9},
    }
    more = {**measures, "bits_per_byte": 0.1, "facts_recalled": -2, "capabilities": {"order": -0.1}}
    ended = {"verdict": "ok", "passed": True, "because": "everything ran", "measures": measures}
    return {
        **DOCUMENT,
        "schema": "harness.ablation/1",
        "subject": SUBJECT,
        "settings": {**SETTINGS, "heldout_bytes": 100, "facts_asked": 9, "repeats": 1},
        "variants": [
            {"name": "full", "without": [], **ended},
            {"name": "chunks", "without": ["chunks"], "difference": more, **ended},
        ],
    }


def ladder():
    document = json.loads(REFERENCE.read_text(encoding="utf-8"))
    for rung in document["rungs"]:
        for attempt in rung["attempts"]:
            attempt["samples"] = attempt["samples"][:2]  # hundreds: else they would be most of its values
    return document


def faults():
    row = {"sweep": "d", "kind": "kill", "by": "SIGKILL", "points": 9, "before": 5, "after": 2, "refused": 0}
    row |= {"corrupt": 1, "littered": 1, "died": 9, "details": ["at 1", "at 2", "at 3", "at 4"], "note": "a note"}
    loss = {"where": "nodes.count", "kind": "rounded", "detail": "1 is 2", "witness": "a", "witness_bytes": 1}
    return document_of_ladder(
        kind="faults",
        rungs=[],
        scaling=None,
        faults={"file_bytes": 9, "rows": [row], "left_out": ["(c): no"]},
        roundtrip={"cases": 3, "offered": {"state": True}, "losses": [loss]},
    )


VALID = {"gate": gate, "leak": leak, "profile": profile, "ablation": ablation, "ladder": ladder, "faults": faults}
VIEWS = {"report.json", "report.html", "summary.md"}


def shown(document, folder):
    """What `report` makes of it; an exception that is no sentence goes through."""
    file = folder / "given.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return CliRunner().invoke(main, ["report", str(file)], catch_exceptions=False)


def refused(result, folder):
    """It is one sentence and exit code 2, and nothing is written."""
    assert result.exit_code == ExitCode.USAGE, result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr[:-1].isprintable()
    assert [path.name for path in folder.iterdir()] == ["given.json"]


def put(document, path, value):
    """Set what a path of keys leads to; `*` is all of a list."""
    first, *rest = path
    for key in range(len(document)) if first == "*" else [first]:
        if rest:
            put(document[key], rest, value)
        else:
            document[key] = value


@pytest.mark.parametrize("kind", VALID)
def test_a_report_that_is_well_is_shown(kind, tmp_path):
    result = shown(VALID[kind](), tmp_path)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert {path.name for path in tmp_path.iterdir()} >= VIEWS


# What no report can say: its model refuses it.
DAMAGED = [
    ("gate", "measures", []),
    ("gate", "measures.0.name", "work"),
    ("gate", "measures.0.outcome", "fine"),
    ("gate", "pairs.0.base.cpu_s", 0),
    ("gate", "pairs.0.candidate.cpu_s", 0),
    ("gate", "pairs.0.candidate.cpu_s", -1.0),
    ("gate", "pairs.*.candidate.cpu_s", -1.0),
    ("gate", "settings.corpus_lines", HUGE),
    ("gate", "settings.size_bytes", HUGE),
    ("gate", "settings.size_bytes", -(10**9)),
    ("gate", "settings.memory_limit_bytes", HUGE),
    ("gate", "machine.memory_bytes", HUGE),
    ("gate", "broken", {"side": "both", "verdict": "segv", "because": "SIGSEGV"}),
    ("leak", "trends.0.ledger", "pages"),
    ("leak", "trends.0.says", "maybe"),
    ("leak", "readings", []),
    ("leak", "readings.*.malloc_bytes", None),
    ("leak", "readings.*.epoch", 3),
    ("leak", "settings.warm_up_epochs", 10**6),
    ("leak", "settings.warm_up_epochs", -1),
    ("leak", "settings.corpus_lines", HUGE),
    ("leak", "settings.size_bytes", HUGE),
    ("leak", "trends.0.floor_per_epoch", 0),
    ("profile", "time.stacks.0.frames", [2]),
    ("profile", "time.stacks.0.frames", [HUGE]),
    ("profile", "memory.stacks.1.frames", [0, -1]),
    ("profile", "time.frames", []),
    ("profile", "time.frames.0.file", "."),
    ("profile", "time.frames.0.file", "./."),
    ("profile", "time.stacks.0.weight", -3.0),
    ("profile", "memory.snapshots.1.heap_bytes", HUGE),
    ("profile", "settings.size_bytes", HUGE),
    ("ablation", "settings.size_bytes", -(10**9)),
    ("ladder", "rungs.0.corpus_lines", HUGE),
    ("ladder", "settings.memory_limit_bytes", HUGE),
]
# What a report can say, and nothing can draw.
UNFIT = [
    ("gate", "pairs.0.candidate.cpu_s", 1e308),
    ("gate", "pairs.0.base.cpu_s", 1e-320),
    ("gate", "measures.0.most", 1e308),
    ("leak", "trends.0.per_epoch", 1e308),
    ("profile", "time.stacks.*.weight", 1e308),
    ("ablation", "variants.1.difference.peak_anon_bytes", HUGE),
]


@pytest.mark.parametrize(
    ("kind", "where", "value", "says"),
    [(*one, "is damaged") for one in DAMAGED] + [(*one, "cannot be shown") for one in UNFIT],
    ids=lambda it: str(it)[:30],
)
def test_a_damaged_report_is_one_sentence(kind, where, value, says, tmp_path):
    document = copy.deepcopy(VALID[kind]())
    put(document, [int(key) if key.isdigit() else key for key in where.split(".")], value)
    result = shown(document, tmp_path)
    refused(result, tmp_path)
    assert f"{tmp_path / 'given.json'} {says}" in result.stderr


def test_the_first_measure_of_pairs_is_their_time(tmp_path):
    document = gate()
    document["measures"].reverse()
    result = shown(document, tmp_path)
    refused(result, tmp_path)
    assert 'the first of the measures is "time"; found' in result.stderr


def test_what_does_not_fit_together_is_said_with_what_to_do(tmp_path):
    document = gate()
    document["pairs"][0]["candidate"]["cpu_s"] = 1e308
    result = shown(document, tmp_path)
    refused(result, tmp_path)
    assert f"{tmp_path / 'given.json'} cannot be shown: " in result.stderr
    assert "take a copy that is not damaged, or measure again" in result.stderr


def test_a_gate_without_pairs_cannot_tell():
    report = parse_document({**gate(), "pairs": [], "measures": []}, "it", Gate)
    assert gate_views.headline(report) == "cannot tell whether it is slower: no pair was run"
    assert gate_views.outcome_of(report) == "cannot_tell"
    assert gate_views.plots(report) == []


@pytest.mark.parametrize("kind", VALID)
def test_halves_of_surrogate_pairs_are_written_out(kind, tmp_path):
    document = VALID[kind]()
    document["tool"] = {**document["tool"], "packages": {"a\ud800": "\x1b[31m\udfff"}}
    assert shown(document, tmp_path).exit_code == ExitCode.OK
    kept = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert kept["tool"]["packages"] == {"a\\ud800": "\\x1b[31m\\udfff"}


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (ExitCode.OK, "good"),
        (ExitCode.LEAK, "bad"),
        (ExitCode.BREAK, "bad"),
        (ExitCode.INCONCLUSIVE, "unsure"),
        (ExitCode.INTERRUPTED, "unsure"),
    ],
)
def test_what_cannot_be_told_is_not_called_bad(code, outcome):
    report = parse_document({**leak(), "exit_code": code}, "it", LeakReport)
    assert leak_views.outcome_of(report) == outcome
    assert f'<h1 class="{outcome}">' in leak_views.render_html(report)


@pytest.mark.parametrize(("kind", "of"), [("gate", Gate), ("leak", LeakReport), ("profile", Profile)])
def test_a_report_comes_back_as_it_was(kind, of):
    report = parse_document(VALID[kind](), "it", of)
    assert parse_document(json.loads(report.to_json()), "it", of, Ablation) == report


def leaves(document, path=()):
    """Where all that is neither a list nor an object stands; an empty one too."""
    inner = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in inner:
        if isinstance(value, dict | list) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


LEAVES = {kind: list(leaves(make())) for kind, make in VALID.items()}
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.sampled_from([HUGE, -HUGE, 2**63 - 1, 2**63, -(2**63), 1e308, -1e308, 5e-324, 1e-6, -0.0, 1e17]),
    st.floats(),
    st.text(st.characters(), max_size=20),
    st.text(st.sampled_from("\x00\x1b\r\n\t\ud800\udfff\uffff./<&|[]:%{}é"), max_size=8),
    st.lists(st.one_of(st.none(), st.integers(), st.floats(), st.text()), max_size=3),
)


@pytest.mark.parametrize("kind", VALID)
@given(data=st.data())
def test_whatever_one_value_is_the_report_is_shown_or_refused(kind, data):
    document = copy.deepcopy(VALID[kind]())
    path = data.draw(st.sampled_from(LEAVES[kind]))
    put(document, path, data.draw(anything))
    with tempfile.TemporaryDirectory() as name:
        result = shown(document, Path(name))
        if result.exit_code == ExitCode.OK:
            assert {made.name for made in Path(name).iterdir()} >= VIEWS
        else:
            refused(result, Path(name))
