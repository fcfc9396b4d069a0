"""The command line: usage errors, exit codes, one document on stdout."""

import json

import pytest
from click.testing import CliRunner
from test_reports import document  # the maker of reports

from harness import cli
from harness.durations import format_duration, parse_duration
from harness.errors import SubjectError
from harness.exit_codes import ExitCode
from harness.report.models import Break, Rung
from harness.subject import parse_subject
from harness.units import label, memory, memory_tick, size
from harness.verdict import NOT_A_BREAK
from harness.whole_ladder import exit_code


def invoke(*arguments, **options):
    return CliRunner().invoke(cli.main, arguments, **options)


@pytest.mark.parametrize(
    "arguments",
    [
        ("ladder", "--memory-limit", "much"),
        ("ladder", "--time-limit", "soon"),
        ("ladder", "--subject", "tensorflow"),
        ("ladder", "--from", "1MB", "--to", "1KB"),
        ("ladder", "--corpus", "no-such-file.txt"),
        ("ladder", "--limiter", "hope"),
        ("ladder", "--min-lines-per-sec", "nan"),
        ("ladder", "--min-lines-per-sec", "inf"),
        ("ladder", "--to", "1KB", "--required", "10MB"),
        ("report", "no-such-file.json"),
        ("unknown",),
    ],
)
def test_bad_input_is_exit_2_with_one_sentence_and_nothing_on_stdout(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()
    assert list(tmp_path.iterdir()) == []


def test_every_option_has_a_twin_in_the_environment():
    result = invoke("ladder", env={"HARNESS_LADDER_MEMORY_LIMIT": "nonsense"})
    assert result.exit_code == ExitCode.USAGE
    assert "nonsense" in result.stderr


def test_doctor_prints_one_json_document():
    result = invoke("doctor", "--json")
    assert result.exit_code == 0
    assert set(json.loads(result.stdout)["schedstat"]) == {"works", "detail"}


def rung(verdict):
    return Rung.model_construct(verdict=verdict, passed=verdict in NOT_A_BREAK, size_bytes=10)


def found(verdict, passed):
    return Break(last_passed_bytes=passed, first_broken_bytes=100, verdict=verdict, because="", confirmed_by=[])


@pytest.mark.parametrize(
    ("rungs", "break_", "required", "interrupted", "code"),
    [
        (["ok"], None, None, None, ExitCode.OK),
        (["ok", "limit_artefact"], None, None, None, ExitCode.OK),
        (["ok", "inconclusive"], None, None, None, ExitCode.INCONCLUSIVE),
        (["ok", "segv"], found("segv", 10), None, None, ExitCode.BREAK),
        (["ok", "segv"], found("segv", 10), 10, None, ExitCode.OK),
        (["ok", "segv"], found("segv", 10), 11, None, ExitCode.BREAK),
        (["segv"], found("segv", None), 1, None, ExitCode.BREAK),
        (["ok", "lossy_save"], found("lossy_save", 10), 10, None, ExitCode.LOSSY),
        (["ok"], None, 10, None, ExitCode.OK),
        (["ok"], None, 11, None, ExitCode.INCONCLUSIVE),
        (["ok"], None, None, "SIGINT", ExitCode.INTERRUPTED),
    ],
)
def test_exit_codes(rungs, break_, required, interrupted, code):
    assert exit_code([rung(verdict) for verdict in rungs], break_, required, interrupted) == code


def test_subjects_are_named_in_two_ways():
    assert parse_subject("melvin").package == "melvin"
    named = parse_subject("python:a.b:C")
    assert (named.module, named.class_name, named.package) == ("a.b", "C", "a")
    for bad in ("", "python:", "python:a", "python::C", "command:", "Melvin"):
        with pytest.raises(SubjectError):
            parse_subject(bad)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10min", 600), ("1.5h", 5400), ("250ms", 0.25), ("3", 3)])
def test_durations_are_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1s", "1e3s", "ten", "5 days", "9" * 400])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_numbers_are_shown_with_three_digits_and_dashes():
    assert [format_duration(s) for s in (2e-6, 0.0123, 1.234, 90, 150, 7200)] == [
        "2 µs",
        "12.3 ms",
        "1.23 s",
        "90 s",
        "2.5 min",
        "2 h",
    ]
    assert [size(n) for n in (None, 0, 999, 1234, 999_999, 5e9)] == [
        "–",
        "0 B",
        "999 B",
        "1.23 kB",
        "1 MB",
        "5 GB",
    ]
    assert [memory(n) for n in (None, 2**20, 3 * 2**30)] == ["–", "1.0 MiB", "3.00 GiB"]
    assert [memory_tick(n) for n in (2**12, 2**22, 2**32)] == ["4 KiB", "4 MiB", "4 GiB"]
    assert [label(n) for n in (1000, 31_622, 880_326, 10**9)] == ["1KB", "31.6KB", "880KB", "1GB"]


NUL = ("ladder --replay {}", "ladder --corpus {}", "ladder -o {}", "report {}", "diagnose {}", "subject check {}")
NUL += ("roundtrip {}", "faults -o {}", "canary -o {}", "ladder --subject command:{}", "faults --subject python:{}:C")


@pytest.mark.parametrize("words", NUL)
def test_a_nul_byte_in_a_path_is_refused_in_one_sentence(words):
    refused = CliRunner().invoke(cli.main, words.format("a\0b").split(" "))
    assert refused.exit_code == 2
    assert "NUL" in refused.output


def test_a_nul_byte_in_a_described_subject_is_refused(tmp_path):
    (tmp_path / "a.toml").write_text('folder = "a\\u0000b"\ntrain = ["cat", "{brain}", "{corpus}"]\n')
    refused = CliRunner().invoke(cli.main, ["subject", "check", str(tmp_path / "a.toml")])
    assert refused.exit_code == 2
    assert "NUL" in refused.output


@pytest.mark.parametrize("word", ["a[x]", "a[red]b", "a[", ":smile:"])
def test_brackets_and_colons_in_a_path_are_text(tmp_path, word):
    described = tmp_path / f"{word}.toml"
    described.write_text('train = ["true", "{brain}", "{corpus}"]\n')
    done = invoke("subject", "check", str(described))
    assert done.exit_code == ExitCode.BREAK
    assert f"{described} is a command subject" in done.stderr


def test_brackets_in_the_path_of_a_report_are_text(tmp_path):
    folder = tmp_path / "a[red]b[" / "x]"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(document()))
    done = invoke("report", str(folder))
    assert done.exit_code == ExitCode.OK
    assert f"page: {folder / 'report.html'}" in done.stderr


