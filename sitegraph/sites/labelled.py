"""Labelled sites: a file of labels (seedfiles.py) -> which nodes of a level somebody has looked at, and the verdict.

At host level a labelled site is the host of its name, at domain level its registered domain. Nothing is handed on: that
a domain is good says of none of its hosts in particular that it is. Two hosts of a domain may have different labels,
and both count there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corpus.errors import InputError
from sitegraph.layout import Level
from sitegraph.sites.preferences import SHOWN, Ids, Sites, found, owners
from sitegraph.sites.seedfiles import read_labels

LEAST: Final = 10
"""Labelled sites of each kind from which something can be learned."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Labelled nodes of a level: ids int64[k], ascending, and whether each is good, bool[k]."""

    ids: Ids
    good: NDArray[np.bool_]

    @classmethod
    def of(cls, nodes: Ids, good: NDArray[np.bool_]) -> "Labels":
        """Return the labels of nodes, -1 for none; each pair of node and label once."""
        pairs = np.unique(nodes[nodes >= 0] * 2 + good[nodes >= 0])
        return cls(pairs // 2, pairs % 2 == 1)

    def short(self) -> str:
        """Return a sentence on what is missing where there are fewer than LEAST of a kind, "" where there are not."""
        good = int(self.good.sum())
        bad = len(self.good) - good
        if min(good, bad) >= LEAST:
            return ""
        return f"{good:,} good and {bad:,} bad labelled sites are known there, and it takes {LEAST} of each to learn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What a file says, by level, and how much of it the graph knows (as in preferences.Preferences)."""

    by_level: Mapping[Level, Labels]
    sites: int
    unknown: int
    unknown_names: tuple[str, ...]


def labelled(path: Path, sites: Sites) -> Labelled:
    """Return what a file says.

    Raises InputError when a line has no label, or the graph knows too few of its sites to learn from at any level.
    """
    labels = read_labels(path)
    names, good = list(labels), np.array(list(labels.values()), np.bool_)
    hosts, domains = found(sites, names)
    known = (hosts >= 0) | (domains >= 0)
    by_level: dict[Level, Labels] = {
        "host": Labels.of(hosts, good),
        "domain": Labels.of(owners(hosts, domains, sites), good),
    }
    if all(labels.short() for labels in by_level.values()):
        raise InputError(
            f"{path}: of its {len(names):,} sites {int(known.sum()):,} are in the graph; it takes {LEAST} good and "
            f"{LEAST} bad ones that are"
        )
    unknown = sorted(names[i] for i in np.flatnonzero(~known))
    return Labelled(
        by_level=by_level,
        sites=len(names),
        unknown=len(unknown),
        unknown_names=tuple(unknown[:SHOWN]),
    )
