"""A training that is stopped and resumed ends with the brain of one go; what cannot be resumed is refused by name."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from melvin import Brain
from melvin.brain import Progress
from melvin.cli import main
from melvin.errors import DamagedBrainError, InputError, ResumeError, SaveError
from melvin.lines import MAX_PIECE
from melvin.resume import Learnt, Resume, parse_resume
from melvin.signals import Signals
from melvin.training import Every, Source, Training, parse_every

SMALL = 1 << 9  # bytes between two looks
WORDS = [b"the cat sat on the mat", b"a dog ran", b"", b"\xff\x00 odd bytes \r inside", b"the end\r"]
TEXT = b"".join(b"%d %s\n" % (i % 7, WORDS[i % len(WORDS)]) for i in range(240))


def train(path, files, *, stop_after=None, resume=False, every=None, port="text"):
    """Train into a path; stop after so many blocks. Whether it reached the end."""
    signals = Signals()
    brain = Brain.open(path) if path.exists() else Brain()
    sources = [Source(file, file.stat().st_size) for file in files]
    training = Training(brain, path, sources, settings={"port": port}, every=every, signals=signals, read_bytes=SMALL)
    if resume:
        training.go_on()
    seen = 0

    def on_block(_: Progress) -> None:
        nonlocal seen
        seen += 1
        if seen == stop_after:
            signals.number = 15

    return training.run(on_block)


@pytest.fixture
def write(tmp_path):
    def to(name, data):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return to


INPUTS = {
    "lines": [TEXT],
    "no line feed at the end": [TEXT + b"and an open line"],
    "several files": [TEXT[:3000], b"", b"one open line", TEXT[3000:]],
    "a line longer than a piece": [b"x y z " * MAX_PIECE + b"\n" + TEXT[:600]],
    "empty lines and carriage returns": [b"\n\r\n\n" * 300 + TEXT[:900] + b"\r\n" * 600],
}


@pytest.mark.parametrize("name", INPUTS)
def test_stopped_at_every_block_and_resumed_it_is_the_brain_of_one_go(tmp_path, write, name):
    files = [write(f"{number}.txt", data) for number, data in enumerate(INPUTS[name])]
    whole, parts = tmp_path / "whole.m", tmp_path / "parts.m"
    assert train(whole, files)
    stops = 0
    finished = train(parts, files, stop_after=1)
    while not finished:
        stops += 1
        finished = train(parts, files, stop_after=1 + stops % 3, resume=True)
    assert stops > 1
    assert parts.read_bytes() == whole.read_bytes()


def test_a_finished_training_keeps_no_record_and_is_what_learning_without_the_program_gives(tmp_path, write):
    file, path, other = write("a.txt", TEXT), tmp_path / "a.m", tmp_path / "b.m"
    train(path, [file], every=Every(lines=10))
    brain = Brain()
    brain.learn_file(file)
    brain.save(other)
    assert Brain.open(path).resume is None
    assert path.read_bytes() == other.read_bytes()


def test_a_checkpoint_is_written_when_it_is_due(tmp_path, write):
    file, path = write("a.txt", TEXT), tmp_path / "a.m"
    found = []
    brain = Brain()
    training = Training(
        brain, path, [Source(file, len(TEXT))], settings={"port": "text"}, every=Every(lines=50), read_bytes=SMALL
    )
    training.run(lambda _: found.append(Brain.open(path).lines if path.exists() else 0))
    steps = sorted(set(found))
    assert len(steps) > 2
    assert all(50 <= b - a < 50 + 2 * SMALL for a, b in pairwise(steps))


def test_loading_and_saving_a_checkpoint_keeps_its_record(tmp_path, write):
    file, path, again = write("a.txt", TEXT), tmp_path / "a.m", tmp_path / "again.m"
    train(path, [file], stop_after=3)
    Brain.open(path).save(again)
    assert again.read_bytes() == path.read_bytes()


def test_learning_anything_else_drops_the_record(tmp_path, write):
    path = tmp_path / "a.m"
    train(path, [write("a.txt", TEXT)], stop_after=3)
    brain = Brain.open(path)
    assert brain.resume is not None
    brain.learn([b"more"])
    assert brain.resume is None


def changed(data):
    return data[:100] + bytes([data[100] ^ 1]) + data[101:]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([changed(TEXT), TEXT], "are not those that were learnt"),
        ([TEXT[:50], TEXT], "holds 50 bytes"),
        ([TEXT + b"more\n", TEXT], "goes on now"),
        ([TEXT, changed(TEXT)], "are not those that were learnt"),
        ([TEXT, TEXT[:50]], "holds 50 bytes"),
        ([TEXT], "2"),
    ],
)
def test_another_input_is_refused_and_the_checkpoint_left_alone(tmp_path, write, files, says):
    path = tmp_path / "a.m"
    blocks_of_one = -(-len(TEXT) // SMALL)
    assert not train(path, [write("1.txt", TEXT), write("2.txt", TEXT)], stop_after=blocks_of_one + 4)
    saved = path.read_bytes()
    with pytest.raises(ResumeError, match=says):
        train(path, [write(f"{n}.txt", data) for n, data in enumerate(files, 1)], resume=True)
    assert path.read_bytes() == saved


def test_the_same_bytes_under_another_name_are_the_same_input(tmp_path, write):
    path, whole = tmp_path / "a.m", tmp_path / "b.m"
    train(path, [write("a.txt", TEXT)], stop_after=3)
    assert train(path, [write("moved.txt", TEXT)], resume=True)
    train(whole, [write("a.txt", TEXT)])
    assert path.read_bytes() == whole.read_bytes()


def test_other_settings_are_refused_and_named(tmp_path, write):
    path, file = tmp_path / "a.m", write("a.txt", TEXT)
    train(path, [file], stop_after=3, port="left")
    with pytest.raises(ResumeError, match="port left, not right"):
        train(path, [file], resume=True, port="right")


def test_an_input_that_cannot_be_read_leaves_a_checkpoint_of_what_was(tmp_path, write):
    first, path = write("a.txt", TEXT), tmp_path / "a.m"
    gone = write("b.txt", TEXT)
    training = Training(Brain(), path, [Source(first, 1), Source(tmp_path / "no such", 1)], settings={"port": "text"})
    with pytest.raises(InputError, match="no such"):
        training.run(lambda _: None)
    assert Brain.open(path).resume.done[0].size == len(TEXT)
    (tmp_path / "no such").write_bytes(gone.read_bytes())
    assert train(path, [first, tmp_path / "no such"], resume=True)


def test_standard_input_is_read_once():
    with pytest.raises(InputError, match="more than once"):
        Training(Brain(), None, [Source(None, 0), Source(None, 0)], settings={})


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(*words, text=None):
        return CliRunner().invoke(main, list(words), input=text)

    return invoke


def test_standard_input_is_resumed_when_it_is_fed_again_from_its_start(run, write, tmp_path):
    write("a.txt", TEXT)
    train(tmp_path / "a.m", [tmp_path / "a.txt"], stop_after=4)
    assert run("train", "a.m", "-", "--resume", text=TEXT[3000:]).exit_code == 1
    assert run("train", "a.m", "-", "--resume", text=TEXT).exit_code == 0
    assert run("train", "b.m", "-", text=TEXT).exit_code == 0
    assert (tmp_path / "a.m").read_bytes() == (tmp_path / "b.m").read_bytes()


def test_a_checkpoint_is_not_trained_on_by_mistake(run, write, tmp_path):
    write("a.txt", TEXT)
    train(tmp_path / "a.m", [tmp_path / "a.txt"], stop_after=4)
    saved = (tmp_path / "a.m").read_bytes()
    refused = run("train", "a.m", "a.txt")
    assert refused.exit_code == 1
    assert "--resume" in refused.output
    assert (tmp_path / "a.m").read_bytes() == saved
    assert run("train", "a.m", "a.txt", "--no-resume").exit_code == 0
    assert Brain.open(tmp_path / "a.m").resume is None


def test_a_finished_training_has_nothing_to_resume(run, write):
    write("a.txt", TEXT)
    assert run("train", "a.m", "a.txt", "--resume").exit_code == 0  # no brain yet: it begins
    saved = Path("a.m").read_bytes()
    done = run("train", "a.m", "a.txt", "--resume")
    assert done.exit_code == 0
    assert "nothing is left to do" in done.stderr
    assert done.stdout == ""
    assert Path("a.m").read_bytes() == saved


@pytest.mark.parametrize("text", ["", "0s", "10", "5 parsecs", "-3s", "1.5min", "١s"])
def test_how_often_is_said_clearly_or_refused(text):
    with pytest.raises(InputError, match="60s"):
        parse_every(text)


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("60s", Every(seconds=60)),
        ("10min", Every(seconds=600)),
        ("2h", Every(seconds=7200)),
        ("9lines", Every(lines=9)),
    ],
)
def test_how_often(text, every):
    assert parse_every(text) == every


def test_a_record_is_read_as_it_was_written(tmp_path, write):
    path = tmp_path / "a.m"
    train(path, [write("a.txt", b"x y z " * MAX_PIECE)], stop_after=2)
    record = Brain.open(path).resume
    assert record.carry is not None
    assert not record.opens
    symbols = Brain.open(path).snapshot.symbols
    assert parse_resume(record.to_json(), symbols).to_json() == record.to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"done": 3},
        {"done": [{"name": "a", "size": -1, "fingerprint": "0" * 32}]},
        {"done": [{"name": "a", "size": 1, "fingerprint": "0"}]},
        {"current": {"name": 1, "size": 1, "fingerprint": "0" * 32}},
        {"opens": 1},
        {"carry": {"before": [0]}},
        {"carry": 3},
        {"settings": {"port": 7}},
        {"more": 1},
    ],
)
def test_a_record_that_cannot_be_is_refused(change):
    brain = Brain()
    brain.learn([b"text"])
    document = json.loads(Resume(current=Learnt("a", 1, "0" * 32)).to_json()) | change
    with pytest.raises(ValueError, match=r"."):
        parse_resume(json.dumps(document), brain.snapshot.symbols)


def test_a_brain_learnt_in_part_is_not_saved(tmp_path, monkeypatch):
    brain, path = Brain(), tmp_path / "a.m"
    brain.learn(TEXT.splitlines())
    brain.save(path)
    saved = path.read_bytes()
    monkeypatch.setattr("melvin.learner.count", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryError):
        brain.learn([b"one more line"])
    monkeypatch.undo()
    for more in ([], [b"and another"]):  # what is learnt after that does not make it whole
        brain.learn(more)
        with pytest.raises(SaveError, match="learnt in part"):
            brain.save(path)
    assert path.read_bytes() == saved


def test_a_damaged_record_names_its_section(tmp_path, write, monkeypatch):
    path = tmp_path / "a.m"
    monkeypatch.setattr(Resume, "to_json", lambda self: "[1]")
    train(path, [write("a.txt", TEXT)], stop_after=3)
    with pytest.raises(DamagedBrainError, match="resume"):
        Brain.open(path).resume  # noqa: B018
