"""The command line: each command's text and JSON, and one sentence for each kind of bad input."""

import errno
import json
import os
from dataclasses import fields

import pytest
from brain_files import PROSE
from click.testing import CliRunner

from melvin import Brain, evidence
from melvin.cli import main
from melvin.commands.learning import Summary
from melvin.errors import SaveError

LINES = PROSE[:60]
TEXT = b"\n".join(LINES) + b"\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder: `run("query", "brain.m", "text")` -> its result."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus.txt").write_bytes(TEXT)

    def command(*arguments, stdin=None, code=0):
        result = CliRunner().invoke(main, [*arguments], input=stdin)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return command


@pytest.fixture
def trained(run):
    run("train", "brain.m", "corpus.txt")
    return run


def document(result):
    """The one JSON document on standard output."""
    (line,) = result.stdout.splitlines()
    return json.loads(line)


def sentence(result):
    """The one line on standard error."""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


def learnt(*texts):
    brain = Brain()
    for text in texts:
        brain.learn(text.split(b"\n"))
    return brain


def same(path, brain):
    brain.save("expected.m")
    return path.read_bytes() == (path.parent / "expected.m").read_bytes()


# ---------------------------------------------------------------- train


def test_a_file_is_learnt_whole(run, tmp_path):
    result = run("train", "brain.m", "corpus.txt")
    assert same(tmp_path / "brain.m", learnt(TEXT))
    assert "60 lines" in result.stdout
    assert "peak memory" in result.stdout


def test_the_summary_of_a_training_is_one_document(run, tmp_path):
    found = document(run("train", "brain.m", "corpus.txt", "--json"))
    assert set(found) == {field.name for field in fields(Summary)}
    stats = Brain.open(tmp_path / "brain.m").stats()
    assert found["learnt_bytes"] == found["read_bytes"] == len(TEXT) == stats.bytes
    assert found["learnt_lines"] == 60 == stats.lines
    assert (found["symbols"], found["patterns"], found["edges"]) == (stats.symbols, stats.patterns, stats.edges)
    assert found["average_degree"] == pytest.approx(stats.edges / stats.symbols)
    assert found["brain_bytes"] == (tmp_path / "brain.m").stat().st_size
    assert found["files"] == 1
    assert found["interrupted"] is False
    assert found["peak_rss_bytes"] > 1 << 20


def test_a_budget_stays_with_its_brain_and_what_was_forgotten_is_told(run, monkeypatch):
    for table in (evidence.ADDED, evidence.KEPT):
        for name in table:
            monkeypatch.setitem(table, name, 2000)
    result = run("train", "brain.m", "corpus.txt", "--memory", "256MiB")
    assert "forgotten" in result.stdout
    assert "grams" in result.stdout
    found = document(run("inspect", "brain.m", "--json"))
    assert found["memory"] == 256 << 20
    assert found["forgotten"]["grams"] > 0
    assert f"{found['forgotten']['grams']:,} grams" in run("inspect", "brain.m").stdout
    assert "has 256MiB of memory" in sentence(run("train", "brain.m", "corpus.txt", "--memory", "1GiB", code=1))
    more = document(run("train", "brain.m", "corpus.txt", "--json"))  # goes on with what it has
    assert more["memory"] == 256 << 20
    assert more["forgotten"]["grams"] >= found["forgotten"]["grams"]


@pytest.mark.parametrize("size", ["much", "1KiB", "-1GiB", "1.5GiB", "9" * 18 + "GiB", ""])
def test_a_budget_that_is_none_is_a_usage_error(run, size):
    assert "--memory" in run("train", "new.m", "corpus.txt", "--memory", size, code=2).stderr


def test_two_inputs_are_learnt_one_after_the_other(run, tmp_path):
    (tmp_path / "more.txt").write_bytes(b"more of it\nand more")
    found = document(run("train", "brain.m", "more.txt", "corpus.txt", "--json"))
    assert found["files"] == 2
    assert same(tmp_path / "brain.m", learnt(b"more of it\nand more", TEXT))


def test_standard_input_is_a_corpus(run, tmp_path):
    found = document(run("train", "brain.m", "-", "--json", stdin=TEXT))
    assert found["learnt_lines"] == 60
    assert same(tmp_path / "brain.m", learnt(TEXT))


