"""Rank a graph: every rank of both levels, or imported ones in their place, written as one authority table.

| column                       | what it is                                          | module      |
|------------------------------|-----------------------------------------------------|-------------|
| pagerank, position           | PageRank, uniform preference                        | pagerank.py |
| trust                        | PageRank that starts again at the seeds             | pagerank.py |
| quality                      | PageRank that starts again where text is good       | pagerank.py |
| spam_mass                    | 1 - p' / p, see below                               | here        |
| robust                       | PageRank, each supporter capped                     | robust.py   |
| inverse, anti_trust          | PageRank on the reversed graph; from bad sites      | inverse.py  |
| harmonic, supporters         | by HyperBall, when asked for                        | hyperball.py|
| in_domains                   | distinct domains that link to it                    | built in    |

PageRank, trust and quality come from one series of sweeps, inverse rank and anti-trust from another.

Spam mass is the share of a site's PageRank that trusted sites do not explain: p is the pseudo PageRank (dangling mass
lost), p' the same with a jump vector on the seeds that sums to `good_share`, the share of the web assumed to be good.
Gyongyi, Berkhin, Garcia-Molina, Pedersen, "Link Spam Detection Based on Mass Estimation", 2005 (0.85 there). It is at
most 1, and below 0 for sites near the seeds.

Imported ranks (cc/merge.py) replace PageRank, percentile, position and harmonic centrality of the level they cover, for
every node of it: a node that the file does not know keeps null there, never a rank of another scale, and the column
`source` names the file. All else always comes from the graph.

Vectors that are larger than SHELVED bytes lie in files of the work folder, not in memory.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from corpus.errors import InputError, MissingError, PipelineError, SettingError
from corpus.schema import AUTHORITY
from corpus.settings import UNMARKED, plain, require
from corpus.stage import tick
from corpus.storage import ShardSet, TableWriter, Written, as_storage_error
from sitegraph.cc.merge import merge_ranks
from sitegraph.cc.ranksfile import ImportedRanks
from sitegraph.layout import LEVELS, GraphSets, Level
from sitegraph.ranks.authority import Column, by_id, by_slot, comparable, percentiles, positions, write_level
from sitegraph.ranks.hyperball import SUPPORTERS, HyperBallSettings, hyperball
from sitegraph.ranks.inverse import inverse_ranks
from sitegraph.ranks.pagerank import PageRank, Ranked, pageranks
from sitegraph.ranks.passes import Passes, Vector
from sitegraph.ranks.robust import robust
from sitegraph.sites.measured import Shrinking, measured
from sitegraph.sites.preferences import Preference, Preferences, Sites, told
from sitegraph.sites.seeds import Sowing, seeded
from sitegraph.store.classes import Weights
from sitegraph.store.opened import Graph, open_graph

SHELVED: Final = 1 << 28
"""Bytes from which a vector of results is kept in a file."""
SETTINGS_KEY: Final = b"sitegraph.ranking"
"""Where the metadata of an authority table holds the settings that it was made with, see `described`."""

Watch = Callable[[str, int, float], None]
"""Called after each sweep: what is ranked, how many sweeps it has had, and the bound on its error (NaN: none)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Settings of a ranking.

    seeds, bad: files of trusted and of known bad sites (seedfiles.py); quality: a table of measured quality. Without
    one, what it gives is null. cap: share of a site's rank that one supporter may give (robust.py). good_share: of the
    web, for spam mass. inverse: whether to rank the reversed graph too. balls: how to count supporters, and
    whether to make harmonic centrality of them; None leaves both out. imports: ranks files, one per level at most.
    """

    pagerank: PageRank = field(default_factory=PageRank)
    weights: Weights = field(default_factory=Weights)
    seeds: Path | None = field(default=None, metadata=UNMARKED)
    bad: Path | None = field(default=None, metadata=UNMARKED)
    quality: Path | None = field(default=None, metadata=UNMARKED)
    sowing: Sowing = field(default_factory=Sowing)
    shrinking: Shrinking = field(default_factory=Shrinking)
    cap: float = 0.01
    good_share: float = 0.85
    inverse: bool = True
    balls: HyperBallSettings | None = SUPPORTERS
    imports: tuple[ImportedRanks, ...] = ()
    threads: int = field(default=0, metadata=UNMARKED)

    def __post_init__(self) -> None:
        require(0.0 < self.cap <= 1.0, self, "cap", "a share above 0, up to 1 (1 caps nothing)")
        require(0.0 < self.good_share <= 1.0, self, "good_share", "a share above 0, up to 1")
        require(0 <= self.threads <= 1024, self, "threads", "a number from 0 (one per processor) to 1024")

    def mark(self) -> list[Any]:
        """Return what changes when a file named in these settings changes."""
        named = (self.seeds, self.bad, self.quality)
        return [*(digest(path) if path else None for path in named), *(ranks.mark() for ranks in self.imports)]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def described(settings: Ranking) -> pa.Schema:
    """Return the authority schema with the settings as JSON in its metadata, so that ranks can be explained later.

    Equal settings give equal bytes: files are told by their SHA-256, not by their paths.
    """
    files = {name: getattr(settings, name) for name in ("seeds", "bad", "quality")}
    told = {"settings": plain(settings), "files": {name: digest(path) for name, path in files.items() if path}}
    return AUTHORITY.with_metadata({SETTINGS_KEY: json.dumps(told, sort_keys=True)})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The preferences that the files of a ranking ask for, None where there is no file."""

    seeds: Preferences | None = None
    bad: Preferences | None = None
    quality: Preferences | None = None

    def counts(self) -> dict[str, int]:
        """Return how many sites of each file there are, and how many of them the graph does not know."""
        files = {"seeds": self.seeds, "bad": self.bad, "quality": self.quality}
        known = {name: found for name, found in files.items() if found}
        return {name: found.sites for name, found in known.items()} | {
            f"{name}_unknown": found.unknown for name, found in known.items()
        }

    @property
    def notes(self) -> list[str]:
        """A sentence for each file that names sites which are not in the graph."""
        return [note for found in (self.seeds, self.bad, self.quality) if found and (note := told(found))]

    def at(self, level: Level) -> dict[str, Preference]:
        """Return the preferences of a level by name."""
        files = {"seeds": self.seeds, "bad": self.bad, "quality": self.quality}
        return {name: found.by_level[level] for name, found in files.items() if found}


