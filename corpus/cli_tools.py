"""Commands beside the road: train a tokenizer, check finished shards, explain the deduplication parameters."""

from pathlib import Path

import click
from rich.console import Console

from corpus.dedup.minhash import recall_curve
from corpus.errors import ShardError
from corpus.report.tables import harmless, table
from corpus.storage import write_text
from corpus.tokens.manifest import load_manifest
from corpus.tokens.train import END_OF_TEXT, SampleSettings, train_from_root
from corpus.tokens.verify import verify

FolderArgument = click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))


@click.command("train-tokenizer")
@click.argument("root", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@click.option("--vocab-size", type=click.IntRange(257), default=32_000, show_default=True)
@click.option("--special", multiple=True, default=(END_OF_TEXT,), show_default=True, help="Special tokens, first ids.")
@click.option("--sample-mb", type=click.IntRange(1), default=256, show_default=True, help="Text to train on at most.")
def train_tokenizer(root: Path, out: Path, vocab_size: int, special: tuple[str, ...], sample_mb: int) -> None:
    """Train a byte-level BPE tokenizer on the kept documents under ROOT.

    \b
    corpus train-tokenizer out --out my.json --vocab-size 32000
    corpus run web --root out --input crawl/ --set tokenizer=my.json      (re-runs tokenize and what follows)
    """
    settings = SampleSettings(max_bytes=sample_mb << 20)
    write_text(out, train_from_root(root, vocab_size, special, settings).decode())
    click.echo(f"tokenizer: {out}")


@click.group()
def shards() -> None:
    """Look at finished token shards, or check them."""


@shards.command()
@FolderArgument
def info(folder: Path) -> None:
    """Show what a shard folder holds: dataset id, tokenizer, components.

    \b
    corpus shards info out/shards
    """
    manifest = load_manifest(folder)
    tokenizer = manifest.root["tokenizer"]
    rows = [(name, c["shards"], c["documents"], c["tokens"]) for name, c in sorted(manifest.components.items())]
    console = Console(highlight=False)
    console.print(f"dataset {manifest.dataset}", soft_wrap=True)
    console.print(harmless(f"tokenizer {tokenizer['name']}, {tokenizer['vocabulary']:,} ids"), soft_wrap=True)
    columns = ("component", "shards", "documents", "tokens")
    console.print(table("Components", columns, rows, columns[1:]))


@shards.command("verify")
@FolderArgument
def verify_shards(folder: Path) -> None:
    """Check every file, row group and total of a shard folder against its manifest; exit code 1 when one is wrong.

    \b
    corpus shards verify out/shards
    """
    problems = verify(folder)
    if problems:
        for problem in problems:
            click.echo(problem, err=True)
        raise ShardError(f"{folder}: {len(problems)} problems; do not train on these shards")
    click.echo(f"{folder}: every file, row group and total is as the manifest says")


@click.command()
@click.option("--bands", type=click.IntRange(1), default=14, show_default=True)
@click.option("--rows", type=click.IntRange(1), default=8, show_default=True)
def recall(bands: int, rows: int) -> None:
    """Print which share of pairs becomes a candidate, by similarity: what bands and rows mean."""
    click.echo(recall_curve(bands, rows))
