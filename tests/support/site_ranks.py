"""Authority rows made by hand, written as the ranking writes them: sorted by level and reversed name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpus.schema import AUTHORITY
from corpus.storage import ShardSet, TableWriter


def site(level: str, name: str, percentile: float | None = None, **values: Any) -> dict[str, Any]:
    """Return a row of the authority table; what is not given is null, and the source the crawl."""
    labels = name.split(".")
    row: dict[str, Any] = dict.fromkeys(AUTHORITY.names)
    row |= {"level": level, "name": name, "reversed": ".".join(labels[::-1]), "percentile": percentile}
    return row | {"source": "crawl", "platform": False} | values


def write_ranks(root: Path, rows: Sequence[dict[str, Any]], group: int = 2) -> ShardSet:
    """Write rows, sorted, in row groups of `group` rows."""
    shards = ShardSet(root, "authority")
    with TableWriter(shards, 0, AUTHORITY) as out:
        out.write(sorted(rows, key=lambda row: (row["level"], row["reversed"], row["source"])), row_group_size=group)
    return shards