def test_a_corpus_that_ends_below_the_required_size_is_said_before_the_climb(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("a line of a text that is soon over\n" * 100)
    done = invoke("ladder", "--corpus", "text.txt", "--to", "10MB", "--required", "1MB")
    assert done.exit_code == ExitCode.USAGE
    assert "the corpus ends at 3500B" in done.stderr
    assert not (tmp_path / "reports").exists()


def test_a_report_cannot_be_written_below_a_file(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(document()))
    done = invoke("report", str(tmp_path), "-o", str(tmp_path / "report.json" / "x"))
    assert done.exit_code == ExitCode.USAGE
    assert "cannot make the folder" in done.stderr


def test_a_text_that_is_too_small_and_a_report_that_is_not_there_are_said_plainly(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    assert (
        f"{tmp_path / 'a.txt'} holds 1B, less than the first rung, 1KB"
        in invoke("ladder", "--corpus", str(tmp_path / "a.txt")).stderr
    )
    assert "a report is a report.json, or the folder" in invoke("report", str(tmp_path / "none")).stderr


@pytest.mark.parametrize("output", [".", "texts"])
def test_a_corpus_in_the_folder_of_the_report_is_refused_and_stays(tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    corpus = tmp_path / "texts" / "a.txt"
    corpus.parent.mkdir()
    corpus.write_text("a line of a text\n" * 100)
    done = invoke("ladder", "--corpus", "texts/a.txt", "-o", output)
    assert done.exit_code == ExitCode.USAGE
    assert "give another folder with -o" in done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [corpus]


def test_what_a_subject_says_is_one_plain_line_of_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build.sh").write_text("printf 'an \\033[31merror\\r of %05000d' 1 >&2\nexit 1\n")
    commands = "build = ['sh', 'build.sh']\ntrain = ['true', '{brain}', '{corpus}']\n"
    (tmp_path / "a.toml").write_text(commands)
    done = invoke("subject", "check", "a.toml")
    assert done.exit_code == ExitCode.USAGE
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: the build step")
    assert "\\x1b[31m" in error
    assert len(error) < 1100


def test_an_empty_path_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("ladder", "-o", "")
    assert done.exit_code == ExitCode.USAGE
    assert "it is empty" in done.stderr
