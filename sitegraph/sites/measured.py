"""Measured quality of sites: a table (seedfiles.py) -> preferences (preferences.py).

A site's mass is proportional to its mean quality, drawn towards the mean of all sites by as much as few pages say
little, negative values cut off to 0:

    (sum of quality over its pages + prior * strength) / (pages + strength)

`prior` is the mean over all pages of known sites unless it is given. Rows that are one node are added up. This is the
posterior mean of a normal with known variances, `strength` being the variance within sites by that between them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import InputError
from corpus.settings import require
from sitegraph.layout import Level
from sitegraph.sites.preferences import (
    CHUNK,
    SHOWN,
    Ids,
    Preference,
    Preferences,
    Sites,
    found,
    owners,
    spread,
    spreading,
)
from sitegraph.sites.seedfiles import Measured, read_quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrinking:
    """How a quality table becomes masses; see the module."""

    strength: float = 10.0
    prior: float | None = None

    def __post_init__(self) -> None:
        require(0 <= self.strength < np.inf, self, "strength", "a number of pages, from 0 up")
        require(self.prior is None or bool(np.isfinite(self.prior)), self, "prior", "a quality, or None for the mean")


def measured(path: Path, sites: Sites, shrinking: Shrinking | None = None) -> Preferences:
    """Return the preferences that a quality table asks for.

    Raises InputError when a row is wrong, none of the sites is in the graph, or none has a quality above 0.
    """
    rule = shrinking or Shrinking()
    at_hosts, at_domains = _Sums(), _Sums()
    rows = unknown = 0
    shown: list[str] = []
    for table in read_quality(path):
        hosts, domains = found(sites, table.names)
        known = (hosts >= 0) | (domains >= 0)
        rows, unknown = rows + len(known), unknown + int(np.count_nonzero(~known))
        shown += [table.names[i] for i in np.flatnonzero(~known)[: SHOWN - len(shown)]]
        at_hosts.add(spreading(hosts, domains, sites)[known], table, known)
        at_domains.add(owners(hosts, domains, sites)[known], table, known)
    if unknown == rows:
        raise InputError(f"{path}: none of its {rows:,} sites is in the graph; name hosts or domains that are")
    by_level: dict[Level, Preference] = {
        "host": spread(at_hosts.preference(rule, path), sites),
        "domain": at_domains.preference(rule, path),
    }
    return Preferences(by_level=by_level, sites=rows, unknown=unknown, unknown_names=tuple(shown))


class _Sums:
    """Pages and quality * pages by node, added up row by row."""

    def __init__(self) -> None:
        self._ids: Ids = np.zeros(0, np.int64)
        self._sums: Any = np.zeros((2, 0))
        self._waiting: list[tuple[Ids, Any]] = []
        self._rows = 0

    def add(self, ids: Ids, table: Measured, rows: NDArray[np.bool_]) -> None:
        """Add rows of a table."""
        pages = table.pages[rows]
        self._waiting.append((ids, np.stack([table.quality[rows] * pages, pages])))
        self._rows += len(ids)
        if self._rows >= CHUNK:
            self._settle()

    def _settle(self) -> None:
        ids = np.concatenate([self._ids, *(ids for ids, _ in self._waiting)])
        sums = np.concatenate([self._sums, *(sums for _, sums in self._waiting)], axis=1)
        self._ids, where = np.unique(ids, return_inverse=True)
        self._sums = np.stack([np.bincount(where, weights=row, minlength=len(self._ids)) for row in sums])
        self._waiting, self._rows = [], 0

    def preference(self, rule: Shrinking, path: Path) -> Preference:
        """Return the masses."""
        self._settle()
        quality, pages = self._sums
        prior = quality.sum() / max(pages.sum(), 1e-300) if rule.prior is None else rule.prior
        weight = pages + rule.strength
        mean = np.divide(quality + prior * rule.strength, weight, out=np.zeros(len(weight)), where=weight > 0)
        good = mean > 0
        if not good.any():
            raise InputError(f"{path}: no site has a quality above 0; a preference needs some")
        return Preference(self._ids[good], mean[good] / mean[good].sum())