def rank(
    graph: GraphSets, out: ShardSet, settings: Ranking, path: Path | None = None, watch: Watch | None = None
) -> tuple[Written, dict[str, int], list[str]]:
    """Rank a graph and write part 0 of `out` (or the file `path`); return it, counts, and notes for the user.

    Raises MissingError when the graph is absent, StorageError when it is damaged, InputError for seeds or ranks files,
    PipelineError when a rank does not converge. What was done of it when it is killed is taken up by the next call.
    """
    imports = imports_by_level(settings.imports)
    levels = open_graph(graph)
    for level in imports:
        if level not in levels:
            raise MissingError(f"{graph.folder}: it has no {level} level for the ranks of {imports[level].path.name}")
    for opened in levels.values():
        opened.names.verify()
    wanted = read_files(levels, settings)
    target = path or out.path(0)
    work = target.with_name(f".{target.name}.ranking")
    with as_storage_error(work):
        work.mkdir(parents=True, exist_ok=True)
    counts = wanted.counts()
    with TableWriter(out, 0, described(settings), path=path) as writer:
        for level in sorted(levels):
            source, columns, more = columns_of(
                levels[level], settings, wanted.at(level), imports.get(level), work, watch
            )
            write_level(writer, level, levels[level].names, columns, source)
            counts |= {f"{level}s": levels[level].n} | {f"{level}_{name}": value for name, value in more.items()}
    shutil.rmtree(work, ignore_errors=True)
    return writer.written, counts, wanted.notes


