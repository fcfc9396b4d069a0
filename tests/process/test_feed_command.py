"""`python -m melvin feed`: real files of every type, read by their libraries, bound by their times."""

import json
import math
import os
import struct
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from melvin import Brain
from melvin.feeding import readers

ROOT = Path(__file__).parents[2]
RATE = 8000
PATIENCE_S = 60


def melvin(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "melvin", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=os.environ | environment,
    )


def fed(brain, *files, **environment):
    """The document of a feed that went well."""
    done = melvin("feed", brain, *files, "--json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(brain, *files, **environment):
    """The one sentence of a feed that did not; the brain is as it was."""
    before = brain.read_bytes() if brain.exists() else None
    done = melvin("feed", brain, *files, **environment)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert (brain.read_bytes() if brain.exists() else None) == before
    return done.stderr


def write_wav(path, seconds=0.5, channels=2):
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, RATE, 0, "NONE", ""))
        samples = (int(9000 * math.sin(n / 5)) for n in range(int(seconds * RATE)))
        file.writeframes(b"".join(struct.pack("<h", sample) * channels for sample in samples))
    return path


@pytest.fixture
def brain(tmp_path):
    return tmp_path / "brain.m"


def test_rows_and_words_with_times_are_bound(tmp_path, brain):
    rows, words = tmp_path / "machine.csv", tmp_path / "words.txt"
    table, said = ["timestamp,t,p"], []
    for n in range(60):
        hot = n % 3 == 0
        table.append(f"{1000 + 2 * n}.25,{90 + n % 7 if hot else 10 + n % 7}.{n},{n % 5}")
        said.append(f"{1000 + 2 * n}.27\t{'hot' if hot else 'cold'}")
    rows.write_text("\n".join(table) + "\n")
    words.write_text("\r\n".join(said))
    document = fed(brain, words, rows)
    assert [(one["type"], one["port"], one["frames"]) for one in document["files"]] == [
        ("text", "text", 60),
        ("csv", "sensor", 60),
    ]
    assert document["bridges"] > 0
    learnt = Brain.open(brain)
    assert learnt.primed("95.7 1", "sensor", on="text")[0].payload == b"hot"
    assert learnt.primed("12.9 3", "sensor", on="text")[0].payload == b"cold"
    assert learnt.recall("90.0", port="sensor") == b"90.0 0"


def test_times_of_the_iso_and_semicolons_are_read(tmp_path, brain):
    rows, words = tmp_path / "a.csv", tmp_path / "b.txt"
    rows.write_text("Time; t\n1970-01-01T00:00:10Z; 90\n1970-01-01T00:00:20; \n")
    words.write_text("10.01\thot\n20.01\tsilent\n")
    fed(brain, rows, words)
    learnt = Brain.open(brain)
    assert learnt.primed("90", "sensor", on="text")[0].payload == b"hot"
    assert learnt.primed("-", "sensor", on="text")[0].payload == b"silent"


def test_sound_is_cut_into_frames_of_20_ms(tmp_path, brain):
    document = fed(brain, write_wav(tmp_path / "tone.wav", seconds=0.5, channels=2))
    (one,) = document["files"]
    assert (one["type"], one["port"], one["frames"]) == ("wav", "audio", 25)
    assert one["bytes"] == RATE // 2 * 4
    assert document["learnt_bytes"] == one["bytes"] + 25  # each frame is a line: an end is counted with it


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_picture_is_told_by_its_tiles(tmp_path, brain, suffix):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / f"picture.{suffix}"
    picture = image.new("RGB", (64, 48), (255, 255, 255))
    picture.paste((0, 0, 0), (0, 0, 64, 24))
    picture.save(path)
    (one,) = fed(brain, path)["files"]
    assert (one["type"], one["port"], one["frames"], one["bytes"]) == ("image", "video", 1, 64)
    assert Brain.open(brain).stats().bytes == 64 + 1
    ((when, tiles),) = readers.image(path)
    assert when is None
    assert max(tiles[:32]) < 16 < 240 < min(tiles[32:])


def test_a_candump_log_is_known_by_how_it_begins(tmp_path, brain):
    pytest.importorskip("can")
    log, words = tmp_path / "bus.log", tmp_path / "driver.txt"
    frames, said = [], []
    for n in range(30):
        braking = n % 2
        frames.append(f"({1700000000 + n}.000100) can0 12A#{'90' if braking else '05'}{n:02X}0011")
        said.append(f"{1700000000 + n}.0102\t{'braking' if braking else 'rolling'}")
    log.write_text(
        "\n".join([*frames, "(1700000031.000000) can0 1F334455#R", "(1700000032.0) vcan0 123##1AABB"]) + "\n"
    )
    words.write_text("\n".join(said) + "\n")
    one, _ = fed(brain, log, words)["files"]
    assert (one["type"], one["port"], one["frames"]) == ("candump", "can", 32)
    learnt = Brain.open(brain)
    assert learnt.primed("12A#90 77 00 11", "can", on="text")[0].payload == b"braking"
    assert learnt.recall("1F", port="can") == b"1F334455#"
    assert learnt.recall("123", port="can") == b"123#AA BB"


