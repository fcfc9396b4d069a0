"""Trainers that are programs: a real compiler, real crashes, the canaries in a short form, and black boxes replayed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.canaries.registry import CANARIES
from harness.canaries import fly
from harness.exit_codes import ExitCode
from harness.programs import find_program
from harness.report.models import read_report
from harness.runner import DRAIN_S

ROOT = Path(__file__).parents[2]
C_SUBJECT = "fixtures/subjects/c_trainer.toml"
needs_compiler = pytest.mark.skipif(find_program("cc") is None, reason="there is no C compiler (cc) on this machine")

# One of each kind of cause. `python -m harness canary` runs them all.
SHORT = {
    ("Python", "good"),
    ("Python", "hang"),
    ("Python", "memory hog"),
    ("Python", "empty on load"),
    ("Python", "non-deterministic"),
    ("C", "good"),
    ("C", "heap overflow on long lines"),
    ("C", "silent exit 0"),
}


def harness(*arguments):
    argv = [sys.executable, "-m", "harness", *map(str, arguments)]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def text(path, lines):
    path.write_text("".join(f"the {n}. line of a text that is long enough to be cut\n" for n in range(lines)))
    return path


def test_the_short_form_names_canaries_that_are_there():
    assert {(canary.language, canary.name) for canary in CANARIES} >= SHORT


def test_canaries_are_caught_by_their_first_finding_and_good_ones_left_in_peace(launcher, tmp_path):
    canaries = [canary for canary in CANARIES if (canary.language, canary.name) in SHORT]
    outcomes = list(fly(canaries, launcher, tmp_path))
    assert [(o.canary.name, o.outcome, o.found) for o in outcomes if not o.right] == []
    assert [o.canary.name for o in outcomes if o.replayed is not True and o.outcome != "skipped"] == []
    if find_program("cc") is not None:
        report = read_report(tmp_path / "C-heap-overflow-on-long-lines" / "report.json")
        assert 300 < report.witness.longest_line_bytes <= 315
        assert report.witness.lines == 1
        if find_program("valgrind") is not None:
            assert report.crash_site.where.startswith("keep_line (c_trainer.c:")


@needs_compiler
def test_a_described_program_is_checked_and_run_once():
    done = harness("subject", "check", C_SUBJECT)
    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stdout == ""
    for claim in ("nodes", "counts survive a save", "resuming goes on from what was learnt", "ok: everything ran"):
        assert claim in done.stderr


def sanitizer_works(folder):
    """Whether the compiler has AddressSanitizer, and this machine lets it run."""
    source = folder / "nothing.c"
    source.write_text("int main(void) { return 0; }\n")
    built = folder / "nothing"
    for argv in (["cc", "-fsanitize=address", "-o", str(built), str(source)], [str(built)]):
        if subprocess.run(argv, capture_output=True, check=False).returncode:
            return False
    return True


@needs_compiler
def test_a_program_with_address_sanitizer_runs_and_its_report_names_the_crash_site(tmp_path):
    if not sanitizer_works(tmp_path):
        pytest.skip("the compiler lacks AddressSanitizer")
    described = tmp_path / "subject.toml"
    flags = '"-O1", "-fsanitize=address", "-fno-omit-frame-pointer", "-DDEFECT=HEAP_OVERFLOW"'
    toml = (ROOT / C_SUBJECT).read_text().replace('"-O2"', flags)
    described.write_text(toml.replace('folder = "."', f'folder = "{ROOT / "fixtures" / "subjects"}"'))
    corpus = text(tmp_path / "corpus.txt", 60)
    corpus.write_text(corpus.read_text() + "word " * 80 + "\n" + corpus.read_text())
    limits = ("--to", "10KB", "--bisect-runs", 0, "--witness-runs", 30, "-o", tmp_path / "report")
    done = harness("ladder", "--subject", f"command:{described}", "--corpus", corpus, *limits)
    assert done.returncode == ExitCode.BREAK, done.stderr
    report = read_report(tmp_path / "report" / "report.json")
    assert [rung.verdict for rung in report.rungs] == ["limit_artefact", "exception"]  # no room under RLIMIT_DATA
    assert report.crash_site.tool == "AddressSanitizer"
    assert report.crash_site.what == "heap-buffer-overflow"
    assert report.crash_site.where.startswith("keep_line (")
    assert report.findings[0].kind == "input_triggered_crash"
    assert report.witness.lines == 1


@needs_compiler
def test_a_program_that_cannot_be_built_is_exit_2_with_its_reason(tmp_path):
    shutil.copy(ROOT / C_SUBJECT, tmp_path / "subject.toml")
    (tmp_path / "c_trainer.c").write_text("int main(void) { return nothing; }\n")
    done = harness("subject", "check", tmp_path / "subject.toml")
    assert done.returncode == ExitCode.USAGE
    assert "error" in done.stderr.splitlines()[-1]
    assert "nothing" in done.stderr


@pytest.mark.parametrize("command", [("ladder", "--to", "1KB"), ("roundtrip",)])
@pytest.mark.parametrize("subject", ["python:no.such:Thing", "python:melvin.brain:Nothing"])
def test_a_subject_that_cannot_be_found_is_no_break_but_exit_2_with_one_sentence(command, subject, tmp_path):
    done = harness(*command, "--subject", subject, "-o", tmp_path / "report")
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.splitlines()[-1].startswith(f"error: subject {subject}: ")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


OWN = """
class SubjectError(Exception):
    pass