def imports_by_level(imports: tuple[ImportedRanks, ...]) -> Mapping[Level, ImportedRanks]:
    """Return the imports by the level they cover; two for one level are an error."""
    by_level: dict[Level, ImportedRanks] = {}
    for ranks in imports:
        level = ranks.covers()
        if level in by_level:
            given = f"{by_level[level].path.name}, {ranks.path.name}"
            raise SettingError("Ranking", "imports", given, f"both hold ranks of the {level} level; give one per level")
        by_level[level] = ranks
    return by_level


def read_files(levels: Mapping[Level, Graph], settings: Ranking) -> Wanted:
    """Read the files that the settings name."""
    if not any(levels[level].n for level in levels):
        return Wanted()
    sites = sites_of(levels)
    return Wanted(
        seeds=seeded(settings.seeds, sites, settings.sowing) if settings.seeds else None,
        bad=seeded(settings.bad, sites, settings.sowing) if settings.bad else None,
        quality=measured(settings.quality, sites, settings.shrinking) if settings.quality else None,
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


@dataclass(slots=True)
class Shelf:
    """Makes vectors: in memory, or, when they are large, in files of a folder that goes when the ranking is done."""

    folder: Path
    made: int = 0

    def __call__(self, length: int) -> Vector:
        if 8 * length < SHELVED:
            return np.empty(length)
        self.made += 1
        path = self.folder / f"{self.made}.vector"
        with as_storage_error(path), open(path, "wb") as out:
            if hasattr(os, "posix_fallocate"):  # a disk that fills up later would end the process, without a word
                os.posix_fallocate(out.fileno(), 0, 8 * length)
            out.truncate(8 * length)
        return np.memmap(path, np.float64, "r+", shape=(length,))


def columns_of(
    graph: Graph,
    settings: Ranking,
    wanted: Mapping[str, Preference],
    imported: ImportedRanks | None,
    work: Path,
    watch: Watch | None,
) -> tuple[str, dict[str, Column], dict[str, int]]:
    """Return the source, the columns and counts of a level."""
    folder = work / graph.level
    folder.mkdir(exist_ok=True)
    columns: dict[str, Column] = {"in_domains": by_id(graph.column("in_domains"))}
    if graph.level == "domain":
        columns["platform"] = by_id(graph.column("platform"))
    source, counts = "crawl", {"arcs": graph.m}
    with Passes(graph, settings.weights.of(graph.classes), settings.threads) as passes:
        try:
            more = ranked(passes, settings, wanted, folder, Shelf(folder), watch)
        except ArithmeticError as error:
            raise PipelineError(f"{graph.level} level: {error}") from error
        columns |= more[0]
        counts |= more[1]
    if imported:
        source = imported.path.name
        columns |= imported_columns(graph, imported, counts)
    return source, columns, counts


def ranked(
    passes: Passes,
    settings: Ranking,
    wanted: Mapping[str, Preference],
    folder: Path,
    shelf: Shelf,
    watch: Watch | None = None,
) -> tuple[dict[str, Column], dict[str, int]]:
    """Return the columns of all ranks of a level, and counts."""
    graph, numbering = passes.graph, passes.graph.numbering
    sources = graph.arcs.description.sources

    def announced(what: str) -> Callable[[int, float], None]:
        def swept(sweeps: int, error: float) -> None:
            tick(graph.m)
            if watch:
                watch(f"{graph.level} level, {what}", sweeps, error)

        return swept

    out = passes.out_weights()
    names = ["pagerank", *(name for name in ("seeds", "quality") if name in wanted)]
    preferences = [wanted.get(name) for name in names]
    found = pageranks(
        passes,
        preferences,
        settings.pagerank,
        watch=announced(", ".join(name.replace("seeds", "trust") for name in names)),
        checkpoint=folder / "sweeps",
        out=out,
        allocate=shelf,
    )
    ranks = dict(zip(names, found, strict=True))
    owners = None
    if graph.level == "host":
        owners = graph.column("domain")[numbering.ids(np.arange(sources))]
    values = {"pagerank": ranks["pagerank"].values}
    values["robust"] = robust(
        passes, ranks["pagerank"], out, settings.pagerank.damping, settings.cap, owners, allocate=shelf
    )
    if "seeds" in ranks:
        values |= {"trust": ranks["seeds"].values, "spam_mass": spam_mass(ranks, settings, shelf)}
    if "quality" in ranks:
        values["quality"] = ranks["quality"].values
    counts = {
        "sweeps": found[0].sweeps,
        "dangling": graph.n - sources + int(np.count_nonzero(out == 0.0)),
    }
    if settings.inverse or "bad" in wanted:
        backward = inverse_ranks(
            passes,
            [None, *([wanted["bad"]] if "bad" in wanted else [])],
            settings.pagerank,
            watch=announced("inverse, anti-trust" if "bad" in wanted else "inverse"),
            checkpoint=folder / "inverse-sweeps",
            allocate=shelf,
        )
        values |= dict(zip(("inverse", "anti_trust"), (rank.values for rank in backward), strict=False))
        counts["inverse_sweeps"] = backward[0].sweeps
    columns = as_columns(values, passes, shelf)
    if settings.balls:
        columns |= ball_columns(passes, settings.balls, folder, counts, announced("supporters"))
    return columns, counts


def ball_columns(
    passes: Passes,
    settings: HyperBallSettings,
    folder: Path,
    counts: dict[str, int],
    swept: Callable[[int, float], None],
) -> dict[str, Column]:
    """Return the columns of HyperBall."""
    numbering = passes.graph.numbering
    large = passes.graph.arcs.description.sources << settings.log2m >= SHELVED
    found = hyperball(
        passes, settings, lambda distance, grew: swept(distance, np.nan), scratch=folder if large else None
    )
    counts |= {"ball_passes": found.iterations, "balls_unfinished": found.unfinished}

    def supporters(start: int, stop: int) -> pa.Array:
        rows = found.supporters_by_id(numbering, start, stop)
        return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])

    columns: dict[str, Column] = {"supporters": supporters}
    return columns if found.harmonic is None else columns | {"harmonic": by_slot(found.harmonic, numbering)}


