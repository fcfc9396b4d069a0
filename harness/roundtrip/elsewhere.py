"""(d) The same file in another process, with another hash seed, locale and working folder: the same brain?

`python -m harness.roundtrip.elsewhere SUBJECT BRAIN`: loads it, is asked for what stdin says (one JSON list of probes),
and prints what it sees as one JSON document. Started by `look_elsewhere`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from harness.returned import answer_of, counts_of
from harness.roundtrip.checks import outcome
from harness.roundtrip.losses import Loss, compare
from harness.roundtrip.offers import ShowsState
from harness.subject import Subject, SubjectName, make_subject, parse_subject

WAIT_S = 120.0
PLACES = (
    {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "4242", "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Asia/Tokyo"},
)


def see(subject: Subject, probes: Sequence[str]) -> dict[str, Any]:
    """Counts, answers and a fingerprint of the state, as JSON."""
    seen: dict[str, Any] = {"counts": counts_of(subject)}
    seen["answers"] = [outcome(partial(answer_of, subject, probe)) for probe in probes]
    if isinstance(subject, ShowsState):
        seen["state"] = fingerprint(subject.state())
    document: dict[str, Any] = json.loads(json.dumps(seen))
    return document


def fingerprint(state: Any) -> str:
    """The same text for the same state, whatever the process: for values of the kinds that `losses` knows."""
    import hashlib

    from harness.roundtrip.losses import leaves

    digest = hashlib.sha256()
    for where, value in leaves(state):
        digest.update(f"{where} {value}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def look_elsewhere(name: SubjectName, brain: Path, probes: Sequence[str], folder: Path) -> list[Loss]:
    """What differs when another process looks; a difference is the environment's doing."""
    here = make_subject(name)
    here.load(brain)
    known = see(here, probes)
    losses: list[Loss] = []
    for place in PLACES:
        environment = {**os.environ, **place, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
        run = subprocess.run(
            [sys.executable, "-m", "harness.roundtrip.elsewhere", name.text, str(brain.resolve())],
            input=json.dumps(list(probes)).encode(),
            env=environment,
            cwd=folder,
            capture_output=True,
            timeout=WAIT_S,
            check=False,
        )
        told = ", ".join(f"{key}={value}" for key, value in place.items())
        if run.returncode:
            last = run.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            losses.append(Loss("file", "environment", f"under {told} it cannot be loaded: {' '.join(last)}"))
            continue
        for loss in compare(known, json.loads(run.stdout)):
            losses.append(Loss(loss.where, "environment", f"under {told}: {loss.detail}"))
    return losses


def main() -> None:
    subject = make_subject(parse_subject(sys.argv[1]))
    subject.load(Path(sys.argv[2]))
    print(json.dumps(see(subject, json.load(sys.stdin.buffer))))


if __name__ == "__main__":
    main()
