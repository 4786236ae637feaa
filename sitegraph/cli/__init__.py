"""The command `sitegraph`: build a graph from links, rank it, look a site up, and say why it stands where it does.

Results go to standard output (tables, or JSON with --json), progress, notes and errors to standard error; an error is
one sentence with exit code 1.

    common       the group, options that several commands have, and how a graph is found
    tables       how results are printed
    progress     how far something is
    building     build, import, platforms
    measuring    quality
    ranking      rank
    showing      show
    explaining   explain
    comparing    compare
    exporting    export
"""

import click

from corpus import __version__
from sitegraph.cli import building, comparing, explaining, exporting, measuring, ranking, showing
from sitegraph.cli.common import Commands
from sitegraph.cli.tables import harmless


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sitegraph")
def main() -> None:
    """Rank sites by the links between them.

    \b
    sitegraph build links.tsv.gz --out graph               links to a graph of hosts and registered domains
    sitegraph rank graph --out ranks.parquet               PageRank, trust, spam mass, percentiles
    sitegraph show example.org --ranks ranks.parquet --graph graph
    sitegraph show example.org --root out                  the same from the root of a corpus run
    sitegraph explain example.org --root out               why it stands where it does
    """


for command in (
    building.build_command,
    building.import_command,
    building.platforms_command,
    measuring.quality_command,
    ranking.rank_command,
    showing.show_command,
    explaining.explain_command,
    comparing.compare_command,
    exporting.export_command,
):
    main.add_command(command)

__all__ = ["harmless", "main"]
