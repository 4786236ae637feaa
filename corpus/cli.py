"""The command line: `corpus run`, and commands that look at what a run left behind.

Exit codes: 0 done; 1 an error, told in one sentence; 2 the command was called wrongly; 3 the run went through but some
inputs could not be read (they are listed); 130 stopped by Ctrl-C, resumable with the same command.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from corpus import __version__, cli_tools, journal, recipes
from corpus.errors import HeadwaterError
from corpus.pipeline import Executor, Pipeline
from corpus.progress import Show
from corpus.report import funnel, tables
from corpus.report import ledger as ledgers
from corpus.report import trace as tracing

INCOMPLETE, STOPPED = 3, 130

RootArgument = click.argument("root", type=click.Path(path_type=Path))
AsJson = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


class Sentences(click.Group):
    """A group that turns Headwater's errors into one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HeadwaterError as error:
            click.echo(f"corpus: {error}", err=True)
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
    """Return the console for results (standard output; as wide as it takes when that is no terminal)."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=120)


@main.command()
@click.argument("recipe")
@click.option("--root", type=click.Path(path_type=Path, file_okay=False), help="Where results go.  [default: RECIPE]")
@click.option(
    "--input", "inputs", multiple=True, help="File, glob, directory, s3:// or https:// URL, or a list of them."
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter of the recipe (corpus show).")
@click.option("--executor", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--workers", type=click.IntRange(0), help="Processes (local).  [default: one per processor; 0: none]")
@click.option("--ray-address", help="Address of a running Ray cluster, such as auto.")
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

    \b
    corpus run sample --root demo
    corpus run web --input 'crawl/*.warc.gz' --root out --workers 8
    corpus run web --input warc.paths.gz --set prefix=https://data.commoncrawl.org/ --root out
    corpus run web --root out --input crawl/ --set thresholds=my.toml      (re-runs select and what follows)
    """
    found = recipes.load(recipe)
    chosen = recipes.parse_settings(settings)
    pipeline = found.pipeline((root or Path(recipe)).absolute(), inputs, chosen)
    notes = journal.begin(pipeline, recipe, {"inputs": list(inputs), "settings": chosen})
    with ended_well(notes), opened(executor, workers, ray_address) as engine, Show() as show:
        watch = Noting(show, notes)
        pipeline.run(engine, watch)
    finished(pipeline, notes)


class Noting:
    """A watcher that hands everything on and keeps the journal."""

    def __init__(self, inner: Show, notes: journal.Journal) -> None:
        self.stage_started, self.ticked, self.unit_done = inner.stage_started, inner.ticked, inner.unit_done
        self.inner, self.notes = inner, notes

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
    from corpus.report import page  # noqa: PLC0415 - brings matplotlib, which the other commands do without

    console = out()
    console.print(funnel.as_table(funnel.funnel(pipeline.root)))
    figures = funnel.totals(pipeline.root)
    if figures:
        console.print(f"{figures['tokens']:,} tokens of {figures['documents']:,} documents in {pipeline.root}/shards")
    console.print(f"report: {page.write(pipeline.root)}", soft_wrap=True)
    if notes.failures:
        click.echo(f"corpus: {len(notes.failures)} inputs could not be read and are not in the result:", err=True)
        for failure in notes.failures:
            click.echo(f"  {failure.message}", err=True)
        sys.exit(INCOMPLETE)


@main.command()
@click.argument("recipe", required=False)
def show(recipe: str | None) -> None:
    """Show the recipes, or the stages and parameters of RECIPE."""
    out().print(tables.recipe_table(recipes.load(recipe)) if recipe else tables.recipes_table())


@main.command()
@RootArgument
@AsJson
def status(root: Path, as_json: bool) -> None:
    """Show how far each stage of a run is."""
    found = tables.status(root)
    printed(found, as_json, lambda: tables.status_table(found))


@main.command()
@RootArgument
@click.option("--bucket", help="List the records of this bucket instead.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Records to list at most.")
@AsJson
def ledger(root: Path, bucket: str | None, limit: int, as_json: bool) -> None:
    """Show where every record ended, or list the records of one bucket.

    \b
    corpus ledger out
    corpus ledger out --bucket damaged --limit 1000 --json
    """
    if bucket is None:
        summary = ledgers.summary(root)
        printed(summary, as_json, lambda: tables.ledger_table(summary))
        return
    records = ledgers.first(root, bucket, limit)
    printed(records, as_json, lambda: tables.records_table(bucket, records, limit))


@main.command()
@RootArgument
@click.argument("page")
@AsJson
def trace(root: Path, page: str, as_json: bool) -> None:
    """Show everything known of one PAGE (its URL or document id), from WARC offset to shard row."""
    found = tracing.trace(root, page)
    printed(found, as_json, lambda: tables.trace_tables(found))


@main.command()
@RootArgument
@click.option("--out", "target", type=click.Path(path_type=Path, dir_okay=False), help="[default: ROOT/report.html]")
def report(root: Path, target: Path | None) -> None:
    """Write one self-contained HTML page about a run."""
    from corpus.report import page  # noqa: PLC0415 - brings matplotlib, which the other commands do without

    journal.load(root)
    out().print(f"report: {page.write(root, target)}", soft_wrap=True)


main.add_command(cli_tools.train_tokenizer)
main.add_command(cli_tools.shards)
main.add_command(cli_tools.recall)


def printed(value: Any, as_json: bool, table: Callable[[], Any]) -> None:
    """Print a value as JSON or as the table made of it."""
    if as_json:
        click.echo(json.dumps(value, indent=1, ensure_ascii=False, default=str))
    else:
        out().print(table())


if __name__ == "__main__":
    main()