class Full:
    def learn(self, corpus, clock):
        if len(corpus.read_bytes()) > 5000:
            raise SubjectError("the table of subjects is full")
    def save(self, path): path.write_bytes(b"brain")
    def load(self, path): path.read_bytes()
    def query(self, text): return ""
    def stats(self): return {"nodes": 1, "edges": 0}
"""


def test_what_a_subject_raises_is_a_break_whatever_its_name(tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    limits = ("--to", "100KB", "--bisect-runs", 0, "--witness-runs", 3)
    done = harness("ladder", "--subject", "python:own:Full", *limits, "-o", tmp_path / "report")
    assert done.returncode == ExitCode.BREAK, done.stderr
    rungs = read_report(tmp_path / "report" / "report.json").rungs
    assert rungs[0].verdict == "ok"
    assert rungs[-1].verdict == "exception"


def test_a_program_in_any_language_climbs_and_its_exit_code_is_the_verdicts(tmp_path):
    program = tmp_path / "trainer.py"
    program.write_text(
        "import sys\nlines = open(sys.argv[2]).readlines()\nprint('nodes', len(lines))\n"
        "open(sys.argv[1], 'w').write('brain')\n"
        "len(lines) > 20 and sys.exit(print('too many lines', file=sys.stderr) or 3)\n"
    )
    described = tmp_path / "trainer.toml"
    described.write_text(
        f"train = [{json.dumps(sys.executable)}, 'trainer.py', '{{brain}}', '{{corpus}}']\n"
        "[reads]\nnodes = 'nodes (.*)'\n"
    )
    corpus = text(tmp_path / "corpus.txt", 1000)
    box = tmp_path / "report"
    limits = ("--to", "10KB", "--bisect-runs", 0, "--witness-runs", 15)
    done = harness("ladder", "--subject", f"command:{described}", "--corpus", corpus, *limits, "-o", box)
    assert done.returncode == ExitCode.BREAK, done.stderr
    report = read_report(box / "report.json")
    assert [rung.verdict for rung in report.rungs] == ["ok", "exception"]
    assert report.rungs[-1].attempts[0].exit.command_code == 3
    assert report.rungs[0].brain.nodes > 0
    assert report.rungs[0].brain.edges is None
    assert report.findings[0].kind == "exception"
    assert "stderr ends with: too many lines" in report.findings[0].evidence
    assert "command.py" not in report.rungs[-1].because
    assert report.witness.lines == 21

    again = harness("ladder", "--replay", box / report.rungs[-1].attempts[0].black_box, "--json")
    assert again.returncode == ExitCode.OK, again.stderr
    assert json.loads(again.stdout)["same"] is True

    diagnosed = harness("diagnose", box, "--json")
    assert json.loads(diagnosed.stdout)["findings"][0]["kind"] == "exception"


def test_a_program_that_ends_and_leaves_a_process_behind_does_not_hang(tmp_path):
    (tmp_path / "trainer.sh").write_text(
        'sleep 60 &\necho "nodes: $(wc -l <"$2")" >"$1"\ncat "$1"\necho "done, and gone" >&2\n'
    )
    described = tmp_path / "trainer.toml"
    described.write_text("train = ['sh', 'trainer.sh', '{brain}', '{corpus}']\n[reads]\nnodes = '^nodes: (.*)'\n")
    limits = ("--from", "1KB", "--to", "1KB", "--time-limit", "20s", "-o", tmp_path / "report")
    done = harness("ladder", "--subject", f"command:{described}", *limits)
    assert done.returncode == ExitCode.OK, done.stderr
    report = read_report(tmp_path / "report" / "report.json")
    assert report.rungs[0].brain.nodes > 0
    waited = next(stage for stage in report.rungs[0].stages if stage.name == "ended")
    assert waited.wall_s > DRAIN_S / 2  # the wait for who still holds its output is no part of learning
    assert [found.kind for found in report.findings] == ["left_running"]
    assert "by train" in report.findings[0].title


STOPPED = """
import sys, time

