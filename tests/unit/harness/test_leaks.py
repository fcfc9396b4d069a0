"""Leak hunts: the decision table, the readings, and how places are named."""

import gc
import json
import sys
import tracemalloc
from pathlib import Path

import pytest

from harness import cli
from harness.commands.leak import exit_code
from harness.diagnosis.leaking import FLAT, NOISY, RISES, WARM_UP, decide, judge_readings, with_profile
from harness.errors import SubjectError
from harness.exit_codes import ExitCode
from harness.heartbeat import Beats, HeartbeatReader, HeartbeatWriter
from harness.leaks import FEWEST_EPOCHS, check_subject
from harness.ledger import Ledgers
from harness.readings import ReadingsWriter, read_readings
from harness.report import leak_views
from harness.report.document import Machine, Subject, Tool
from harness.report.leak import Broke, LeakReport, Profile, Reading, Settings, Site
from harness.stacks import Frame, shown_path
from harness.subject import SubjectName, parse_subject
from harness.tasks.frames import Growth, function_at, of_subject, sites
from harness.tasks.leak_native import profile_native
from harness.tasks.leak_objects import holders

EPOCHS = 12
MEGABYTE = 1_000_000
HELD = []


def readings(blocks=0, malloc=0, resident=0, returned=0.0, epochs=EPOCHS):
    """Each ledger as a number a further epoch, or as all its values; of the resident rise, what a trim gives back."""
    values = {
        name: [rise * number for number in range(epochs)] if isinstance(rise, int) else rise
        for name, rise in {"blocks": blocks, "malloc": malloc, "resident": resident}.items()
    }
    return [
        Reading(
            epoch=number + 1,
            blocks=40_000 + values["blocks"][number],
            objects=12_000,
            malloc_bytes=None if malloc is None else 2 * MEGABYTE + values["malloc"][number],
            anon_bytes=20 * MEGABYTE + values["resident"][number],
            trimmed_anon_bytes=10 * MEGABYTE + round(values["resident"][number] * (1 - returned))
            if number + 1 in (WARM_UP, epochs)
            else None,
        )
        for number in range(epochs)
    ]


STEP = [0] * 5 + [MEGABYTE] * 7
FILLS_UP = [100_000 * min(number, 8) for number in range(EPOCHS)]  # a cache that is full after the ninth epoch
BENDS = [0, 0, 0, 300, 600, 900, 1200, 1500, 9000, 16000, 23000, 30000]  # from below the floor to above it
UP_AND_DOWN = [0, 0, 5, 90, 20, 80, 10, 95, 15, 70, 1, 60]


@pytest.mark.parametrize(
    ("ledgers", "verdict"),
    [
        ({}, "flat"),
        ({"blocks": 3, "malloc": 5000, "resident": 500_000}, "retention"),
        ({"blocks": 3}, "retention"),
        ({"malloc": 5000, "resident": 500_000}, "leak"),
        ({"malloc": 5000}, "leak"),
        ({"resident": 500_000, "returned": 1.0}, "fragmentation"),
        ({"resident": 500_000, "returned": 0.6}, "fragmentation"),
        ({"resident": 500_000, "returned": 0.4}, "resident_growth"),
        ({"resident": 500_000}, "resident_growth"),
        ({"blocks": -3, "malloc": -5000, "resident": -500_000}, "flat"),
        ({"blocks": 1, "malloc": 1000, "resident": 60_000}, "flat"),  # below what single readings differ by
        ({"resident": 90_000}, "flat"),  # of 20 MB that is a heap that settles
        ({"blocks": STEP, "malloc": STEP, "resident": STEP}, "flat"),
        ({"blocks": FILLS_UP, "malloc": FILLS_UP, "resident": FILLS_UP}, "flat"),
        ({"malloc": BENDS}, "flat"),  # the lower end is below the floor: not certain
        ({"blocks": UP_AND_DOWN}, "cannot_tell"),
        ({"blocks": UP_AND_DOWN, "malloc": 5000}, "leak"),
        ({"malloc": [1000 * one for one in UP_AND_DOWN]}, "cannot_tell"),
        ({"malloc": 5000, "epochs": FEWEST_EPOCHS}, "leak"),
        ({"malloc": 5000, "epochs": FEWEST_EPOCHS - 1}, "cannot_tell"),
        ({"epochs": 0}, "cannot_tell"),
    ],
)
def test_the_first_rule_that_matches_is_the_verdict(ledgers, verdict):
    assert judge_readings(readings(**ledgers), lines=100).verdict == verdict