def as_columns(values: Mapping[str, Vector], passes: Passes, shelf: Shelf) -> dict[str, Column]:
    """Return the columns of vectors by slot, with percentiles of those that have some, and positions."""
    numbering = passes.graph.numbering
    columns = {name: by_slot(vector, numbering) for name, vector in values.items()}
    for name in ("pagerank", "trust", "robust", "quality"):
        if name in values:
            key = comparable(values[name])
            column = "percentile" if name == "pagerank" else f"{name}_percentile"
            columns[column] = percentiles(key, numbering, shelf)
            if name == "pagerank":
                columns["position"] = by_id(positions(key, numbering, shelf))
    return columns


def spam_mass(ranks: Mapping[str, Ranked], settings: Ranking, shelf: Shelf) -> Vector:
    """Return the spam mass of every node (float64[n], by slot): that of pseudo ranks, whatever the mode."""
    p, good, mode = ranks["pagerank"], ranks["seeds"], settings.pagerank.dangling
    mass = shelf(len(p.values))
    np.divide(good.values, p.values, out=mass)  # every node has some PageRank, as its preference is uniform
    if mode == "weak":
        mass -= max(1.0 - good.mass, 0.0)  # which a weak rank has of the uniform one
    to_pseudo = {"strong": good.mass / p.mass, "weak": 1.0 / p.mass, "pseudo": 1.0}
    mass *= -settings.good_share * to_pseudo[mode]
    mass += 1.0
    return mass


def imported_columns(graph: Graph, imported: ImportedRanks, counts: dict[str, int]) -> dict[str, Column]:
    """Return the columns that imported ranks replace."""
    merged = merge_ranks(graph.names, graph.n, imported)
    counts |= {"imported_rows": merged.rows, "imported_nodes": merged.known}
    position = np.ma.masked_equal(merged.position, 0)
    return {
        "pagerank": by_id(merged.pagerank),
        "percentile": by_id(merged.percentile()),
        "position": by_id(position),
        "harmonic": by_id(merged.harmonic),
    }


__all__ = ["LEVELS", "ImportedRanks", "Ranking", "Wanted", "rank"]
