"""Real workers, under real limits, on a small text."""

from pathlib import Path

import pytest

from harness.attempts import Plan, Trials
from harness.launch import Launcher
from harness.limits import Limits
from harness.subject import parse_subject
from scaling_suite.workload import Rung

ROOT = Path(__file__).parents[2]
TEXT = b"".join(b"the %d. line of a small text says that %d follows %d\n" % (i, i + 1, i) for i in range(400))
MEMORY_BYTES = 256 * 1024**2


@pytest.fixture
def launcher(monkeypatch):
    monkeypatch.chdir(ROOT)  # the canaries are found from here
    with Launcher() as running:
        yield running


def prepare(source, size, folder, seed):
    """A rung without the workload: these tests are about processes."""
    folder.mkdir(parents=True)
    names = {name: folder / name for name in ("corpus", "heldout", "facts")}
    names["corpus"].write_bytes(TEXT)
    names["heldout"].write_bytes(b"the 9. line of another text\n")
    names["facts"].write_text('{"prefix": "the 7. line of a small", "answer": " text"}\n')
    return Rung(size, names["corpus"], len(TEXT), 400, names["heldout"], names["facts"])


class Events:
    """Hears what happens, and may act on it."""

    def __init__(self, act=None):
        self.heard = []
        self._act = act

    def sample(self, event):
        self.heard.append(event)
        if self._act is not None:
            self._act(self.heard)

    def __getattr__(self, name):
        return lambda *arguments: None


@pytest.fixture
def trials(launcher, tmp_path):
    """Tries of a subject, under limits: `trials("python:my.module:Class").try_once(20_000)`."""

    def of(name, *, time_s=60.0, memory_bytes=MEMORY_BYTES, limiter="watchdog", act=None):
        plan = Plan(parse_subject(name), None, 7, Limits(memory_bytes, time_s, limiter), None)
        return Trials(plan, launcher, tmp_path, Events(act), prepare)

    return of


@pytest.fixture
def attempt(trials):
    """Run one attempt of a canary: `attempt("broken:Hangs", time_s=3)`."""

    def run(name, **limits):
        (tried,) = trials(f"python:fixtures.canaries.{name}", **limits).try_once(20_000).attempts
        return tried

    return run