def test_what_warms_up_does_not_count():
    warm = readings(blocks=[0, 50_000, *[50_001] * (EPOCHS - 2)])
    assert [trend.per_epoch for trend in judge_readings(warm, 100).trends] == [0, 0, 0, 0]
    short = readings(blocks=3, epochs=7)
    assert judge_readings(short, 100).trends == []  # of seven readings five count, too few to be sure


def test_a_ledger_is_told_in_its_unit_per_epoch_and_per_line():
    blocks, objects, malloc, resident = judge_readings(readings(3, 5000, 500_000), lines=100).trends
    assert (blocks.per_epoch, blocks.low, blocks.high, blocks.per_line) == (3, 3, 3, 0.03)
    assert (objects.per_epoch, objects.says) == (0, FLAT)
    assert (malloc.per_epoch, malloc.per_line) == (5000, 50)
    assert (resident.per_epoch, resident.at_first) == (500_000, 21 * MEGABYTE)
    assert (malloc.floor_per_epoch, resident.floor_per_epoch) == (1024, 0.005 * 23.25 * MEGABYTE)


def test_where_malloc_cannot_be_read_confidence_is_less():
    assert judge_readings(readings(malloc=None), 100).confidence == "medium"
    assert judge_readings(readings(), 100).confidence == "high"
    grown = judge_readings(readings(malloc=None, resident=500_000), 100)
    assert (grown.verdict, grown.confidence) == ("resident_growth", "low")


def test_resident_memory_that_nobody_asked_back_is_no_fragmentation():
    assert decide({"blocks": FLAT, "malloc": FLAT, "resident": RISES}, None)[0] == "resident_growth"


def test_a_leak_beside_blocks_that_go_up_and_down_is_less_certain():
    assert decide({"blocks": NOISY, "malloc": RISES}, None)[:2] == ("leak", "medium")
    assert decide({"blocks": FLAT, "malloc": RISES}, None)[:2] == ("leak", "high")


@pytest.mark.parametrize(
    ("size", "blocks", "verdict"),
    [(5000, 0, "retention"), (5000, 1, "leak"), (2000, 0, "leak")],
)
def test_one_object_that_grows_is_retention_and_many_forgotten_pieces_are_a_leak(size, blocks, verdict):
    profile = Profile(
        profiler="tracemalloc", epochs=3, sites=[Site(where="a.py:1", bytes_per_epoch=size, blocks_per_epoch=blocks)]
    )
    assert with_profile(judge_readings(readings(malloc=5000), 100), profile).verdict == verdict
    assert with_profile(judge_readings(readings(), 100), profile).verdict == "flat"


@pytest.mark.parametrize(
    ("verdict", "broke", "interrupted", "code"),
    [
        ("flat", None, None, ExitCode.OK),
        ("fragmentation", None, None, ExitCode.OK),
        ("retention", None, None, ExitCode.LEAK),
        ("leak", None, None, ExitCode.LEAK),
        ("resident_growth", None, None, ExitCode.LEAK),
        ("cannot_tell", None, None, ExitCode.INCONCLUSIVE),
        ("leak", Broke(verdict="segv", because=""), None, ExitCode.BREAK),
        ("leak", Broke(verdict="segv", because=""), "SIGINT", ExitCode.INTERRUPTED),
    ],
)
def test_the_exit_code_follows_from_the_verdict(verdict, broke, interrupted, code):
    assert exit_code(verdict, broke, interrupted) == code


