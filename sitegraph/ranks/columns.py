"""The ranks of one level as columns of the authority table, with the counts that go with them.

PageRank and what starts again at some sites come from one series of sweeps, trust, with a damping of its own, from
another that is soon done, inverse rank and anti-trust from a third. Vectors that are large lie in files of the work
folder, not in memory (shelf.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.errors import PipelineError
from corpus.stage import tick
from sitegraph.cc.merge import merge_ranks
from sitegraph.cc.ranksfile import ImportedRanks
from sitegraph.ranks.authority import Column, by_id, by_slot, comparable, percentiles, positions
from sitegraph.ranks.goodness import floats, learned, needed, possible
from sitegraph.ranks.hyperball import HyperBallResult, HyperBallSettings, hyperball
from sitegraph.ranks.inverse import inverse_ranks
from sitegraph.ranks.pagerank import PageRank, Ranked, pageranks
from sitegraph.ranks.passes import Passes, Vector
from sitegraph.ranks.robust import robust
from sitegraph.ranks.settings import Ranking
from sitegraph.ranks.shelf import Shelf, shelved
from sitegraph.ranks.spammass import explained, spam_mass
from sitegraph.ranks.truncated import truncated
from sitegraph.sites.labelled import Labels
from sitegraph.sites.preferences import Preference
from sitegraph.store.opened import Graph

Watch = Callable[[str, int, float], None]
"""Called after each sweep: what is ranked, how many sweeps it has had, and the bound on its error (NaN: none)."""
Columns = dict[str, Column]
Counts = dict[str, int]
WITH_PERCENTILES: Final = ("pagerank", "trust", "spam_mass", "robust", "truncated", "quality")


@dataclass(slots=True)
class Work:
    """What the ranks of a level are made from: passes over it, settings, preferences by name, a folder, who watches."""

    passes: Passes
    settings: Ranking
    wanted: Mapping[str, Preference]
    folder: Path
    watch: Watch | None = None
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.folder)

    def swept(self, what: str) -> Callable[[int, float], None]:
        """Return what is called after each sweep of a rank."""
        graph, watch = self.passes.graph, self.watch

        def told(sweeps: int, error: float) -> None:
            tick(graph.m)
            if watch:
                watch(f"{graph.level} level, {what}", sweeps, error)

        return told


def columns_of(
    graph: Graph,
    settings: Ranking,
    wanted: Mapping[str, Preference],
    imported: ImportedRanks | None,
    work: Path,
    watch: Watch | None,
) -> tuple[str, Columns, Counts]:
    """Return the source, the columns and counts of a level; `work` is a folder that keeps the state of its ranks."""
    folder = work / graph.level
    folder.mkdir(exist_ok=True)
    columns, counts = stored_columns(graph), {"arcs": graph.m}
    with Passes(graph, settings.weights.of(graph.classes), settings.threads) as passes:
        try:
            ranks, more = ranked(Work(passes, settings, wanted, folder, watch))
        except ArithmeticError as error:
            raise PipelineError(f"{graph.level} level: {error}") from error
    columns |= ranks
    counts |= more
    if imported:
        columns |= imported_columns(graph, imported, counts)
    return imported.path.name if imported else "crawl", columns, counts


def stored_columns(graph: Graph) -> Columns:
    """Return the columns that the graph itself holds."""
    names = ("in_domains", "platform") if graph.level == "domain" else ("in_domains",)
    return {name: by_id(graph.column(name)) for name in names}


def ranked(work: Work) -> tuple[Columns, Counts]:
    """Return the columns of all ranks of a level, and counts."""
    out = work.passes.out_weights()
    ranks = forward_ranks(work, out)
    values = parts(work, ranks["pagerank"], out) | started(work, ranks)
    dangling = work.passes.graph.n - len(out) + int(np.count_nonzero(out == 0.0))
    counts = {"sweeps": ranks["pagerank"].sweeps, "dangling": dangling}
    if backward := backward_ranks(work):
        values |= {name: rank.values for name, rank in backward.items()}
        counts["inverse_sweeps"] = backward["inverse"].sweeps
    columns = as_columns(values, work.passes, work.shelf)
    if work.settings.balls:
        columns |= ball_columns(work, work.settings.balls, counts)
    return columns, counts


def forward_ranks(work: Work, out: Vector) -> dict[str, Ranked]:
    """Return PageRank; where there are seeds, the same rank from `seeds`, for spam mass, and trust; and quality."""
    wanted = {"pagerank": None} | {name: work.wanted[name] for name in ("seeds", "quality") if name in work.wanted}
    found = swept_ranks(work, wanted, work.settings.pagerank, out, "sweeps")
    if "seeds" in wanted:
        trusting = replace(work.settings.pagerank, damping=work.settings.trust_damping)
        alike = trusting == work.settings.pagerank
        from_seeds = {"trust": wanted["seeds"]}
        found |= {"trust": found["seeds"]} if alike else swept_ranks(work, from_seeds, trusting, out, "trust-sweeps")
    return found


def swept_ranks(
    work: Work, wanted: Mapping[str, Preference | None], settings: PageRank, out: Vector, kept: str
) -> dict[str, Ranked]:
    """Return the ranks of some preferences; kept: name of the file that keeps their state."""
    found = pageranks(
        work.passes,
        list(wanted.values()),
        settings,
        watch=work.swept(", ".join(wanted)),
        checkpoint=work.folder / kept,
        out=out,
        allocate=work.shelf,
    )
    return dict(zip(wanted, found, strict=True))


def parts(work: Work, rank: Ranked, out: Vector) -> dict[str, Vector]:
    """Return PageRank, and the parts of it that are left without what some supporters give."""
    passes, settings = work.passes, work.settings
    owners, numbering = None, passes.graph.numbering
    if passes.graph.level == "host":
        owners = passes.graph.column("domain")[numbering.ids(np.arange(len(out)))]
    damping = settings.pagerank.damping
    values = {"pagerank": rank.values}
    values["robust"] = robust(passes, rank, out, damping, settings.cap, owners, allocate=work.shelf)
    if settings.truncate:
        watch = work.swept("truncated")
        values["truncated"] = truncated(passes, rank, out, damping, settings.truncate, watch=watch, allocate=work.shelf)
    return values


def started(work: Work, ranks: Mapping[str, Ranked]) -> dict[str, Vector]:
    """Return the ranks that start again at some sites, and what they tell of PageRank."""
    values = {name: ranks[name].values for name in ("trust", "quality") if name in ranks}
    if "trust" in ranks:
        mode, share = work.settings.pagerank.dangling, work.settings.good_share
        values["spam_mass"] = spam_mass(ranks["pagerank"], ranks["seeds"], mode, share, allocate=work.shelf)
    return values


def backward_ranks(work: Work) -> dict[str, Ranked]:
    """Return inverse rank, and anti-trust where there is a file of bad sites; nothing where neither is asked for."""
    bad = {"anti_trust": work.wanted["bad"]} if "bad" in work.wanted else {}
    if not work.settings.inverse and not bad:
        return {}
    wanted = {"inverse": None} | bad
    found = inverse_ranks(
        work.passes,
        list(wanted.values()),
        work.settings.pagerank,
        watch=work.swept(", ".join(wanted).replace("_", "-")),
        checkpoint=work.folder / "inverse-sweeps",
        allocate=work.shelf,
    )
    return dict(zip(wanted, found, strict=True))


def ball_columns(work: Work, settings: HyperBallSettings, counts: Counts) -> Columns:
    """Return the columns of HyperBall."""
    swept = work.swept("supporters")
    large = shelved(work.passes.graph.arcs.description.sources << settings.log2m)
    found = hyperball(
        work.passes,
        settings,
        lambda distance, grew: swept(distance, np.nan),
        scratch=work.folder if large else None,
        checkpoint=work.folder / "ball-passes",
    )
    counts |= {"ball_passes": found.iterations, "balls_unfinished": found.unfinished}
    numbering = work.passes.graph.numbering
    columns: Columns = {"supporters": lambda start, stop: supporters(found, work.passes.graph, start, stop)}
    return columns if found.harmonic is None else columns | {"harmonic": by_slot(found.harmonic, numbering)}


def supporters(found: HyperBallResult, graph: Graph, start: int, stop: int) -> pa.Array:
    """Return the supporters of some nodes by id, a list for each."""
    rows = found.supporters_by_id(graph.numbering, start, stop)
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


def as_columns(values: Mapping[str, Vector], passes: Passes, shelf: Shelf) -> Columns:
    """Return the columns of vectors by slot, with percentiles of those that have some, and positions."""
    numbering = passes.graph.numbering
    columns = {name: by_slot(vector, numbering) for name, vector in values.items()}
    for name in WITH_PERCENTILES:
        if name in values:
            key = comparable(explained(values[name]) if name == "spam_mass" else values[name])
            column = "percentile" if name == "pagerank" else f"{name}_percentile"
            columns[column] = percentiles(key, numbering, shelf)
            if name == "pagerank":
                columns["position"] = by_id(positions(key, numbering, shelf))
    return columns


def good_column(columns: Columns, labels: Labels, where: str, alone: bool) -> tuple[Columns, str]:
    """Return the column of the chance that a site is good, and a sentence on what it comes from; no column where too
    few sites of a level are labelled. alone: see goodness.possible."""
    if short := labels.short():
        return {}, f"{where}: {short}; the column `good` is null"
    wanted = needed(possible(columns, alone))
    found = learned({name: values_at(columns[name], labels.ids) for name in wanted}, labels.good, alone)
    if not found.names:
        return {}, f"{where}: nothing tells the labelled sites apart; the column `good` is null"

    def column(start: int, stop: int) -> Vector:
        return found.chance({name: columns[name](start, stop) for name in found.columns})

    return {"good": column}, f"{where}: {found.told()}"


def values_at(column: Column, ids: NDArray[np.int64]) -> Vector:
    """Return the values of a column at some ids, null as NaN."""
    first = floats(column(int(ids[0]), int(ids[0]) + 1))
    found = np.empty((len(ids), *first.shape[1:]))
    for place, node in enumerate(ids.tolist()):
        found[place] = floats(column(node, node + 1))[0]
    return found


def imported_columns(graph: Graph, imported: ImportedRanks, counts: Counts) -> Columns:
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