def take_more(kept):
    while True:
        kept.append(b"x" * 2**20) if sys.argv[1] == "memory" else time.sleep(1)

take_more([])
"""


@pytest.mark.skipif(find_program("py-spy") is None, reason="py-spy is not installed")
@pytest.mark.parametrize(("how", "kind"), [("memory", "memory_hog"), ("time", "hang")])
def test_the_stack_of_a_program_that_is_stopped_is_its_own(tmp_path, how, kind):
    (tmp_path / "trainer.py").write_text(STOPPED)
    described = tmp_path / "trainer.toml"
    described.write_text(f"train = [{json.dumps(sys.executable)}, 'trainer.py', '{how}', '{{brain}}', '{{corpus}}']\n")
    limits = ("--to", "1KB", "--repeats", 1, "--memory-limit", "128MiB", "--time-limit", "8s")
    done = harness("ladder", "--subject", f"command:{described}", *limits, "-o", tmp_path / "report")
    assert done.returncode == ExitCode.BREAK, done.stderr
    report = read_report(tmp_path / "report" / "report.json")
    assert report.findings[0].kind == kind
    assert any("py-spy: is in take_more at take_more (trainer.py:" in line for line in report.findings[0].evidence)
    assert "selectors.py" not in done.stderr
    assert list(tmp_path.rglob("stack-of-1-python*.txt"))


def test_a_whole_ladder_is_replayed_and_a_report_that_says_otherwise_is_found_out(tmp_path):
    corpus, box = text(tmp_path / "corpus.txt", 400), tmp_path / "report"
    subject = "python:fixtures.canaries.broken:FloodsStderr"
    done = harness("ladder", "--subject", subject, "--corpus", corpus, "--to", "10KB", "-o", box)
    assert done.returncode == ExitCode.OK, done.stderr
    again = harness("ladder", "--replay", box, "--json")
    assert again.returncode == ExitCode.OK, again.stderr
    assert json.loads(again.stdout)["now"] == {"1KB": "ok", "10KB": "ok", "finding": "debug_output"}

    report = json.loads((box / "report.json").read_text())
    report["findings"] = []
    (box / "report.json").write_text(json.dumps(report))
    other = harness("ladder", "--replay", box, "--json")
    assert other.returncode == ExitCode.INCONCLUSIVE, other.stderr
    assert json.loads(other.stdout)["then"]["finding"] == "none"

    (box / "recipe.json").write_text("{}")
    refused = harness("ladder", "--replay", box)
    assert refused.returncode == ExitCode.USAGE
    assert "recipe.json is not whole" in refused.stderr


def test_a_box_that_is_not_whole_is_refused_with_a_sentence(tmp_path):
    done = harness("ladder", "--replay", tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "a black box is a folder" in done.stderr


def test_the_frontier_is_in_the_report(tmp_path):
    subject = "python:fixtures.canaries.growing:GrowsLinearly"
    corpus = text(tmp_path / "corpus.txt", 7000)
    sizes = ("--from", "100KB", "--to", "300KB", "--factor", "3", "--memory-limit", "32MiB", "--bisect-runs", "0")
    box = tmp_path / "report"
    done = harness("ladder", "--subject", subject, "--corpus", corpus, *sizes, "--frontier", "-o", box)
    frontier = read_report(box / "report.json").frontier
    assert frontier.limits_bytes == [16 * 2**20, 32 * 2**20], done.stderr
    assert len(frontier.cells) == 4
    assert "Frontier" in (box / "report.html").read_text()
