"""A brain that was opened is asked at once: what queries read stands in its file."""

from dataclasses import fields
from threading import Thread

import numpy as np
import pytest
from brain_files import PROSE, header_of, refused

from melvin import Brain, Frame, verify
from melvin.brainfile import Opened
from melvin.container import Container, write
from melvin.errors import DamagedBrainError
from melvin.viewfile import MAPPED

PARTS = ("words", "embeddings", "categories")


@pytest.fixture(scope="module", params=["inside a generation", "nothing learnt", "two ports"])
def learnt(request):
    brain = Brain()
    if request.param != "nothing learnt":
        brain.learn(PROSE)
    if request.param == "two ports":
        brain.learn([bytes([1, n, 3]) for n in range(60)], port="can")
    return brain


def same(one, other):
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))


def test_what_queries_read_is_as_the_brain_itself_would_make_it(path, learnt):
    learnt.save(path)
    made, read = learnt.snapshot, Brain.open(path).snapshot
    assert all(same(getattr(made.evidence, name), getattr(read.evidence, name)) for name in MAPPED)
    assert all(same(getattr(made, part), getattr(read, part)) for part in PARTS)
    pairs = zip(made.model.contexts, read.model.contexts, strict=True)
    assert all(same(one, other) for one, other in pairs)


def test_asking_does_not_read_what_only_learning_needs(path, monkeypatch):
    brain = Brain()
    brain.learn(PROSE)
    brain.save(path)
    monkeypatch.setattr(Opened, "learner", lambda self: pytest.fail("the learner was read"))
    opened = Brain.open(path)
    assert opened.query("The ").text == brain.query("The ").text
    assert opened.why("The ").probability == brain.why("The ").probability
    assert opened.similar("the") == brain.similar("the")
    assert opened.after("the") == brain.after("the")
    assert opened.score(PROSE[:5]) == brain.score(PROSE[:5])
    assert opened.generate("The ", length=20) == brain.generate("The ", length=20)


def test_a_view_that_was_made_to_be_asked_is_saved_as_the_same_bytes(path, tmp_path):
    brain, again = Brain(), tmp_path / "again.m"
    brain.learn(PROSE)
    brain.save(path)
    opened = Brain.open(path)
    for one in (brain, opened):
        one.query("The ")
        one.save(again)
        assert again.read_bytes() == path.read_bytes()


def test_what_was_asked_while_learning_is_not_what_is_saved(path, tmp_path):
    asked, silent = Brain(), Brain()

    def rows(brain, ask):
        for number in range(50):
            yield Frame("text", float(number), b"zebra quilt")
            if ask and not number:
                brain.query("zebra ")

    for brain in (asked, silent):
        brain.learn(PROSE)
        brain.learn_frames(rows(brain, brain is asked))
    asked.save(path)
    silent.save(tmp_path / "silent.m")
    assert path.read_bytes() == (tmp_path / "silent.m").read_bytes()
    assert asked.query("zebra ").text == Brain.open(path).query("zebra ").text == "quilt"


def test_a_view_that_does_not_follow_from_the_rest_is_no_whole_brain(path, tmp_path):
    brain, other = Brain(), Brain()
    brain.learn(PROSE)
    other.learn([*PROSE[:-2], b"a line that is not the same"])
    brain.save(path)
    other.save(tmp_path / "other.m")
    mine, strange = Container(path), Container(tmp_path / "other.m")
    arrays = {name: (strange if name.startswith("view.") else mine).get(name) for name in mine.names()}
    write(path, list(arrays), arrays.items(), {name: mine.metadata[name] for name in ("schema", "state")})
    Brain.open(path).query("The ")  # each table by itself is sound
    with pytest.raises(DamagedBrainError, match="'view"):
        verify(path)


