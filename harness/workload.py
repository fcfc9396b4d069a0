"""The text of a rung, made by the workload in a process of its own, so that the orchestrator stays small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.errors import WorkloadFailed
from harness.signals import deferred
from scaling_suite.workload import Rung


def prepare(source: Path | None, size_bytes: int, folder: Path, seed: int) -> Rung:
    """Make a rung in `folder`; `source` None is the generator of the workload.

    Raises
    ------
    WorkloadFailed
        with the one sentence that the workload gives: no such corpus, too short, disk full.
    """
    argv = [sys.executable, "-m", "scaling_suite", "rung", "--size", f"{size_bytes}B"]
    argv += ["--out", str(folder), "--seed", str(seed)]
    if source is not None:
        argv += ["--corpus", str(source)]
    out = _run(argv, "the text of a rung")
    made = json.loads(out)
    paths = {name: Path(made[name]) for name in ("corpus", "heldout", "facts")}
    return Rung(
        made["size_bytes"],
        paths["corpus"],
        made["corpus_bytes"],
        made["corpus_lines"],
        paths["heldout"],
        paths["facts"],
    )


def make_corpus(path: Path, size_bytes: int, seed: int) -> Path:
    """A file of generated text, for several rungs to be cut from."""
    argv = [sys.executable, "-m", "scaling_suite", "corpus", "make", "--size", f"{size_bytes}B"]
    _run([*argv, "--out", str(path), "--seed", str(seed)], "the corpus")
    return path


def _run(argv: list[str], what: str) -> str:
    """Standard output of the workload; a child that was started is ended when we are interrupted."""
    process = None
    try:
        with deferred():
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        out, err = process.communicate()
    except BaseException:
        if process is not None:
            process.kill()
            process.communicate()
        raise
    if process.returncode != 0:
        said = err.strip().splitlines() or ["no message"]
        raise WorkloadFailed(f"{what} could not be made: {said[-1].removeprefix('error: ')}")
    return str(out)
