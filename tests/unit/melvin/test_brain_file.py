"""A brain file holds everything, and is refused when it is damaged or something else."""

import errno
import os
import random

import numpy as np
import pytest
from brain_files import PROSE, changed, header_of, read_all, rebuilt, refused
from safetensors.numpy import load_file, save_file

from melvin import Brain, verify
from melvin.brainfile import VERSION
from melvin.container import Container
from melvin.errors import BrainFileError, DamagedBrainError, NewerBrainError, NotABrainError, TruncatedBrainError

# ---------------------------------------------------------------- whole


def test_a_brain_that_is_opened_is_saved_as_the_same_bytes(path, whole):
    path.write_bytes(whole)
    opened = Brain.open(path)
    opened.save(path.with_name("again.m"))
    assert path.with_name("again.m").read_bytes() == whole


def test_a_brain_that_is_opened_answers_as_it_did(path, brain, whole):
    path.write_bytes(whole)
    opened = Brain.open(path)
    assert opened.stats() == brain.stats()
    assert opened.patterns() == brain.patterns()
    assert opened.query("the ") == brain.query("the ")
    assert opened.distribution(b"\1", port="can").probability.tolist() == (
        brain.distribution(b"\1", port="can").probability.tolist()
    )


def test_an_empty_brain_is_kept_as_one(path):
    Brain().save(path)
    assert Brain.open(path).stats() == Brain().stats()
    verify(path)


def test_standard_tools_read_every_array(path, whole):
    path.write_bytes(whole)
    arrays = load_file(path)
    file = Container(path)
    assert set(file.names()) <= set(arrays)
    assert arrays["symbols.left"].dtype == np.uint32
    assert arrays["separator"].shape == (2, 256)


def test_arrays_are_aligned_for_a_memory_map(whole):
    header, base = header_of(whole)
    assert base % 64 == 0
    assert all(e["data_offsets"][0] % 64 == 0 for k, e in header.items() if not k.startswith(("__", "padding")))


def test_opening_leaves_the_file_as_it_was(path, whole):
    path.write_bytes(whole)
    path.chmod(0o444)
    opened = Brain.open(path)
    opened.learn(PROSE[90:])
    opened.query("a")
    assert path.read_bytes() == whole


# ---------------------------------------------------------------- damaged


def test_a_file_cut_short_anywhere_is_refused(path, whole):
    _, base = header_of(whole)
    header_ends = [0, 1, 7, 8, 9, 100, base - 1, base, base + 1, len(whole) - 1]
    draw = random.Random(1)
    for length in [*header_ends, *(draw.randrange(len(whole)) for _ in range(60))]:
        path.write_bytes(whole[:length])
        leaf = NotABrainError if length <= 8 else TruncatedBrainError
        assert ("ends" if length > 8 else "not a brain") in refused(path, leaf)


@pytest.mark.parametrize("more", [b"\0", b"\n", b"more", bytes(64), b"x" * 5000])
def test_a_file_that_goes_on_after_its_end_is_refused(path, whole, more):
    path.write_bytes(whole + more)
    assert "goes on" in refused(path, TruncatedBrainError)


def test_two_brains_in_one_file_are_refused(path, whole):
    path.write_bytes(whole + whole)
    refused(path, TruncatedBrainError)


def flips(whole):
    """(place, section) over the length, the header, its end, every section and every padding."""
    header, base = header_of(whole)
    draw = random.Random(2)
    places = [(at, None) for at in range(8)]
    places += [(draw.randrange(8, base), None) for _ in range(150)] + [(base - 1, None)]
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            inside = {begin, end - 1, *(draw.randrange(begin, end) for _ in range(3))} if end > begin else set()
            places += [(base + at, name) for at in sorted(inside)]
    return places


def test_a_single_flipped_bit_anywhere_is_refused_or_changes_nothing(path, whole):
    draw = random.Random(3)
    sections = set()
    for at, section in flips(whole):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        if section is not None:
            assert repr(section) in refused(path, DamagedBrainError)
            sections.add(section)
            continue
        try:
            opened = Brain.open(path)
        except BrainFileError:
            refused(path)
        else:  # a blank behind the header that is another kind of blank now
            opened.save(path)
            assert path.read_bytes() == whole
    assert any(name.startswith("padding") for name in sections)
    assert len(sections) > 20


