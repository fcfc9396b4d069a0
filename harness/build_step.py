"""The build step of a command subject: run once, before anything is measured."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from harness.errors import SubjectError
from harness.launch import worker_environment
from harness.placeholders import fill

BUILD_LIMIT_S = 600.0


def build(command: dict[str, Any] | None, built: Path) -> None:
    """Run the build step of a job's part `command`, if it has one; `built` is the folder it may fill.

    Raises
    ------
    SubjectError
        with the last line that the step said, if it fails.
    """
    if command is None or command["build"] is None:
        return
    built.mkdir(parents=True, exist_ok=True)
    argv = fill(command["build"], built=str(built.resolve()))
    try:
        done = subprocess.run(
            argv,
            cwd=command["folder"],
            env={**worker_environment(), **command["environment"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=BUILD_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SubjectError(f"the build step {argv[0]} was not done after {BUILD_LIMIT_S:,.0f} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        reason = next((line for line in said if "error" in line.lower()), said[-1])
        raise SubjectError(f"the build step {argv[0]} ended with exit code {done.returncode}: {reason}")
