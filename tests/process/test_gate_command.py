"""`gate` as it is run: a base that is really another version, pairs of workers, the exit code, nothing left behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import main

ROOT = Path(__file__).parents[2]
SUBJECT = "python:counting:Counts"
LEARNER = """
import json
from collections import Counter


class Counts:
    def __init__(self):
        self.seen = Counter()

    def learn(self, corpus, clock):
        for _ in range({times}):
            for line in corpus.open("rb"):
                self.seen.update(line)
        {then}

    def save(self, path):
        path.write_text(json.dumps(self.seen))

    def load(self, path):
        self.seen = Counter(json.loads(path.read_text()))

    def query(self, text):
        return ""

    def stats(self):
        return {{"nodes": len(self.seen), "edges": 0}}
"""
ONCE, FOUR_TIMES = LEARNER.format(times=1, then="pass"), LEARNER.format(times=4, then="pass")
BREAKS = LEARNER.format(times=1, then='raise RuntimeError("no more")')
PROGRAM = """
import sys
times, corpus, brain = int(sys.argv[1]), sys.argv[2], sys.argv[3]
seen = [0] * 256
for _ in range(times):
    for byte in open(corpus, "rb").read():
        seen[byte] += 1
open(brain, "w").write(repr(seen))
"""


def git(folder, *words):
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)


def package(folder, source):
    (folder / "counting").mkdir(parents=True, exist_ok=True)
    (folder / "counting" / "__init__.py").write_text(source)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A repository with one commit, as the current folder."""
    folder = tmp_path / "repository"
    package(folder, ONCE)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.syspath_prepend(str(folder))  # as `python -m harness` has it
    return folder


@pytest.fixture
def run(here, tmp_path):
    def invoke(*words, subject=SUBJECT, size="1MB"):
        asked = ["gate", "--subject", subject, "--size", size, "--pairs", "8", *words]
        asked += ["--json", "-o", str(tmp_path / "report")]
        result = CliRunner().invoke(main, asked, catch_exceptions=False)
        return result, json.loads(result.stdout) if result.stdout else None

    return invoke


def by_name(report):
    return {measure["name"]: measure for measure in report["measures"]}


def worktrees(folder):
    told = subprocess.run(["git", "worktree", "list"], cwd=folder, capture_output=True, text=True, check=True)
    return len(told.stdout.splitlines())


def test_a_slower_change_is_held_against_the_revision_it_was_made_from(run, here, tmp_path):
    package(here, FOUR_TIMES)
    result, report = run("--base", "main")
    assert result.exit_code == 3, result.output
    assert report["schema"] == "harness.gate/1"
    measures = by_name(report)
    assert measures["time"]["outcome"] == measures["work"]["outcome"] == "regression"
    assert measures["time"]["ratio"] > 2
    assert 3.9 < measures["work"]["ratio"] < 4.1
    assert measures["memory"]["outcome"] == "ok"
    assert len(report["pairs"]) == 8
    assert "median +" in [line for line in result.stderr.splitlines() if line.startswith("pair")][-1]
    assert report["base"]["commit"] == report["candidate"]["commit"]
    assert report["base"]["code_fingerprint"] != report["candidate"]["code_fingerprint"]
    assert (report["base"]["dirty"], report["candidate"]["dirty"]) == (False, True)
    assert worktrees(here) == 1
    assert report == json.loads((tmp_path / "report" / "report.json").read_text())
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("<svg") == 2
    assert not re.search(r"""(src|href)\s*=|https?://(?!www\.w3\.org)""", page)
    assert "| CPU time of learning |" in (tmp_path / "report" / "summary.md").read_text()
    CliRunner().invoke(main, ["report", str(tmp_path / "report"), "-o", str(tmp_path / "again")])
    assert (tmp_path / "again" / "report.html").read_text() == page


def test_a_base_in_a_folder_of_its_own_and_in_src(run, here, tmp_path):
    package(tmp_path / "release" / "src", FOUR_TIMES)
    result, report = run("--base", str(tmp_path / "release"))
    measures = by_name(report)
    assert measures["time"]["ratio"] < 0.5
    assert measures["work"]["ratio"] < 0.3
    assert {measure["outcome"] for measure in measures.values()} == {"ok"}
    assert result.exit_code == 0, result.output


