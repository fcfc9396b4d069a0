"""Command subjects: the file, its errors in one sentence, and what is read from output."""

import re
from pathlib import Path

import pytest

from harness.command_subject import CommandSubject, Expects, Reads, read_command_subject, resolve
from harness.errors import SubjectError
from harness.placeholders import fill
from harness.runner import Reader, Runner, whole_number
from harness.stage_clock import StageClock
from harness.subject import parse_subject
from harness.tasks.command import run

TRAIN = 'train = ["true", "{brain}", "{corpus}"]\n'


def write(folder, text):
    path = folder / "subject.toml"
    path.write_text(text)
    return path


def test_the_least_file_is_one_line_and_names_an_absolute_program(tmp_path):
    path = write(tmp_path, TRAIN)
    job = resolve(read_command_subject(path), path)
    assert job["train"][0].startswith("/")
    assert job["folder"] == str(tmp_path)
    assert job["stats"] is None
    assert parse_subject(f"command:{path}").job["task"] == "command"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train = [", "is not TOML"),
        ("", "train: it is not there, and must be"),
        ('train = "true {brain} {corpus}"', "train: a list of texts is expected, as in ["),
        ('train = ["true", 1]', "train.1: a text is expected, not 1"),
        (TRAIN + "[expects]\nrecalls = 'perhaps'", "expects.recalls: true or false is expected, not 'perhaps'"),
        (TRAIN + "reads = 1", "reads: a table is expected, not 1"),
        (TRAIN + "environment = 1", "environment: names and texts are expected"),
        ("train = []", "starts with a program"),
        ('train = ["true", "{brain}"]', "never gets the corpus"),
        ('train = ["true", "{corpus}"]', "never told where to save"),
        (TRAIN + 'stats = ["true", "{corpus}"]', "stats knows {brain}"),
        (TRAIN + "trian = 1", "trian: there is no such key; is train meant? Known are name, train,"),
        (
            TRAIN + "[reads]\nnodse = '(1)'",
            "reads.nodse: there is no such key; is nodes meant? Known are lines, bytes,",
        ),
        (TRAIN + "xyzzy = 1", "xyzzy: there is no such key. Known are"),
        (TRAIN + "[reads]\nnodes = '('", "not a regular expression"),
        (TRAIN + "[reads]\nnodes = 'nodes'", "has no group"),
        (TRAIN + 'stdin = "both"', "stdin"),
        ('train = ["no-such-program-anywhere", "{brain}", "{corpus}"]', "no program"),
        ('train = ["./missing", "{brain}", "{corpus}"]', "build or install it"),
        (TRAIN + 'folder = "nowhere"', "working folder"),
        (TRAIN + 'stats = ["{built}/x", "{brain}"]', "no build step"),
        (TRAIN + '[environment]\n"A=B" = "c"', "no name of a variable"),
        (TRAIN + '[environment]\n"" = "c"', "no name of a variable"),
    ],
)
def test_what_is_not_right_is_said_in_one_sentence(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(SubjectError) as error:
        resolve(read_command_subject(path), path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(SubjectError, match="No such file"):
        read_command_subject(tmp_path / "none.toml")


def test_a_value_stays_one_argument_whatever_it_holds():
    assert fill(["q", "{query}", '{"a": 1}'], query="two words; rm -rf '{brain}'") == [
        "q",
        "two words; rm -rf '{brain}'",
        '{"a": 1}',
    ]


def reader(**patterns):
    heard = []
    compiled = {name: re.compile(text.encode(), re.MULTILINE) for name, text in patterns.items()}
    return Reader(compiled, lambda name, value: heard.append((name, value))), heard


def test_values_are_found_in_lines_that_arrive_in_pieces_and_the_last_counts():
    found, heard = reader(nodes=r"^nodes: ([\d,]+)")
    for piece in (b"nodes: 1", b"7\nnodes", b": 1,8", b"00\nnodes: 9"):
        found.feed(1, piece)
    assert heard == [("nodes", "17"), ("nodes", "1,800")]
    found.feed(1, b"")
    assert found.counts() == {"nodes": 9}


def test_streams_are_not_mixed_up():
    found, _ = reader(nodes=r"nodes (\d+)")
    found.feed(1, b"nodes ")
    found.feed(2, b"1\n")
    found.feed(1, b"2\n")
    assert found.count("nodes") == 2


def test_what_is_no_number_is_not_measured():
    found, _ = reader(nodes=r"nodes (\S+)")
    found.feed(2, b"nodes many\n")
    assert found.counts() == {}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,800", 1800),
        ("0", 0),
        ("007", 7),
        ("9" * 23, 2**63 - 1),
        ("9" * 5000, 2**63 - 1),
        ("0" * 5000 + "7", 7),
        ("1e6", None),
        ("-5", None),
        ("1.5", None),
        ("\u00b2", None),
        ("\u0663", None),
        ("", None),
    ],
)
def test_whatever_a_program_prints_is_a_number_that_can_be_kept_or_none(text, number):
    assert whole_number(text) == number


def test_a_match_that_is_no_number_is_told(tmp_path):
    described = write(
        tmp_path, 'train = ["sh", "-c", "echo nodes: 1e6; cp {corpus} {brain}"]\n[reads]\nnodes = "nodes: (.*)"'
    )
    command = resolve(read_command_subject(described), described)
    (tmp_path / "c").write_text("a\n")
    runner = Runner({"command": command, "built": ""}, StageClock())
    runner.run("train", corpus=tmp_path / "c", brain=tmp_path / "b")
    assert runner.no_numbers == {"nodes": "1e6"}


def test_what_an_answer_holds_is_no_number_that_was_asked_for(tmp_path):
    asked = 'query = ["echo", "nodes: of a graph", "{brain}", "{query}"]\n'
    described = write(tmp_path, TRAIN + asked + '[reads]\nnodes = "nodes: (.*)"')
    runner = Runner({"command": resolve(read_command_subject(described), described), "built": ""}, StageClock())
    runner.run("query", brain=tmp_path / "b", query="a")
    assert runner.no_numbers == {}


def test_what_training_printed_is_kept_beside_what_the_brain_says(tmp_path):
    reads = '[reads]\nlines = "lines: (.*)"\nnodes = "nodes: (.*)"\n'
    train = 'train = ["sh", "-c", "echo lines: 1; cp {corpus} {brain}"]\nstats = ["echo", "nodes: 7"]\n'
    described = write(tmp_path, train + reads)
    (tmp_path / "c").write_text("a\n")
    job = {"command": resolve(read_command_subject(described), described), "built": "", "lines": 1}
    record = run({**job, "corpus": str(tmp_path / "c"), "folder": str(tmp_path)}, StageClock())
    assert record["brain"]["stats"] == {"lines": 1, "nodes": 7}


def test_the_example_documents_every_key():
    text = (Path(__file__).parents[3] / "fixtures" / "subjects" / "c_trainer.toml").read_text()
    keys = [key for model in (CommandSubject, Reads, Expects) for key in model.model_fields]
    missing = [key for key in keys if not re.search(rf"^(# )?\[?{key}( =|\])", text, re.MULTILINE)]
    assert missing == []
