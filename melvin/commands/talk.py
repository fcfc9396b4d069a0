"""Talking to a brain: generate, teach, chat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from melvin.brain import LINE_BYTES, Brain
from melvin.chat import COMMANDS, Chat
from melvin.commands.shared import brain_argument, json_option, port_option, readable, show, told
from melvin.lines import to_bytes
from melvin.lock import Lock
from melvin.prompts import Prompt
from melvin.teaching import unsure_of

RIGHT, WRONG = 1.0, 0.0


@click.command()
@brain_argument
@click.argument("prefix", default="")
@json_option
@port_option
@click.option("--lines", "count", default=1, show_default=True, type=click.IntRange(min=1), help="Lines to make up.")
@click.option("--length", default=LINE_BYTES, show_default=True, help="Bytes of each, at the most.")
@click.option("--seed", default=0, show_default=True, help="The same seed makes up the same lines.")
@click.option("--temperature", default=1.0, show_default=True, help="0: the likeliest byte each time.")
def generate(
    brain: Path, prefix: str, as_json: bool, port: str, count: int, length: int, seed: int, temperature: float
) -> None:
    """Make up lines that begin with PREFIX, as BRAIN expects them to be; each line has a seed of its own."""
    opened = Brain.open(brain)
    begun = to_bytes(prefix)
    made = [
        begun + opened.generate(begun, length=length, seed=seed + n, temperature=temperature, port=port)
        for n in range(count)
    ]
    document = {
        "brain": str(brain),
        "prefix": prefix,
        "seed": seed,
        "temperature": temperature,
        "lines": [{"text": readable(line), "hex": line.hex()} for line in made],
    }
    show(document, as_json, "\n".join(map(readable, made)))


@click.command()
@brain_argument
@port_option
def teach(brain: Path, port: str) -> None:
    """Tell BRAIN which of its answers are right.

    A line asks; an empty one lets BRAIN ask itself about what it is least sure of. Then y says that the answer is
    right, n that it is wrong, anything else how it goes on instead (which is learnt as a line), an empty line nothing,
    q ends. What was taught is saved at the end, on Ctrl-C too.
    """
    with Lock(brain):
        pupil = Brain.open(brain)
        prompt = Prompt()
        said = learnt = 0
        questions = iter(unsure_of(pupil, port))
        try:
            while (asked := prompt.ask("ask> ")) not in (None, "q"):
                question = to_bytes(asked) if asked else next(questions, b"")
                answer = pupil.query(question, port=port)
                click.echo(told(answer))
                verdict = prompt.ask("y, n, how it goes on, or q> ")
                if verdict in (None, "q"):
                    break
                if verdict in ("y", "n"):
                    pupil.feedback(answer, RIGHT if verdict == "y" else WRONG)
                    said += 1
                elif verdict:
                    pupil.learn([question + to_bytes(verdict)], port=port)
                    learnt += 1
        finally:
            if said or learnt:
                pupil.save(brain)
            click.echo(f"{said} answers judged, {learnt} lines learnt" + (f": saved {brain}" if said + learnt else ""))


@click.command()
@brain_argument
@port_option
def chat(brain: Path, port: str) -> None:
    """Ask BRAIN line by line; /help names the commands. Asking never changes it."""
    session = Chat(Brain.open(brain), port)
    for line in _lines(Prompt(words=COMMANDS)):
        reply = session.reply(line)
        if reply is None:
            return
        if reply:
            click.echo(reply)


def _lines(prompt: Prompt) -> Iterator[str]:
    while (line := prompt.ask("> ")) is not None:
        yield line


