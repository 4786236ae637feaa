"""The ranks that Common Crawl publishes with its web graphs, as scores of a graph's nodes.

Only the rows of wanted nodes are kept, found by a join that spills.

Percentiles come from the PageRank position and the number of rows of the file: position p of N has (N - p + 1) / N. A
file cut out of a larger table holds positions beyond its own rows; then `nodes` must say how many the table has.

Releases since the end of 2025 rank `com.example.www` and `com.example` apart. Our hosts are www-normalised: a host
takes the row of its own name, and that of its www form only when it has no other. Of several rows of one name it takes
the one of the best position.
"""

import numpy as np

from corpus.errors import InputError
from sitegraph.authority import Scores
from sitegraph.cc.ranksfile import COLUMNS, N_HOSTS, ROWS, ImportedRanks, RanksFile
from sitegraph.engine import Database
from sitegraph.layout import Level

__all__ = ["COLUMNS", "N_HOSTS", "ImportedRanks", "RanksFile", "import_ranks"]


def import_ranks(db: Database, ranks: ImportedRanks, n: int) -> tuple[Scores, dict[str, int]]:
    """Return the imported scores of a level's n nodes, and counts; the view `LEVEL_nodes` has id and name."""
    level = ranks.covers()
    key = "reversed"
    if level == "host":
        key = "CASE WHEN reversed LIKE '%.%.www' THEN left(reversed, length(reversed) - 4) ELSE reversed END"
    with RanksFile(ranks.path) as file:
        statement = f"""
            CREATE TABLE {level}_imported AS SELECT id, harmonic, pagerank, position, node <> reversed AS folded
            FROM (SELECT *, {key} AS node FROM ranks_file) JOIN
                (SELECT id, array_to_string(list_reverse(string_split(name, '.')), '.') AS node FROM {level}_nodes)
            USING (node)"""
        db.feed("ranks_file", ROWS, file.tables(), statement)
        total = ranks.nodes or file.rows
        if file.last_position > total:
            raise InputError(
                f"{ranks.path}: it holds position {file.last_position:,} but {total:,} nodes; "
                "it is a part of a larger table: say how many nodes the whole has (`nodes`)"
            )
        counts = {"imported_rows": file.rows}
    found = imported(db, level, n, total, ranks.path.name)
    return found, counts | {"imported_nodes": int((found.position > 0).sum())}


def imported(db: Database, level: Level, n: int, total: int, source: str) -> Scores:
    """Return the scores in the table LEVEL_imported, the best row for each node."""
    harmonic, pagerank = np.full(n, np.nan), np.full(n, np.nan)
    position = np.zeros(n, np.int64)
    query = f"""
        SELECT DISTINCT ON (id) id, harmonic, pagerank, position FROM {level}_imported
        ORDER BY id, folded, position, pagerank DESC, harmonic DESC"""
    for table in db.stream(query):
        ids = table["id"].to_numpy()
        harmonic[ids], pagerank[ids], position[ids] = (
            table[name].to_numpy() for name in ("harmonic", "pagerank", "position")
        )
    percentile = np.where(position > 0, (total - position + 1) / total, np.nan)
    return Scores(pagerank=pagerank, percentile=percentile, position=position, harmonic=harmonic, source=source)
