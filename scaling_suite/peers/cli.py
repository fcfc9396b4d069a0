"""The command that compares: options in, a table out, and both documents in the folder."""

import json
from pathlib import Path

import click

from scaling_suite.errors import OutputError, PeerError
from scaling_suite.peers.comparison import compare, document, markdown, take_text
from scaling_suite.peers.registry import PEERS, Peer
from scaling_suite.sizes import parse_size


@click.command()
@click.option("--corpus", required=True, type=click.Path(path_type=Path), help="A file or folder of text.")
@click.option("--size", default="100MB", show_default=True, help="How much of it: whole lines that fit.")
@click.option("--folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="For all that is made.")
@click.option("--only", multiple=True, help="A peer by name; may be repeated. Default: all.")
@click.option("--script", multiple=True, type=click.Path(exists=True, path_type=Path), help="A trainer of your own.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Runs of each.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def peers(
    corpus: Path, size: str, folder: Path, only: tuple[str, ...], script: tuple[Path, ...], rounds: int, as_json: bool
) -> None:
    """Train melvin and its peers in turn on one text; what each costs, as a table.

    Peers are installed from the package registry into FOLDER/environment. `peers.json` and `peers.md` are written to
    FOLDER. A SCRIPT is run as `python SCRIPT CORPUS FOLDER`, beside melvin; with scripts, peers only by --only.
    """
    chosen = [*_chosen(only, bool(script)), *(Peer.of_script(path) for path in script)]
    try:
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        text = take_text(corpus, parse_size(size), folder)
        rows = compare(text, chosen, folder, rounds, tell=lambda what: click.echo(what, err=True))
        found = document(rows, text)
        (folder / "peers.json").write_text(json.dumps(found, indent=1) + "\n")
        (folder / "peers.md").write_text(markdown(found))
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}") from error
    click.echo(json.dumps(found) if as_json else markdown(found), nl=as_json)


def _chosen(only: tuple[str, ...], own: bool) -> list[Peer]:
    known = {peer.name: peer for peer in PEERS}
    for name in only:
        if name not in known:
            raise PeerError(f"there is no peer {name!r}: name {', '.join(known)}")
    return [known[name] for name in only] if only or own else [*PEERS]
