"""The commands. The one place where an error becomes a sentence on stderr and an exit code."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import click

from harness import __version__
from harness.commands import (
    ablate,
    canary,
    diagnose,
    doctor,
    faults,
    gate,
    ladder,
    leak,
    profile,
    report,
    roundtrip,
    subject,
)
from harness.console import stderr
from harness.errors import HarnessError, Interrupted
from harness.plain_text import one_line

HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Commands(click.Group):
    """Runs a command, and turns what it raises on purpose into one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HarnessError as error:
            click.echo("error: " + one_line(str(error)), file=stderr())
            ctx.exit(error.exit_code)


@click.group(cls=Commands, context_settings={"auto_envvar_prefix": "HARNESS", "max_content_width": 110})
@click.version_option(__version__, prog_name="harness")
def main() -> None:
    """Find where a trainer breaks, and why.

    \b
    Exit codes: 0 ok, 1 internal error, 2 usage, 3 a regression, or a canary that was missed, 4 broke below the
    required size, 5 what was saved is not what was loaded, 6 cannot tell, 7 no base to compare with, 8 leak,
    130 interrupted.
    Every option has a twin in the environment: HARNESS_LADDER_MEMORY_LIMIT for `ladder --memory-limit`.
    """
    for number in HEARD:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # `nohup` means it
            signal.signal(number, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    for heard in HEARD:
        signal.signal(heard, signal.SIG_IGN)  # once is enough: what there is, is written before the end
    raise Interrupted(number)


for module in (ladder, profile, leak, roundtrip, faults, gate, ablate, diagnose, canary, report, subject, doctor):
    main.add_command(module.command)


if __name__ == "__main__":
    sys.exit(main())
