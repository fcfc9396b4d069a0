"""Recall asks what the facts determine, and nothing else."""

import json
from pathlib import Path

from click.testing import CliRunner

from scaling_suite.cli import main
from scaling_suite.judge import Learner
from scaling_suite.recall import Question, measure_recall, questions


def test_a_prefix_that_goes_on_in_two_ways_is_not_asked() -> None:
    asked, open_ = questions([b"Animals can move", b"Animals can grow", b"Paris is in France"])
    assert asked == [Question(b"Paris is in", b" France")]
    assert open_ == 1


def test_a_prefix_that_is_itself_a_fact_or_goes_on_longer_is_not_asked() -> None:
    asked, open_ = questions([b"a b", b"a b c", b"a b d e", b"z y"])
    assert asked == [Question(b"a b d", b" e"), Question(b"z", b" y")]
    assert open_ == 2


def test_a_line_of_one_word_is_no_question() -> None:
    assert questions([b"alone", b" leading", b"trailing "]) == ([], 0)


class Parrot:
    """Answers the same to everything, and counts how often it was taught."""

    taught = 0

    def learn_file(self, _: Path) -> None:
        Parrot.taught += 1

    def query(self, _: bytes) -> "Parrot":
        return self

    payload = b" France"


def test_misses_are_what_came_otherwise_and_the_file_is_learnt_so_many_times(tmp_path: Path) -> None:
    path = tmp_path / "facts.txt"
    path.write_bytes(b"Paris is in France\r\n\nRome is in Italy\nRome is in Italy\n")
    found = measure_recall(path, Learner(Parrot, None, None), times=4)  # type: ignore[arg-type]
    assert Parrot.taught == 4
    assert (found.facts, found.asked, found.share) == (2, 2, 0.5)
    assert [(one.question.answer, one.came) for one in found.misses] == [(b" Italy", b" France")]


def test_the_command_reports_as_json_and_as_text(tmp_path: Path) -> None:
    path = tmp_path / "facts.txt"
    path.write_text("".join(f"the capital of {a} is {b}\n" for a, b in (("Italy", "Rome"), ("Spain", "Madrid"))))
    said = json.loads(CliRunner().invoke(main, ["recall", str(path), "--json"]).stdout)
    assert (said["asked"], said["exact"] + len(said["misses"])) == (2, 2)
    text = CliRunner().invoke(main, ["recall", str(path)])
    assert text.exit_code == 0
    assert f"{said['exact']} of 2 exact" in text.stdout
