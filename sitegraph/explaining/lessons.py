"""What labelled sites teach of one site: the model behind the column `good`, learned again from its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.schema import AUTHORITY
from sitegraph.explaining.explanation import Lesson
from sitegraph.explaining.lookup import Levels
from sitegraph.explaining.rankrows import RankRows, Row
from sitegraph.layout import Level
from sitegraph.ranks.goodness import learned, needed, possible
from sitegraph.ranks.wanted import sites_of
from sitegraph.sites.labelled import labelled
from sitegraph.sites.preferences import told


@dataclass(frozen=True, slots=True)
class Taught:
    """A lesson, None where there is none, and notes on the file that it is from."""

    lesson: Lesson | None = None
    notes: tuple[str, ...] = ()


def taught_of(rows: RankRows, levels: Levels, level: Level, node: int, row: Row, path: Path) -> Taught:
    """Return what the labelled sites of a file teach of a node. Raises InputError for a wrong file."""
    found = labelled(path, sites_of(levels))
    labels, unknown = found.by_level[level], tuple(filter(None, [told(found)]))
    if short := labels.short():
        return Taught(notes=(*unknown, f"{level} level: {short}"))
    columns = needed(possible(AUTHORITY.names, alone=row["source"] != "crawl"))
    model = learned(columns_at(rows, level, labels.ids, columns), labels.good, alone=row["source"] != "crawl")
    if not model.names:
        return Taught(notes=(*unknown, f"{level} level: nothing tells the labelled sites apart"))
    site = columns_at(rows, level, np.array([node]), columns)
    low, high = model.bounds(site)
    missing, beyond = model.strange(site)
    moved = sorted(((name, float(part[0])) for name, part in model.parts(site).items()), key=lambda part: part[1])
    lesson = Lesson(
        chance=float(model.chance(site)[0]),
        low=float(low[0]),
        high=float(high[0]),
        sites=len(labels.ids),
        parts=tuple(moved),
        missing=int(missing[0]),
        beyond=int(beyond[0]),
    )
    return Taught(lesson, unknown)


def columns_at(rows: RankRows, level: Level, ids: NDArray[np.int64], columns: Sequence[str]) -> dict[str, Any]:
    """Return columns of some nodes by name."""
    found = rows.take(level, ids, columns)
    return {name: found[name] for name in columns}
