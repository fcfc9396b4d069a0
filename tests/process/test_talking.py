"""generate, teach and chat as a person runs them: real processes, through pipes and on a terminal."""

import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from melvin import Brain
from melvin.lock import Lock

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


@pytest.fixture
def brain(tmp_path):
    learnt = Brain()
    learnt.learn([b"silver moon"] * 10 + [b"silver spoon"] * 5 + [b"green hill"] * 5)
    learnt.save(tmp_path / "brain.m")
    return tmp_path / "brain.m"


def melvin(*arguments):
    return [sys.executable, "-m", "melvin", *map(str, arguments)]


def run(*arguments, stdin=b"", code=0):
    done = subprocess.run(melvin(*arguments), input=stdin, cwd=ROOT, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == code, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    return done.stdout.decode()


class Terminal:
    """A program on a terminal of its own: type, and wait for what it shows."""

    def __init__(self, *arguments):
        self._master, slave = pty.openpty()
        self._program = subprocess.Popen(
            melvin(*arguments), stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, start_new_session=True
        )
        os.close(slave)
        self.shown = b""

    def type(self, text):
        os.write(self._master, text)

    def until(self, text):
        """Wait until a text was shown, after everything waited for before."""
        while text not in self.shown:
            ready, _, _ = select.select([self._master], [], [], PATIENCE_S)
            assert ready, f"waited for {text!r}, and saw {self.shown!r}"
            try:
                more = os.read(self._master, 4096)
            except OSError:  # how Linux says that the other side is closed
                more = b""
            assert more, f"the program ended before {text!r}: {self.shown!r}"
            self.shown += more.replace(b"\x1b[6n", b"")
            if b"\x1b[6n" in more:  # where is the cursor? asked by the line editor
                self.type(b"\x1b[1;1R")
        self.shown = self.shown.partition(text)[2]

    def end(self):
        try:
            return self._program.wait(PATIENCE_S)
        finally:
            os.close(self._master)

    def signal(self, number):
        self._program.send_signal(number)


def test_teaching_through_a_pipe_changes_what_is_answered_and_is_saved(brain):
    shown = run("teach", brain, stdin=b"silver \nn\nsilver \nn\nsilver \nn\ngreen\n sea at noon\nq\n")
    assert "silver moon" in shown
    assert "answers judged: 3, lines learnt: 1, saved" in shown
    taught = Brain.open(brain)
    assert taught.query("silver ").text == "spoon"
    assert taught.lines == 21
    assert taught.probability("green ", "sea at noon") > 0.01


def test_teaching_ends_with_its_input_and_saves(brain):
    assert "answers judged: 1, lines learnt: 0, saved" in run("teach", brain, stdin=b"silver \nn")
    assert Brain.open(brain).snapshot.feedback.key.size > 0


def test_a_pupil_that_is_asked_nothing_asks_itself(brain):
    asked = Brain.open(brain).unsure()[0]
    shown = run("teach", brain, stdin=b"\ny\nq\n")
    assert asked == b"silver "
    assert shown.startswith("silver moon")
    before = brain.read_bytes()
    assert "answers judged: 0, lines learnt: 0\n" in run("teach", brain, stdin=b"\n\n\nq\n")
    assert brain.read_bytes() == before


def test_a_brain_that_is_being_trained_is_not_taught(brain):
    with Lock(brain):
        done = subprocess.run(melvin("teach", brain), input=b"", cwd=ROOT, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: another training")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_teaching_on_a_terminal_saves_what_was_taught(brain, number):
    terminal = Terminal("teach", brain)
    terminal.until(b"ask> ")
    terminal.type(b"silver \n")
    terminal.until(b"silver moon")
    terminal.until(b"or how it goes on> ")
    terminal.type(b"n\n")
    terminal.until(b"ask> ")
    terminal.signal(number)
    terminal.until(b"answers judged: 1, lines learnt: 0, saved")
    assert terminal.end() == 128 + number
    assert Brain.open(brain).snapshot.feedback.key.size > 0
    assert not list(brain.parent.glob(".*.lock"))


def test_chatting_through_a_pipe_answers_and_leaves_the_file_as_it_was(brain):
    before = brain.read_bytes()
    shown = run("chat", brain, stdin=b"silver \n/nonsense\n\xff\xfe\n\n/help\n/quit\nsilver \n")
    assert shown.count("silver moon") == 1
    assert "there is no command /nonsense: /help lists them" in shown
    assert "/quit" in shown
    assert brain.read_bytes() == before


def test_a_chat_says_why_what_comes_after_and_what_is_asked_for(brain):
    asked = "/why|silver |/why|/after silver|/similar moon|/similar|/after|/focus spoon|silver |/focus|/quit"
    talk = asked.encode().split(b"|")
    shown = run("chat", brain, stdin=b"\n".join(talk) + b"\n").splitlines()
    assert shown[0] == "nothing was asked yet"
    assert shown[1] == "silver moon"
    assert "after 'silver '" in shown[3]
    assert {"moon  10", "spoon  5", "no word comes after it", "no word is like it", "focus: spoon", "no focus"} <= {
        *shown
    }
    assert any(line.startswith("spoon  0.") or line == "spoon  1.000" for line in shown)


def test_a_chat_ends_with_its_input(brain):
    assert "green hill" in run("chat", brain, stdin=b"green\n")


def test_chatting_on_a_terminal_has_history_and_completion(brain):
    before = brain.read_bytes()
    terminal = Terminal("chat", brain)
    terminal.until(b">")
    terminal.type(b"silver \r")
    terminal.until(b"silver moon")
    terminal.until(b">")
    terminal.type(b"\x1b[A\r")  # arrow up: the line before
    terminal.until(b"silver moon")
    terminal.until(b">")
    terminal.type(b"/qu\t")
    terminal.until(b"it")
    terminal.type(b"\r")
    assert terminal.end() == 0
    assert brain.read_bytes() == before


def test_lines_are_made_up_by_their_seed(brain):
    made = run("generate", brain, "silver ", "--lines", 4, "--seed", 3)
    assert made == run("generate", brain, "silver ", "--lines", 4, "--seed", 3)
    assert len(made.splitlines()) == 4
    assert all(line.startswith("silver ") for line in made.splitlines())
    assert run("generate", brain, "silver ", "--temperature", 0) == "silver moon\n"
    done = subprocess.run(
        melvin("generate", brain, "--temperature", -1), cwd=ROOT, capture_output=True, timeout=PATIENCE_S
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: a temperature of -1.0")
