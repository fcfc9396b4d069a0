"""`python -m scaling_suite peers`, with real processes and trainers that need no registry."""

import json
import subprocess
import sys

import pytest

TRAINER = """
import sys
from collections import Counter
from pathlib import Path

held = bytearray(64 << 20)  # so that its peak is known
held[:: 1 << 12] = bytes(len(held[:: 1 << 12]))
words = Counter(Path(sys.argv[1]).read_bytes().split())
(Path(sys.argv[2]) / "words.txt").write_text(str(len(words)))
"""


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"".join(b"line %d of a small corpus\n" % n for n in range(2000)))
    return path


def peers(*options):
    command = [sys.executable, "-m", "scaling_suite", "peers", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True)


def script(folder, name, text):
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def test_a_peer_and_melvin_are_trained_in_turn_and_what_each_cost_is_written(tmp_path, corpus):
    counter = script(tmp_path, "counter", TRAINER)
    ended = peers(
        "--corpus", corpus, "--size", "20KB", "--folder", tmp_path / "out", "--script", counter, "--rounds", 2
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.splitlines()[1:] == [
        f"{name}: train, {n} of 2" for n in (1, 2) for name in ("melvin", "counter")
    ]
    found = json.loads((tmp_path / "out" / "peers.json").read_text())
    melvin, peer = found["trainers"]
    assert (melvin["name"], peer["name"]) == ("melvin", "counter")
    assert melvin["cpu_s_to_melvin"] == 1
    assert melvin["peak_rss_to_melvin"] == 1
    assert len(peer["runs"]) == len(melvin["runs"]) == 2
    assert peer["cpu_s_to_melvin"] == pytest.approx(peer["cpu_s"] / melvin["cpu_s"])
    assert 64 << 20 <= peer["peak_rss_bytes"] < 128 << 20
    assert (tmp_path / "out" / "counter" / "words.txt").exists()
    assert (tmp_path / "out" / "melvin" / "brain.m").exists()
    assert ended.stdout == (tmp_path / "out" / "peers.md").read_text()
    assert "| counter |" in ended.stdout


def test_both_learn_the_same_whole_lines(tmp_path, corpus):
    ended = peers(
        "--corpus", corpus, "--size", "1000B", "--folder", tmp_path, "--script", script(tmp_path, "a", ""), "--json"
    )
    text = (tmp_path / "text.txt").read_bytes()
    assert corpus.read_bytes().startswith(text)
    assert text.endswith(b"\n")
    following = corpus.read_bytes()[len(text) :].index(b"\n") + 1
    assert len(text) <= 1000 < len(text) + following
    assert json.loads(ended.stdout)["text"]["bytes"] == len(text)


def test_a_peer_that_fails_is_named_and_the_others_go_on(tmp_path, corpus):
    bad = script(tmp_path, "bad", "raise ValueError('no such thing')")
    good = script(tmp_path, "good", "")
    ended = peers("--corpus", corpus, "--folder", tmp_path / "out", "--script", bad, "--script", good, "--rounds", 1)
    assert ended.returncode == 0
    _, failed, went = json.loads((tmp_path / "out" / "peers.json").read_text())["trainers"]
    assert "ValueError: no such thing" in failed["failure"]
    assert "cpu_s" not in failed
    assert went["cpu_s"] > 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--only", "nobody"], "there is no peer 'nobody': name rustbpe, sentencepiece, tokenizers, gensim, markovify"),
        (["--size", "much"], "'much' is not a size"),
        (["--size", "3B", "--script", "counter.py"], "not one line"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(tmp_path, corpus, options, sentence):
    options = [script(tmp_path, "counter", TRAINER) if option == "counter.py" else option for option in options]
    ended = peers("--corpus", corpus, "--folder", tmp_path / "out", *options)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
