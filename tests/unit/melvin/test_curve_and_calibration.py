"""What lines cost before they were learnt is kept; confidence is how often the likeliest byte is right."""

import json
import random
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from melvin import Brain, calibration, generation, learner
from melvin.calibration import BINS, Calibration, sample_places
from melvin.cli import main
from melvin.codes import CODES, END_CODE
from melvin.curve import MILLI, Curve, code_length
from melvin.generation import FIT_EVERY, FIT_EVERY_LARGE, LARGE, Gathering, Snapshot
from melvin.lines import lines_block

PROSE = (Path(__file__).parents[3] / "fixtures" / "prose.txt").read_bytes().splitlines()


@pytest.fixture
def often(monkeypatch):
    """Small generations are tried too."""
    monkeypatch.setattr(calibration, "PLACE_EVERY", 16)


def tried(probability, right, port=0):
    """A calibration of places whose top byte had a probability; of so many it came."""
    spread = np.full((len(right), CODES), (1 - probability) / (CODES - 1))
    spread[:, 4] = probability
    return Calibration.of(port, spread, np.where(right, 5, 6))


def test_the_curve_is_what_the_lines_held_back_cost_a_brain_that_had_not_learnt_them(monkeypatch):
    held = []
    monkeypatch.setattr("melvin.generation.code_length", lambda p: held.append(p) or code_length(p))
    brain = Brain()
    brain.learn(PROSE)
    points = brain.learning_curve()
    assert len(points) == len(held) >= 3
    for point, predicted in zip(points, held, strict=True):
        assert point.predicted == predicted.size
        assert point.bits_per_byte == pytest.approx(-np.log2(predicted).sum() / predicted.size, abs=1 / MILLI)
    assert [point.bytes for point in points] == sorted({point.bytes for point in points})
    assert points[-1].bits_per_byte < points[0].bits_per_byte


def test_the_curve_ends_where_a_brain_without_these_lines_scores_them(monkeypatch):
    kept = []
    settle = learner.settle

    def watched(known, gathering, fed):
        kept.append((known, gathering.lexicon, [line for _, line in sorted(gathering.sample)]))
        return settle(known, gathering, fed)

    monkeypatch.setattr(learner, "settle", watched)
    brain = Brain()
    brain.learn(PROSE)
    known, lexicon, lines = kept[-1]
    asked = Brain()
    asked._learner.snapshot, asked._learner.gathering = known, Gathering(lexicon=lexicon)
    last = brain.learning_curve()[-1]
    assert last.bits_per_byte == pytest.approx(asked.score(lines), abs=1 / MILLI)


def test_line_ends_are_predicted_however_long_lines_are(monkeypatch):
    monkeypatch.setattr(generation, "FIT_ALL", 0)
    draw = random.Random(5)
    brain = Brain()
    brain.learn([draw.choice("ab") for _ in range(4000)])  # every second byte ends a line, and is sure to
    assert brain.learning_curve()[-1].bits_per_byte == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("fresh", "every"), [(LARGE - 1, FIT_EVERY), (LARGE, FIT_EVERY_LARGE)])
def test_weights_are_fitted_to_one_byte_in_so_many_at_no_fixed_distance(fresh, every):
    places = generation.fitted_places(24_000, fresh)
    assert places.size == pytest.approx(24_000 / every, rel=0.05)
    assert generation.fitted_places(9_000, fresh).size == 9_000
    for period in range(2, 12):
        share = np.bincount(places % period, minlength=period) / places.size
        assert share == pytest.approx(1 / period, abs=0.02)


def test_curves_add_up_by_bytes_fed():
    a, b = Curve.at(32, 10, 20_000).fold(Curve.at(64, 5, 5_000)), Curve.at(64, 15, 45_000).fold(Curve.at(128, 1, 9))
    both = a.fold(b)
    assert [(p.bytes, p.bits_per_byte, p.predicted) for p in both.points] == [
        (32, 2.0, 10),
        (64, 2.5, 20),
        (128, 0.009, 1),
    ]
    assert both.points == b.fold(a).points
    assert Curve.at(32, 0, 0).points == []


def test_places_are_chosen_by_what_their_line_says_and_not_by_where_it_stands():
    lines = [b"the cat sat on the mat", b"a heron stands in the shallows", b"nobody came", b"it rained all day"]
    chosen = []
    for order in (lines, lines[::-1]):
        texts, came = sample_places(lines_block(order), 20)
        chosen.append(sorted(zip(texts, came.tolist(), strict=True)))
        assert all(
            any(line.startswith(text) and (*line, END_CODE - 1)[len(text)] + 1 == code for line in lines)
            for text, code in chosen[-1]
        )
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 20


