"""A stranger can make every checksum of a brain file hold. It is refused, or does no harm; never a traceback."""

import json
import struct
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import xxhash
from brain_files import PROSE, changed, header_of, read_all, rebuilt, refused
from safetensors.numpy import load_file

from melvin import Brain, Frame, MelvinError, binding, calibration, container, soundness
from melvin.errors import DamagedBrainError
from melvin.soundness import symbols_hold
from melvin.symbols import Symbols


def state_changed(data, change):
    def both(header):
        state = json.loads(header["__metadata__"]["state"])
        header["__metadata__"]["state"] = json.dumps(change(state))

    return changed(data, both)


def a_section(header):
    return header["symbols.left"]


HEADERS = {
    "not an object": lambda h: [h],
    "no metadata": lambda h: {k: v for k, v in h.items() if k != "__metadata__"},
    "metadata is a list": lambda h: h | {"__metadata__": ["header"]},
    "metadata of numbers": lambda h: h["__metadata__"].update(schema=1) or h,
    "metadata of lists": lambda h: h["__metadata__"].update(state=[1]) or h,
    "nothing but metadata": lambda h: {"__metadata__": h["__metadata__"]},
    "a section is a number": lambda h: h | {"symbols.left": 3},
    "a section is null": lambda h: h | {"symbols.left": None},
    "no offsets": lambda h: a_section(h).pop("data_offsets") and h,
    "offsets are text": lambda h: a_section(h).update(data_offsets="ab") or h,
    "offsets are null": lambda h: a_section(h).update(data_offsets=None) or h,
    "offsets are empty": lambda h: a_section(h).update(data_offsets=[]) or h,
    "offsets are pairs": lambda h: a_section(h).update(data_offsets=[[0], [1]]) or h,
    "offsets are fractions": lambda h: a_section(h).update(data_offsets=[0.5, 1.5]) or h,
    "offsets are NaN": lambda h: a_section(h).update(data_offsets=[float("nan"), float("nan")]) or h,
    "offsets are negative": lambda h: a_section(h).update(data_offsets=[-8, 8]) or h,
    "offsets run backwards": lambda h: a_section(h).update(data_offsets=a_section(h)["data_offsets"][::-1]) or h,
    "offsets are huge": lambda h: a_section(h).update(data_offsets=[2**63, 2**64]) or h,
    "offsets beyond any machine": lambda h: a_section(h).update(data_offsets=[10**30, 10**40]) or h,
    "offsets overlap": lambda h: a_section(h).update(data_offsets=h["symbols.port"]["data_offsets"]) or h,
    "no shape": lambda h: a_section(h).pop("shape") and h,
    "shape is huge": lambda h: a_section(h).update(shape=[2**62]) or h,
    "shape wraps around": lambda h: a_section(h).update(shape=[2**32, 2**32]) or h,
    "shape is negative": lambda h: a_section(h).update(shape=[-1]) or h,
    "shape is text": lambda h: a_section(h).update(shape="12") or h,
    "shape is too small": lambda h: a_section(h).update(shape=[1]) or h,
    "unknown type": lambda h: a_section(h).update(dtype="F8_E4M3") or h,
    "type is a list": lambda h: a_section(h).update(dtype=["U8"]) or h,
    "type is null": lambda h: a_section(h).update(dtype=None) or h,
    "another type": lambda h: a_section(h).update(dtype="I64", shape=[a_section(h)["shape"][0] // 2]) or h,
    "version beyond any machine": lambda h: h["__metadata__"].update(schema="melvin.brain/" + "9" * 5000) or h,
    "version in other digits": lambda h: h["__metadata__"].update(schema="melvin.brain/٩") or h,
    "name with half a character": lambda h: h | {"\ud800": a_section(h)},
    "state nested deeply": lambda h: h["__metadata__"].update(state="[" * 100_000) or h,
    "state nested deeply, and closed": lambda h: h["__metadata__"].update(state="[" * 9_000 + "]" * 9_000) or h,
}


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS)
def test_a_hostile_header_is_refused(path, whole, change):
    header, base = header_of(whole)
    path.write_bytes(rebuilt(change(header), whole[base:]))
    refused(path)


RAW = {
    "a length beyond the file": struct.pack("<Q", 2**40) + b"{}",
    "the largest length": b"\xff" * 8 + b"{}",
    "a length of one": struct.pack("<Q", 1) + b"{",
    "an empty object": struct.pack("<Q", 2) + b"{}",
    "nested lists": struct.pack("<Q", 200_001) + b'{"a":' + b"[" * 199_996,
    "nested objects": struct.pack("<Q", 500_000) + b'{"a":' * 100_000,
    "nested in the metadata": struct.pack("<Q", 60_035)
    + b'{"__metadata__":{"header":'
    + b"[" * 30_000
    + b"]" * 30_000
    + b"}} ".ljust(9),
    "not UTF-8": struct.pack("<Q", 8) + b'{"\xff": 1}'[:8],
    "NaN": struct.pack("<Q", 10) + b'{"a": NaN}',
    "a number beyond any machine": struct.pack("<Q", 10_006) + b'{"a":' + b"9" * 10_000 + b"}",
    "the same name twice": struct.pack("<Q", 16) + b'{"a":{},"a": {}}',
}


@pytest.mark.parametrize("data", RAW.values(), ids=RAW)
def test_a_hostile_beginning_is_refused(path, data):
    path.write_bytes(data)
    refused(path)


def without(name):
    return lambda state: {k: v for k, v in state.items() if k != name}


STATES = {
    "a list": lambda s: [s],
    "null": lambda s: None,
    "no ports": without("ports"),
    "no generation": without("generation"),
    "ports are text": lambda s: s | {"ports": "tc"},
    "ports are numbers": lambda s: s | {"ports": [1, 2]},
    "ports are null": lambda s: s | {"ports": None},
    "one port too few": lambda s: s | {"ports": ["text"]},
    "one port too many": lambda s: s | {"ports": ["text", "can", "more"]},
    "the same port twice": lambda s: s | {"ports": ["text", "text"]},
    "generation is negative": lambda s: s | {"generation": -1},
    "generation is a fraction": lambda s: s | {"generation": 1.5},
    "generation is true": lambda s: s | {"generation": True},
    "fed is text": lambda s: s | {"fed": "12"},
    "fed is NaN": lambda s: s | {"fed": float("nan")},
    "fed beyond any machine": lambda s: s | {"fed": 10**30},
    "lines beyond any machine": lambda s: s | {"lines": 10**30},
    "ends_at beyond any machine": lambda s: s | {"ends_at": 10**30},
    "ends_at is null": lambda s: s | {"ends_at": None},
    "ends_at is behind": lambda s: s | {"ends_at": 0},
    "no began_at": without("began_at"),
    "began_at is true": lambda s: s | {"began_at": True},
    "began_at is negative": lambda s: s | {"began_at": -1},
    "began_at is a fraction": lambda s: s | {"began_at": 0.5},
    "began_at is ahead": lambda s: s | {"began_at": s["fed"] + 1},
    "halvings beyond the hash": lambda s: s | {"halvings": 65},
    "no episodes": without("episodes"),
    "episodes are a list": lambda s: s | {"episodes": []},
    "a border beyond any gap": lambda s: s | {"episodes": s["episodes"] | {"border": 64}},
    "a border that is a fraction": lambda s: s | {"episodes": s["episodes"] | {"border": 1.5}},
    "a time beyond any machine": lambda s: s | {"episodes": s["episodes"] | {"last_ns": 10**30}},
    "a time without a frame": lambda s: s | {"episodes": s["episodes"] | {"last_ns": 1}},
    "gathered bytes are negative": lambda s: s | {"episodes": s["episodes"] | {"gathered_bytes": -1}},
    "gathered bytes beyond any machine": lambda s: s | {"episodes": s["episodes"] | {"gathered_bytes": 10**30}},
    "gathered bytes are null": lambda s: s | {"episodes": s["episodes"] | {"gathered_bytes": None}},
}


@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_a_hostile_state_is_refused(path, whole, change):
    path.write_bytes(state_changed(whole, change))
    refused(path, DamagedBrainError, read_all)


def rewritten(whole, name, array):
    """The file with another array of the same size, and checksums that hold."""
    header, base = header_of(whole)
    begin, end = header[name]["data_offsets"]
    body = array.tobytes()
    assert len(body) == end - begin
    header["__metadata__"]["checksum " + name] = xxhash.xxh3_128_hexdigest(body)
    return rebuilt(header, whole[base : base + begin] + body + whole[base + end :])


def widened(data, name, array):
    """The file with an array of another type in place of one, and checksums that hold."""
    header, base = header_of(data)
    begin, end = header[name]["data_offsets"]
    more = array.nbytes - (end - begin)
    for entry in (entry for other, entry in header.items() if other != "__metadata__"):
        if entry["data_offsets"][0] >= end:
            entry["data_offsets"] = [at + more for at in entry["data_offsets"]]
    header[name] |= {"dtype": "U64", "data_offsets": [begin, end + more]}
    header["__metadata__"]["checksum " + name] = xxhash.xxh3_128_hexdigest(array.tobytes())
    body = data[base:]
    return rebuilt(header, body[:begin] + array.tobytes() + body[end:])


def use(brain):
    """Everything that a brain is there for."""
    brain.query(b"the ")
    brain.why(b"the ", b"end")
    brain.similar(b"the")
    brain.relation(b"the", b"end")
    brain.generate(b"the ", length=20)
    brain.stats()
    brain.patterns()
    brain.pattern(b"the")
    brain.constituents(b"the")
    brain.score([b"the end"])
    brain.distribution(b"the ")
    brain.learn(PROSE[30:45])  # to the end of a generation
    brain.learn([b"\1\2\3"] * 60, port="can")
    brain.learn_frames(Frame(port, 10**10 + n, b"t=%d" % n) for n in range(40) for port in ("text", "can"))
    for payload in (b"t=3", b"\1\2", b"the"):
        brain.primed(payload, "can", on="text")
    brain.learn([b"one"], port="more")
    brain.distribution(b"the ")
    brain.score([b"the end"])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small brain file with something in every table, and its arrays."""
    learnt = Brain()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binding, "FOLD_BYTES", 1000)
        patch.setattr(calibration, "PLACE_EVERY", 32)
        learnt.learn_frames(
            Frame(port, 10**9 * n + len(port), b"%s %d" % (port.encode(), n % 3))
            for n in range(9)
            for port in ("can", "text")
        )
        learnt.learn(PROSE[:30])
    learnt.learn([bytes([1, n, 3]) for n in range(60)], port="can")
    learnt.feedback(learnt.query(b"the "), 0.0)
    path = tmp_path_factory.mktemp("brain") / "small.m"
    learnt.save(path)
    return path.read_bytes(), load_file(path)


def wild(array):
    """Arrays of the same size with other values, by what was done."""
    if array.dtype == np.bool_:
        return {"inverted": ~array}
    if array.dtype == np.float64:
        return {"not a number": array * np.nan, "endless": array + np.inf, "negative": array - 1, "large": array + 1e9}
    top = np.iinfo(array.dtype).max
    ordered, first = np.sort(np.frombuffer(np.random.default_rng(8).bytes(array.nbytes), array.dtype)), array.copy()
    first.flat[0] = 0
    one = {"one wild": array.copy(), "one more": array.copy(), "one zero": array.copy()}
    for what, value in (("one wild", top), ("one more", array.flat[array.size // 2] + 1), ("one zero", 0)):
        one[what].flat[array.size // 2] = value
    noise = np.random.default_rng(7).bytes(array.nbytes)
    return one | {
        "first zero": first,
        "ordered noise": ordered.reshape(array.shape),
        "ordered, and small": np.sort(ordered % array.dtype.type(100)).reshape(array.shape),
        "zeros": np.zeros_like(array),
        "largest": np.full_like(array, top),
        "noise": np.frombuffer(noise, array.dtype).reshape(array.shape),
        "reversed": np.ascontiguousarray(array[..., ::-1]),
    }


SECTIONS = [
    "attended",
    "bridges",
    "calibration",
    "context_edges",
    "curve",
    "embedding",
    "episodes",
    "feedback",
    "gathering",
    "grams",
    "links",
    "separator",
    "symbols",
    "transformers",
    "view",
    "weights",
    "words",
]


def test_the_sections_are_those_that_are_attacked(small):
    assert {name.split(".")[0] for name in small[1] if not name.startswith("padding")} == set(SECTIONS)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # wild counts may overflow: what is computed of them is theirs
@pytest.mark.parametrize("section", SECTIONS)
def test_hostile_arrays_are_refused_or_do_no_harm(path, small, section):
    data, arrays = small
    refused_ones = 0
    for name in sorted(name for name in arrays if name.split(".")[0] == section and arrays[name].size):
        for what, array in wild(arrays[name]).items():
            path.write_bytes(rewritten(data, name, array))
            try:
                use(Brain.open(path))
            except MelvinError:
                refused_ones += 1
            except Exception as error:
                pytest.fail(f"{name}, {what}: {error!r}")
    assert refused_ones or section == "separator"


def test_a_gram_that_no_bytes_make_is_refused(path, small):
    data, arrays = small
    path.write_bytes(rewritten(data, "grams.key", wild(arrays["grams.key"])["first zero"]))
    assert "'grams'" in refused(path, DamagedBrainError, read_all)


def test_counts_whose_sum_wraps_around_to_what_it_was_are_refused(path, small):
    data, arrays = small
    name = "view.contexts.0.count"  # a row for each port
    wide = arrays[name].astype(np.uint64)
    wide[np.flatnonzero(wide[: arrays["view.contexts.0.first"][1]] > 4)[:2]] += np.uint64(2**63)
    assert int(wide.max()) > 2**63
    path.write_bytes(widened(data, name, wide))
    refused(path, DamagedBrainError, lambda path: Brain.open(path).query("a"))


def test_weights_whose_sum_would_overflow_are_refused(path, small):
    data, arrays = small
    for name in ("weights.asked", "weights.right"):
        many = arrays[name].copy()
        many[:, :3] = 2**62 - 1
        data = rewritten(data, name, many)
    path.write_bytes(data)
    assert "'weights'" in refused(path, DamagedBrainError, read_all)


@pytest.mark.parametrize("length", [0, 3, 5])
def test_byte_contexts_that_do_not_add_up_are_refused_when_they_are_asked(path, small, length):
    data, arrays = small
    name = f"view.contexts.{length}.first"
    path.write_bytes(rewritten(data, name, arrays[name][::-1]))
    assert repr(name.removesuffix(".first")) in refused(
        path, DamagedBrainError, lambda path: Brain.open(path).query("a")
    )


def remade(path, arrays, state):
    """A brain file with other arrays, and with changes to its state."""
    old = container.Container(path)
    kept = {name: np.array(old.get(name)) for name in old.names()} | arrays
    metadata = {key: text for key, text in old.metadata.items() if not key.startswith(container.CHECKSUM)}
    metadata["state"] = json.dumps(json.loads(metadata["state"]) | state)
    container.write(path, list(kept), kept.items(), metadata)


def test_more_rows_of_payloads_than_any_payload_takes_are_refused(path):
    Brain().save(path)
    remade(path, {"symbols.words": np.empty((1 << 40, 0), np.uint64)}, {})
    refused(path, DamagedBrainError, read_all)


def test_more_ports_than_there_is_room_for_are_refused(path):
    Brain().save(path)
    remade(path, {"symbols.base": np.zeros(9000, np.uint32)}, {"ports": [str(n) for n in range(9000)]})
    refused(path, DamagedBrainError, read_all)


def test_more_ports_than_keys_tell_apart_are_refused(monkeypatch):
    symbols = Symbols.empty().with_port("text", 0).with_port("can", 0)
    assert symbols_hold(symbols)
    monkeypatch.setattr(soundness, "MAX_PORTS", 1)
    assert not symbols_hold(symbols)


def test_vectors_without_words_do_no_harm(path):
    brain = Brain()
    brain.learn(f"w{n % 70} goes to v{n % 9} by w{n * 7 % 70}" for n in range(2000))
    brain.save(path)
    remade(path, {name: array[:0] for name, array in load_file(path).items() if "view.words" in name}, {})
    assert Brain.open(path).query("w3 goes zz ").text


@pytest.mark.parametrize("table", ["context_edges", "transformers"])
def test_a_table_that_can_be_thinned_no_further_is_read_or_refused(path, table):
    Brain(memory="256MiB").save(path)
    key = np.arange(1, 1 << 20, dtype=np.uint64) << np.uint64(21)
    thinned = {"attended": 63, "context_edges": 63, "grams": 0, "links": 0, "transformers": 63}
    changes = {f"gathering.{table}.key": key, f"gathering.{table}.count": np.ones(key.size, np.uint32)}
    remade(path, changes, {"thinned": thinned})
    with suppress(DamagedBrainError):  # a table of so many keys that have none of the names that are kept
        read_all(path)


def test_two_symbols_of_one_payload_contradict_each_other():
    symbols = Symbols.empty().with_port("text", 0)
    symbols = symbols.with_patterns(np.array([97], np.uint32), np.array([98], np.uint32), 1)
    assert symbols_hold(symbols)
    twice = {
        name: np.append(getattr(symbols, name), getattr(symbols, name)[-1:])
        for name in ("port", "left", "right", "level", "length", "born")
    }
    doubled = replace(symbols, **twice, words=np.hstack((symbols.words, symbols.words[:, -1:])))
    assert not symbols_hold(doubled)
