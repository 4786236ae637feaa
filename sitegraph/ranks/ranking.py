"""Rank a graph: every rank of both levels, or imported ones in their place, written as one authority table.

| column                       | what it is                                          | module      |
|------------------------------|-----------------------------------------------------|-------------|
| pagerank, position           | PageRank, uniform preference                        | pagerank.py |
| trust                        | a rank that starts again at the seeds               | pagerank.py |
| quality                      | PageRank that starts again where text is good       | pagerank.py |
| spam_mass                    | share of PageRank that the seeds do not explain     | spammass.py |
| robust                       | PageRank, each supporter capped                     | robust.py   |
| truncated                    | PageRank that came over four links or more          | truncated.py|
| inverse, anti_trust          | PageRank on the reversed graph; from bad sites      | inverse.py  |
| harmonic, supporters         | by HyperBall, when asked for                        | hyperball.py|
| in_domains                   | distinct domains that link to it                    | built in    |
| good                         | chance that it is good, by those and by labels      | goodness.py |

Imported ranks (cc/merge.py) replace PageRank, percentile, position and harmonic centrality of the level they cover, for
every node of it: a node that the file does not know keeps null there, never a rank of another scale, and the column
`source` names the file. All else always comes from the graph.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from corpus.errors import MissingError, SettingError
from corpus.storage import ShardSet, TableWriter, Written, as_storage_error, remove_leftovers_of
from sitegraph.cc.ranksfile import ImportedRanks
from sitegraph.layout import GraphSets, Level
from sitegraph.ranks.authority import write_level
from sitegraph.ranks.columns import Counts, Watch, columns_of, good_column
from sitegraph.ranks.settings import Ranking, described
from sitegraph.ranks.wanted import read_files
from sitegraph.store.opened import Graph, open_graph

Imports = Mapping[Level, ImportedRanks]


def rank(
    graph: GraphSets, out: ShardSet, settings: Ranking, path: Path | None = None, watch: Watch | None = None
) -> tuple[Written, Counts, list[str]]:
    """Rank a graph and write part 0 of `out` (or the file `path`); return it, counts, and notes for the user.

    Raises MissingError when the graph is absent, StorageError when it is damaged, InputError for seeds or ranks files,
    PipelineError when a rank does not converge. What was done of it when it is killed is taken up by the next call.
    """
    imports = imports_by_level(settings.imports)
    levels = checked(graph, imports)
    wanted = read_files(levels, settings)
    work = work_folder(path or out.path(0))
    counts, notes = wanted.counts(), wanted.notes
    with TableWriter(out, 0, described(settings), path=path) as writer:
        for level in sorted(levels):
            known, imported = wanted.at(level), imports.get(level)
            source, columns, more = columns_of(levels[level], settings, known, imported, work, watch)
            if labels := wanted.labelled(level):
                learned, note = good_column(columns, labels, f"{level} level", imported is not None)
                more |= {"labelled_good": int(labels.good.sum()), "labelled_bad": int((~labels.good).sum())}
                columns |= learned
                notes.append(note)
            write_level(writer, level, levels[level].names, columns, source)
            counts |= {f"{level}s": levels[level].n} | {f"{level}_{name}": value for name, value in more.items()}
    shutil.rmtree(work, ignore_errors=True)
    return writer.written, counts, notes


def checked(graph: GraphSets, imports: Imports) -> dict[Level, Graph]:
    """Return the levels of a graph, their names verified; a level of the imports that it lacks is an error."""
    levels = open_graph(graph)
    for level in imports:
        if level not in levels:
            raise MissingError(f"{graph.folder}: it has no {level} level for the ranks of {imports[level].path.name}")
    for opened in levels.values():
        opened.names.verify()
    return levels


def work_folder(target: Path) -> Path:
    """Return the folder beside a table that keeps what is done of it, made where there is none.

    What a killed writer of the table left beside it is removed.
    """
    work = target.with_name(f".{target.name}.ranking")
    with as_storage_error(work):
        work.mkdir(parents=True, exist_ok=True)
        remove_leftovers_of(target)
    return work


def imports_by_level(imports: tuple[ImportedRanks, ...]) -> Imports:
    """Return the imports by the level they cover; two for one level are an error."""
    by_level: dict[Level, ImportedRanks] = {}
    for ranks in imports:
        level = ranks.covers()
        if level in by_level:
            given = f"{by_level[level].path.name}, {ranks.path.name}"
            raise SettingError("Ranking", "imports", given, f"both hold ranks of the {level} level; give one per level")
        by_level[level] = ranks
    return by_level


__all__ = ["Ranking", "rank"]
