"""`python -m scaling_suite capability NAME`: one command a capability."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from scaling_suite.capabilities import abstraction, calibration, cross_modal, temporal
from scaling_suite.errors import OutputError
from scaling_suite.sizes import parse_size

BAR = 40  # characters of a bin in which all were right


@click.group()
def capability() -> None:
    """Measure what a fresh brain does with generated input, beside what guessing would reach."""


@capability.command("abstraction")
@click.option("--classes", default=abstraction.CLASSES, show_default=True, type=click.IntRange(2))
@click.option("--nouns", default=abstraction.NOUNS, show_default=True, type=click.IntRange(1), help="Of each class.")
@click.option("--verbs", default=abstraction.VERBS, show_default=True, type=click.IntRange(2))
@click.option("--seed", default=abstraction.DEFAULT_SEED, show_default=True, type=click.IntRange(min=0))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def abstraction_command(classes: int, nouns: int, verbs: int, seed: int, as_json: bool) -> None:
    """Does a word go on as its class does, in a frame in which it was never read?"""
    result = abstraction.measure(seed, classes, nouns, verbs)
    if as_json:
        click.echo(json.dumps({"schema": "scaling_suite.capability.abstraction/1", "seed": seed, **asdict(result)}))
        return
    asked = f"of {result.pairs} nouns, each with a verb that it was never read with"
    rows = [(what, share, asked) for what, share in result.accuracy.items()]
    rows.append(("chance", result.chance, "any place of the verb's"))
    click.echo("\n".join(f"{name:<14} {share:>7.1%}  {what}" for name, share, what in rows))


@capability.command("cross-modal")
@click.option("--episodes", default=cross_modal.EPISODES, show_default=True, type=click.IntRange(1))
@click.option("--held-out", default=cross_modal.HELD_OUT, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=cross_modal.DEFAULT_SEED, show_default=True, type=click.IntRange(min=0))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def cross_modal_command(episodes: int, held_out: int, seed: int, as_json: bool) -> None:
    """Does a sensor reading that was never heard prime the word that names the state?"""
    from melvin import Brain

    result = cross_modal.measure(Brain(), episodes, held_out, seed)
    if as_json:
        click.echo(json.dumps({"schema": "scaling_suite.capability.cross-modal/1", "seed": seed, **asdict(result)}))
        return
    rows = [
        ("accuracy", f"{result.accuracy:.1%}", f"of {held_out} rows that were never heard, after {episodes} episodes"),
        ("chance", f"{result.chance:.1%}", "any word"),
        ("most frequent", f"{result.most_frequent:.1%}", "always the word that was heard most often"),
        ("optimum", f"{result.optimum:.1%}", "whoever knows the generator's means and deviations"),
    ]
    click.echo("\n".join(f"{name:<14} {figure:>7}  {what}" for name, figure, what in rows))


@capability.command("temporal")
@click.option("--pairs", default=temporal.PAIRS, show_default=True, type=click.IntRange(1), help="Of each kind.")
@click.option("--seed", default=temporal.DEFAULT_SEED, show_default=True, type=click.IntRange(min=0))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def temporal_command(pairs: int, seed: int, as_json: bool) -> None:
    """Is it told which words cause, enable, prevent, precede or follow each other?"""
    from melvin import Brain

    result = temporal.measure(Brain(), pairs, seed)
    if as_json:
        click.echo(json.dumps({"schema": "scaling_suite.capability.temporal/1", "seed": seed, **asdict(result)}))
        return
    rows = [
        ("accuracy", f"{result.accuracy:.1%}", f"of {result.pairs} pairs, hidden in {result.lines:,} lines"),
        ("chance", f"{result.chance:.1%}", "any kind"),
        ("most frequent", f"{result.most_frequent:.1%}", "always the kind that is commonest"),
        *((kind, f"{share:.1%}", f"of {pairs}") for kind, share in result.by_kind.items()),
    ]
    click.echo("\n".join(f"{name:<14} {figure:>7}  {what}" for name, figure, what in rows))
    for kind, came, count in result.mistaken:
        click.echo(f"{'mistaken':<14} {count:>7}  {kind} for {came}")


@capability.command("calibration")
@click.option("--corpus", required=True, type=click.Path(path_type=Path), help="A text, or a folder of texts.")
@click.option("--train", "size", default="10MB", show_default=True, help="Bytes of it that are learnt.")
@click.option("--places", default=calibration.PLACES, show_default=True, type=click.IntRange(1))
@click.option("--answers", default=calibration.ANSWERS, show_default=True, type=click.IntRange(0))
@click.option("--seed", default=calibration.DEFAULT_SEED, show_default=True, type=click.IntRange(min=0))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="Reliability plots, as SVG.")
def calibration_command(
    corpus: Path, size: str, places: int, answers: int, seed: int, as_json: bool, out: Path | None
) -> None:
    """Is the likeliest next byte right as often as the brain says, on lines that it never learnt?"""
    from melvin import Brain

    result = calibration.measure(Brain(), corpus, parse_size(size), places, answers, seed)
    if out is not None:
        try:
            out.write_text(calibration.as_svg(result), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {out}: {error.strerror}") from error
    if as_json:
        click.echo(json.dumps({"schema": "scaling_suite.capability.calibration/1", "seed": seed, **asdict(result)}))
        return
    click.echo(f"{result.train_bytes:,} bytes learnt; {result.held_out_lines:,} lines never learnt")
    for name, curve in result.curves.items():
        ece = f"expected calibration error {curve.error:.4f}"
        click.echo(f"{name:<20} {ece}, {curve.accuracy:.1%} right of {curve.places:,} places")
    click.echo(f"{'confidence':>10}  {'right':>6}  {'places':>7}    of the next byte, calibrated")
    for one in result.byte_calibrated.bins:
        bar = "█" * round(one.right * BAR)
        click.echo(f"{one.confidence:>10.3f}  {one.right:>6.3f}  {one.places:>7,}    {bar}")