def test_a_folder_is_its_text_files_in_the_order_of_their_paths(run, tmp_path):
    folder = tmp_path / "folder"
    (folder / "b" / "deep").mkdir(parents=True)
    parts = {
        "b/deep/z.txt": b"third",
        "a.txt": b"first",
        "b/c.md": b"second",
        "picture.png": b"\x89PNG\0\0",
        "c": b"fourth",
    }
    for name, text in parts.items():
        (folder / name).write_bytes(text * 9)
    found = document(run("train", "brain.m", "folder", "--json"))
    assert found["files"] == 4
    order = sorted((name for name in parts if name != "picture.png"), key=lambda name: folder.joinpath(name))
    assert same(tmp_path / "brain.m", learnt(*(parts[name] * 9 for name in order)))


def test_a_brain_that_is_there_goes_on_learning(trained, tmp_path):
    (tmp_path / "more.txt").write_bytes(b"more of it\n")
    found = document(trained("train", "brain.m", "more.txt", "--json"))
    assert found["learnt_lines"] == 1
    assert same(tmp_path / "brain.m", learnt(TEXT, b"more of it\n"))


def test_an_empty_file_teaches_nothing(run, tmp_path):
    (tmp_path / "empty.txt").touch()
    assert document(run("train", "brain.m", "empty.txt", "--json"))["learnt_lines"] == 0
    assert "nothing" in sentence(run("query", "brain.m", "a", code=1))


def test_training_leaves_nothing_but_the_brain(trained, tmp_path):
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.endswith("lock")) == ["brain.m", "corpus.txt"]


# ---------------------------------------------------------------- asking


def test_a_query_is_answered_as_the_brain_answers(trained, tmp_path):
    found = document(trained("query", "brain.m", "the ", "--json"))
    answer = Brain.open(tmp_path / "brain.m").query("the ")
    assert {"query", "text", "payload_hex", "probability", "entropy_bits", "abstained", "candidates"} <= set(found)
    assert bytes.fromhex(found["payload_hex"]) == answer.payload
    assert found["query"] == "the "
    assert found["text"] == answer.text
    assert found["probability"] == answer.probability
    assert found["entropy_bits"] == answer.entropy
    assert found["abstained"] is answer.abstained
    assert [bytes.fromhex(c["payload_hex"]) for c in found["candidates"]] == [c.payload for c in answer.candidates]
    assert f"{answer.probability:.3f}" in trained("query", "brain.m", "the ").stdout


def test_an_answer_that_is_not_text_is_told_all_the_same(run):
    run("train", "brain.m", "-", stdin=b"\xff\xfe\xfd\xfc\n" * 40)
    found = document(run("query", "brain.m", "\udcff\udcfe", "--json"))
    assert bytes.fromhex(found["payload_hex"]) == b"\xfd\xfc"
    run("query", "brain.m", "\udcff")


def test_queries_do_not_change_the_file(trained, tmp_path):
    before = (tmp_path / "brain.m").read_bytes()
    for command in (("query", "brain.m", "the"), ("inspect", "brain.m"), ("score", "brain.m", "corpus.txt")):
        trained(*command)
    trained("verify", "brain.m")
    assert (tmp_path / "brain.m").read_bytes() == before


def test_an_inspection_holds_what_the_brain_holds(trained, tmp_path):
    found = document(trained("inspect", "brain.m", "--json", "--top", "3"))
    stats = Brain.open(tmp_path / "brain.m").stats()
    for name in ("bytes", "lines", "generation", "symbols", "patterns", "deepest", "edges", "transitions"):
        assert found[name] == getattr(stats, name)
    assert found["ports"] == ["text"]
    assert found["file_bytes"] == (tmp_path / "brain.m").stat().st_size
    assert len(found["newest_patterns"]) == 3
    assert {"payload", "level", "born"} == set(found["newest_patterns"][0])
    assert f"{stats.edges:,}" in trained("inspect", "brain.m").stdout


def test_a_whole_brain_is_verified(trained):
    assert document(trained("verify", "brain.m", "--json")) == {"brain": "brain.m", "ok": True, "error": None}
    assert "whole" in trained("verify", "brain.m").stdout


def test_a_damaged_brain_is_named_by_its_section(trained, tmp_path):
    data = bytearray((tmp_path / "brain.m").read_bytes())
    data[-100] ^= 1
    (tmp_path / "brain.m").write_bytes(data)
    result = trained("verify", "brain.m", "--json", code=1)
    found = document(result)
    assert found["ok"] is False
    assert "section" in found["error"]
    assert found["error"] in sentence(result)


