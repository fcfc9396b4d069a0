"""How often the likeliest byte is right, beside how often the brain says so, on lines that it never learnt."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from melvin import Brain
from scaling_suite.capabilities.calibration import (
    BINS,
    as_svg,
    draw_places,
    held_out,
    measure,
    reliability,
    training,
)
from scaling_suite.cli import main

PROSE = Path(__file__).parents[3] / "fixtures" / "prose.txt"


def test_the_error_of_one_who_is_right_as_often_as_said_is_nothing_and_of_the_sure_and_wrong_everything() -> None:
    assert reliability([(0.75, right) for right in (True, True, True, False)]).error == 0
    assert reliability([(1.0, False)] * 3).error == 1
    mixed = reliability([(0.75, True), (0.75, False), (1.0, True), (1.0, True)])
    assert mixed.error == pytest.approx(0.125)
    assert (mixed.places, mixed.accuracy, len(mixed.bins)) == (4, 0.75, BINS)
    assert mixed.bins[-1].places == 2
    assert reliability([]).error == 0


def test_a_line_that_is_asked_about_is_never_learnt() -> None:
    left_out = held_out(PROSE, 7)
    learnt = [*training(PROSE, left_out, 10**6)]
    assert left_out.lines
    assert learnt
    assert not {*left_out.lines} & {*learnt}
    assert sum(len(line) + 1 for line in training(PROSE, left_out, 1000)) < 1000 + max(map(len, learnt)) + 1


def test_every_place_is_asked_for_once_and_line_ends_are_places_too() -> None:
    lines = (b"one", b"", b"three")
    asked = draw_places(lines, 100, 7)
    assert sorted(asked) == sorted((line[:n], line[n:]) for line in lines for n in range(len(line) + 1))
    assert draw_places(lines, 5, 7) == draw_places(lines, 5, 7)
    assert len(draw_places(lines, 5, 7)) == 5


def test_what_a_brain_says_of_lines_that_it_never_learnt_is_near_what_comes() -> None:
    result = measure(Brain(), PROSE, places=300, answers=10)
    assert (result.byte_raw.places, result.answer_raw.places) == (300, 10)
    assert result.byte_raw.accuracy > 0.25
    assert result.byte_raw.error < 0.2
    assert measure(Brain(), PROSE, places=300, answers=10) == result


def test_one_who_is_always_sure_is_found_out() -> None:
    class Sure(Brain):
        def distribution(self, text, *, port="text"):  # type: ignore[no-untyped-def]
            spread = super().distribution(text, port=port)
            probability = spread.probability * 0
            probability[spread.probability.argmax()] = 1
            return type(spread)(probability, 1.0)

    assert measure(Sure(), PROSE, places=300, answers=0).byte_calibrated.error > 0.4


def test_the_command_prints_one_json_document_and_draws_a_plot(tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    asked = ["capability", "calibration", "--corpus", str(PROSE), "--places", "60", "--answers", "4", "-o", str(plot)]
    run = CliRunner().invoke(main, [*asked, "--json"])
    assert run.exit_code == 0, run.output
    document = json.loads(run.stdout)
    assert document["schema"] == "scaling_suite.capability.calibration/1"
    assert document["byte_raw"]["places"] == 60
    drawn = ET.parse(plot).getroot()
    assert drawn.tag.endswith("svg")
    assert "byte, calibrated" in as_svg(measure(Brain(), PROSE, places=60, answers=4))
    assert "expected calibration error" in CliRunner().invoke(main, asked).stdout
    missing = CliRunner().invoke(main, ["capability", "calibration", "--corpus", str(tmp_path / "none")])
    assert missing.exit_code == 2
    tiny = tmp_path / "tiny.txt"
    tiny.write_text("one line\n")
    refused = CliRunner().invoke(main, ["capability", "calibration", "--corpus", str(tiny)])
    assert refused.exit_code == 2
    assert "too small" in refused.stderr
    nowhere = CliRunner().invoke(main, [*asked[:-1], str(tmp_path / "no" / "plot.svg")])
    assert nowhere.exit_code == 2
