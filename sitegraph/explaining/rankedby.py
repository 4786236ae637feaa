"""How a table was ranked, as it says in its own metadata (settings.described), with what somebody says otherwise."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from corpus.errors import SettingError, StorageError
from sitegraph.explaining.rankrows import RankRows
from sitegraph.ranks.pagerank import PageRank
from sitegraph.ranks.settings import SETTINGS_KEY, Ranking, digest
from sitegraph.store.classes import Weights

CHANGEABLE: Final = ("trust_damping", "cap", "truncate", "good_share")


@dataclass(frozen=True, slots=True)
class RankedBy:
    """Settings of a table; files: SHA-256 of those that it was made with, by name; told: whether the table says so.

    altered: settings that somebody gave otherwise than the table says them.
    """

    ranking: Ranking = field(default_factory=Ranking)
    files: Mapping[str, str] = field(default_factory=dict)
    told: bool = False
    altered: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether these are the settings that the ranks were made with."""
        return self.told and not self.altered

    @property
    def decisive(self) -> dict[str, Any]:
        """The settings that decide how much flows over a link, and what is told of it, by name."""
        pagerank = {name: getattr(self.ranking.pagerank, name) for name in ("damping", "dangling")}
        return asdict(self.ranking.weights) | pagerank | {name: getattr(self.ranking, name) for name in CHANGEABLE}

    def others(self, given: Mapping[str, Path | None]) -> list[str]:
        """Return the names of given files that are not those the table was made with."""
        return [name for name, path in given.items() if path and self.told and self.files.get(name) != digest(path)]


def ranked_by(rows: RankRows) -> RankedBy:
    """Return how a table was ranked; the defaults where it does not say. Raises StorageError if it cannot be read."""
    text = rows.metadata.get(SETTINGS_KEY)
    if text is None:
        return RankedBy()
    try:
        told = json.loads(text)
        found = told["settings"]
        before = {"trust_damping": found["pagerank"]["damping"]}  # of tables that do not say it
        ranking = Ranking(
            pagerank=PageRank(**own(PageRank, found["pagerank"])),
            weights=Weights(**own(Weights, found["weights"])),
            **{name: (before | found)[name] for name in CHANGEABLE},
        )
        files = {str(name): str(mark) for name, mark in told["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StorageError(
            f"{rows.ranks}: what it says of its settings cannot be read ({error!r}); rank again"
        ) from error
    return RankedBy(ranking, files, told=True)


def own(kind: Any, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of some values that are settings of a kind."""
    return {known.name: found[known.name] for known in fields(kind) if known.name in found}


def changed(by: RankedBy, settings: Mapping[str, Any]) -> RankedBy:
    """Return the same with other settings, by name: fields of PageRank and Weights, and CHANGEABLE."""
    known = {*CHANGEABLE, *(one.name for kind in (PageRank, Weights) for one in fields(kind))}
    for name in settings:
        if name not in known:
            raise SettingError("explain", "settings", name, f"one of {', '.join(sorted(known))}")
    ranking = replace(
        by.ranking,
        pagerank=replace(by.ranking.pagerank, **own(PageRank, settings)),
        weights=replace(by.ranking.weights, **own(Weights, settings)),
        **{name: settings[name] for name in CHANGEABLE if name in settings},
    )
    other = replace(by, ranking=ranking)
    altered = tuple(sorted(name for name, value in other.decisive.items() if value != by.decisive[name]))
    return replace(other, altered=altered if by.told else ())
