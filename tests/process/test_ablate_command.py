"""`ablate` as it is run: one worker a variant, the table, the page, the report, the exit code."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import main
from melvin.settings import MECHANISMS

ROOT = Path(__file__).parents[2]
SUBJECT = "python:fixtures.ablated:TwoParts"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)

    def invoke(*words):
        result = CliRunner().invoke(
            main, ["ablate", *words, "--json", "-o", str(tmp_path / "report")], catch_exceptions=False
        )
        return result, json.loads(result.stdout) if result.stdout else None

    return invoke


def by_name(report):
    return {variant["name"]: variant for variant in report["variants"]}


def test_a_part_that_is_worth_something_is_told_from_one_that_is_not(run, tmp_path):
    result, report = run("--subject", SUBJECT, "--size", "20KB")
    assert result.exit_code == 0, result.output
    assert report["schema"] == "harness.ablation/1"
    full, counts, ballast, both = report["variants"]
    assert (full["name"], full["without"], full["difference"]) == ("full", [], None)
    assert full["measures"]["bits_per_byte"] < 6
    assert counts["measures"]["bits_per_byte"] == pytest.approx(8)
    assert counts["difference"]["bits_per_byte"] == pytest.approx(8 - full["measures"]["bits_per_byte"])
    assert counts["difference"]["capabilities"] == {"counting": -1.0}
    assert ballast["difference"]["bits_per_byte"] == 0
    assert ballast["difference"]["brain_bytes"] == pytest.approx(-(1 << 20), rel=1e-3)
    assert both["without"] == ["counts", "ballast"]
    assert "without ballast" in result.stderr.splitlines()[-2]
    assert report == json.loads((tmp_path / "report" / "report.json").read_text())
    assert "| ballast |" in (tmp_path / "report" / "summary.md").read_text()


def test_the_page_stands_alone_and_draws_every_measure(run, tmp_path):
    run("--subject", SUBJECT, "--size", "20KB", "--only", "counts")
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("<svg") == 6  # bits, recall, speed, memory, size, and the capability that is probed
    assert not re.search(r"""(src|href)\s*=|https?://(?!www\.w3\.org)""", page)
    assert "without counts" in page


def test_melvin_names_its_own_mechanisms_and_each_is_really_off(run):
    result, report = run("--size", "3KB", "--only", "byte_contexts", "--only", "heads")
    assert result.exit_code == 0, result.output
    variants = by_name(report)
    assert list(variants) == ["full", "byte_contexts", "heads"]
    assert set(variants["heads"]["without"]) < set(MECHANISMS)
    assert variants["byte_contexts"]["difference"]["bits_per_byte"] > 0.1
    assert variants["heads"]["difference"]["brain_bytes"] < 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--only", "nonsense"), "has no mechanism 'nonsense'"),
        (("--subject", "python:fixtures.canaries.honest:Honest"), "names no mechanism to do without"),
        (("--size", "9KB", "--corpus", "/no/such"), "cannot be read"),
    ],
)
def test_what_cannot_be_tried_is_one_sentence_and_exit_code_2(run, words, says):
    result, report = run(*words)
    assert (result.exit_code, report) == (2, None)
    assert says in result.stderr


def test_a_variant_that_breaks_is_told_and_is_exit_code_4(run, tmp_path):
    result, report = run("--size", "3KB", "--only", "heads", "--memory-limit", "16MiB")
    assert result.exit_code == 4
    assert {variant["verdict"] for variant in report["variants"]} == {"memory_limit"}
    assert all((tmp_path / "report" / variant["black_box"] / "recipe.json").exists() for variant in report["variants"])
    assert "broke: full, heads" in result.stderr


def test_ctrl_c_ends_the_tries_and_leaves_a_report(tmp_path):
    argv = [sys.executable, "-m", "harness", "ablate", "--size", "300KB", "-o", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("full") and " ok " in line:
                process.send_signal(signal.SIGINT)
                break
        process.stderr.read()
    assert process.returncode == 130
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["interrupted"].startswith("SIGINT")
    assert [variant["name"] for variant in report["variants"]][:1] == ["full"]
