"""Output of a worker: all of it counted, little of it kept."""

import os

from harness.capture import KEPT_BYTES, SHOWN_BYTES, Capture, ResultPipe
from harness.supervise import parse_result


def captured(text):
    read, write = os.pipe()
    capture = Capture(read)
    for start in range(0, len(text), 50_000):
        os.write(write, text[start : start + 50_000])
        capture.drain()
    os.close(write)
    capture.drain()
    os.close(read)
    return capture


def test_short_output_is_kept_whole(tmp_path):
    capture = captured(b"one\ntwo\n")
    capture.write(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\n"
    assert (capture.bytes, capture.lines) == (8, 2)


def test_output_between_one_and_two_times_what_is_kept_is_whole_too(tmp_path):
    text = bytes(i % 251 for i in range(KEPT_BYTES + 1000))
    captured(text).write(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == text


def test_a_flood_is_counted_whole_and_kept_at_both_ends(tmp_path):
    text = b"".join(b"line %06d\n" % i for i in range(60_000))
    capture = captured(text)
    capture.write(tmp_path / "out")
    kept = (tmp_path / "out").read_bytes()
    assert (capture.bytes, capture.lines) == (len(text), 60_000)
    assert kept.startswith(b"line 000000\n")
    assert kept.endswith(b"line 059999\n")
    assert b"bytes left out" in kept
    assert len(kept) < 3 * KEPT_BYTES
    assert len(capture.summary().tail) <= SHOWN_BYTES


def test_bytes_that_are_no_text_are_shown_escaped():
    assert captured(b"\xff\xfe").summary().head == r"\xff\xfe"


def test_a_survivor_that_holds_the_pipe_open_does_not_hold_us():
    read, write = os.pipe()
    pipe = ResultPipe(read)
    os.write(write, b"{}")
    pipe.drain()
    assert pipe.text == b"{}"
    os.close(write)
    os.close(read)


def test_a_record_that_is_cut_or_foreign_is_named():
    assert parse_result(b'{"complete": true}') == ({"complete": True}, None)
    for text in (b"", b'{"complete": tr', b"[1]"):
        record, why = parse_result(text)
        assert record is None
        assert why
