"""Commands beside the road: train a tokenizer, plan a mixture, explain the deduplication."""

import json
from pathlib import Path

import click
from rich.console import Console

from corpus.reader import mixtures
from corpus.reader.shares import shares
from corpus.report.tables import table
from corpus.storage import write_text
from corpus.tokens.manifest import load_manifest
from corpus.tokens.train import END_OF_TEXT, SampleSettings, train_from_root

FolderArgument = click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))


@click.command("train-tokenizer", short_help="Train a tokenizer on what a run kept.")
@click.argument("root", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@click.option(
    "--vocab-size", type=click.IntRange(257), metavar="N", default=32_000, show_default=True, help="Ids, all included."
)
@click.option(
    "--special",
    multiple=True,
    metavar="TOKEN",
    default=(END_OF_TEXT,),
    show_default=True,
    help="Special token; the first has id 0. Repeatable.",
)
@click.option(
    "--sample-mb", type=click.IntRange(1), metavar="N", default=256, show_default=True, help="MB of text to train on."
)
def train_tokenizer(root: Path, out: Path, vocab_size: int, special: tuple[str, ...], sample_mb: int) -> None:
    """Train a byte-level BPE tokenizer on the kept documents under ROOT.

    \b
    corpus train-tokenizer out --out my.json --vocab-size 32000
    corpus run web --root out --input crawl/ --set tokenizer=my.json      (re-runs tokenize and what follows)
    """
    settings = SampleSettings(max_bytes=sample_mb << 20)
    write_text(out, train_from_root(root, vocab_size, special, settings).decode())
    click.echo(f"tokenizer: {out}")


@click.command("mixture", short_help="Show a mixture of components, and what it reads.")
@FolderArgument
@click.argument("name", required=False)
@click.option(
    "--weight", "weights", multiple=True, metavar="PATTERN=W", help="A weight of your own in place of NAME. Repeatable."
)
@click.option(
    "--repeat", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Passes over the scarcest part."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
def show_mixture(folder: Path, name: str | None, weights: tuple[str, ...], repeat: int, as_json: bool) -> None:
    """Show the weights of a mixture over the shards in FOLDER, and what an epoch reads of each component.

    Without NAME and weights: the mixtures that have a name. They suit components named {authority}-{quality}, as the
    recipes grid and web make them.

    \b
    corpus mixture out/shards
    corpus mixture out/shards one_to_one
    corpus mixture out/shards --weight '*central-*=7' --weight '*peripheral-*=3' --repeat 4
    corpus mixture out/shards quality_authority --json | jq .mixture
    """
    if not name and not weights:
        click.echo("\n".join(f"{name:<18} {about}" for name, about in mixtures.meanings().items()))
        return
    chosen = mixtures.parse(weights) if weights else mixtures.mixture(name or "")
    sizes = {key: int(value["tokens"]) for key, value in load_manifest(folder).components.items()}
    found = shares(chosen, sizes, repeat)
    if as_json:
        told = {"mixture": chosen, "repeat": repeat, "tokens": sum(share.tokens for share in found)}
        click.echo(json.dumps(told | {"shares": [share.readable() for share in found]}, indent=1, ensure_ascii=False))
        return
    rows = [
        (share.pattern, f"{float(share.weight):.1%}", component, size, read, f"{share.passes:.3g}")
        for share in found
        for component, size, read in share.by_component()
    ]
    rows.append(("all", "", "", sum(sizes.values()), sum(share.tokens for share in found), ""))
    columns = ("pattern", "share", "component", "tokens", "read", "passes")
    Console(highlight=False).print(table(f"An epoch of {name or 'these weights'}", columns, rows, columns[3:]))


@click.command(short_help="Explain bands and rows of the deduplication.")
@click.option("--bands", type=click.IntRange(1), metavar="N", default=14, show_default=True, help="Bands of MinHash.")
@click.option("--rows", type=click.IntRange(1), metavar="N", default=8, show_default=True, help="Rows of a band.")
def recall(bands: int, rows: int) -> None:
    """Print which share of pairs becomes a candidate, by similarity: what bands and rows mean.

    More bands find more and cost more; more rows find less below the threshold. Candidates are then compared exactly.

    \b
    corpus recall
    corpus recall --bands 20 --rows 6
    corpus run web --input crawl/ --root out --set bands=20 --set rows=6 --set similarity=0.7
    """
    from corpus.dedup.minhash import recall_curve  # noqa: PLC0415 - numba, which no other command here needs

    click.echo(recall_curve(bands, rows))