def test_an_unknown_type_is_lines_of_bytes_and_plain_text_lines_of_text(tmp_path, brain):
    other, text = tmp_path / "firmware.bin", tmp_path / "NOTES"
    other.write_bytes(b"\x7fELF\0\1\nsecond\0\n" + b"\0" * 200_000)
    text.write_bytes(b"a line\r\n\nand \xff another")
    document = fed(brain, other, text)
    assert [(one["type"], one["port"], one["frames"]) for one in document["files"]] == [
        ("bytes", "bytes", 2 + 4),
        ("text", "text", 2),
    ]
    assert document["bridges"] == 0  # nobody knows when it was
    assert Brain.open(brain).recall("and", port="text") == b"and \xff another"


def test_one_port_may_be_named_for_all_files(tmp_path, brain):
    (tmp_path / "a.csv").write_text("t\n1\n2\n")
    (tmp_path / "b.txt").write_text("a line\n")
    document = fed(brain, tmp_path / "a.csv", tmp_path / "b.txt", "--port", "motor")
    assert document["ports"] == ["motor"]
    assert {one["port"] for one in document["files"]} == {"motor"}


def test_feeding_goes_on_learning_a_brain_that_is_there(tmp_path, brain):
    (tmp_path / "b.txt").write_text("1.0\ta line\n")
    fed(brain, tmp_path / "b.txt")
    fed(brain, tmp_path / "b.txt")
    assert Brain.open(brain).lines == 2
    table = melvin("feed", brain, tmp_path / "b.txt")
    assert "1 frames of text to port text" in table.stdout


DAMAGED = {
    "cut.wav": lambda path: path.write_bytes(write_wav(path).read_bytes()[:999]),
    "empty.wav": lambda path: path.write_bytes(b""),
    "other.wav": lambda path: path.write_bytes(b"RIFF____WAVEfmt "),
    "cut.png": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    "text.jpg": lambda path: path.write_bytes(b"no picture"),
    "short.csv": lambda path: path.write_text("time,t\n1,2\n3\n"),
    "when.csv": lambda path: path.write_text("time,t\nnever,2\n"),
    "nan.csv": lambda path: path.write_text("time,t\nNaN,2\n"),
    "huge.csv": lambda path: path.write_text("time,t\n1e999999999,2\n"),
    "far.csv": lambda path: path.write_text(f"time,t\n{10**20},2\n"),
    "far.log": lambda path: path.write_text(f"({10**20}.0) can0 12A#01\n"),
    "quote.csv": lambda path: path.write_text('t,p\n"1,2\n'),
    "half.txt": lambda path: path.write_text("1.5\ta line\nanother\n"),
    "bus.log": lambda path: path.write_text("(1.0) can0 12A#01\n(2.0) can0 12A#0X\n"),
    "words.log": lambda path: path.write_text("(1.0) can0 12A#01\nand so on\n"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_one_sentence_and_nothing_is_learnt(tmp_path, brain, name):
    if name.endswith((".png", ".jpg")):
        pytest.importorskip("PIL")
    if name.endswith(".log"):
        pytest.importorskip("can")
    (tmp_path / "good.txt").write_text("1.0\ta line\n")
    fed(brain, tmp_path / "good.txt")
    DAMAGED[name](tmp_path / name)
    assert name in refused(brain, tmp_path / "good.txt", tmp_path / name)


def test_a_file_that_ends_before_it_begins_is_told_why(tmp_path, brain):
    (tmp_path / "empty.wav").touch()
    assert "cannot be read as WAV (it ends too early)" in refused(brain, tmp_path / "empty.wav")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path, brain):
    assert "cannot read" in refused(brain, tmp_path / "missing.png")
    assert "cannot read" in refused(brain, tmp_path)
    assert not brain.exists()


@pytest.mark.parametrize(("package", "extra", "name"), [("PIL", "media", "a.png"), ("can", "can", "a.log")])
def test_a_missing_package_is_named_with_its_extra(tmp_path, brain, package, extra, name):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / f"{package}.py").write_text(f"raise ModuleNotFoundError('No module named {package}', name='{package}')\n")
    (tmp_path / name).write_bytes(b"(1.0) can0 12A#01\n")
    path = os.pathsep.join([str(hidden), *filter(None, [os.environ.get("PYTHONPATH")])])
    assert f"melvin[{extra}]" in refused(brain, tmp_path / name, PYTHONPATH=path)


def test_a_brain_in_the_middle_of_a_training_is_not_fed(tmp_path, brain):
    checkpoint = ROOT / "fixtures" / "golden" / "checkpoint-3.m"
    brain.write_bytes(checkpoint.read_bytes())
    (tmp_path / "good.txt").write_text("1.0\ta line\n")
    assert "--resume" in refused(brain, tmp_path / "good.txt")
