"""The command line: one group; its commands stand in `melvin.commands`, a module for each kind of work.

Results go to standard output (with --json one JSON document), everything else to standard error. Exit codes: 0 done, 1
the learner's own error with one sentence, 2 wrong usage, 3 two brains differ, 128 + the number of a signal that stopped
a training (what was learnt is saved); 130 is Ctrl-C, whatever the command.
"""

from __future__ import annotations

import signal
from typing import Any

import click

from melvin.commands import asking, files, learning, likeness, talk
from melvin.commands.shared import SIGNALLED
from melvin.errors import MelvinError

COMMANDS = (
    *(learning.train, learning.feed),
    *(asking.query, asking.why, asking.relation, asking.before, asking.after, asking.score),
    *(likeness.similar, likeness.category, likeness.compose, likeness.remove, likeness.substitute, likeness.analogy),
    likeness.primed,
    *(talk.generate, talk.teach, talk.chat),
    *(files.inspect, files.verify, files.diff, files.merge),
)


NO_MEMORY = (
    "there is not enough memory for this; the brain's file holds what was saved last: "
    "free some memory (a training takes what its --memory says)"
)


class Failure(click.ClickException):
    """An error as click shows it: one sentence, exit code 1."""


class Group(click.Group):
    """Turns every MelvinError, and memory that ran out, into a sentence, once; and Ctrl-C into an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MelvinError as error:
            raise Failure(str(error)) from error
        except MemoryError as error:
            raise Failure(NO_MEMORY) from error
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(SIGNALLED + signal.SIGINT)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="melvin")
def main() -> None:
    """A byte-level graph that learns from lines of text."""


for command in COMMANDS:
    main.add_command(command)
