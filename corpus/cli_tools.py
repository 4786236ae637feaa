"""Commands beside the road: train a tokenizer, plan a mixture, explain the deduplication."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from corpus.reader import ReaderSettings, TokenReader, mixtures
from corpus.reader.settings_file import load_settings
from corpus.report.tables import table
from corpus.storage import write_text
from corpus.tokens.train import END_OF_TEXT, SampleSettings, train_from_root

Command = TypeVar("Command", bound=Callable[..., Any])
FolderArgument = click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))


def reader_option(about: str) -> Callable[[Command], Command]:
    """Return the option that names a file with a reader's settings."""
    file = click.Path(path_type=Path, dir_okay=False)
    return click.option("--reader", "settings", type=file, metavar="FILE", help=about)


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


@click.command("mixture", short_help="Show a mixture of components, and what the reader reads of each.")
@FolderArgument
@click.argument("name", required=False)
@click.option(
    "--weight", "weights", multiple=True, metavar="PATTERN=W", help="A weight of your own in place of NAME. Repeatable."
)
@click.option(
    "--repeat", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Passes over the scarcest part."
)
@click.option("--sequence-length", type=click.IntRange(1), default=2048, show_default=True, metavar="N", help="Tokens.")
@click.option("--batch-size", type=click.IntRange(1), default=64, show_default=True, metavar="N", help="Sequences.")
@reader_option(
    "All settings of a reader, stages too, as JSON (corpus/reader/settings_file.py), in place of the others."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
def show_mixture(
    folder: Path, name: str | None, weights: tuple[str, ...], repeat: int, sequence_length: int, batch_size: int,
    settings: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show the weights of a mixture over the shards in FOLDER, and what a run of one epoch reads of each component.

    It is the reader's own plan, so counts and passes are those of a run with these settings. Without NAME, weights and
    settings: the mixtures that have a name. They suit components named {authority}-{quality}, as the recipes grid and
    web make them.

    \b
    corpus mixture out/shards
    corpus mixture out/shards one_to_one
    corpus mixture out/shards --weight '*central-*=7' --weight '*peripheral-*=3' --repeat 4 --sequence-length 4096
    corpus mixture out/shards --reader reader.json
    corpus mixture out/shards quality_authority --json | jq .mixture
    """
    if not name and not weights and not settings:
        click.echo("\n".join(f"{name:<18} {about}" for name, about in mixtures.meanings().items()))
        return
    if settings is None:
        chosen = mixtures.parse(weights) if weights else mixtures.mixture(name or "")
        asked = ReaderSettings(sequence_length=sequence_length, batch_size=batch_size, mixture=chosen, repeat=repeat)
    else:
        asked = load_settings(settings).settings
    told = told_of(folder, asked)
    if as_json:
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    Console(highlight=False).print(mixture_table(told))
    if not told["exact"]:
        click.echo(
            "Counts may be a few sequences off their shares after a batch; with weights of fewer digits they are exact."
        )


def told_of(folder: Path, settings: ReaderSettings) -> dict[str, Any]:
    """Return the plan of a reader over the shards in a folder: its batches, and what they read of each source."""
    with TokenReader(folder, settings) as reader:
        plan = reader.plan
        return {
            "mixture": settings.mixture, "stages": [dataclasses.asdict(stage) for stage in settings.stages],
            "repeat": settings.repeat, "steps": plan.steps, "sequence_length": settings.sequence_length,
            "batch_size": settings.batch_size, "unit": "sequences there" if settings.packing == "pad" else "tokens",
            "exact": all(stretch.schedule.exact for stretch in plan.stretches), "plan": plan.hash,
            "sources": plan.report(),
        }  # fmt: skip


def mixture_table(told: Mapping[str, Any]) -> Table:
    """Return a row for each component of each source in each stage; passes are those of the whole run."""
    stages = range(len(told["sources"][0]["stages"]))
    rows = [row for stage in stages for source in told["sources"] for row in rows_of(source, stage)]
    columns = ["stage", "pattern", "share", "component", told["unit"], "sequences", "passes"]
    if len(stages) == 1:
        columns, rows = columns[1:], [row[1:] for row in rows]
    title = f"{told['steps']:,} batches" if told["steps"] is not None else "Batches without end"
    return table(title, columns, rows, ("stage", *columns[-3:]))


def rows_of(source: Mapping[str, Any], stage: int) -> list[tuple[Any, ...]]:
    """Return a row for each component of a source; what is the source's own stands in the first."""
    here = source["stages"][stage]
    before, after = (
        (stage + 1, source["pattern"], f"{here['share']:.1%}"),
        (here["sequences"], f"{source['passes']:.3g}"),
    )
    rows = [("", "", "", component, units, "", "") for component, units in source["components"].items()]
    return [(*before, *rows[0][3:5], *after), *rows[1:]] if here["share"] else []


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