def test_the_same_code_does_the_same_work(run):
    result, report = run("--base", "main")
    assert by_name(report)["work"]["ratio"] == 1.0
    assert by_name(report)["work"]["outcome"] == by_name(report)["memory"]["outcome"] == "ok"
    assert report["base"]["code_fingerprint"] == report["candidate"]["code_fingerprint"]
    assert result.exit_code == {"ok": 0, "cannot_tell": 6}[by_name(report)["time"]["outcome"]]


def test_a_program_is_held_against_its_description_in_another_folder(run, here, tmp_path):
    for folder, times in ((here, 4), (tmp_path / "release", 1)):
        folder.mkdir(exist_ok=True)
        (folder / "program.py").write_text(PROGRAM)
        train = [sys.executable, "program.py", str(times), "{corpus}", "{brain}"]
        (folder / "trainer.toml").write_text(f"train = {json.dumps(train)}\n")
    result, report = run("--base", str(tmp_path / "release"), subject="command:trainer.toml", size="500KB")
    assert result.exit_code == 3, result.output
    assert by_name(report)["time"]["ratio"] > 2
    assert "work" not in by_name(report)


def test_a_candidate_that_breaks_is_told_with_its_black_box(run, here, tmp_path):
    package(here, BREAKS)
    result, report = run("--base", "main")
    assert result.exit_code == 4
    assert report["broken"]["side"] == "candidate"
    assert "no more" in report["broken"]["because"]
    assert (tmp_path / "report" / report["broken"]["black_box"] / "recipe.json").exists()
    assert worktrees(here) == 1


def test_a_base_that_breaks_is_no_base(run, tmp_path):
    package(tmp_path / "release", BREAKS)
    result, report = run("--base", str(tmp_path / "release"))
    assert result.exit_code == 7
    assert report["broken"]["side"] == "base"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--base", "v0.9"), 7, "there is no folder 'v0.9', and no such revision"),
        (("--base", "v" * 5000), 7, "no such revision"),
        (("--base", ""), 7, "names no base"),
        (("--base", "--upload-pack=x"), 7, "no such revision"),
        (("--base", "empty"), 7, "holds no package counting"),
        (("--base", "main"), 7, "is a folder and a revision"),
        (("--base", "python:nowhere.at.all:Class"), 7, "the base cannot be run"),
        (("--base", "python:oops"), 2, "unknown subject"),
        (("--base", ".", "--slowdown", "10"), 2, "is no share"),
    ],
)
def test_what_is_no_base_is_one_sentence(run, here, words, code, says):
    (here / "empty").mkdir()
    (here / "main").mkdir()
    result, report = run(*words)
    assert (result.exit_code, report) == (code, None)
    assert says in result.stderr


def test_code_of_somewhere_else_never_stands_for_the_base(run, here, tmp_path, monkeypatch):
    """A package that others of the same name shadow: the comparison would be one of the candidate with itself."""
    package(tmp_path / "release", "raise ModuleNotFoundError(name='counting')")
    (
        tmp_path / "release" / "counting" / "__init__.py"
    ).unlink()  # a folder without a module in it: the next one is taken
    result, report = run("--base", str(tmp_path / "release"))
    assert (result.exit_code, report) == (7, None)
    assert "was imported from" in result.stderr


def test_a_candidate_in_src_is_the_one_here_whatever_else_is_installed(run, here, tmp_path, monkeypatch):
    package(here / "src", FOUR_TIMES)
    (here / "counting" / "__init__.py").unlink()
    (here / "counting").rmdir()
    package(tmp_path / "installed", BREAKS)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'installed'}:{ROOT}")
    result, report = run("--base", "main")
    assert result.exit_code == 3, result.output
    assert by_name(report)["time"]["ratio"] > 2


