"""An answer says what it rests on."""

import pytest

from melvin import Brain
from melvin.answers import Answer
from melvin.edges import source_of, target_of
from melvin.errors import InputError
from melvin.settings import Settings

LINES = ["the dog sat on the rug", "the cat sat on the mat", "a bird sat on the log"] * 10


@pytest.fixture(scope="module")
def brain():
    learnt = Brain()
    learnt.learn(LINES)
    return learnt


def test_what_the_attended_word_tells_is_named_with_its_counts(brain):
    why = brain.query("the dog sat on the ").why()
    assert (why.continuation, why.ends) == (b"rug", True)
    best = max((r for r in why.reasons if r.target.startswith(b"r")), key=lambda r: r.share)
    assert (best.head, best.context, best.attended, best.lag) == ("attention", b"the ", b"dog ", 4)
    assert (best.found, best.total) == (10, 10)
    assert best.text == "after 'the ' with 'dog ' 4 chunks back: 'r' 10 of 10"
    assert best.text in why.text


def test_the_counts_are_those_of_the_row_that_the_head_read(brain):
    (reason,) = (r for r in brain.why("sat on ", "t").reasons if r.head == "symbol")
    symbols, links = brain.snapshot.symbols, brain.snapshot.evidence.links
    row = [
        (symbols.payload(int(symbols.ranks.by_rank[target])), count)
        for source, target, count in zip(source_of(links.key), target_of(links.key), links.count.tolist(), strict=True)
        if symbols.payload(int(source)) == reason.context
    ]
    assert reason.context == b"on "
    assert reason.found == sum(count for payload, count in row if payload.startswith(b"t")) > 0
    assert reason.total == sum(count for _, count in row)


def test_byte_contexts_say_how_long_they_are_and_what_followed(brain):
    only_bytes = Brain(Settings.without(["patterns", "back_off", "context_edges", "edge_transformers", "attention"]))
    only_bytes.learn(LINES)
    reason = max(only_bytes.why("the dog s", "a").reasons, key=lambda r: r.share)
    assert (reason.head, reason.context, reason.found, reason.total) == ("byte context", b"dog s", 10, 10)


def test_what_begins_a_line_is_not_said_to_come_after_nothing(brain):
    assert any(r.starts and r.text.startswith("at the line's start: ") for r in brain.why("", "t").reasons)


def test_feedback_is_shown_as_the_factor_it_is():
    brain = Brain()
    brain.learn(["red car", "red hat"] * 10)
    before = brain.probability("red ", "hat")
    assert brain.why("red ", "hat").feedback == 1
    brain.feedback(brain.query("red "), 0.0)
    why = brain.why("red ", "hat")
    assert why.probability == pytest.approx(brain.probability("red ", "hat"))
    assert why.feedback == pytest.approx(why.probability / before)
    assert why.feedback != 1
    assert "feedback made it" in why.text


def test_nothing_to_explain_has_no_reasons(brain):
    assert (brain.why("the ", "").reasons, brain.why("the ", "").probability) == ((), 1.0)


def test_an_answer_of_no_brain_cannot_say_why():
    with pytest.raises(InputError, match="not given by a brain"):
        Answer(b"", b"", 1.0, 0.0, abstained=False, candidates=()).why()


def test_evidence_inside_a_word_is_counted_from_its_beginning_however_it_was_parsed():
    learnt = Brain()
    learnt.learn(["status=ok"] * 8 + ["status=fail"] * 8)
    for target in (b"status=o", b"status=f"):
        (edge,) = (r for r in learnt.why(b"status=", target[-1:]).reasons if r.head == "edge transformer")
        assert edge.text == f"at the line's start: '{target.decode()}' 8 of 16"
