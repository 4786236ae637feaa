"""What the commands of `sitegraph` have in common: the group they are in, options, and how a graph is found."""

import errno
from pathlib import Path
from typing import Any

import click

from corpus.errors import HeadwaterError, MissingError
from sitegraph.cli.tables import harmless
from sitegraph.layout import GraphSets

AsJson = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
Threads = click.option("--threads", default=0, help="Threads; 0 is one per processor.")
Top = click.option("--top", default=10, show_default=True, type=click.IntRange(1, 10_000), help="Rows to list.")


class Commands(click.Group):
    """A group whose commands end on errors of the project or the system with one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except HeadwaterError as error:
            raise click.ClickException(harmless(str(error))) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever reads the output has enough; click ends quietly
                raise
            raise click.ClickException(harmless(f"{error.filename or 'system'}: {error.strerror}")) from error


def example(text: str) -> str:
    """Return examples as click prints them, line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in text.strip().splitlines())


def file_path(exists: bool = False) -> click.Path:
    """Return the type of an option that names a file."""
    return click.Path(path_type=Path, dir_okay=False, exists=exists)


def folder_path() -> click.Path:
    """Return the type of an option that names a folder to write."""
    return click.Path(path_type=Path, file_okay=False)


def any_path() -> click.Path:
    """Return the type of an option that names a file or a folder."""
    return click.Path(path_type=Path)


def graph_at(path: Path) -> GraphSets:
    """Return the graph in a folder: a built graph, or the root of a corpus run that has one."""
    for found in (GraphSets(path, ""), GraphSets(path)):
        if found.names("host").parts() or found.names("domain").parts():
            return found
    raise MissingError(f"{path}: no graph here; build one first (`sitegraph build` or `sitegraph import`)")
