"""`python tests/fuzz [libFuzzer options]`: each target in turn, guided by coverage, in a process of its own."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 60  # for each target, unless told otherwise


def fuzz(name: str, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["melvin", "harness", "scaling_suite"]):
        from fuzz.targets import TARGETS
    (target,) = (target for target in TARGETS if target.name == name)
    corpus = Path(tempfile.mkdtemp(prefix="corpus-"))
    (corpus / "example").write_bytes(target.example)
    atheris.Setup([sys.argv[0], str(corpus), *arguments], lambda data: target(data) and None)
    atheris.Fuzz()


def main() -> int:
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    if sys.argv[1:2] == ["--target"]:
        fuzz(sys.argv[2], sys.argv[3:])
        return 0
    from fuzz.targets import TARGETS

    arguments = sys.argv[1:] or [f"-max_total_time={SECONDS}", "-print_final_stats=1"]
    failed = []
    for target in TARGETS:
        print(f"== {target.name}", flush=True)
        if subprocess.run([sys.executable, __file__, "--target", target.name, *arguments]).returncode:
            failed.append(target.name)
    print(f"failed: {', '.join(failed)}" if failed else f"{len(TARGETS)} targets, nothing found")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
