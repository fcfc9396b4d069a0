"""The learner's command line as a process of its own: signals, pipes, hash seeds, output that nobody reads."""

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from melvin import Brain, verify
from melvin.lines import READ_BYTES

ROOT = Path(__file__).parents[2]
LINE = b"the %d. line of a text, and after it comes the next\n"
PIPE_BYTES = 1 << 16  # what Linux holds between a writer and a reader
PATIENCE_S = 60
OPENAT = {"x86_64": "257 0xffffff9c", "aarch64": "56 0xffffff9c"}.get(os.uname().machine, "running")


def lines(count, first=0):
    return b"".join(LINE % n for n in range(first, first + count))


def melvin(*arguments, **how):
    return subprocess.run(
        [sys.executable, "-m", "melvin", *map(str, arguments)], cwd=ROOT, capture_output=True, timeout=PATIENCE_S, **how
    )


@pytest.fixture
def training(tmp_path):
    """A real training that reads from a pipe, and the pipe's other end."""
    started = []

    def start(*arguments):
        command = [sys.executable, "-m", "melvin", "train", str(tmp_path / "brain.m"), "-", *arguments]
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def ended(process, text=b""):
    """What a process has printed when it ends."""
    out, err = process.communicate(text or None, timeout=PATIENCE_S)
    assert b"Traceback" not in err
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_what_was_learnt_and_says_how_to_go_on(training, tmp_path, number):
    process = training("--json")
    process.stdin.write(lines(20_000))  # returns when all but a pipe's worth is read: learning has begun
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == 128 + number  # the pipe is still open: it need not end first
    out, err = process.stdout.read(), process.stderr.read()
    assert b"saved" in err
    assert b"Traceback" not in err
    summary = json.loads(out)
    assert summary["interrupted"] is True
    verify(tmp_path / "brain.m")
    stats = Brain.open(tmp_path / "brain.m").stats()
    assert stats.lines == summary["learnt_lines"] > 0
    assert stats.bytes >= len(lines(20_000)) - PIPE_BYTES - 2 * READ_BYTES