def test_feedback_and_learning_count_from_the_next_answer_on(path):
    brain = Brain()
    brain.learn(PROSE)
    brain.save(path)
    opened = Brain.open(path)
    for one in (brain, opened):
        one.feedback(one.query("The "), 0.0)
    assert opened.distribution("The ").probability.tolist() == brain.distribution("The ").probability.tolist()
    assert opened.query("The ").text == brain.query("The ").text
    for one in (brain, opened):
        one.learn([b"The end of it all"] * 9)
    assert opened.query("The end").text == brain.query("The end").text == " of it all"


# ---------------------------------------------------------------- a large file: checked as it is read


@pytest.fixture
def large(monkeypatch):
    """Every file is one that opening does not check whole."""
    monkeypatch.setattr("melvin.brainfile.AT_ONCE", 0)


def one_flipped(whole):
    """Each section's name, and the file with one bit of it flipped."""
    header, base = header_of(whole)
    for name in [name for name in header if name != "__metadata__"]:
        begin, end = header[name]["data_offsets"]
        if begin < end:
            damaged = bytearray(whole)
            damaged[base + begin] ^= 1
            yield name, damaged


def ask(path):
    return Brain.open(path).query("The ").text


def learn_on(path):
    Brain.open(path).learn([b"The end"])


def test_no_damage_of_a_large_file_is_learnt_on_or_asked(path, whole, large):
    path.write_bytes(whole)
    answer, alone, sentences = ask(path), set(), []
    for name, damaged in one_flipped(whole):
        path.write_bytes(damaged)
        Brain.open(path)
        sentence = refused(path, DamagedBrainError, learn_on)
        assert repr(name) in sentence
        try:
            assert ask(path) == answer
            alone.add(name)
        except DamagedBrainError as error:
            sentences.append((str(error), sentence))
    assert sentences
    assert all(asking == learning for asking, learning in sentences)
    only_learning = {name for name in alone if not name.startswith("padding")}
    assert only_learning >= {"links.key", "grams.count", "gathering.sample.data", "gathering.lexicon.pool"}
    assert not any(name.startswith(("view.", "symbols.", "weights.")) for name in only_learning)


def test_the_header_of_a_large_file_is_checked_when_it_is_opened(path, whole, large):
    for at in (8, 200, header_of(whole)[1] // 2):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        path.write_bytes(damaged)
        refused(path)
    path.write_bytes(whole[:-1])
    refused(path)


def test_a_section_is_checked_once(path, whole, large, monkeypatch):
    path.write_bytes(whole)
    checked = []
    holds = Container._holds
    monkeypatch.setattr(Container, "_holds", lambda self, name: checked.append(name) or holds(self, name))
    brain = Brain.open(path)
    assert not checked
    for _ in range(2):
        brain.query("The ")
        assert brain.lines
    assert len(checked) == len(set(checked)) == len([name for name in header_of(whole)[0] if name != "__metadata__"])


@pytest.fixture
def by_threads(monkeypatch):
    """Every array is one that several threads check; the threads that were started."""
    monkeypatch.setattr("melvin.container.LARGE", 0)
    monkeypatch.setattr("melvin.container.SHARED", 1)
    started, start = [], Thread.start
    monkeypatch.setattr(Thread, "start", lambda self: started.append(self) or start(self))
    return started


def test_several_threads_check_a_large_file(path, whole, large, by_threads):
    path.write_bytes(whole)
    for read in (Brain.query, lambda brain, _: brain.lines):
        by_threads.clear()
        read(Brain.open(path), "The ")
        assert len(by_threads) > 1
    for name, damaged in one_flipped(whole):
        path.write_bytes(damaged)
        assert repr(name) in refused(path, DamagedBrainError, learn_on)


def test_threads_that_cannot_start_are_done_without(path, whole, by_threads, monkeypatch):
    asked = []

    def refuse(thread):
        asked.append(thread)
        raise RuntimeError("can't start new thread")

    path.write_bytes(whole)
    monkeypatch.setattr(Thread, "start", refuse)
    assert Brain.open(path).lines
    assert asked
