"""The base of a gate: an earlier version of a subject, or another subject.

A revision is checked out beside the repository for as long as it is needed. What lies where the current folder lies
then stands for it: Python packages are imported from there, the description of a command is read there.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import BaselineError, SubjectError
from harness.machine import git
from harness.signals import deferred
from harness.subject import BUILT_IN, SubjectName, parse_subject

KINDS = ("python:", "command:")
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")  # of the repository, or of the person: none is meant for this


@dataclass(frozen=True)
class Base:
    """What a candidate is held against. named : how, for a person"""

    subject: SubjectName
    named: str


@contextmanager
def base_of(asked: str, candidate: SubjectName) -> Iterator[Base]:
    """The base that is asked for: a subject, a folder, or a revision of the repository around the current folder.

    Raises
    ------
    SubjectError : it is a subject that is not known
    BaselineError : there is no such thing, or it holds no version of the candidate
    """
    if not asked.strip() or "\0" in asked:
        raise BaselineError(f"{asked!r} names no base: give a revision (main), a folder, or another subject")
    if asked in BUILT_IN or asked.startswith(KINDS):
        yield Base(parse_subject(asked), asked)
        return
    folder, commit = Path(asked), _commit(asked)
    if folder.is_dir() and commit and "/" not in asked:
        raise BaselineError(f"{asked} is a folder and a revision: write ./{asked} for the folder, {commit[:12]} for it")
    if folder.is_dir():
        yield Base(_version(candidate, folder.resolve(), asked), asked)
        return
    if commit is None:
        raise BaselineError(
            f"there is no folder {asked!r}, and no such revision in a repository here: fetch it (git fetch), or name "
            "another subject (python:package.module:Class, command:file.toml)"
        )
    with _checked_out(commit) as root:
        here = Path.cwd().relative_to(_top())
        yield Base(_version(candidate, root / here, asked), f"{asked} ({commit[:12]})")


def _version(candidate: SubjectName, home: Path, asked: str) -> SubjectName:
    """The same subject as it is in another folder."""
    if candidate.command is not None:
        file = Path(candidate.text.partition(":")[2]).resolve()
        if not file.is_relative_to(Path.cwd()):
            raise BaselineError(f"{file} is not in the current folder, so {asked} has no other version of it")
        try:
            return parse_subject(f"command:{home / file.relative_to(Path.cwd())}")
        except SubjectError as error:
            raise BaselineError(str(error)) from error
    package = candidate.package
    for folder in (home, home / "src"):
        if (folder / package).is_dir() or (folder / f"{package}.py").is_file():
            return replace(candidate, code=str(folder))
    raise BaselineError(f"{asked} holds no package {package}, neither as {package} nor as src/{package}")


def _commit(revision: str) -> str | None:
    """The commit that is named; None where there is none, or no repository."""
    try:
        return git(Path.cwd(), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _top() -> Path:
    return Path(git(Path.cwd(), "rev-parse", "--show-toplevel").rstrip("\n"))


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    """A working tree of a commit in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="harness-base-") as above:
        tree = Path(above) / "base"
        try:
            with deferred():
                git(Path.cwd(), *NO_HOOKS, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        except subprocess.CalledProcessError as error:
            said = (error.stderr.strip().splitlines() or ["no message"])[-1]
            raise BaselineError(f"{commit[:12]} cannot be checked out: {said}") from error
        try:
            yield tree
        finally:
            git(Path.cwd(), "worktree", "remove", "--force", str(tree))