def test_a_score_is_the_brains_score(trained, tmp_path):
    (tmp_path / "other.txt").write_bytes(b"another line\r\n\nthe last one")
    found = document(trained("score", "brain.m", "other.txt", "--json"))
    bits = Brain.open(tmp_path / "brain.m").score(["another line", "the last one"])
    assert found == {"brain": "brain.m", "file": "other.txt", "bits_per_byte": pytest.approx(bits)}
    assert f"{bits:.4f}" in trained("score", "brain.m", "other.txt").stdout


# ---------------------------------------------------------------- bad input

BAD = {
    "no such corpus": (("train", "new.m", "nowhere.txt"), "nowhere.txt"),
    "one of two corpora is missing": (("train", "new.m", "corpus.txt", "nowhere.txt"), "nowhere.txt"),
    "a corpus of a name that is too long": (("train", "new.m", "c" * 300), "File name too long"),
    "a folder without text": (("train", "new.m", "hollow"), "hollow"),
    "no such folder for the brain": (("train", "nowhere/new.m", "corpus.txt"), "nowhere"),
    "a brain that is none": (("train", "corpus.txt", "corpus.txt"), "corpus.txt"),
    "a brain that is a folder": (("train", "hollow", "corpus.txt"), "hollow"),
    "asking a missing brain": (("query", "nowhere.m", "a"), "nowhere.m"),
    "asking a text file": (("query", "corpus.txt", "a"), "corpus.txt"),
    "asking a port it has not": (("query", "brain.m", "a", "--port", "video"), "video"),
    "inspecting a missing brain": (("inspect", "nowhere.m"), "nowhere.m"),
    "inspecting an empty file": (("inspect", "empty"), "empty"),
    "verifying a missing brain": (("verify", "nowhere.m"), "nowhere.m"),
    "verifying a text file": (("verify", "corpus.txt"), "corpus.txt"),
    "scoring a missing file": (("score", "brain.m", "nowhere.txt"), "nowhere.txt"),
    "scoring a folder": (("score", "brain.m", "hollow"), "hollow"),
    "scoring nothing": (("score", "brain.m", "empty"), "no line"),
    "scoring with a missing brain": (("score", "nowhere.m", "corpus.txt"), "nowhere.m"),
}


