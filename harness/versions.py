"""The two sides of a gate: the code here, and an earlier version of it or another subject.

A revision is checked out beside the repository for as long as it is needed. What lies where the current folder lies
then stands for it: Python packages are imported from there, the description of a command is read there.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import BaselineError, SubjectError
from harness.machine import git
from harness.plain_text import one_line
from harness.signals import deferred
from harness.subject import BUILT_IN, SubjectName, parse_subject

SHOWN = 80  # characters of what was asked for
KINDS = ("python:", "command:")
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")  # of the repository, or of the person: none is meant for this


@dataclass(frozen=True)
class Sides:
    """A candidate, and what it is held against. named : how the base was asked for, for a person"""

    base: SubjectName
    candidate: SubjectName
    named: str


@contextmanager
def sides_of(asked: str, candidate: SubjectName) -> Iterator[Sides]:
    """The base that is asked for: a subject, a folder, or a revision of the repository around the current folder.

    Of a folder and a revision, the candidate is the code in the current folder, and nothing that is installed.

    Raises
    ------
    SubjectError : it is a subject that is not known, or the candidate is not here
    BaselineError : there is no such thing, or it holds no version of the candidate
    """
    if not asked.strip() or "\0" in asked:
        raise BaselineError(f"{asked!r} names no base: give a revision (main), a folder, or another subject")
    if asked in BUILT_IN or asked.startswith(KINDS):
        yield Sides(parse_subject(asked), candidate, asked)
        return
    folder, (commit, problem) = _folder(asked), _commit(asked)
    if folder and commit and "/" not in asked:
        raise BaselineError(f"{asked} is a folder and a revision: write ./{asked} for the folder, {commit[:12]} for it")
    here = candidate if candidate.command is not None else _version(candidate, Path.cwd(), "the current folder")
    if folder:
        yield Sides(_version(candidate, folder.resolve(), asked), here, asked)
    elif commit is None:
        problem = problem or "no such revision here: fetch it (git fetch)"
        raise BaselineError(
            f"there is no folder {one_line(repr(asked), SHOWN)}, and {problem}; or name another subject "
            "(python:package.module:Class, command:file.toml)"
        )
    else:
        with _checked_out(commit) as home:
            yield Sides(_version(candidate, home, asked), here, f"{asked} ({commit[:12]})")


def _version(candidate: SubjectName, home: Path, asked: str) -> SubjectName:
    """The same subject as it is in another folder."""
    if candidate.command is not None:
        file = Path(candidate.text.partition(":")[2]).resolve()
        if not file.is_relative_to(Path.cwd()):
            raise BaselineError(f"{file} is not in the current folder, so {asked} has no other version of it")
        there = file.relative_to(Path.cwd())
        if not (home / there).is_file():
            raise BaselineError(f"{asked} has no {there}")
        try:
            return parse_subject(f"command:{home / there}")
        except SubjectError as error:
            raise BaselineError(str(error)) from error
    package = candidate.package
    for folder in (home, home / "src"):
        if (folder / package).is_dir() or (folder / f"{package}.py").is_file():
            return replace(candidate, code=str(folder))
    raise BaselineError(f"{asked} holds no package {package}, neither as {package} nor as src/{package}")


def _folder(asked: str) -> Path | None:
    folder = Path(asked)
    try:
        return folder if folder.is_dir() else None
    except OSError:  # no folder has so long a name
        return None


def _commit(revision: str) -> tuple[str | None, str]:
    """The commit that is named; None where there is none, and what git says of that, where it says anything."""
    try:
        said = git(Path.cwd(), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except OSError as error:
        return None, f"git cannot be run ({error.strerror})"
    except subprocess.CalledProcessError as error:
        told = _last_line(error)
        return None, f"git says {told!r}" if told else ""
    return said.strip(), ""


def _last_line(error: subprocess.CalledProcessError) -> str:
    lines: list[str] = error.stderr.strip().splitlines()
    return lines[0] if lines else ""


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    """What lies at a commit where the current folder lies; it is gone afterwards, whatever comes in between."""
    with tempfile.TemporaryDirectory(prefix="harness-base-") as above:
        tree = Path(above) / "base"
        try:
            try:
                with deferred():
                    prefix = git(Path.cwd(), "rev-parse", "--show-prefix").rstrip("\n")
                    git(Path.cwd(), *NO_HOOKS, "worktree", "add", "--quiet", "--detach", str(tree), commit)
            except subprocess.CalledProcessError as error:
                raise BaselineError(f"{commit[:12]} cannot be checked out: {_last_line(error)}") from error
            yield tree / prefix
        finally:
            with deferred():
                _forget(tree)


def _forget(tree: Path) -> None:
    """Remove a working tree, and that the repository knows of it."""
    if not tree.exists():
        return
    try:
        git(Path.cwd(), "worktree", "remove", "--force", str(tree))
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(tree, ignore_errors=True)
        with suppress(OSError, subprocess.CalledProcessError):
            git(Path.cwd(), "worktree", "prune")