def test_readings_come_back_whole_and_what_was_not_read_is_none(tmp_path):
    written = ReadingsWriter(tmp_path / "readings")
    written.write({"blocks": 5, "objects": 4, "malloc_bytes": 2**40, "anon_bytes": 0})
    written.write({"blocks": 6, "objects": 4, "malloc_bytes": None, "anon_bytes": 1, "trimmed_anon_bytes": 1})
    written.close()
    with (tmp_path / "readings").open("ab") as file:
        file.write(b"half of a record")
    first, second = read_readings(tmp_path / "readings")
    assert (first["malloc_bytes"], first["anon_bytes"], first["trimmed_anon_bytes"]) == (2**40, 0, None)
    assert (second["malloc_bytes"], second["trimmed_anon_bytes"]) == (None, 1)
    assert read_readings(tmp_path / "none") == []


def test_reading_again_and_again_adds_no_object(tmp_path):
    ledgers, written = Ledgers(), ReadingsWriter(tmp_path / "readings")
    for _ in range(20):
        written.write(ledgers.read() | {"objects": len(gc.get_objects())})
    ledgers.close()
    written.close()
    blocks = [one["blocks"] for one in read_readings(tmp_path / "readings")]
    assert len(set(blocks[WARM_UP:])) == 1


def test_where_the_subject_is_can_be_read_while_nothing_is_timed(tmp_path):
    reader, beats = HeartbeatReader(tmp_path / "heartbeat"), Beats(HeartbeatWriter(tmp_path / "heartbeat"), "start")
    beats.progress(100, 7, 3)
    beats.enter("save")
    beat = reader.read()
    assert (beat.stage, beat.bytes, beat.lines, beat.nodes) == ("save", 100, 7, -1)
    beats.progress(200, 9, 3, 4)
    beat = reader.read()
    assert (beat.stage, beat.bytes, beat.lines, beat.nodes, beat.edges) == ("save", 200, 9, 3, 4)


def test_a_command_has_no_process_to_watch():
    with pytest.raises(SubjectError, match="ladder"):
        check_subject(SubjectName("command:trainer.toml", command={}))
    check_subject(parse_subject("melvin"))


def test_places_are_named_as_modules_are_imported():
    root = Path(__file__).parents[3]
    assert shown_path(json.__file__) == "json/__init__.py"
    assert shown_path(str(root / "harness" / "cli.py")) in ("harness/cli.py", str(Path("harness", "cli.py")))
    assert shown_path("/far/away/from/here.c") == "from/here.c"
    assert shown_path("<frozen abc>") == "<frozen abc>"


def test_the_function_around_a_line_has_its_classes():
    code = cli.Commands.invoke.__code__
    assert function_at(code.co_filename, code.co_firstlineno + 1) == "Commands.invoke"
    assert function_at("<string>", 1) == ""


CALL = Frame("live_once", "harness/tasks/leak.py", 90)
LEARN = Frame("Learner.learn", "mine/learner.py", 7)
KEEP = Frame("keep", "mine/cache.py", 3)
STDLIB = Frame("decode", "json/decoder.py", 1)


def test_the_innermost_place_of_the_package_is_named_and_its_stacks_add_up():
    grown = [Growth((LEARN, KEEP, STDLIB), 600, 3), Growth((LEARN, KEEP), 300, 3), Growth((STDLIB,), 90, 1)]
    one, other = sites(grown, "mine", 3)
    assert (one["where"], one["function"]) == ("mine/cache.py:3", "keep")
    assert (one["bytes_per_epoch"], one["blocks_per_epoch"]) == (300, 2)
    assert one["stack"] == [str(LEARN), str(KEEP), str(STDLIB)]
    assert other["where"] == "json/decoder.py:1"


def test_what_shrank_or_hardly_grew_is_no_place():
    assert sites([Growth((KEEP,), -50, -1)], "mine", 3) == []
    assert [one["where"] for one in sites([Growth((KEEP,), 1000, 1), Growth((LEARN,), 9, 1)], "mine", 3)] == [
        KEEP.where
    ]
    assert sites([], "mine", 3) == []


def test_what_a_profiler_allocates_itself_is_left_out():
    own = Frame("_kinds", "harness/tasks/leak_objects.py", 50)
    grown = of_subject([Growth((CALL, LEARN), 10, 1), Growth((own, STDLIB), 10, 1), Growth((CALL,), 10, 1)])
    assert [growth.stack for growth in grown] == [(LEARN,)]


