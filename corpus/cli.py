"""The command line: `corpus run`, and commands that look at what a run left behind.

Exit codes: 0 done; 1 an error, told in one sentence; 2 the command was called wrongly; 3 the run went through but some
inputs could not be read (they are listed); 130 stopped by Ctrl-C, resumable with the same command.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from corpus import __version__, cli_shards, cli_tools, journal, recipes
from corpus.errors import HeadwaterError
from corpus.pipeline import Executor, Pipeline
from corpus.progress import Show
from corpus.report import funnel, tables
from corpus.report import ledger as ledgers
from corpus.report import trace as tracing
from corpus.report.tables import harmless
from corpus.report.trace_step import trace_step
from corpus.stage import Stage
from corpus.tokens.manifest import load_manifest

INCOMPLETE, STOPPED = 3, 130

RootArgument = click.argument("root", type=click.Path(path_type=Path))
AsJson = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


class Sentences(click.Group):
    """A group that turns Headwater's errors into one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HeadwaterError as error:
            click.echo(f"corpus: {harmless(error)}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("corpus: stopped; run the same command again to go on from here", err=True)
            ctx.exit(STOPPED)


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="headwater")
def main() -> None:
    """Turn web crawls into training tokens.

    \b
    corpus run web --input crawl/ --root out        WARC files in, token shards in out/shards
    corpus status out                               how far each stage is
    corpus ledger out --bucket timeout              which records ended where
    corpus trace out https://example.org/           everything known of one page
    corpus report out                               one HTML page about it all
    """


def out() -> Console:
    """Return the console for results (standard output; as wide as it takes when that is no terminal).

    Without markup: paths and names hold brackets, and `[/x]` in one would end the command with an error.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, emoji=False, width=120)


@main.command(short_help="Run a recipe; what is done and unchanged is not done again.")
@click.argument("recipe")
@click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), help="Folder for all results.  [default: ./RECIPE]"
)
@click.option(
    "--input", "inputs", multiple=True, help="File, glob, folder, s3:// or https:// URL, or a listing. Repeatable."
)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a parameter; see: corpus show RECIPE."
)
@click.option(
    "--executor", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Where units run."
)
@click.option(
    "--workers",
    type=click.IntRange(0),
    metavar="N",
    help="Processes of the local executor; 0 runs all in this one.  [default: one per processor]",
)
@click.option("--ray-address", metavar="ADDRESS", help="A running Ray cluster, such as auto.  [default: a local one]")
def run(
    recipe: str,
    root: Path | None,
    inputs: tuple[str, ...],
    settings: tuple[str, ...],
    executor: str,
    workers: int | None,
    ray_address: str | None,
) -> None:
    """Run RECIPE; what is done already and has not changed is not done again.

    Stop it with Ctrl-C or kill it; the same command goes on from there. Exit codes: 0 done, 1 an error, 2 wrong usage,
    3 done without some inputs (they are listed), 130 stopped.

    \b
    corpus run sample --root demo
    corpus run web --input 'crawl/*.warc.gz' --root out --workers 8
    corpus run web --input warc.paths.gz --set prefix=https://data.commoncrawl.org/ --root out
    corpus run web --input crawl/ --root out --set thresholds=mine.toml      (re-runs select and what follows)
    corpus run web --input crawl/ --root out --executor ray --ray-address auto
    """
    found = recipes.load(recipe)
    chosen = recipes.parse_settings(settings)
    pipeline = found.pipeline((root or Path(recipe)).absolute(), inputs, chosen)
    pipeline.refuse_strangers()
    notes = journal.begin(pipeline, recipe, {"inputs": list(inputs), "settings": chosen})
    with ended_well(notes), opened(executor, workers, ray_address) as engine, Show() as show:
        if cold_kernels():
            show.say("first run of this version here: kernels are compiled, which takes about a minute, once")
        pipeline.run(engine, Noting(show, notes))
    finished(pipeline, notes)


def cold_kernels() -> bool:
    """Say whether the recipe has brought kernels that are not compiled yet."""
    kernels = sys.modules.get("corpus.kernels")
    return kernels is not None and bool(kernels.cold())


class Noting:
    """A watcher that hands everything on and keeps the journal."""

    def __init__(self, inner: Show, notes: journal.Journal) -> None:
        self.ticked, self.unit_done = inner.ticked, inner.unit_done
        self.inner, self.notes = inner, notes

    def stage_started(self, stage: Stage, units: int, reused: int) -> None:
        """Note where the run is and hand on."""
        self.notes.started(stage.name, units)
        self.inner.stage_started(stage, units, reused)

    def stage_done(self, outcome: Any) -> None:
        """Note the stage and hand on."""
        self.notes.note(outcome)
        self.inner.stage_done(outcome)


@contextmanager
def ended_well(notes: journal.Journal) -> Iterator[None]:
    """Write into the journal how the run ended. SIGTERM ends it as Ctrl-C does."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        notes.end(journal.STOPPED, "stopped by the user")
        raise
    except Exception as error:
        with suppress(HeadwaterError):  # on a full disk not even this can be written; the error itself matters more
            notes.end(journal.FAILED, str(error))
        raise
    finally:
        signal.signal(signal.SIGTERM, previous)
    notes.end(journal.INCOMPLETE if notes.failures else journal.DONE)