@pytest.mark.parametrize(("arguments", "named"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence_and_exit_code_1(trained, tmp_path, arguments, named):
    (tmp_path / "hollow").mkdir()
    (tmp_path / "empty").touch()
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    result = trained(*arguments, code=1)
    assert named in sentence(result)
    assert result.stdout == ""
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file() and not p.name.endswith("lock")}
    assert after.items() <= before.items()


@pytest.mark.parametrize(
    "arguments",
    [(), ("train",), ("train", "brain.m"), ("query", "brain.m"), ("nonsense",), ("inspect", "brain.m", "--top", "-1")],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(trained, arguments):
    assert "Usage" in trained(*arguments, code=2).stderr


@pytest.mark.parametrize("command", ["train", "query", "inspect", "verify", "score"])
def test_each_command_explains_itself(run, command):
    assert "--json" in run(command, "--help").stdout


def test_merged_brains_answer_for_both_and_are_left_alone(run, tmp_path):
    for name, line in (("a", "Paris is in France"), ("b", "Rome is in Italy"), ("c", "Madrid is in Spain")):
        (tmp_path / f"{name}.txt").write_text(f"{line}\n" * 5)
        run("train", f"{name}.m", f"{name}.txt")
    before = (tmp_path / "a.m").read_bytes()
    said = document(run("merge", "all.m", "a.m", "b.m", "c.m", "--json"))
    assert (said["lines"], said["merged"], said["brain_bytes"]) == (
        15,
        ["a.m", "b.m", "c.m"],
        (tmp_path / "all.m").stat().st_size,
    )
    assert run("query", "all.m", "Rome is in ").stdout.startswith("Rome is in Italy")
    run("verify", "all.m")
    assert (tmp_path / "a.m").read_bytes() == before


def test_what_cannot_be_merged_is_one_sentence_and_writes_nothing(trained, tmp_path):
    trained("train", "other.m", "corpus.txt", "--without", "patterns")
    for names, says in (
        (("brain.m", "other.m"), "different settings"),
        (("brain.m", "none.m"), "none.m"),
        (("brain.m", "corpus.txt"), "corpus.txt"),
    ):
        assert says in sentence(trained("merge", "out.m", *names, code=1))
        assert not (tmp_path / "out.m").exists()
    assert "two brains or more" in trained("merge", "out.m", "brain.m", code=2).stderr
    assert "is there already" in sentence(trained("merge", "brain.m", "brain.m", "brain.m", code=1))


def test_memory_that_runs_out_is_a_sentence(trained, monkeypatch):
    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Brain, "query", exhausted)
    assert "not enough memory" in trained("query", "brain.m", "the ", code=1).output


@pytest.mark.parametrize("top", [0, 3, 10_000])
def test_inspect_lists_the_newest_patterns(trained, top):
    every = [pattern.payload.decode() for pattern in Brain.open("brain.m").patterns()]
    listed = document(trained("inspect", "brain.m", "--top", str(top), "--json"))["newest_patterns"]
    assert [pattern["payload"] for pattern in listed] == every[::-1][:top]


@pytest.mark.parametrize("port", ["", " ", "te\nxt", "p" * 5000], ids=["empty", "blank", "line feed", "5,000 bytes"])
@pytest.mark.parametrize("command", ["train", "feed"])
def test_a_port_that_nobody_could_read_is_not_made(run, tmp_path, command, port):
    assert "no name for a port" in sentence(run(command, "new.m", "corpus.txt", "--port", port, code=1))
    assert not (tmp_path / "new.m").exists()


EMPTY_PATHS = {
    "train": ("train", "", "corpus.txt"),
    "train on nothing": ("train", "new.m", ""),
    "train on a file and nothing": ("train", "new.m", "corpus.txt", ""),
    "feed": ("feed", "", "corpus.txt"),
    "feed nothing": ("feed", "new.m", ""),
    "merge": ("merge", "", "brain.m", "brain.m"),
    "merge nothing": ("merge", "new.m", "brain.m", ""),
    "query": ("query", "", "a"),
    "score nothing": ("score", "brain.m", ""),
    "diff": ("diff", "brain.m", ""),
}


@pytest.mark.parametrize("arguments", EMPTY_PATHS.values(), ids=EMPTY_PATHS)
def test_an_empty_path_is_that_of_no_file(trained, tmp_path, arguments):
    assert "is empty, a path was expected: name a file" in sentence(trained(*arguments, code=1))
    assert not (tmp_path / "new.m").exists()


@pytest.mark.parametrize("folder", [".", "/", "hollow"])
def test_a_folder_is_no_brain_to_write(trained, tmp_path, folder):
    (tmp_path / "hollow").mkdir()
    for arguments in (("train", folder, "corpus.txt"), ("feed", folder, "corpus.txt")):
        assert "name a brain file" in sentence(trained(*arguments, code=1))


def test_a_folder_is_not_saved_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hollow").mkdir()
    for folder in (".", "", "hollow", tmp_path):
        with pytest.raises(SaveError, match="it is a folder: name a file"):
            Brain().save(folder)
    with pytest.raises(SaveError, match="too long"):
        Brain().save("b" * 300)
    assert [path.name for path in tmp_path.iterdir()] == ["hollow"]


def test_standard_input_is_scored(trained, tmp_path):
    (tmp_path / "other.txt").write_bytes(b"another line\r\nthe last one")
    expected = document(trained("score", "brain.m", "other.txt", "--json"))["bits_per_byte"]
    found = document(trained("score", "brain.m", "-", "--json", stdin=b"another line\r\nthe last one"))
    assert found == {"brain": "brain.m", "file": "-", "bits_per_byte": expected}
    (tmp_path / "-").write_bytes(b"a file of that name\n")
    named = document(trained("score", "brain.m", "./-", "--json", stdin=b""))
    assert named["bits_per_byte"] == Brain.open("brain.m").score(["a file of that name"])


@pytest.mark.parametrize("arguments", [("inspect", "brain.m"), ("verify", "brain.m"), ("query", "brain.m", "the")])
def test_a_brain_that_may_not_be_read_is_one_sentence(trained, monkeypatch, arguments):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # the superuser may read anything
    monkeypatch.setattr(os, "open", denied)
    assert "Permission denied: make it readable" in sentence(trained(*arguments, code=1))


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("score", ("score", "brain.m", "corpus.txt")),
        ("learn_frames", ("feed", "new.m", "corpus.txt")),
        ("merge", ("merge", "new.m", "brain.m", "brain.m")),
        ("query", ("query", "brain.m", "the")),
    ],
)
def test_ctrl_c_is_exit_code_130(trained, monkeypatch, tmp_path, method, arguments):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Brain, method, interrupted)
    assert trained(*arguments, code=130).output.strip() == ""
    assert not (tmp_path / "new.m").exists()
