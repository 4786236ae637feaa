"""How results are printed: tables for people. Names come from crawls, so nothing of them may steer a terminal."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

WORDS = frozenset({"", "from", "to", "name", "count", "why", "examples", "group", "seed", "way"})
"""Columns that are aligned to the left."""


def harmless(text: str) -> str:
    """Return a text in which control characters, which could steer a terminal, are shown as escapes."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def terminal() -> Console:
    """Return the console for results; 120 columns wide where it is no terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, emoji=False, width=120)


def table_of(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]] = ()) -> Table:
    """Return a table; numbers are aligned to the right."""
    table = Table(title=Text(harmless(title), overflow="fold"), title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="left" if column in WORDS else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(cell, row))
    return table


def cell(value: Any) -> Text:
    """Return a value as a cell; what is unknown is a dash, several numbers have commas between."""
    if value is None:
        return Text("-")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, float):
        return Text(f"{value:.6g}")
    if isinstance(value, list):
        return Text(", ".join(cell(item).plain for item in value))
    return Text(f"{value:,}" if isinstance(value, int) else harmless(str(value)))


def print_line(text: str) -> None:
    """Print a line, as long as it is."""
    terminal().print(Text(harmless(text)), soft_wrap=True)


def print_counts(counts: Mapping[str, int], title: str, as_json: bool) -> None:
    """Print counts by name."""
    if as_json:
        print_json(dict(counts))
        return
    print_line(title)
    terminal().print(table_of("", ("count", "number"), counts.items()))


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=1))
