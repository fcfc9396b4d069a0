"""Where a run happens, and with what: the fingerprints that make two reports comparable."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import __version__
from harness.procfs import memory_total_bytes
from harness.report import document
from harness.subject import SubjectName

PACKAGES = ("numpy", "safetensors", "xxhash", "pydantic", "memray", "py-spy")
FINGERPRINT_DIGITS = 12
OF_ANOTHER_REPOSITORY = frozenset(
    f"GIT_{name}"
    for name in (
        *("DIR", "WORK_TREE", "INDEX_FILE", "PREFIX", "COMMON_DIR", "NAMESPACE", "SHALLOW_FILE"),
        *("OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES", "GRAFT_FILE", "IMPLICIT_WORK_TREE"),
    )
)


def circumstances() -> dict[str, Any]:
    """What every report begins with: when, by which command, with what and where it is made."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": ["python", "-m", "harness", *sys.argv[1:]],
        "tool": describe_tool(),
        "machine": describe_machine(),
    }


def describe_machine() -> document.Machine:
    cpu, cores, memory = cpu_model(), os.cpu_count() or 1, memory_total_bytes()
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    # Memory to the nearest 256 MiB: kernels differ in what they keep for themselves.
    identity = f"{cpu}\n{cores}\n{memory >> 28}\n{platform.machine()}"
    return document.Machine(
        fingerprint=hashlib.sha256(identity.encode()).hexdigest()[:FINGERPRINT_DIGITS],
        cpu_model=cpu,
        cores=cores,
        memory_bytes=memory,
        system=system,
        load_1min=os.getloadavg()[0],
    )


def cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def describe_tool() -> document.Tool:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return document.Tool(harness=__version__, python=platform.python_version(), packages=versions)


def describe_subject(name: SubjectName) -> document.Subject:
    """The subject and a fingerprint of its source (of a command: of its description), found without importing it."""
    if name.command is not None:
        file = Path(name.text.partition(":")[2])
        return document.Subject(name=name.text, code_fingerprint=_sha256(file.read_bytes()) if file.is_file() else None)
    source = _source_of(name)
    if source is None:
        return document.Subject(name=name.text)
    commit, dirty = git_state(source)
    return document.Subject(name=name.text, code_fingerprint=fingerprint(source), commit=commit, dirty=dirty)


def _source_of(name: SubjectName) -> Path | None:
    """The folder of a subject's package, or the file of its module; None where it has none."""
    if name.code is not None:
        found = (Path(name.code) / name.package, Path(name.code) / f"{name.package}.py")
        return next((source for source in found if source.exists()), None)
    spec = importlib.util.find_spec(name.package)
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0])
    return Path(spec.origin) if spec.has_location and spec.origin else None


def fingerprint(source: Path) -> str:
    """SHA-256 over the names and contents of all Python files below a folder, or of one file."""
    digest = hashlib.sha256()
    for file in sorted(source.rglob("*.py")) if source.is_dir() else [source]:
        digest.update(str(file.relative_to(source)).encode() + b"\0" + file.read_bytes() + b"\0")
    return "sha256:" + digest.hexdigest()


def _sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def git_state(source: Path) -> tuple[str | None, bool | None]:
    """The commit that a folder or file stands at, and whether files in it were changed since; None without git."""
    folder, what = (source, ".") if source.is_dir() else (source.parent, source.name)
    try:
        commit = git(folder, "rev-parse", "HEAD").strip()
        return commit, bool(git(folder, "status", "--porcelain", "--", what).strip())
    except (OSError, subprocess.CalledProcessError):
        return None, None


def git(folder: Path, *arguments: str) -> str:
    """What git says of a folder, whichever repository or index a hook that runs us is at work on.

    Raises
    ------
    OSError : there is no git
    subprocess.CalledProcessError : it refuses
    """
    environment = {name: value for name, value in os.environ.items() if name not in OF_ANOTHER_REPOSITORY}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=True,
        env=environment,
    )
    return done.stdout