def test_a_module_in_a_folder_of_the_repository_is_held_against_what_stood_there(run, here, monkeypatch):
    (here / "inner").mkdir()
    (here / "inner" / "counting.py").write_text(FOUR_TIMES)
    git(here, "add", ".")
    git(here, "commit", "-q", "-m", "inner")
    (here / "inner" / "counting.py").write_text(ONCE)
    monkeypatch.chdir(here / "inner")
    _, report = run("--base", "main", size="100KB")
    assert by_name(report)["work"]["ratio"] < 0.3
    known = {report[side]["code_fingerprint"] for side in ("base", "candidate")}
    assert len(known) == 2
    assert None not in known


def test_what_measures_never_comes_from_the_base(run, tmp_path):
    package(tmp_path / "release", ONCE)
    for name in ("harness", "scaling_suite"):
        (tmp_path / "release" / name).mkdir()
        (tmp_path / "release" / name / "__init__.py").write_text("raise RuntimeError('of the base')")
    with (tmp_path / "release" / "counting" / "__init__.py").open("a") as file:
        file.write("import scaling_suite.sizes, harness.tasks.train\n")
    result, report = run("--base", str(tmp_path / "release"))
    assert result.exit_code in (0, 6), result.output
    assert report["broken"] is None


def test_a_hook_of_a_commit_may_ask_for_it(here):
    """git tells a hook which index it is writing: a checkout that listens would write its own files into the commit."""
    hook = here / ".git" / "hooks" / "pre-commit"
    asked = ["-m", "harness", "gate", "--base", "HEAD", "--subject", SUBJECT, "--size", "1KB", "-o", "../report"]
    hook.write_text(f"#!/bin/sh\n{sys.executable} {' '.join(asked)} || exit 0\n")
    hook.chmod(0o700)
    (here / "new.txt").write_text("new")
    package(here, FOUR_TIMES)
    git(here, "add", ".")
    git(here, "commit", "-q", "-m", "second")
    told = subprocess.run(
        ["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True, check=True
    )
    assert told.stdout == ""
    files = subprocess.run(["git", "ls-files"], cwd=here, capture_output=True, text=True, check=True).stdout.split()
    assert "new.txt" in files
    assert (here.parent / "report" / "report.json").exists()


def test_where_git_refuses_its_own_words_are_told(run, here, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    result, _ = run("--base", "main")
    assert result.exit_code == 7
    assert "dubious ownership" in result.stderr


def test_a_repository_without_a_working_tree_has_revisions_too(run, here, monkeypatch):
    git(here.parent, "clone", "-q", "--bare", str(here), "bare")
    package(here.parent / "bare", ONCE)
    monkeypatch.chdir(here.parent / "bare")
    result, report = run("--base", "main", size="1KB")
    assert (result.exit_code, report["broken"]) == (6, None)
    assert worktrees(here.parent / "bare") == 1


def test_a_clean_up_that_fails_costs_nothing(run, here, tmp_path, monkeypatch):
    program = shutil.which("git")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *"worktree remove"*) exit 1;; esac\nexec {program} "$@"\n'
    )
    (tmp_path / "bin" / "git").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    result, report = run("--base", "main", size="1KB")
    assert result.exit_code == 6
    assert "too little time" in report["measures"][0]["because"]
    assert len(report["pairs"]) == 3
    assert worktrees(here) == 1


BLOCKS = ONCE.replace(
    "        for _ in range(1):",
    """        with open("../runs", "a") as runs:
            runs.write(".")
            if runs.tell() > 8:
                import signal

                signal.pause()
        for _ in range(1):""",
)


def test_ctrl_c_ends_the_pairs_and_leaves_a_report_and_no_worktree(here, tmp_path):
    """Both are looked at, where each learns twice; then come two pairs; the next run waits for ever."""
    package(here, BLOCKS)
    git(here, "commit", "-q", "-a", "-m", "blocks")
    argv = [sys.executable, "-m", "harness", "gate", "--subject", SUBJECT, "--base", "main", "--size", "500KB"]
    with subprocess.Popen(
        [*argv, "-o", str(tmp_path / "r")], stderr=subprocess.PIPE, text=True, env=os.environ, cwd=here
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("pair  2"):
                process.send_signal(signal.SIGINT)
                break
        process.stderr.read()
    assert process.returncode == 130
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    assert report["interrupted"].startswith("SIGINT")
    assert len(report["pairs"]) == 2
    assert worktrees(here) == 1
