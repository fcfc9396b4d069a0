"""What a gate makes of its numbers: pure, numbers in, outcomes out."""

import itertools
import math
import random

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness import output
from harness.commands.gate import exit_code
from harness.commands.options import Share
from harness.gate import LEAST_CPU_S, LEAST_MEMORY, memory_of, time_of, waiting_share, work_measure
from harness.pairs import compared, median_interval
from harness.report import gate_views
from harness.report.document import Machine, Subject, Tool
from harness.report.gate import Broken, Gate, Pair, Run, Settings, Tolerance
from harness.report.models import Work

MIB = 1 << 20


def run(cpu_s=1.0, wait_s=None, memory=50 * MIB):
    return Run(cpu_s=cpu_s, wall_s=2.0, run_queue_wait_s=wait_s, peak_anon_bytes=memory)


def pairs(*ratios, base=1.0):
    return [Pair(base=run(base), candidate=run(base * ratio)) for ratio in ratios]


def report(**changed):
    given = {
        "created": "2030-01-01T00:00:00+00:00",
        "command": ["python", "-m", "harness", "gate"],
        "exit_code": 0,
        "tool": Tool(harness="0", python="3", packages={}),
        "machine": Machine(
            fingerprint="f", cpu_model="a <processor>", cores=2, memory_bytes=1 << 30, system="s", load_1min=0.0
        ),
        "base_named": "main (0123456789ab)",
        "base": Subject(name="melvin", code_fingerprint="sha256:a"),
        "candidate": Subject(name="melvin", code_fingerprint="sha256:b"),
        "settings": Settings(
            corpus=None,
            seed=1,
            size_bytes=1_000_000,
            corpus_lines=6000,
            memory_limit_bytes=1 << 30,
            time_limit_s=60.0,
            tolerance=Tolerance(slowdown=0.1, work=0.01, memory=0.1),
            most_pairs=61,
        ),
        "pairs": [],
        "measures": [],
        **changed,
    }
    if given["pairs"] and not given["measures"]:
        given["measures"] = [time_of(given["pairs"], 0.10, 61)]
    return Gate(**given)


@pytest.mark.parametrize(
    ("ratios", "outcome"),
    [
        ([1.10] * 8, "regression"),
        ([1.00] * 8, "ok"),
        ([0.50] * 8, "ok"),
        ([1.04] * 8, "ok"),  # below half of the slowdown that must be caught
        ([1.10] * 7, "cannot_tell"),  # a coin falls so once in 128 times
        ([1.10, 1.00] * 10, "cannot_tell"),
        ([1.00] * 5, "cannot_tell"),
        ([1.00] * 6, "ok"),  # a coin falls so once in 64 times: enough to clear it
        ([1.00] * 31 + [1.20] * 30, "ok"),  # all pairs are run, and nothing speaks against it
        ([1.00] * 30 + [1.20] * 31, "cannot_tell"),
    ],
)
def test_time_is_judged_where_chance_would_not_give_such_pairs(ratios, outcome):
    assert time_of(pairs(*ratios), 0.10, 61).outcome == outcome


@pytest.mark.parametrize("seed", range(30))
def test_on_a_machine_that_adds_what_it_likes_a_slowdown_never_passes(seed):
    chance = random.Random(seed)

    def one(speed):
        return run(speed * (1 + chance.expovariate(4)))  # a quarter more on average, at times twice as much

    seen = []
    while not seen or (time_of(seen, 0.10, 61).outcome == "cannot_tell" and len(seen) < 61):
        seen.append(Pair(base=one(1.0), candidate=one(1.10)))
    assert time_of(seen, 0.10, 61).outcome != "ok"


def test_the_fastest_runs_must_say_the_same_as_the_pairs():
    disturbed = [Pair(base=run(1.0), candidate=run(1.3)) for _ in range(12)]
    assert time_of(disturbed, 0.10, 61).outcome == "regression"
    disturbed[3] = Pair(base=run(1.0), candidate=run(1.0))
    assert time_of(disturbed, 0.10, 61).outcome == "cannot_tell"


def test_the_border_is_half_of_the_slowdown_to_catch():
    assert time_of(pairs(*[1.10] * 8), 0.30, 61).outcome == "ok"
    assert time_of(pairs(*[1.10] * 8), 0.30, 61).most == pytest.approx(1.15)


def test_what_is_over_at_once_is_no_measure_of_speed():
    found = time_of(pairs(*[3.0] * 8, base=LEAST_CPU_S / 4), 0.10, 61)
    assert found.outcome == "cannot_tell"
    assert "--size" in found.because


def test_where_it_cannot_tell_it_says_how_busy_the_machine_was():
    busy = [Pair(base=run(1.0, 1.1), candidate=run(ratio, 1.1)) for ratio in [1.10, 1.00] * 4]
    assert waiting_share(busy) == pytest.approx(0.55)
    assert "55% of the wall time was waiting for a processor" in time_of(busy, 0.10, 61).because
    assert waiting_share(pairs(1.0)) is None


