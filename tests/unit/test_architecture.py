"""What holds for the whole tree: who imports whom, who prints, and what nobody calls."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("melvin", "harness", "scaling_suite")
FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput"}
FORBIDDEN_CALLS |= {"subprocess.getstatusoutput", "yaml.load", "yaml.unsafe_load"}
PICKLING = "allow_pickle"


def files(package):
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def trees(*packages):
    for package in packages:
        for file in files(package):
            yield file.relative_to(ROOT), ast.parse(file.read_text(encoding="utf-8"))


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def dotted(node):
    """`a.b.c` of an expression, empty where it is something else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def test_the_learner_knows_neither_the_harness_nor_the_workload():
    known = {
        (str(file), name)
        for file, tree in trees("melvin")
        for name in imports(tree)
        if name.partition(".")[0] in ("harness", "scaling_suite", "tests", "fixtures")
    }
    assert known == set()


def is_command_line(file):
    return file.name in ("cli.py", "__main__.py") or "commands" in file.parts


def test_nothing_is_printed_below_the_learners_command_line():
    silent = [(file, tree) for file, tree in trees("melvin") if not is_command_line(file)]
    printed = {
        (str(file), node.lineno)
        for file, tree in silent
        for node, name in calls(tree)
        if name in ("print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write", "pprint")
    }
    assert printed == set()
    assert {str(file) for file, tree in silent if "click" in {*imports(tree)}} == set()


def test_the_program_ends_at_the_learners_command_line_only():
    left = {
        (str(file), node.lineno)
        for file, tree in trees("melvin")
        if not is_command_line(file)
        for node, name in calls(tree)
        if name in ("sys.exit", "exit", "quit", "os._exit", "os.abort")
    }
    assert left == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_unpickled(package):
    found = {(str(f), name) for f, tree in trees(package) for name in imports(tree) if name in FORBIDDEN_MODULES}
    for file, tree in trees(package):
        found |= {
            (str(file), node.lineno)
            for node, _ in calls(tree)
            for given in node.keywords
            if given.arg == PICKLING and not (isinstance(given.value, ast.Constant) and given.value.value is False)
        }
    assert found == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_text_becomes_code_or_a_shell_command(package):
    found = set()
    for file, tree in trees(package):
        for node, name in calls(tree):
            if name in FORBIDDEN_CALLS:
                found.add((str(file), node.lineno, name))
            if any(given.arg == "shell" and getattr(given.value, "value", True) for given in node.keywords):
                found.add((str(file), node.lineno, "shell"))
    assert found == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_error_is_swallowed_whole(package):
    bare = {
        (str(file), node.lineno)
        for file, tree in trees(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    }
    assert bare == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_what_it_is(package):
    silent = [str(file) for file, tree in trees(package) if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_all_errors_of_the_learner_have_one_root():
    from melvin import errors

    leaves = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(leaves) > 5
    assert all(issubclass(leaf, errors.MelvinError) for leaf in leaves)
    assert all(leaf.__doc__ for leaf in leaves)
