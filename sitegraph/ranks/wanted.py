"""The files about sites that a ranking names, read: preferences and labels of both levels, and what to say of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sitegraph.layout import Level
from sitegraph.ranks.settings import Ranking
from sitegraph.sites.labelled import Labelled, Labels, labelled
from sitegraph.sites.measured import measured
from sitegraph.sites.preferences import Preference, Preferences, Sites, Told, told
from sitegraph.sites.seeds import seeded
from sitegraph.store.opened import Graph


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files of a ranking say, None where there is no file."""

    seeds: Preferences | None = None
    bad: Preferences | None = None
    quality: Preferences | None = None
    labels: Labelled | None = None

    @property
    def preferences(self) -> dict[str, Preferences]:
        """The preferences that there are, by name."""
        files = {"seeds": self.seeds, "bad": self.bad, "quality": self.quality}
        return {name: found for name, found in files.items() if found}

    @property
    def known(self) -> dict[str, Told]:
        """All that there is, by name."""
        return {**self.preferences, **({"labels": self.labels} if self.labels else {})}

    @property
    def notes(self) -> list[str]:
        """A sentence for each file that names sites which are not in the graph."""
        return [note for found in self.known.values() if (note := told(found))]

    def counts(self) -> dict[str, int]:
        """Return how many sites of each file there are, and how many of them the graph does not know."""
        sites = {name: found.sites for name, found in self.known.items()}
        return sites | {f"{name}_unknown": found.unknown for name, found in self.known.items()}

    def at(self, level: Level) -> dict[str, Preference]:
        """Return the preferences of a level by name."""
        return {name: found.by_level[level] for name, found in self.preferences.items()}

    def labelled(self, level: Level) -> Labels | None:
        """Return the labelled nodes of a level."""
        return self.labels.by_level[level] if self.labels else None


def read_files(levels: Mapping[Level, Graph], settings: Ranking) -> Wanted:
    """Read the files that the settings name."""
    if not any(levels[level].n for level in levels):
        return Wanted()
    sites = sites_of(levels)
    return Wanted(
        seeds=seeded(settings.seeds, sites, settings.sowing) if settings.seeds else None,
        bad=seeded(settings.bad, sites, settings.sowing) if settings.bad else None,
        quality=measured(settings.quality, sites, settings.shrinking) if settings.quality else None,
        labels=labelled(settings.labels, sites) if settings.labels else None,
    )


def sites_of(levels: Mapping[Level, Graph]) -> Sites:
    """Return what finds the sites of a file in a graph; one without hosts has its domains alone."""
    if "host" in levels:
        return Sites(levels["host"].names, levels["domain"].names, levels["host"].column("domain"))
    return Sites(Nobody(), levels["domain"].names, np.zeros(0, np.int32))


class Nobody:
    """The names of no nodes."""

    def find(self, names: Any) -> Any:
        """Return -1 for each."""
        return np.full(len(names), -1, np.int64)