@pytest.mark.parametrize(
    ("base", "candidate", "outcome"),
    [(100, 112, "regression"), (100, 108, "ok"), (100, 60, "ok")],
)
def test_memory_is_judged_by_its_share_where_it_is_more_than_nothing(base, candidate, outcome):
    seen = [Pair(base=run(memory=base * MIB), candidate=run(memory=candidate * MIB))] * 3
    assert memory_of(seen, 0.10).outcome == outcome
    small = [Pair(base=run(memory=LEAST_MEMORY), candidate=run(memory=2 * LEAST_MEMORY))]
    assert memory_of(small, 0.10).outcome == "ok"


def test_the_middle_of_the_runs_is_the_memory():
    seen = [Pair(base=run(memory=50 * MIB), candidate=run(memory=size * MIB)) for size in (50, 50, 500)]
    assert memory_of(seen, 0.10).ratio == 1.0


@pytest.mark.parametrize(("opcodes", "outcome"), [(1009, "ok"), (1011, "regression"), (500, "ok")])
def test_work_is_counted_so_a_little_more_is_more(opcodes, outcome):
    base, candidate = (Work(size_bytes=10, lines=10, opcodes=10 * count) for count in (1000, opcodes))
    found = work_measure(base, candidate, 0.01)
    assert (found.outcome, found.base, found.candidate) == (outcome, 1000, opcodes)


@given(st.integers(1, 12))
def test_the_interval_of_a_median_is_the_narrowest_that_holds_it_so_often(count):
    values = list(range(count))
    low, high = median_interval(values)

    def missed(nth):
        """How often the true median lies beyond the nth value from an end, of all ways that values fall around it."""
        ways = itertools.product((False, True), repeat=count)
        return sum(not nth <= sum(below) <= count - nth for below in ways) / 2**count

    held = [nth for nth in range(1, count // 2 + 1) if missed(nth) <= 0.05]
    assert (low, high) == ((values[max(held) - 1], values[-max(held)]) if held else (None, None))


def test_intervals_and_votes_are_of_the_ratios_whatever_their_order():
    seen = compared([(2.0, 2.0 * ratio) for ratio in (1.3, 1.1, 1.2, 1.0, 1.4, 1.5)])
    assert (seen.median, seen.low, seen.high, seen.above) == pytest.approx((1.25, 1.0, 1.5, 5))


@pytest.mark.parametrize(
    ("changed", "code", "says"),
    [
        ({"pairs": pairs(*[1.0] * 8)}, 0, "no slower: +0.0% CPU time of learning"),
        ({"pairs": pairs(*[1.2] * 8)}, 3, "regression: +20.0% CPU time of learning"),
        ({"pairs": pairs(*[1.1, 1.0] * 8)}, 6, "cannot tell whether it is slower"),
        ({"broken": Broken(side="base", verdict="segv", because="SIGSEGV")}, 7, "the base broke: segv, SIGSEGV"),
        ({"broken": Broken(side="candidate", verdict="segv", because="SIGSEGV")}, 4, "the candidate broke"),
        ({"interrupted": "SIGINT at base", "pairs": pairs(1.0)}, 130, "stopped: SIGINT at base"),
    ],
)
def test_every_end_has_its_exit_code_and_its_sentence(changed, code, says):
    made = report(**changed)
    assert exit_code(made) == code
    assert says in gate_views.headline(made)
    console = Console(record=True, width=160)
    gate_views.show(made, console)
    assert says in console.export_text()
    assert says in gate_views.render_markdown(made)
    page = gate_views.render_html(made)
    assert "a &lt;processor&gt;" in page
    assert page.count("<svg") == (2 if made.pairs else 0)


def test_a_regression_outweighs_what_cannot_be_told():
    more_work = work_measure(*(Work(size_bytes=1, lines=1, opcodes=count) for count in (100, 200)), 0.01)
    made = report(measures=[time_of(pairs(1.0), 0.10, 61), more_work], pairs=pairs(1.0))
    assert exit_code(made) == 3
    assert "+100.0% opcodes a line" in gate_views.headline(made)


def test_a_base_that_broke_outweighs_what_was_measured_until_then():
    more = work_measure(*(Work(size_bytes=1, lines=1, opcodes=count) for count in (100, 200)), 0.01)
    made = report(broken=Broken(side="base", verdict="segv", because="SIGSEGV"), measures=[more])
    assert exit_code(made) == 7
    assert gate_views.headline(made).startswith("the base broke")


def test_two_runs_of_one_second_have_a_folder_each(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(output, "timestamp", lambda: "20300101T000000Z")
    made = [output.make_folder("gate", None) for _ in range(3)]
    assert [folder.name for folder in made] == [f"gate-20300101T000000Z{number}" for number in ("", "-2", "-3")]
    assert output.make_folder("gate", made[0]) == made[0]


def test_the_same_code_on_both_sides_is_said():
    same = Subject(name="melvin", code_fingerprint="sha256:a")
    assert report(base=same, candidate=same).same_code
    assert not report().same_code
    assert not report(base=Subject(name="command:a"), candidate=Subject(name="command:a")).same_code


@pytest.mark.parametrize(("text", "share"), [("10%", 0.1), ("0.5%", 0.005), ("1000%", 10.0)])
def test_shares_are_percents(text, share):
    assert math.isclose(Share().convert(text, None, None), share)


@pytest.mark.parametrize("text", ["10", "0%", "-5%", "nan%", "inf%", "1001%", "%", "ten%"])
def test_anything_else_is_no_share(text):
    with pytest.raises(click.BadParameter, match="is no share: write percents above 0"):
        Share().convert(text, None, None)
