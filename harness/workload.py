"""The text of a rung, made by the workload in a process of its own, so that the orchestrator stays small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.errors import WorkloadFailed
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
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no message"]
        raise WorkloadFailed(f"the text of a rung could not be made: {said[-1].removeprefix('error: ')}")
    made = json.loads(done.stdout)
    paths = {name: Path(made[name]) for name in ("corpus", "heldout", "facts")}
    return Rung(
        made["size_bytes"],
        paths["corpus"],
        made["corpus_bytes"],
        made["corpus_lines"],
        paths["heldout"],
        paths["facts"],
    )
