"""The checks of the training task, on numbers and small files."""

import pytest

from harness.returned import WrongValue, mechanisms_of
from harness.subject import make_subject, subject_of
from harness.tasks.train import ask, compare_loaded, first_lines, recalls, split_in_half, spread, stamp


def verdicts(*arguments):
    return [check["verdict"] for check in compare_loaded(*arguments) if not check["holds"]]


def test_equal_counts_and_answers_pass():
    assert verdicts({"nodes": 3}, {"nodes": 3}, ["a"], ["a"]) == []


def test_a_lost_count_a_missing_one_and_a_changed_answer_are_losses():
    assert verdicts({"nodes": 3}, {"nodes": 2}, [], []) == ["lossy_save"]
    assert verdicts({"nodes": 3, "edges": 1}, {"nodes": 3}, [], []) == ["lossy_save"]
    assert verdicts({"nodes": 3}, {"nodes": 3}, ["a", "b"], ["a", "c"]) == ["lossy_save"]


def test_an_empty_brain_is_named_as_such():
    (check,) = (check for check in compare_loaded({"nodes": 3}, {"nodes": 0}, [], []) if not check["holds"])
    assert "empty when loaded" in check["detail"]


def test_halves_follow_each_other_and_are_cut_at_a_line_border(tmp_path):
    corpus = tmp_path / "corpus"
    for text in (b"one\ntwo\nthree\nfour\n", b"one\r\ntwo", b"a single line without an end"):
        corpus.write_bytes(text)
        first, second = split_in_half(corpus, tmp_path)
        assert first.read_bytes() + second.read_bytes() == text
        assert not second.read_bytes() or first.read_bytes().endswith(b"\n")


def test_held_out_lines_are_bounded_and_bare(tmp_path):
    path = tmp_path / "heldout"
    path.write_bytes(b"one\r\n\ntwo\nthree\n")
    assert list(first_lines(path, 100)) == [b"one", b"two", b"three"]
    assert list(first_lines(path, 10)) == [b"one", b"two"]


def test_facts_are_spread_evenly():
    facts = [{"prefix": str(i), "answer": ""} for i in range(1000)]
    chosen = [int(fact["prefix"]) for fact in spread(facts, 10)]
    assert chosen == list(range(0, 1000, 100))
    assert spread(facts[:3], 10) == facts[:3]


def test_space_around_an_answer_does_not_count():
    fact = {"prefix": "the sky is", "answer": " blue"}
    assert all(recalls(answer, fact) for answer in (" blue", "blue", "\n blue and wide"))
    assert not recalls("", fact)


def test_facts_are_asked_for_unless_a_subject_says_that_it_recalls_none():
    fact = {"prefix": "the sky is", "answer": " blue"}

    class Silent:
        recalls = False

        def query(self, text):
            raise AssertionError(text)

    quality, latency = ask(Silent(), None, [fact])
    assert (quality["facts_asked"], latency) == (0, None)


@pytest.mark.parametrize("found", [5, None, {"a": 5}, {"a": [5]}, {5: []}])
def test_mechanisms_of_the_wrong_kind_are_told(found):
    class Odd:
        def mechanisms(self):
            return found

    with pytest.raises(WrongValue, match=r"mechanisms\(\) returned .*; a mapping of names to lists of names"):
        mechanisms_of(Odd())


def test_a_change_of_a_file_shows_in_its_stamp(tmp_path):
    path = tmp_path / "brain"
    path.write_bytes(b"1")
    before = stamp(path)
    assert stamp(path) == before
    path.write_bytes(b"22")
    assert stamp(path) != before


def test_a_subject_that_can_be_given_a_budget_gets_the_memory_limit_of_its_rung():
    def budget(limit):
        limits = {"memory_bytes": limit, "time_s": 1.0}
        return make_subject(subject_of({"subject": "melvin", "limits": limits})).stats()["memory"]

    default = make_subject(subject_of({"subject": "melvin"})).stats()["memory"]
    assert budget(512 << 20) == 512 << 20
    assert budget(default) == budget(8 * default) == default  # more changes no brain
