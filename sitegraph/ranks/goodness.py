"""The chance that a site is good, from all that its links say of it and some hundred sites that somebody has labelled.

No rank tells good from bad alone: PageRank rises with a farm, trust does not know what no seed leads to, and most sites
have one link or two. What gives a farm away is how its ranks go together: much PageRank beside little trust, few
supporters far away, a rank that came over one link. So a regression (logistic.py) learns from labelled sites, drawn at
random from those that the ranks are for, what each of these says; the chances that it gives are those of such a site.

Looked at (SIGNS): PageRank; the shares of it that trust, a supporter's cap, the truncated rank and text quality leave;
linking domains; supporters at each distance. Not looked at: the inverse rank and anti-trust. Both rest on whom a site
links to, which it can change in a minute; spam in planted graphs gives itself away by it, that of a labelled real one
(WEBSPAM-UK2006) hardly does.

A sign that the table has no value for says nothing: it counts as the mean of the labelled sites. One that is farther
from it than FAR of their spreads counts as FAR: a straight line drawn on from some hundred sites to the few that are
like none of them would put those first and last of all. Figures of what comes out: docs/graph-evaluation.md.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sitegraph.ranks.logistic import Logistic, chances, fit

Vector = NDArray[np.float64]
Values = Mapping[str, Any]
"""Columns of the authority table by name, as many values in each: of numpy, null as NaN or masked, supporters as
float64[n, DISTANCES]; or of Arrow."""
DISTANCES: Final = 4
"""Distances at which supporters are counted."""
FOLDS: Final = 5
FAR: Final = 3.0
"""Spreads from the mean of the labelled sites beyond which a sign says no more."""
FAINT: Final = 1e-3
"""Share of a rank below which it makes no difference how small it is."""


def size(values: Vector) -> Vector:
    """Return the order of magnitude of a rank, NaN for none."""
    return np.log10(values, out=np.full(len(values), np.nan), where=values > 0)


def share(part: Vector, whole: Vector) -> Vector:
    """Return the order of magnitude of a part of a rank."""
    shares = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return np.asarray(np.log10(np.clip(shares, 0.0, 1e6) + FAINT))


SIGNS: Final[dict[str, tuple[tuple[str, ...], Callable[..., Vector]]]] = {
    "pagerank": (("pagerank",), size),
    "trust by pagerank": (("trust", "pagerank"), share),
    "spam mass": (("spam_mass",), lambda mass: np.clip(mass, -1.0, 1.0)),
    "robust by pagerank": (("robust", "pagerank"), share),
    "truncated by pagerank": (("truncated", "pagerank"), share),
    "quality by pagerank": (("quality", "pagerank"), share),
    "linking domains": (("in_domains",), np.log1p),
    "no second linking domain": (("in_domains",), lambda count: np.where(np.isnan(count), np.nan, count <= 1.0)),
    "harmonic": (("harmonic",), np.log1p),
    **{f"supporters within {d + 1}": (("supporters",), lambda s, d=d: np.log1p(s[:, d])) for d in range(DISTANCES)},
}
"""Name of each sign, the columns that it is made of, and how."""


def signs(values: Values, names: tuple[str, ...]) -> Vector:
    """Return signs of some sites, float64[n, len(names)]; NaN where there is none."""
    columns = {name: floats(column) for name, column in values.items()}
    with np.errstate(invalid="ignore"):
        return np.stack([SIGNS[name][1](*(columns[of] for of in SIGNS[name][0])) for name in names], axis=1)


def floats(column: Any) -> Vector:
    """Return a column as float64, null as NaN."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.Array) and pa.types.is_nested(column.type):
        rows = np.full((len(column), DISTANCES), np.nan)
        rows[column.is_valid().to_numpy(zero_copy_only=False)] = column.flatten().to_numpy().reshape(-1, DISTANCES)
        return rows
    if isinstance(column, pa.Array):
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
    if isinstance(column, np.ma.MaskedArray):
        return np.asarray(np.ma.filled(column.astype(np.float64), np.nan))
    return np.asarray(column, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodness:
    """What labelled sites teach.

    names: signs that are looked at. centre, scale: their means and spreads among the labelled sites. good, bad: how
    many of those there were. auc: chance that a good one stands above a bad one, each by what the others of FOLDS parts
    teach; by_pagerank: the same by that alone.
    """

    names: tuple[str, ...]
    centre: Vector
    scale: Vector
    model: Logistic
    good: int
    bad: int
    auc: float
    by_pagerank: float

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the authority table that are looked at."""
        return needed(self.names)

    def chance(self, values: Values) -> Vector:
        """Return the chance that each site is good, float64[n]."""
        return np.asarray(chances(self.model.log_odds(self._placed(values))))

    def bounds(self, values: Values, sigmas: float = 1.96) -> tuple[Vector, Vector]:
        """Return between what the chances lie, as far as so few labelled sites can tell."""
        placed = self._placed(values)
        middle, width = self.model.log_odds(placed), sigmas * self.model.errors(placed)
        return np.asarray(chances(middle - width)), np.asarray(chances(middle + width))

    def parts(self, values: Values) -> dict[str, Vector]:
        """Return by how much each sign moves the log-odds of each site from those of the mean of the labelled ones."""
        moved = self._placed(values) * self.model.weights[1:]
        return dict(zip(self.names, moved.T, strict=True))

    def strange(self, values: Values) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return of each site how many signs are missing, and how many lie farther out than FAR."""
        found = self._distances(values)
        return np.isnan(found).sum(axis=1), (np.abs(found) > FAR).sum(axis=1)

    def told(self) -> str:
        """Return a sentence on what it rests on."""
        beside = f" (by PageRank {self.by_pagerank:.3f})" if np.isfinite(self.by_pagerank) else ""
        return (
            f"`good` was learned from {self.good:,} good and {self.bad:,} bad sites; of those left out in turn, a good "
            f"one stands above a bad one with a chance of {self.auc:.3f}{beside}"
        )

    def _distances(self, values: Values) -> Vector:
        return (signs(values, self.names) - self.centre) / self.scale

    def _placed(self, values: Values) -> Vector:
        return placed(self._distances(values))


def needed(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns that signs are made of."""
    return tuple(dict.fromkeys(column for name in names for column in SIGNS[name][0]))


def possible(columns: Iterable[str], alone: bool = False) -> tuple[str, ...]:
    """Return the signs that can be made of some columns.

    alone: PageRank comes from another graph than the other ranks, so that none is a share of it.
    """
    known = set(columns)
    return tuple(name for name, (of, _) in SIGNS.items() if known.issuperset(of) and not (alone and len(of) > 1))


def placed(distances: Vector) -> Vector:
    """Return signs by their distance from the centre, at most FAR; one that is missing lies there."""
    return np.clip(np.nan_to_num(distances, nan=0.0), -FAR, FAR)


def learned(values: Values, good: NDArray[np.bool_], alone: bool = False) -> Goodness:
    """Return what labelled sites teach: their columns, and whether each is good (bool[n], FOLDS or more of each).

    alone: see `possible`. Where nothing tells the sites apart there are no signs, and no chance can be asked for.
    """
    names = possible(values, alone)
    found = signs(values, names)
    some = [column[np.isfinite(column)] for column in found.T]
    centre = np.array([column.mean() if len(column) else 0.0 for column in some])
    scale = np.array([column.std() if len(column) else 0.0 for column in some])
    telling = scale > 1e-9 * np.maximum(np.abs(centre), 1.0)
    names = tuple(name for name, tells in zip(names, telling, strict=True) if tells)
    centre, scale = centre[telling], scale[telling]
    x = placed((found[:, telling] - centre) / scale)
    return Goodness(
        names=names,
        centre=centre,
        scale=scale,
        model=fit(x, good),
        good=int(good.sum()),
        bad=int((~good).sum()),
        auc=auc(left_out(x, good), good),
        by_pagerank=auc(x[:, names.index("pagerank")], good) if "pagerank" in names else float("nan"),
    )


def left_out(x: Vector, good: NDArray[np.bool_]) -> Vector:
    """Return the log-odds of each site by what the other folds teach; each fold has its share of both kinds."""
    fold = np.empty(len(good), np.int64)
    for kind in (good, ~good):
        fold[kind] = np.arange(int(kind.sum())) % FOLDS
    odds = np.empty(len(good))
    for number in range(FOLDS):
        out = fold == number
        odds[out] = fit(x[~out], good[~out]).log_odds(x[out])
    return odds


def auc(score: Vector, good: NDArray[np.bool_]) -> float:
    """Return the chance that a good site has a higher score than a bad one; ties count half."""
    bad = np.sort(score[~good])
    below, upto = (np.searchsorted(bad, score[good], side=side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(bad))