def wait_for_input(process):
    """Until the process has read all that is in its pipe, and sleeps: it waits for more."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        unread = struct.unpack("i", fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)))[0]
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if not unread and state == "S":
            return
        os.sched_yield()
    pytest.fail("the training never waited for more input")


def test_a_signal_while_waiting_for_input_stops_at_once(training, tmp_path):
    process = training()
    process.stdin.write(lines(20_000) + b"an open line")
    wait_for_input(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 130
    err = process.stderr.read()
    assert b"Traceback" not in err
    verify(tmp_path / "brain.m")


def test_ctrl_c_stops_a_training_that_waits_for_a_pipe_to_be_opened_and_it_is_resumed(tmp_path):
    pipe, brain = tmp_path / "pipe", tmp_path / "brain.m"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "melvin", "train", str(brain), str(pipe)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    waits = Path(f"/proc/{process.pid}/syscall")  # in open(pipe), until somebody writes to it
    end = time.monotonic() + PATIENCE_S
    while not (brain.with_name(f".{brain.name}.lock").exists() and waits.read_text().startswith(OPENAT)):
        assert time.monotonic() < end
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert code == 128 + signal.SIGINT
    assert "--resume" in err
    (tmp_path / "text").write_bytes(lines(40))
    assert melvin("train", brain, tmp_path / "text", "--resume").returncode == 0
    assert Brain.open(brain).stats().lines == 40


def test_what_was_interrupted_is_the_beginning_of_what_would_have_been_learnt(training, tmp_path):
    process = training("--json")
    process.stdin.write(lines(20_000))
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 130
    kept = Brain.open(tmp_path / "brain.m")
    whole = Brain()
    whole.learn(lines(kept.stats().lines).splitlines())
    assert kept.stats() == whole.stats()
    assert kept.query("the 7").payload == whole.query("the 7").payload


def test_a_training_from_a_pipe_ends_when_the_pipe_does(training, tmp_path):
    returned, out, err = ended(training("--json"), lines(3000))
    assert returned == 0
    assert err == ""  # no progress line where nobody looks
    assert json.loads(out)["learnt_lines"] == 3000


def wait_for_lines(path, count):
    """Until a checkpoint holds so many lines."""
    deadline = time.monotonic() + PATIENCE_S
    while not (path.exists() and Brain.open(path).stats().lines >= count):
        assert time.monotonic() < deadline
        os.sched_yield()


def test_what_a_slow_pipe_brings_is_learnt_and_can_be_asked_for_while_the_training_waits(training, tmp_path):
    brain, whole = tmp_path / "brain.m", tmp_path / "whole.m"
    process = training("--checkpoint-every", "1s")
    process.stdin.write(lines(40) + b"an open li")
    wait_for_lines(brain, 40)
    answer = melvin("query", brain, "the 7. line of a text, and aft")
    assert answer.returncode == 0
    assert b"er it comes" in answer.stdout
    process.stdin.write(b"ne\n" + lines(10, first=40))
    wait_for_lines(brain, 51)
    assert Brain.open(brain).resume is not None
    returned, _, _ = ended(process)
    assert returned == 0
    once = Brain()
    once.learn([*lines(40).splitlines(), b"an open line", *lines(10, first=40).splitlines()])
    once.save(whole)
    assert brain.read_bytes() == whole.read_bytes()


def test_a_killed_training_leaves_the_old_brain(training, tmp_path):
    path = tmp_path / "brain.m"
    brain = Brain()
    brain.learn([b"the old brain"] * 9)
    brain.save(path)
    before = path.read_bytes()
    process = training()
    process.stdin.write(lines(20_000))
    process.kill()
    process.wait(PATIENCE_S)
    assert path.read_bytes() == before


def test_the_whole_way_from_text_to_answer(tmp_path):
    corpus, brain = tmp_path / "corpus.txt", tmp_path / "brain.m"
    corpus.write_bytes(lines(400))
    seeds = []
    for seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": seed}
        brain.unlink(missing_ok=True)
        assert melvin("train", brain, corpus, env=env).returncode == 0
        seeds.append(brain.read_bytes())
    assert seeds[0] == seeds[1]
    assert melvin("verify", brain).returncode == 0
    answer = json.loads(melvin("query", brain, "the 7. line of a text, and aft", "--json").stdout)
    assert answer["text"].startswith("er it comes")
    assert json.loads(melvin("score", brain, corpus, "--json").stdout)["bits_per_byte"] < 2


BAD = {
    "a missing brain": ("query", "nowhere.m", "a"),
    "not a brain": ("verify", "README-of-another-project"),
    "a missing corpus": ("train", "brain.m", "nowhere.txt"),
    "a folder that is gone": ("train", "gone/brain.m", "README-of-another-project"),
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_no_traceback(tmp_path, arguments):
    (tmp_path / "README-of-another-project").write_bytes(b"# Another project\n" * 9)
    done = subprocess.run(
        [sys.executable, "-m", "melvin", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.startswith(b"Error: ")
    assert done.stderr.count(b"\n") == 1


def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    """`python -m melvin inspect brain.m | head -1`"""
    brain = Brain()
    brain.learn(lines(300).splitlines())
    brain.save(tmp_path / "brain.m")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as broken:
        done = subprocess.run(
            [sys.executable, "-m", "melvin", "inspect", str(tmp_path / "brain.m"), "--top", "999"],
            cwd=ROOT,
            stdout=broken,
            stderr=subprocess.PIPE,
            timeout=PATIENCE_S,
        )
    assert b"Traceback" not in done.stderr


@pytest.fixture
def brain(tmp_path):
    learnt = Brain()
    learnt.learn(lines(300).splitlines())
    learnt.save(tmp_path / "brain.m")
    return tmp_path / "brain.m"


def shell(command, *names):
    """A command whose streams a shell leads elsewhere; $1, $2, ... are the names."""
    return subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m melvin {command}", "sh", *map(str, names)],
        cwd=ROOT,
        capture_output=True,
        timeout=PATIENCE_S,
        text=True,
    )


FULL = {
    "inspect": 'inspect "$1"',
    "query": 'query "$1" the --json',
    "verify": 'verify "$1"',
    "chat": 'chat "$1"',
    "teach": 'teach "$1"',
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", FULL.values(), ids=FULL)
def test_output_that_cannot_be_written_is_one_sentence(brain, tmp_path, command):
    (tmp_path / "asked").write_bytes(lines(9))
    done = shell(f'{command} <"$2" >/dev/full', brain, tmp_path / "asked")
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("Error: cannot write to standard output: No space left on device")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ['train "$1" "$2"', 'feed "$1" "$2"', 'merge "$1" "$3" "$3"'], ids=str.split)
def test_what_is_saved_is_saved_though_that_cannot_be_printed(brain, tmp_path, command):
    (tmp_path / "text").write_bytes(lines(40))
    done = shell(f"{command} >/dev/full", tmp_path / "new.m", tmp_path / "text", brain)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert "No space left on device" in said
    assert "is saved" in said
    verify(tmp_path / "new.m")


def test_a_result_that_goes_to_a_closed_output_is_one_sentence(brain):
    done = shell('score "$1" - <"$1" >&-', brain)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("Error: cannot write to standard output: it is closed")


CLOSED = {
    "train": 'train "$2" -',
    "score": 'score "$1" -',
    "chat": 'chat "$1"',
    "teach": 'teach "$1"',
}


@pytest.mark.parametrize("command", CLOSED.values(), ids=CLOSED)
def test_standard_input_that_is_closed_is_one_sentence(brain, tmp_path, command):
    done = shell(f"{command} <&-", brain, tmp_path / "new.m")
    assert (done.returncode, done.stdout) == (1, "")
    (said,) = done.stderr.splitlines()
    assert said.startswith("Error: standard input is closed")
    assert not (tmp_path / "new.m").exists()


def test_a_training_needs_no_standard_error(tmp_path):
    (tmp_path / "text").write_bytes(lines(40))
    assert shell('train "$1" "$2" 2>&-', tmp_path / "new.m", tmp_path / "text").returncode == 0
    verify(tmp_path / "new.m")


@pytest.mark.parametrize("module", ["xxhash", "click"])  # imported below the package, and by its command line
def test_ctrl_c_while_the_program_is_loaded_says_nothing(tmp_path, module):
    (tmp_path / f"{module}.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = melvin("--help", env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert done.returncode == -signal.SIGINT  # which a shell reports as 130
    assert done.stdout == done.stderr == b""


@pytest.mark.parametrize("how", [["-u", "-m", "melvin"], ["-Wignore", "-mmelvin"]])
def test_ctrl_c_while_the_program_is_loaded_says_nothing_whatever_the_interpreter_is_told(tmp_path, how):
    (tmp_path / "xxhash.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    argv = [sys.executable, *how, "--help"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == -signal.SIGINT
    assert done.stdout == done.stderr == b""


def test_another_module_that_is_run_and_imports_the_package_hears_ctrl_c_as_before(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "__init__.py").write_text("import melvin\n")
    (tmp_path / "other" / "__main__.py").write_text(
        "import signal\nprint(signal.getsignal(2) == signal.default_int_handler)\n"
    )
    argv = [sys.executable, "-m", "other", "-m", "melvin"]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, timeout=PATIENCE_S)
    assert done.stdout == b"True\n"


@pytest.mark.parametrize("handler", ["default_int_handler", "SIG_IGN"])
def test_a_program_that_imports_the_package_hears_ctrl_c_as_before(handler):
    program = f"import signal as s; s.signal(2, s.{handler}); import melvin; print(s.getsignal(2) == s.{handler})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=PATIENCE_S)
    assert done.stdout == b"True\n"
