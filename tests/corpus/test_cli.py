"""Each command explains itself, and what it prints for scripts can be read by one."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.console import Console
from rootmaker import make
from toy import Count

from corpus import journal
from corpus.cli import main as corpus
from corpus.pipeline import Failure, StageOutcome
from corpus.progress import Show
from corpus.report import tables
from corpus.storage import Written
from sitegraph.cli import main as sitegraph


def every_command(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield each command with its full name."""
    for child, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every_command(command, f"{name} {child}")
        else:
            yield f"{name} {child}", command


COMMANDS = dict([*every_command(corpus, "corpus"), *every_command(sitegraph, "sitegraph")])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_explains_its_options(name: str) -> None:
    """Its help holds a line that begins with the command itself, and every option says what it does."""
    command = COMMANDS[name]
    text = f"{command.help}\n{command.epilog or ''}"
    assert any(line.strip().startswith(name) for line in text.splitlines())
    assert [o.name for o in command.params if isinstance(o, click.Option) and not o.help] == []
    assert not command.get_short_help_str(60).endswith("...")


def test_a_long_ledger_is_cut_and_says_so(tmp_path: Path) -> None:
    """Two files, one asked for: the table names how many there are, JSON holds all."""
    root = str(make(tmp_path))
    cut = CliRunner().invoke(corpus, ["ledger", root, "--limit", "1"]).output
    assert "the first 1 of 2; --limit or --json for more" in cut
    assert "crawl-1.warc.gz" not in cut
    assert len(json.loads(CliRunner().invoke(corpus, ["ledger", root, "--json", "--limit", "1"]).output)["files"]) == 2


def test_names_with_brackets_are_printed_as_they_are(tmp_path: Path) -> None:
    """A root whose path looks like markup (`[/x]`, `:bell:`) is a name in every table and message."""
    root = make(tmp_path / "a[" / "x] [red] :bell:")
    for command in ("status", "report", "ledger"):
        done = CliRunner().invoke(corpus, [command, str(root)])
        assert done.exit_code == 0, done.output
        if command != "ledger":
            assert "x] [red] :bell:" in " ".join(done.output.split())


def test_a_trace_is_readable(tmp_path: Path) -> None:
    """Unknown values are dashes, truth is yes or no, lists have commas."""
    assert [tables.shortened(value) for value in (None, [], True, ["a", "b"], 0.25, "x" * 601)] == [
        *("-", "-", "yes", "a, b", "0.25"),
        f"{'x' * 600} ... (601 characters)",
    ]
    text = CliRunner().invoke(corpus, ["trace", str(make(tmp_path)), "https://site-2.example/"]).output
    assert text.index("\nverdict") < text.index("\ncluster") < text.index("\nsignals")


def test_an_empty_bucket_is_no_error(tmp_path: Path) -> None:
    """Exit code 0 and an empty list."""
    done = CliRunner().invoke(corpus, ["ledger", str(make(tmp_path)), "--bucket", "crash", "--json"])
    assert (done.exit_code, json.loads(done.output)) == (0, [])


def test_status_says_what_is_stored(tmp_path: Path) -> None:
    """By hand: files, rows and bytes add up by set; the documents are of `documents`, None before there are any."""
    files = [("documents", 0, 30, 900), ("links", 0, 7, 50), ("documents", 1, 10, 300), ("shards/en", 0, 2, 70)]
    stored = [Written(f"{name}/part-{part:05d}.parquet", rows, size, "") for name, part, rows, size in files]
    assert tables.shard_sets(stored) == [
        {"set": "documents", "files": 2, "rows": 40, "bytes": 1200, "bytes_per_document": 30.0},
        {"set": "links", "files": 1, "rows": 7, "bytes": 50, "bytes_per_document": 1.2},
        {"set": "shards", "files": 1, "rows": 2, "bytes": 70, "bytes_per_document": 1.8},
    ]
    assert tables.shard_sets(stored[1:2])[0]["bytes_per_document"] is None


def test_status_knows_the_units_of_the_stage_at_work(tmp_path: Path) -> None:
    """While a stage runs, its number of units is in the journal; later stages have none yet."""
    notes = journal.Journal(root=tmp_path, recipe="web", settings={}, stages=["ingest", "graph"])
    notes.started("ingest", 7)
    assert [stage["units"] for stage in tables.status(tmp_path)["stages"]] == [7, None]


def test_a_log_has_a_line_per_event(tmp_path: Path) -> None:
    """Long messages are not broken into lines, control characters are shown dead, and the rate is told at the end."""
    out = io.StringIO()
    failure = Failure("ingest", 0, "InputError", "/a/long/path" * 20 + "\x1b[2J")
    with Show(Console(file=out, width=80)) as show:
        show.stage_started(Count(root=tmp_path, size=1), 1, 0)
        show.ticked(1000, 0.5)
        show.unit_done(failure)
        show.stage_done(StageOutcome(stage="ingest", reports=[], ran=1, failures=[failure], seconds=10.0))
    first, last = out.getvalue().splitlines()
    assert first == f"ingest, unit 0: {'/a/long/path' * 20}\N{REPLACEMENT CHARACTER}[2J"
    assert last.endswith("10.0 s   100 documents/s")