@contextmanager
def opened(executor: str, workers: int | None, address: str | None) -> Iterator[Executor]:
    """Open the executor by name and close it after use."""
    if executor == "ray":
        from corpus.executors.ray import RayExecutor  # noqa: PLC0415 - optional extra

        with RayExecutor(address=address) as cluster:
            yield cluster
    else:
        from corpus.executors.local import LocalExecutor  # noqa: PLC0415 - beside its sibling

        with LocalExecutor() if workers is None else LocalExecutor(workers=workers) as pool:
            yield pool


def finished(pipeline: Pipeline, notes: journal.Journal) -> None:
    """Print the funnel and where things lie; end with exit code 3 when inputs could not be read."""
    from corpus.report import page  # noqa: PLC0415 - brings jinja2, which the other commands do without

    console = out()
    console.print(funnel.as_table(funnel.funnel(pipeline.root)))
    figures = funnel.totals(pipeline.root)
    if figures:
        shards = pipeline.root / "shards"
        line = f"{figures['tokens']:,} tokens of {figures['documents']:,} documents in {shards}, {tokenizer_of(shards)}"
        console.print(harmless(line), soft_wrap=True)
    console.print(harmless(f"report: {page.write(pipeline.root)}"), soft_wrap=True)
    if notes.failures:
        number = len(notes.failures)
        click.echo(f"corpus: {number} input{'s' * (number != 1)} could not be read, not in the result:", err=True)
        for failure in notes.failures:
            click.echo(f"  {harmless(failure.message)}", err=True)
        sys.exit(INCOMPLETE)


def tokenizer_of(shards: Path) -> str:
    """Return in words which tokenizer finished shards were written with."""
    block = load_manifest(shards).root["tokenizer"]
    return f"tokenizer {block['name']} ({block['vocabulary']:,} ids, {block['sha256'][:12]})"


@main.command(short_help="Show the recipes, or one's stages and parameters.")
@click.argument("recipe", required=False)
def show(recipe: str | None) -> None:
    """Show the recipes, or the stages and parameters of RECIPE.

    \b
    corpus show
    corpus show web
    """
    out().print(tables.recipe_table(recipes.load(recipe)) if recipe else tables.recipes_table())


@main.command(short_help="Show how far each stage of a run is.")
@RootArgument
@AsJson
def status(root: Path, as_json: bool) -> None:
    """Show how far each stage of a run is, also while it runs.

    unit s are the seconds of all units together; peak MB is the largest memory that a worker had reached by then.

    \b
    corpus status out
    corpus status out --json | jq -r .state        running, done, incomplete, stopped or failed
    """
    found = tables.status(root)
    printed(found, as_json, lambda: tables.status_table(found))


