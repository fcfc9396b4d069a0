"""What a program hands over by mistake is refused in one sentence, and the brain is as it was."""

import pytest
from brain_files import PROSE

from melvin import Brain, Frame
from melvin.errors import InputError

LONE = "\ud800"  # half a character: no bytes that were read are carried as it


@pytest.fixture(scope="module")
def brain():
    learnt = Brain()
    learnt.learn(PROSE[:40])
    return learnt


ASKING = ("query", "distribution", "recall", "generate", "why", "before", "after", "similar", "category", "pattern")


@pytest.mark.parametrize("method", ASKING)
@pytest.mark.parametrize("text", [9, [b"a"], LONE], ids=["a number", "a list", "half a character"])
def test_a_question_that_is_no_text_is_refused(brain, method, text):
    with pytest.raises(InputError, match=r"half of a character|neither text nor bytes"):
        getattr(brain, method)(text)


@pytest.mark.parametrize("line", [None, 1, LONE], ids=["nothing", "a number", "half a character"])
def test_a_line_that_is_no_text_is_refused_and_more_is_learnt_after_it(line, tmp_path):
    brain, other = Brain(), Brain()
    with pytest.raises(InputError, match=r"half of a character|neither text nor bytes"):
        brain.learn(["a line", line])
    for each in (brain, other):
        each.learn(["hello world"] * 5)
    brain.save(tmp_path / "brain.m")
    other.save(tmp_path / "other.m")
    assert (tmp_path / "brain.m").read_bytes() == (tmp_path / "other.m").read_bytes()


@pytest.mark.parametrize("rows", ["a line", b"a line", None, 9])
def test_lines_are_an_iterable(brain, rows):
    for method in (Brain().learn, brain.score):
        with pytest.raises(InputError, match="iterable of lines"):
            method(rows)


@pytest.mark.parametrize(
    "row", [("text",), ("text", b"a", 0.0), None, 9, ("text", None), ("text", LONE)], ids=lambda row: ascii(row)
)
def test_an_episode_is_made_of_pairs(row):
    brain = Brain()
    with pytest.raises(InputError, match=r"a pair of a port and a payload|neither text nor bytes|half of a character"):
        brain.learn_episode([("text", b"a"), row])
    assert brain.stats().lines == 0


@pytest.mark.parametrize("frame", [("text", 0, b"a"), None, Frame("text", 0, None), Frame("text", 0, LONE)])
def test_frames_are_frames(frame):
    brain = Brain()
    with pytest.raises(InputError, match=r"is no Frame|neither text nor bytes|half of a character"):
        brain.learn_frames([Frame("text", 0, b"a"), frame])
    assert brain.stats().lines == 1


@pytest.mark.parametrize("category", [9, None, "the"])
def test_members_are_those_of_a_category(brain, category):
    with pytest.raises(InputError, match="is no category"):
        brain.members(category)


@pytest.mark.parametrize("answer", [None, "the"])
def test_feedback_is_about_an_answer(brain, answer):
    with pytest.raises(InputError, match="is no answer"):
        brain.feedback(answer, 1)


@pytest.mark.parametrize("n", [-1, 1.5, None, "3"])
def test_as_many_are_asked_for_as_can_be(brain, n):
    asked = {
        "similar": lambda: brain.similar("the", n),
        "before": lambda: brain.before("the", n),
        "after": lambda: brain.after("the", n),
        "primed": lambda: brain.primed("the", on="text", n=n),
        "unsure": lambda: brain.unsure(n),
        "frequent_words": lambda: brain.frequent_words(n),
    }
    if n is not None:
        asked["patterns"] = lambda: brain.patterns(newest=n)
    for method, ask in asked.items():
        with pytest.raises(InputError, match="whole number from 0 on"):
            pytest.fail(f"{method} gave {ask()}")


PORTS = {
    "an empty one": "",
    "a blank one": " \t",
    "a line feed": "te\nxt",
    "a control character": "te\x7fxt",
    "another control character": "te\x85xt",
    "5,000 bytes": "p" * 5000,
    "256 bytes": "é" * 128,
    "bytes": b"text",
    "nothing": None,
    "half a character": LONE,
}


@pytest.mark.parametrize("port", PORTS.values(), ids=PORTS)
def test_a_port_has_a_name_that_can_be_read(port):
    brain = Brain()
    for learn in (
        lambda: brain.learn(["a line"], port=port),
        lambda: brain.learn_frames([Frame(port, 0, b"a line")]),
        lambda: brain.learn_episode([(port, b"a line")]),
    ):
        with pytest.raises(InputError, match="port"):
            learn()
    assert brain.stats().ports == ()


@pytest.mark.parametrize("port", ["p" * 255, "två ord", "\udcff"])
def test_any_other_name_is_that_of_a_port(port):
    brain = Brain()
    brain.learn(["a line"], port=port)
    assert brain.stats().ports == (port,)


def test_a_brain_that_has_another_port_already_learns_on_it(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("melvin.learner._names_a_port", lambda name: True)
        brain = Brain()
        brain.learn(["hello world"] * 5, port="te\nxt")
        brain.save(tmp_path / "old.m")
    old = Brain.open(tmp_path / "old.m")
    old.learn(["hello world"], port="te\nxt")
    assert old.query("hello ", port="te\nxt").text == "world"