def test_a_brain_that_is_too_sure_becomes_less_confident_and_one_that_is_right_stays():
    sure = tried(0.9, [True] * 60 + [False] * 60)
    told = sure.confidence(0, np.array([0.9, 0.3]))
    assert 0.5 <= told[0] < 0.6
    assert told[1] == 0.3  # of which nothing was seen
    fair = tried(0.9, [True] * 90 + [False] * 10)
    assert fair.confidence(0, np.array([0.9])) == 0.9


def test_a_few_misses_change_little_and_no_evidence_changes_nothing():
    few = tried(0.9, [True, False, True])
    assert few.confidence(0, np.array([0.9])) > 0.7
    assert Calibration.empty().confidence(0, np.array([0.9])) == 0.9
    assert few.confidence(1, np.array([0.9])) == 0.9  # another port's


def test_calibrations_add_up_whatever_ports_they_know():
    a, b = tried(0.9, [True, False]), tried(0.4, [True], port=2)
    both = a.fold(b)
    assert both.tried.shape == (3, BINS)
    assert both.tried.sum() == 3
    assert both.tried[0].sum() == 2
    assert all(np.array_equal(x, y) for x, y in zip(vars(both).values(), vars(b.fold(a)).values(), strict=True))


def test_the_usual_entropy_is_that_of_the_places_tried():
    even = np.full((40, CODES), 1 / CODES)
    told = Calibration.of(0, even, np.ones(40, np.int64)).fold(tried(1.0, [True] * 40))
    mean, deviation = told.usual_entropy(0)
    assert mean == pytest.approx(np.log2(CODES) / 2, abs=1e-3)
    assert deviation == pytest.approx(np.log2(CODES) / 2, abs=1e-3)
    assert tried(0.9, [True]).usual_entropy(0) is None


def test_curve_and_calibration_are_kept_and_shown(often, tmp_path):
    brain = Brain()
    brain.learn(PROSE)
    assert brain.snapshot.calibration.tried.sum() > 50
    path = tmp_path / "brain.m"
    brain.save(path)
    opened = Brain.open(path)
    assert opened.learning_curve() == brain.learning_curve()
    for name, table in vars(brain.snapshot.calibration).items():
        assert np.array_equal(getattr(opened.snapshot.calibration, name), table)
    shown = json.loads(CliRunner().invoke(main, ["inspect", str(path), "--json"]).stdout)
    assert [row["bytes"] for row in shown["learning_curve"]] == [point.bytes for point in brain.learning_curve()]
    text = CliRunner().invoke(main, ["inspect", str(path)]).stdout
    assert text.count("bits/byte") == len(brain.learning_curve())


def test_an_answer_is_as_confident_as_its_bytes(often):
    brain = Brain()
    brain.learn(PROSE)
    known = brain.snapshot.calibration
    answer = brain.query("the ")
    each = brain._reader._bytewise(b"the ", answer.payload, 0, answer.ends)
    assert answer.confidence == pytest.approx(min(1.0, known.confidence(0, each).prod()))
    spread = brain.distribution("the ")
    assert spread.confidence == known.confidence(0, spread.probability.max(keepdims=True))[0]


def test_what_stands_out_against_the_brains_own_history_is_not_an_answer():
    brain = Brain()
    brain.learn(PROSE)
    assert brain.query("qzxj#").abstained
    known = brain._reader.snapshot
    open_ = brain.query("qzxj#").entropy

    def with_history(entropy):
        tables = vars(tried(0.9, [True] * 40)) | {
            "entropy": np.array([40 * round(MILLI * entropy)]),
            "squared": np.array([40 * round(MILLI * entropy) ** 2]),
        }
        brain._reader.snapshot = replace(known, calibration=Calibration(**tables))
        return brain.query("qzxj#").abstained

    assert with_history(open_ - 0.1)
    assert not with_history(open_ + 0.1)  # as open as ever


def test_progress_tells_the_last_bits_per_byte():
    seen = []
    brain = Brain()
    brain.learn_stream(BytesIO(b"\n".join(PROSE)), on_progress=seen.append)
    assert seen[-1].bits_per_byte == brain.learning_curve()[-1].bits_per_byte
    assert Snapshot.empty().curve.points == []
