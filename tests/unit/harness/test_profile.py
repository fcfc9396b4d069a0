"""Stacks made into functions, lines, trees and drawings: pure; and a profiler that may not look."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.flame import MOST_ROWS, NARROWEST, WIDTH, Flame
from harness.stacks import Frame, below, by_function, by_line, import_roots, merged, shown_path, tree, within
from harness.tasks import profile
from harness.tasks.profile import sampled, samples_of, unseen_children

A, B, NUMPY = Frame("a", "ours/a.py", 1), Frame("b", "ours/b.py", 2), Frame("sort", "numpy/core.py", 9)

frames = st.builds(Frame, st.sampled_from("fg"), st.sampled_from(["ours/x.py", "numpy/y.py"]), st.integers(1, 2))
stacks = st.lists(st.tuples(st.lists(frames, max_size=5).map(tuple), st.integers(1, 9)), max_size=20)


@given(stacks)
def test_functions_and_lines_are_what_adding_up_by_hand_gives(seen):
    own, total, lines = Counter(), Counter(), Counter()
    for stack, weight in seen:
        for called in {(frame.function, frame.file) for frame in stack}:
            total[called] += weight
        if stack:
            own[stack[-1].function, stack[-1].file] += weight
            lines[stack[-1]] += weight
    found = by_function(merged(seen))
    assert {(frame.function, frame.file): (mine, whole) for frame, mine, whole in found} == {
        called: (own[called], total[called]) for called in total
    }
    assert [mine for _, mine, _ in found] == sorted((mine for _, mine, _ in found), reverse=True)
    assert dict(by_line(merged(seen))) == dict(lines)


@given(stacks)
def test_a_tree_holds_every_stack_once(seen):
    root = tree(merged(seen), "all")

    def walk(node):
        assert node.total == node.own + sum(walk(called) for called in node.calls.values())
        return node.total

    assert walk(root) == sum(weight for _, weight in seen)


@given(stacks)
def test_what_libraries_took_is_the_callers(seen):
    cut = within(merged(seen), "ours")
    assert sum(cut.values()) == sum(weight for _, weight in seen)
    for stack in cut:
        assert not stack or stack[-1].file == "ours/x.py" or all(frame.file != "ours/x.py" for frame in stack)


def test_a_function_that_calls_itself_counts_once():
    assert by_function({(A, A, A): 2.0}) == [(A, 2.0, 2.0)]


def test_a_library_called_from_us_is_ours_and_its_line_is_the_call():
    assert by_line(within({(A, B, NUMPY, NUMPY): 3.0, (NUMPY,): 1.0}, "ours")) == [(B, 3.0), (NUMPY, 1.0)]


def test_what_called_the_subject_is_left_out():
    ours = Frame("learn", "/somewhere/harness/tasks/profile.py", 5)
    assert below((NUMPY, ours, A, B), "harness/tasks/profile.py") == (A, B)
    assert below((A, B), "harness/tasks/profile.py") == (A, B)


@given(stacks)
def test_a_flame_graph_is_as_wide_as_what_it_shows(seen):
    drawing = Flame("time", tree(merged(seen), "all"), str, lambda _: "c1", [("ours", "c1")])
    root = ElementTree.fromstring(drawing.svg())
    bars = [bar for bar in root.iter("rect") if "bar" in bar.get("class", "")]
    if not seen:
        assert bars == []
        return
    assert float(bars[0].get("width")) == WIDTH
    end = Counter()  # of the last bar of each row
    for bar in sorted(bars, key=lambda bar: float(bar.get("x"))):
        assert float(bar.get("x")) >= end[bar.get("y")] - 0.1
        end[bar.get("y")] = float(bar.get("x")) + float(bar.get("width"))
    assert max(end.values()) <= WIDTH + 1


def test_a_flame_graph_leaves_out_what_cannot_be_seen_and_ends():
    deep = tuple(Frame(f"f{number}", "x.py", 1) for number in range(2 * MOST_ROWS))
    drawing = Flame("time", tree({deep: 1.0, (A,): NARROWEST / 2, (B, NUMPY): 1.0}, "all"), str, lambda _: "c1", [])
    text = drawing.svg()
    assert f"f{MOST_ROWS - 2} " in text
    assert f"f{MOST_ROWS - 1} " not in text
    assert "ours/a.py" not in text
    assert "ours/b.py" in text


def test_samples_of_all_threads_are_read():
    document = {
        "shared": {"frames": [{"name": "a", "file": "x.py", "line": 3}, {"name": "c", "file": None, "line": None}]},
        "profiles": [
            {"samples": [[0], [0, 1]], "weights": [0.01, 0.01]},
            {"samples": [[1]], "weights": [0.02]},
        ],
    }
    one, other = Frame("a", "x.py", 3), Frame("c", "", 0)
    assert samples_of(document) == ([((one,), 0.01), ((one, other), 0.01), ((other,), 0.02)], 0.0)


def test_what_names_a_process_is_cut_and_children_are_added_up():
    names = [('process 7:"python a.py"', None), ('process 9:"python a.py"', None), ("a", "x.py")]
    document = {
        "shared": {"frames": [{"name": name, "file": file, "line": None} for name, file in names]},
        "profiles": [{"samples": [[0, 2]], "weights": [0.5]}, {"samples": [[0, 1, 2], [0, 1]], "weights": [0.25, 0.5]}],
    }
    one = Frame("a", "x.py", 0)
    assert samples_of(document) == ([((one,), 0.5), ((one,), 0.25), ((), 0.5)], 0.75)


@pytest.mark.parametrize(
    ("own_s", "children_s", "seen_s", "says"),
    [
        (1.0, 3.0, 0.0, "75% of the CPU time was spent in child processes, which are not in the profile"),
        (1.0, 3.0, 2.9, ""),
        (9.5, 0.5, 0.0, ""),
        (0.0, 0.0, 0.0, ""),
    ],
)
def test_children_that_are_not_in_a_profile_are_told_where_they_took_much(own_s, children_s, seen_s, says):
    assert unseen_children(own_s, children_s, seen_s) == says


@pytest.fixture
def hooked(monkeypatch):
    """A package that a hook found: the parent of the folder that it lies in is on `sys.path`, the folder is not."""
    module = ModuleType("hooked")
    module.__path__ = ["__editable__.hooked.finder.__path_hook__", "/somewhere/checkout/hooked"]
    monkeypatch.setitem(sys.modules, "hooked", module)
    monkeypatch.setattr(sys, "path", ["/somewhere", ""])


@pytest.mark.usefixtures("hooked")
def test_a_package_that_a_hook_found_is_named_as_it_is_imported():
    assert shown_path("/somewhere/checkout/hooked/deep/inside.py") == "hooked/deep/inside.py"
    assert shown_path("/somewhere/else.py") == "else.py"
    assert all(Path(root).is_absolute() for root in import_roots())


def test_a_lazy_module_is_not_loaded_when_folders_are_looked_for(tmp_path, monkeypatch):
    (tmp_path / "sleeps").mkdir()
    file = tmp_path / "sleeps" / "__init__.py"
    file.write_text("raise AssertionError('loaded')")
    spec = importlib.util.spec_from_file_location("sleeps", file)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "sleeps", module)
    assert str(tmp_path) in import_roots()


MAY_NOT = "print('Error: Permission Denied'); exit(1)"
LOST_IT = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
open(sys.argv[sys.argv.index("--output") + 1], "w").close()
print("Sampling process", flush=True)
exit(3)
"""


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        (MAY_NOT, "py-spy may not attach: Error: Permission Denied"),
        (LOST_IT, "py-spy ended with exit code 3"),
    ],
)
def test_a_profiler_that_cannot_look_is_one_sentence(program, problem, tmp_path, monkeypatch):
    file = tmp_path / "py-spy"
    file.write_text(f"#!{sys.executable}\n{program}\n")
    file.chmod(0o700)
    monkeypatch.setattr(profile, "find_program", lambda _: str(file))
    assert sampled(lambda: None, tmp_path / "out.json", 100, False) == problem


def test_without_a_profiler_it_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "find_program", lambda _: None)
    assert "pip install py-spy" in sampled(lambda: None, tmp_path / "out.json", 100, False)