def test_a_section_full_of_zeros_is_refused(path, whole):
    """What a file system may leave after a crash."""
    header, base = header_of(whole)
    begin, end = header["symbols.words"]["data_offsets"]
    path.write_bytes(whole[: base + begin] + bytes(end - begin) + whole[base + end :])
    assert "'symbols.words'" in refused(path, DamagedBrainError)


def test_sections_that_changed_places_are_refused(path, whole):
    def swap(header):
        a, b = header["symbols.left"], header["symbols.right"]
        a["data_offsets"], b["data_offsets"] = b["data_offsets"], a["data_offsets"]

    path.write_bytes(changed(whole, swap))
    refused(path, DamagedBrainError)


# ---------------------------------------------------------------- something else


def test_what_is_not_a_brain_says_so(path, tmp_path):
    foreign = {
        "empty": b"",
        "text": b"The quick brown fox jumps over the lazy dog.\n" * 50,
        "zeros": bytes(4096),
        "ones": b"\xff" * 4096,
        "json": b'{"schema": "melvin.brain/1"}',
        "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(range(200)),
        "elf": b"\x7fELF\2\1\1" + bytes(300),
        "noise": random.Random(5).randbytes(5000),
    }
    for data in foreign.values():
        path.write_bytes(data)
        refused(path, NotABrainError)


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}, {"schema": "melvin.brain/1"}])
def test_another_safetensors_file_is_not_a_brain(path, metadata):
    save_file({"weight": np.ones((3, 4), np.float32), "bias": np.zeros(4)}, path, metadata=metadata)
    assert "not a brain" in refused(path, NotABrainError)


def test_a_later_schema_asks_for_an_upgrade(path, whole):
    for version in (str(VERSION + 1), "100", "999999"):
        path.write_bytes(changed(whole, lambda h, v=version: h["__metadata__"].update(schema=f"melvin.brain/{v}")))
        assert "upgrade" in refused(path, NewerBrainError)


@pytest.mark.parametrize(
    "schema", ["other.brain/1", "melvin.brain", "melvin.brain/", "melvin.brain/x", "melvin.brain/-1", ""]
)
def test_an_unknown_schema_is_not_a_brain(path, whole, schema):
    path.write_bytes(changed(whole, lambda h: h["__metadata__"].update(schema=schema)))
    refused(path, NotABrainError)


def test_a_missing_section_is_named(path, whole):
    header, base = header_of(whole)
    for name in [name for name in header if not name.startswith(("__", "padding"))]:
        shorter, body, at = {"__metadata__": header["__metadata__"]}, b"", 0
        for other, entry in header.items():
            if other not in (name, "__metadata__"):
                begin, end = entry["data_offsets"]
                shorter[other] = entry | {"data_offsets": [at, at + end - begin]}
                body += whole[base + begin : base + end]
                at += end - begin
        path.write_bytes(rebuilt(shorter, body))
        assert repr(name) in refused(path, DamagedBrainError, read_all)


def test_a_folder_is_not_a_brain(tmp_path):
    refused(tmp_path, NotABrainError)


def test_a_missing_file_says_how_to_get_one(tmp_path):
    assert "train" in refused(tmp_path / "none.m")
    refused(tmp_path / "none" / "brain.m")
    (tmp_path / "file").write_bytes(b"x")
    refused(tmp_path / "file" / "brain.m")


def test_a_link_to_nowhere_is_a_missing_file(tmp_path, path):
    path.symlink_to(tmp_path / "gone")
    refused(path)


def test_a_pipe_is_not_waited_for(path):
    os.mkfifo(path)
    refused(path, NotABrainError)


def test_a_file_that_may_not_be_read_says_why(path, whole, monkeypatch):
    path.write_bytes(whole)
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything: let the system call refuse instead

        def denied(*arguments, **how):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr("melvin.container.os.open", denied)
    assert "Permission denied" in refused(path)