def test_without_memray_a_sentence_says_so_and_no_epoch_is_spent(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "memray", None)  # as if it were not installed
    found = profile_native(pytest.fail, 3, "mine", tmp_path, tmp_path / "memray.bin")
    profile = Profile.model_validate({"profiler": "memray", "epochs": 3, **found})
    assert "not profiled: memray cannot be imported" in leak_views.render_markdown(
        report(verdict="leak", profiles=[profile])
    )


class Kept:
    pass


def test_who_holds_the_newest_objects_is_named_outwards_to_a_module():
    HELD.append([Kept()])
    try:
        assert holders(Kept) == ["list", f"{__name__}.HELD"]
    finally:
        HELD.clear()
    assert holders(Kept) == []
    assert not tracemalloc.is_tracing()


def report(**changes):
    judgement = judge_readings(readings(blocks=3, malloc=5000), 100)
    fields = {
        "created": "2030-01-01T00:00:00+00:00",
        "command": ["python", "-m", "harness", "leak"],
        "exit_code": 8,
        "tool": Tool(harness="1", python=sys.version.split()[0], packages={}),
        "machine": Machine(
            fingerprint="f", cpu_model="cpu", cores=2, memory_bytes=2**33, system="Linux", load_1min=0.1
        ),
        "subject": Subject(name="python:<b>:C"),
        "settings": Settings(
            corpus=None,
            seed=7,
            size_bytes=1000,
            corpus_lines=100,
            epochs=12,
            warm_up_epochs=2,
            memory_limit_bytes=2**30,
            time_limit_s=60,
        ),
        "verdict": judgement.verdict,
        "confidence": judgement.confidence,
        "because": judgement.because,
        "trends": judgement.trends,
        "readings": readings(blocks=3, malloc=5000),
    }
    return LeakReport(**{**fields, **changes})


SITE = Site(where="mine/cache.py:3", function="keep", bytes_per_epoch=5000, blocks_per_epoch=3, stack=["a", "<i>b</i>"])


def test_the_report_is_json_of_its_schema_and_comes_back():
    text = report().to_json()
    assert json.loads(text)["schema"] == "harness.leak/1"
    assert len(json.loads(text)["readings"]) == EPOCHS
    assert LeakReport.model_validate_json(text) == report()


def test_every_view_names_the_place_and_holds_no_markup_of_the_subject():
    profile = Profile(profiler="tracemalloc", epochs=3, bytes_per_epoch=5000, sites=[SITE])
    page, summary = (
        render(report(profiles=[profile])) for render in (leak_views.render_html, leak_views.render_markdown)
    )
    assert page.count("<svg") == 3
    assert page.count('class="line dashed"') == 3
    assert "mine/cache.py:3" in page
    assert "<i>b" not in page
    assert "allocated at mine/cache.py:3 in keep" in summary
    assert "<b>" not in summary


def test_a_profiler_that_has_nothing_is_said_in_a_sentence():
    failed = Profile(profiler="tracemalloc", epochs=0, problem="tracemalloc: timeout, not done after 9 s")
    assert "not profiled: tracemalloc: timeout" in leak_views.render_markdown(report(profiles=[failed]))
    blind = Profile(profiler="tracemalloc", epochs=3, bytes_per_epoch=0)
    assert "tracemalloc saw nothing that stays" in leak_views.render_markdown(report(profiles=[blind]))


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({}, "retention: 3 blocks and 5 kB (50 B per line) stay after each epoch"),
        ({"verdict": "flat", "because": "no ledger rises"}, "flat: no ledger rises"),
        ({"interrupted": "SIGINT at epoch 4"}, "stopped: SIGINT at epoch 4"),
        ({"broke": Broke(verdict="segv", because="SIGSEGV")}, "broke in epoch 12: segv, SIGSEGV"),
    ],
)
def test_the_headline_says_first_what_matters_most(changes, begins):
    assert leak_views.headline(report(**changes)).startswith(begins)
