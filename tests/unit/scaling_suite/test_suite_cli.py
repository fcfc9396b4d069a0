"""The commands print what they promise and exit as they promise."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scaling_suite.cli import main


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_rung_prints_one_json_document(tmp_path: Path) -> None:
    (tmp_path / "source.txt").write_text("".join(f"sentence number {n}\n" for n in range(2000)))
    result = run("rung", "--size", "10KB", "--corpus", tmp_path / "source.txt", "--out", tmp_path / "rung")
    assert result.exit_code == 0
    rung = json.loads(result.stdout)
    assert set(rung) == {"size_bytes", "corpus", "corpus_bytes", "corpus_lines", "heldout", "facts"}
    assert Path(rung["corpus"]).stat().st_size == rung["corpus_bytes"] <= rung["size_bytes"] == 10_000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rung", "--size", "10XB", "--out", "x"), "is not a size"),
        (("rung", "--size", "10KB", "--corpus", "/no/such", "--out", "x"), "cannot be read"),
        (("rung", "--size", "1B", "--out", "x"), "too small"),
        (("corpus", "make", "--size", "1KB", "--out", "/no/such/folder/x"), "cannot be written"),
        (("corpus", "stats", "/no/such"), "cannot be read"),
        (("behaviours", "/no/such"), "cannot be read"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments: tuple[str, ...], says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_a_corpus_is_made_and_measured(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    assert run("corpus", "make", "--size", "20KB", "--out", path).exit_code == 0
    table = run("corpus", "stats", path).stdout
    assert "/ 1,343" in table
    growth = json.loads(run("corpus", "stats", path, "--json").stdout)["growth"]
    assert [row["size_bytes"] for row in growth] == [1000, 10_000, path.stat().st_size]


def behaviours_file(folder: Path, *values: str) -> Path:
    path = folder / "cases.jsonl"
    rows = [
        {
            "id": f"case-{number}",
            "capability": "recall",
            "train": [{"text": "silver moon", "times": 5}],
            "query": {"text": "silver"},
            "expect": {"kind": "continues", "value": value},
        }
        for number, value in enumerate(values)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_behaviours_exit_with_0_when_all_pass(tmp_path: Path) -> None:
    result = run("behaviours", behaviours_file(tmp_path, " moon"))
    assert (result.exit_code, result.stdout.split()) == (0, ["recall", "1", "of", "1", "all", "1", "of", "1"])


def test_behaviours_exit_with_1_and_tell_every_wrong_answer(tmp_path: Path) -> None:
    path = behaviours_file(tmp_path, " moon", " sun")
    result = run("behaviours", path)
    assert result.exit_code == 1
    assert "case-1\n    expected: 'silver' goes on with ' sun'\n    came:     ' moon'" in result.stdout
    document = json.loads(run("behaviours", path, "--json").stdout)
    assert (document["passed"], document["failed"]) == (1, 1)
    assert document["capabilities"] == {"recall": {"passed": 1, "failed": 1}}
    assert [case["passed"] for case in document["cases"]] == [True, False]


def test_what_the_harness_imports_does_not_load_numpy() -> None:
    code = (
        "import sys, scaling_suite.sizes, scaling_suite.stages, scaling_suite.workload, scaling_suite.cli;"
        "sys.exit('numpy' in sys.modules or 'melvin' in sys.modules or 'harness' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


CASE = {
    "id": "moon",
    "capability": "recall",
    "train": [{"text": "silver moon", "times": 5}],
    "query": {"text": "silver"},
    "expect": {"kind": "continues", "value": " moon"},
}
UNTAUGHT = {**CASE, "id": "sun", "capability": "context", "train": [], "query": {"text": "golden"}}


def cases(folder: Path) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(case) + "\n" for case in (CASE, UNTAUGHT)))
    return path


def test_a_text_read_before_is_known_in_every_case(tmp_path: Path) -> None:
    before = tmp_path / "before.txt"
    before.write_text("golden moon\n" * 9)
    said = json.loads(run("behaviours", cases(tmp_path), "--after", before, "--json").stdout)
    assert said["after"] == str(before)
    assert [case["passed"] for case in said["cases"]] == [True, True]
    assert [case["passed"] for case in json.loads(run("behaviours", cases(tmp_path), "--json").stdout)["cases"]] == [
        True,
        False,
    ]


def test_cases_of_one_capability_run_alone_and_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    said = json.loads(run("behaviours", cases(tmp_path), "--capability", "recall", "--json").stdout)
    assert [case["id"] for case in said["cases"]] == ["moon"]
    wrong = run("behaviours", cases(tmp_path), "--capability", "thinking")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "the file has recall, context" in wrong.stderr


def test_a_text_to_read_before_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    wrong = run("behaviours", cases(tmp_path), "--after", tmp_path / "no")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "cannot be read" in wrong.stderr


def test_rows_of_a_brain_are_counted_and_one_that_is_none_is_told(tmp_path: Path) -> None:
    from melvin import Brain

    brain = Brain()
    brain.learn(["the cat sat on the mat"] * 9)
    brain.save(tmp_path / "brain.m")
    said = json.loads(run("rows", tmp_path / "brain.m", "the cat", "--json").stdout)
    assert said["places"] == len("the cat") + 1
    assert 0 < said["rows"] <= said["places"] * (said["heads"] + 6)
    assert "rows looked up" in run("rows", tmp_path / "brain.m", "the cat").stdout
    for arguments, says in (
        ((tmp_path / "none.m", "x"), "none.m"),
        ((tmp_path / "brain.m", "x", "--port", "can"), "no port"),
    ):
        wrong = run("rows", *arguments)
        assert (wrong.exit_code, wrong.stdout) == (2, "")
        assert says in wrong.stderr
