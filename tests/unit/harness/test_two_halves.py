"""Who may import whom: the orchestrator stays small, learner and workload know nothing of the harness."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = {"numpy", "melvin", "matplotlib", "memray", "safetensors"}


def modules_after(code):
    program = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def imported(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def packages(folder, *, but=()):
    return {
        (str(file.relative_to(ROOT)), name.partition(".")[0])
        for file in (ROOT / folder).rglob("*.py")
        if not any(part in but for part in file.parts)
        for name in imported(file)
    }


def test_the_orchestrator_imports_neither_numpy_nor_the_learner():
    assert not HEAVY & modules_after("import harness.cli, harness.report.html, harness.report.junit")


@pytest.mark.parametrize("module", ["harness.launcher", "harness.worker"])
def test_the_launcher_and_the_start_of_a_worker_import_the_standard_library_only(module):
    loaded = {name.partition(".")[0] for name in modules_after(f"import {module}")}
    outside = loaded - set(sys.stdlib_module_names) - set(modules_before()) - {"harness"}
    assert outside == set()


def modules_before():
    """What this interpreter loads by itself (site, coverage, …)."""
    return {name.partition(".")[0] for name in modules_after("")}


@pytest.mark.parametrize("folder", ["melvin", "scaling_suite"])
def test_nothing_below_the_harness_knows_it(folder):
    assert [pair for pair in packages(folder) if pair[1] == "harness"] == []


def test_only_the_subjects_of_the_harness_know_the_learner():
    assert [pair for pair in packages("harness", but={"subjects", "tasks"}) if pair[1] in HEAVY] == []
    assert {pair for pair in packages("harness/tasks") if pair[1] in HEAVY} == {
        ("harness/tasks/leak_native.py", "memray"),
        ("harness/tasks/profile.py", "memray"),
    }
