"""Progress on stderr: a live line on a terminal, one plain line per event anywhere else."""

from __future__ import annotations

import signal
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness import units
from harness.attempts import Attempt, Trial
from harness.errors import Interrupted
from harness.limits import Limits
from harness.plain_text import plain_text
from harness.report import models
from harness.report.summary import told
from harness.stages import is_learning
from harness.verdict import learning_rate
from scaling_suite.workload import Rung

PLAIN_AFTER_S = 10.0  # the first line about a running attempt, off a terminal
PLAIN_GROWTH = 1.5  # each further line comes when this much more time has passed: 15 lines in an hour
BAR_WIDTH = 24
REFRESH_PER_S = 5


class Progress:
    """Shows a ladder while it runs. Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(console=console, transient=True, refresh_per_second=REFRESH_PER_S) if console.is_terminal else None
        )
        self._rung: Rung | None = None
        self.name = ""  # of what is tried; empty: the size of the text stands for it
        self._next_plain_s = PLAIN_AFTER_S
        self.where = "before the first rung"  # for the report of a ladder that was stopped

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def _label(self) -> str:
        return self.name or (units.label(self._rung.size_bytes) if self._rung else "")

    def preparing(self, size_bytes: int) -> None:
        self.where = f"while the text of {units.label(size_bytes)} was made"
        if self._live is not None:
            self._live.update(Text(f"{units.label(size_bytes):>8}  making the text of this rung", style="dim"))

    def attempt_started(self, rung: Rung, limits: Limits, why: str) -> None:
        self._rung = rung
        self._next_plain_s = PLAIN_AFTER_S
        self.where = f"at {self._label.strip()}"
        if why:
            self.say(f"{self._label:>8}  again under {limits.limiter}: {why}", "yellow")

    def sample(self, event: dict[str, Any]) -> None:
        if event["event"] != "sample" or self._rung is None:
            return
        self.where = f"at {self._label.strip()}, stage {event['stage'] or 'start'}, line {event['lines']:,}"
        if self._live is not None:
            self._live.update(self._line(event, self._rung))
        elif event["elapsed_s"] >= self._next_plain_s:
            self._next_plain_s = event["elapsed_s"] * PLAIN_GROWTH
            self.say(
                f"{self._label:>8}  {event['stage']:<11} {event['lines']:,} lines, "
                f"{units.memory(event['anon_bytes'])}, {units.duration(event['elapsed_s'])}"
            )

    def _line(self, event: dict[str, Any], rung: Rung) -> Table:
        share = min(1.0, event["bytes"] / max(rung.corpus_bytes, 1))
        rate = event["bytes"] / 1e6 / event["elapsed_s"] if event["elapsed_s"] > 0 and event["bytes"] else None
        learning = is_learning(event["stage"])
        line = Table.grid(padding=(0, 2))
        line.add_row(
            Text(f"{self._label:>8}", style="bold"),
            Text(f"{event['stage'] or 'start':<11}", style="cyan"),
            ProgressBar(total=1.0, completed=share, width=BAR_WIDTH),
            f"{share:4.0%}",
            f"{event['lines']:,} lines",
            f"{units.decimal(rate if learning else None, 1)} MB/s",
            units.memory(event["anon_bytes"]),
            units.duration(event["elapsed_s"]),
        )
        return line

    def attempt_ended(self, attempt: Attempt) -> None:
        if attempt.verdict.name != "ok" and self._rung is not None:
            self.say(
                f"{self._label:>8}  {attempt.limits.limiter}: {attempt.verdict.name}, {attempt.verdict.because}",
                "red",
            )

    def trial_ended(self, trial: Trial) -> None:
        evidence = trial.deciding.evidence
        record = evidence.result or {}
        told = [units.memory(evidence.peak_anon_bytes), units.duration(evidence.wall_s)]
        rate = learning_rate(record.get("stages", []), trial.rung.corpus_lines)
        if record.get("complete") and rate is not None:
            bits = units.decimal(record["quality"]["bits_per_byte"], 3)
            told = [
                f"{rate.lines_per_s:>9,.0f} lines/s",
                f"{told[0]:>10}",
                f"{bits:>6} bits/byte",
                f"{told[1]:>8}",
            ]
        text = f"{self.name or units.label(trial.rung.size_bytes):>8}  {trial.verdict.name:<14} {'  '.join(told)}"
        self.say(text, "green" if trial.passed else "bold red")

    def stopped(self, stop: Interrupted) -> str:
        """By what, and where, for the report of a run that did not come to its end."""
        return f"{signal.Signals(stop.signal_number).name} {self.where}"

    def foretold(self, forecast: models.Forecast) -> None:
        """Where it will break, if that is near enough to be told."""
        text = told(forecast)
        if text:
            self.say(f"{'':>8}  forecast: {text}", "dim")

    def say(self, text: str, style: str = "") -> None:
        """A line that stays."""
        self._console.print(Text(plain_text(text), style=style), soft_wrap=True)