@main.command(short_help="Show where every record ended, or list a bucket.")
@RootArgument
@click.option("--bucket", metavar="NAME", help="List the records of this bucket instead.")
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", default=100, show_default=True, help="Records or files to list."
)
@AsJson
def ledger(root: Path, bucket: str | None, limit: int, as_json: bool) -> None:
    """Show where every record ended, or list the records of one bucket.

    Buckets: kept, duplicate, quota (its site has as many documents as it may have), rule:NAME (the first rule that a
    document failed), and what ingest did not make a document of (damaged, status, not_html, empty, timeout, request,
    ...). They add up to the records.

    \b
    corpus ledger out
    corpus ledger out --bucket damaged
    corpus ledger out --bucket rule:gopher_words --limit 1000 --json
    corpus ledger out --json | jq .buckets
    """
    if bucket is None:
        summary = ledgers.summary(root)
        printed(summary, as_json, lambda: tables.ledger_table(summary, limit))
        return
    records = ledgers.first(root, bucket, limit)
    printed(records, as_json, lambda: tables.records_table(bucket, records, limit))


@main.command(short_help="Show everything known of one page, or the pages of a training step.")
@RootArgument
@click.argument("page", required=False)
@click.option("--step", type=click.IntRange(0), metavar="N", help="Name the documents of batch N (0 is the first).")
@cli_tools.reader_option("Settings that the trainer read by, as JSON (corpus/reader/settings_file.py). With --step.")
@AsJson
def trace(root: Path, page: str | None, step: int | None, settings: Path | None, as_json: bool) -> None:
    """Show everything known of one PAGE (its URL or document id), from WARC offset to shard row.

    With --step: name the documents of a training step, sequence by sequence; ROOT may be the folder of the shards
    alone. FILE holds the fields of ReaderSettings; examples/train_gpt.py writes it.

    \b
    corpus trace out https://example.org/page
    corpus trace out 11a4f70d1884e2613051898f7fdcec99
    corpus trace out https://example.org/page --json | jq '.places[].verdict'
    corpus trace out --step 1200 --reader runs/first/reader.json
    corpus trace out/shards --step 1200 --reader reader.json --json | jq -r '.sequences[].documents[].url'
    """
    if (page is None) == (step is None):
        raise click.UsageError("give a PAGE, or --step N with --reader FILE")
    if (step is None) != (settings is None):
        raise click.UsageError("--step N and --reader FILE go together")
    if step is not None and settings is not None:
        named = trace_step(root, settings, step)
        printed(named, as_json, lambda: tables.step_table(named))
        return
    found = tracing.trace(root, page or "")
    printed(found, as_json, lambda: tables.trace_tables(found))


@main.command(short_help="Write one HTML page about a run.")
@RootArgument
@click.option(
    "--out",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: ROOT/report.html]",
)
def report(root: Path, target: Path | None) -> None:
    """Write one self-contained HTML page about a run, also while it runs; `corpus run` writes it at its end.

    \b
    corpus report out
    corpus report out --out /tmp/before.html        keeps it when thresholds change
    """
    from corpus.report import page  # noqa: PLC0415 - brings jinja2, which the other commands do without

    journal.load(root)
    out().print(f"report: {page.write(root, target)}", soft_wrap=True)


main.add_command(cli_tools.train_tokenizer)
main.add_command(cli_shards.shards)
main.add_command(cli_tools.show_mixture)
main.add_command(cli_tools.recall)


def printed(value: Any, as_json: bool, table: Callable[[], Any]) -> None:
    """Print a value as JSON or as the table made of it."""
    if as_json:
        click.echo(json.dumps(value, indent=1, ensure_ascii=False, default=str))
    else:
        out().print(table())


if __name__ == "__main__":
    main()
