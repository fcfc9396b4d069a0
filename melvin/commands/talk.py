"""Talking to a brain: generate, teach, chat."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from melvin.brain import LINE_BYTES, Brain
from melvin.chat import Chat, readable, told
from melvin.commands.prompts import Prompt
from melvin.commands.shared import SIGNALLED, brain_argument, json_option, port_option, say, show
from melvin.container import remove_remains
from melvin.lines import to_bytes
from melvin.lock import Lock
from melvin.signals import Signals, Stopped

REWARD = {"y": 1.0, "n": 0.0}
COMPLETED = 1000  # words that a chat completes


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
    """Make up lines that begin with PREFIX, as BRAIN expects them to be; each has a seed of its own, from --seed on."""
    opened, begun = Brain.open(brain), to_bytes(prefix)
    made = [
        begun + opened.generate(begun, length=length, seed=seed + n, temperature=temperature, port=port)
        for n in range(count)
    ]
    document = {
        "prefix": prefix,
        "seed": seed,
        "temperature": temperature,
        "lines": [{"text": readable(line), "payload_hex": line.hex()} for line in made],
    }
    show(document, as_json, "\n".join(map(readable, made)))


@click.command()
@brain_argument
@port_option
def teach(brain: Path, port: str) -> None:
    """Tell BRAIN which of its answers are right.

    A line asks; an empty one has BRAIN ask itself what it is least sure of. To its answer, y says that it is right, n
    that it is wrong, an empty line nothing, and anything else how the line goes on instead, which is learnt. q ends.
    What was taught is saved at the end, and on Ctrl-C, SIGTERM and SIGHUP.
    """
    with Lock(brain), Signals() as signals:
        remove_remains(brain)
        pupil, prompt = Brain.open(brain), Prompt()
        unsure = iter(pupil.unsure(port=port))
        judged = learnt = 0
        try:
            while (asked := signals.wait(lambda: prompt.ask("ask> "))) not in (None, "q"):
                question = to_bytes(asked) if asked else next(unsure, b"")
                answer = pupil.query(question, port=port)
                say(told(answer))
                verdict = signals.wait(lambda: prompt.ask("y, n, q, or how it goes on> "))
                if verdict in (None, "q"):
                    break
                if verdict in REWARD:
                    pupil.feedback(answer, REWARD[verdict])
                    judged += 1
                elif verdict:
                    pupil.learn([question + to_bytes(verdict)], port=port)
                    learnt += 1
        except Stopped:
            say("")
        finally:
            if judged or learnt:
                pupil.save(brain)
        say(f"answers judged: {judged}, lines learnt: {learnt}{', saved' if judged + learnt else ''}")
    if signals.number:
        click.get_current_context().exit(SIGNALLED + signals.number)


@click.command()
@brain_argument
@port_option
def chat(brain: Path, port: str) -> None:
    """Ask BRAIN, line by line; /help lists the commands. It learns nothing by it."""
    opened = Brain.open(brain)
    session = Chat(opened, port)
    prompt = Prompt([*session.commands, *map(readable, opened.frequent_words(COMPLETED, port=port))])
    try:
        while (line := prompt.ask("> ")) is not None:
            reply = session.reply(line)
            if reply is None:
                return
            if reply:
                say(reply)
    except KeyboardInterrupt:
        say("")
        click.get_current_context().exit(SIGNALLED + signal.SIGINT)
