"""PageRank and personalised ranks of a graph on disk, several in one pass over its arcs.

    x = alpha (x P + (x . d) u) + (1 - alpha) v

x is the rank (a row vector that sums to 1), P the row-normalised weight matrix, d the indicator of dangling nodes
(those with no outgoing weight), v the preference (uniform, or a distribution for a personalised rank) and u where the
mass of dangling nodes goes:

    strong  u = v      dangling nodes link to the preferred nodes (default; what LAW calls strongly preferential)
    weak    u = 1/n    dangling nodes link everywhere
    pseudo  u = 0      the mass is lost

What is iterated is always pseudo, which needs no dangling term: strong is pseudo, scaled to sum 1, and weak is pseudo
plus a multiple of the pseudo rank of the uniform preference. Dangling nodes give nothing to others, so they are left
out of the sweeps and get their rank in one pass at the end, by which most nodes of a web graph and a third of its arcs
drop out of the loop.

A sweep is a block Gauss-Seidel step: the sources are cut into groups (stretches of slots that the graph alone decides,
Arcs.groups), a group is computed from what the others hold by then, and written when all of it is done. So half
the sweeps of the power iteration suffice, one array of contributions (rank / out-weight) is enough, and the result is
the same bit for bit whatever the threads and blocks. Random reads of that array are what takes the time; everything
else streams. On large graphs the first sweeps round it to float32 (contributions.py).

Stopping rule. If x' follows x in a sweep, x' = x' L + x U + b with alpha P = L + U, so the residual of x' is
(x' - x) U, and the distance to the solution at most alpha / (1 - alpha) times the L1 norm of x' - x. Scaling to sum 1
at most doubles the error relative to the mass. The sweeps end when that bound is at or below `tolerance`: a bound on
the L1 error of the result, whatever the number of nodes (networkx multiplies its tolerance by n instead and may stop
after one step on a large graph). The last sweep rounds nothing to float32, so that its bound is one on the result.

Sources: Page, Brin, Motwani, Winograd 1999; Boldi, Posenti, Santini, Vigna, "Traps and pitfalls of topic-biased
PageRank", 2006 (strong, weak, pseudorank); Gauss-Seidel and the stopping rule as in the LAW library.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.settings import require
from sitegraph.ranks.checkpoint import Checkpoint
from sitegraph.ranks.contributions import Contributions, felt, pays
from sitegraph.ranks.passes import Passes, Vector, aligned, columns_for
from sitegraph.sites.preferences import Preference
from sitegraph.store.numbering import Numbering

Dangling = Literal["strong", "weak", "pseudo"]
Watch = Callable[[int, float], None]
PIECE: Final = 1 << 14
"""Slots updated in one call; differences are added up piece by piece, so their sum does not depend on threads."""
MOST_VECTORS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRank:
    """Settings of a rank.

    damping: alpha, probability of following a link. tolerance: bound on the L1 error of the result.
    max_sweeps: passes over the arcs after which it is an error not to have converged, the last of them in float64.
    """

    damping: float = 0.85
    dangling: Dangling = "strong"
    tolerance: float = 1e-9
    max_sweeps: int = 1000

    def __post_init__(self) -> None:
        require(0.0 <= self.damping < 1.0, self, "damping", "a number from 0 up to, but not including, 1")
        require(self.dangling in ("strong", "weak", "pseudo"), self, "dangling", "one of strong, weak, pseudo")
        require(self.tolerance > 0.0, self, "tolerance", "a number above 0")
        require(self.max_sweeps > 0, self, "max_sweeps", "a number above 0")


@dataclass(frozen=True, slots=True)
class Restart:
    """A preference by slot: slots int64[k], ascending, and mass float64[k] with sum 1."""

    slots: NDArray[np.int64]
    mass: Vector

    @classmethod
    def of(cls, preference: Preference, numbering: Numbering) -> "Restart":
        """Return a preference by slot. Raises ValueError for masses that are negative or have no sum above 0."""
        ids, mass = preference.ids, preference.mass
        total = float(mass.sum())
        if len(ids) != len(mass) or not np.isfinite(total) or total <= 0.0 or (mass < 0).any():
            raise ValueError("a preference is one mass for each of its nodes, none negative, with a sum above 0")
        if (np.diff(ids) <= 0).any() or ids[0] < 0 or ids[-1] >= numbering.nodes:
            raise ValueError(f"the nodes of a preference are ids from 0 to {numbering.nodes - 1:,}, ascending")
        slots = numbering.slots(ids)
        order = np.argsort(slots)
        return cls(slots[order], mass[order] / total)

    def part(self, first: int, last: int) -> tuple[NDArray[np.int64], Vector]:
        """Return the slots from `first` up to `last`, relative to `first`, and their mass."""
        low, high = np.searchsorted(self.slots, [first, last]).tolist()
        return self.slots[low:high] - first, self.mass[low:high]


Restarts = Sequence[Restart | None]
Allocate = Callable[[int], Vector]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A rank: values (float64, by slot), sweeps taken, the bound on its L1 error, and the sum of its pseudo rank."""

    values: Vector
    sweeps: int
    error: float
    mass: float

    def by_id(self, numbering: Numbering, start: int = 0, stop: int | None = None) -> Vector:
        """Return the values of the ids from `start` to `stop`."""
        return numbering.by_id(self.values, start, numbering.nodes if stop is None else stop)


@dataclass(slots=True)
class Solution:
    """The sources' part of several ranks while they are computed.

    given: rank / out-weight of each (0 where nothing leaves). out: float64[sources]. sums: room for what the targets of
    a group get, float64[targets, k].
    """

    given: Contributions
    out: Vector
    sums: Vector
    sweeps: int = 0

    @property
    def c(self) -> NDArray[Any]:
        """The contributions, float64[sources, k], or float32."""
        return self.given.values

    def load(self, saved: Checkpoint) -> bool:
        """Go on from what was kept; return whether there was anything."""
        for narrow in (False, True) if self.given.narrow else (False,):
            self.given.narrow = narrow
            self.sweeps = saved.load(self.c)
            if self.sweeps:
                return True
        return False


def pageranks(
    passes: Passes,
    preferences: Sequence[Preference | None],
    settings: PageRank | None = None,
    *,
    watch: Watch | None = None,
    checkpoint: Path | None = None,
    out: Vector | None = None,
    allocate: Allocate = np.empty,
    narrow: bool | None = None,
) -> list[Ranked]:
    """Return the rank of each preference (None: uniform), at most MOST_VECTORS of them, from one series of sweeps.

    watch(sweeps, error) is called after each sweep, with a bound that leaves out what narrow ones round. checkpoint: a
    file that keeps the state between sweeps and from which an interrupted call with equal arguments goes on. out: the
    out-weights, when they are known already. allocate: where the ranks lie (float64[n] each). narrow: whether to begin
    with float32, None where it pays (contributions.py); True is for weights that it can hold.
    Raises ArithmeticError when max_sweeps do not reach the tolerance, StorageError for a damaged graph.
    """
    settings = settings or PageRank()
    if not 1 <= len(preferences) <= MOST_VECTORS:
        raise ValueError(f"{len(preferences)} preferences; give 1 to {MOST_VECTORS}")
    if passes.graph.n == 0:
        return [Ranked(np.zeros(0), 0, 0.0, 0.0) for _ in preferences]
    wanted = [Restart.of(p, passes.graph.numbering) if p else None for p in preferences]
    if settings.dangling == "weak" and None not in wanted:
        if len(wanted) == MOST_VECTORS:
            raise ValueError(f"weak ranks need the uniform one beside them: at most {MOST_VECTORS - 1} preferences")
        wanted.append(None)
    solution = room_for(passes, wanted, out, narrow)
    bounds = sweeps(passes, wanted, settings, solution, watch, checkpoint)
    pseudo = complete(passes, wanted, settings, solution, allocate)
    if settings.dangling == "pseudo":
        found = [Ranked(x, solution.sweeps, error, float(x.sum())) for x, error in zip(pseudo, bounds, strict=True)]
    elif settings.dangling == "weak":
        found = weak(pseudo, wanted, solution.sweeps, bounds)
    else:
        found = [strong(x, solution.sweeps, error) for x, error in zip(pseudo, bounds, strict=True)]
    return found[: len(preferences)]


def room_for(passes: Passes, wanted: Restarts, out: Vector | None, narrow: bool | None) -> Solution:
    """Return room for a solution."""
    arcs, columns = passes.graph.arcs, columns_for(len(wanted))
    most = max((last - first for first, last in map(arcs.slots, arcs.groups())), default=0)
    out = passes.out_weights() if out is None else out
    given = Contributions.zeros(
        len(out), columns, pays(len(out), columns, passes.weights) if narrow is None else narrow
    )
    return Solution(given, out, aligned(most, columns))


def sweeps(
    passes: Passes,
    wanted: Restarts,
    settings: PageRank,
    solution: Solution,
    watch: Watch | None,
    path: Path | None,
) -> list[float]:
    """Sweep until all error bounds are at or below the tolerance; return them."""
    graph = passes.graph
    saved = Checkpoint(path, graph, passes.weights, [(p.slots, p.mass) if p else None for p in wanted], settings)
    if not solution.load(saved):
        begin(solution, wanted, graph.n)
    groups = graph.arcs.groups()
    while True:
        change, mass = sweep(passes, groups, wanted, settings, solution)
        solution.sweeps += 1
        bounds = bounds_of(change, mass, wanted, settings)
        worst = float(np.max(bounds))  # NaN where one is
        if watch:
            watch(solution.sweeps, worst)
        enough = worst <= settings.tolerance
        if enough and not solution.given.narrow:
            saved.forget()
            return bounds
        if solution.sweeps >= settings.max_sweeps:
            raise ArithmeticError(
                f"PageRank: error bound {worst:.2e} after {solution.sweeps} sweeps; raise tolerance or max_sweeps"
            )
        if solution.given.narrow and (enough or felt(change, mass, settings.damping, solution.sweeps)):
            solution.given.widen()
        saved.save(solution.sweeps, solution.c)


def begin(solution: Solution, wanted: Restarts, n: int) -> None:
    """Set the contributions to those of the preferences."""
    sources = len(solution.out)
    linking = solution.out > 0.0
    for k, preference in enumerate(wanted):
        if preference is None:
            solution.c[linking, k] = 1.0 / n / solution.out[linking]
        else:
            slots, mass = preference.part(0, sources)
            some = linking[slots]
            solution.c[slots[some], k] = mass[some] / solution.out[slots[some]]


def sweep(
    passes: Passes, groups: list[range], wanted: Restarts, settings: PageRank, solution: Solution
) -> tuple[Vector, Vector]:
    """Do one sweep; return per column the L1 norm of the change (float64[columns]) and the sum of the ranks."""
    arcs, columns = passes.graph.arcs, solution.c.shape[1]
    uniform = np.array([(1.0 - settings.damping) / passes.graph.n if p is None else 0.0 for p in wanted])
    uniform = np.concatenate([uniform, np.zeros(columns - len(wanted))])
    change, mass = np.zeros(columns), np.zeros(columns)
    for group in groups:
        first, last = arcs.slots(group)
        y = solution.sums[: last - first]
        passes.pull(group, solution.c, y, first, settings.damping)
        for k, preference in enumerate(wanted):
            if preference is not None:
                slots, given = preference.part(first, last)
                y[slots, k] += (1.0 - settings.damping) * given
        piece = partial(update_piece, y, solution.c[first:last], solution.out[first:last], uniform)
        for found in passes.spread(range(0, last - first, PIECE), piece):
            change += found[0]
            mass += found[1]
    return change, mass


def update_piece(y: Vector, c: Vector, out: Vector, uniform: Vector, at: int) -> Any:
    """Update one piece of a group."""
    part = slice(at, at + PIECE)
    return update(y[part], c[part], out[part], uniform)


@kernel
def update(y: Any, c: Any, out: Any, uniform: Any) -> Any:
    """Write the contributions of new ranks y + uniform to c; return float64[2, k]: L1 norm of the change, and sum.

    Nodes that no weight leaves (out = 0) contribute nothing, whatever they have.
    """
    found = np.zeros((2, y.shape[1]))
    for k in range(y.shape[1]):
        change, total = 0.0, 0.0
        for i in range(len(out)):
            x = y[i, k] + uniform[k]
            total += x
            if out[i] > 0.0:
                change += abs(x - c[i, k] * out[i])
                c[i, k] = x / out[i]
        found[0, k], found[1, k] = change, total
    return found


def bounds_of(change: Vector, mass: Vector, wanted: Restarts, settings: PageRank) -> list[float]:
    """Return the bounds on the L1 errors of all ranks after a sweep."""
    bounds = [bound(change[k], mass[k], settings) for k in range(len(wanted))]
    if settings.dangling != "weak":
        return bounds
    uniform = bounds[list(wanted).index(None)]  # a weak rank is made of two: off by its own error, and by this one's
    return [own if p is None else own + uniform for own, p in zip(bounds, wanted, strict=True)]


def bound(change: float, mass: float, settings: PageRank) -> float:
    """Return the bound on the L1 error of a rank after a sweep that changed it by `change`."""
    error = settings.damping / (1.0 - settings.damping) * change
    if settings.dangling == "pseudo":
        return float(error)
    return float(2.0 * error / max(mass - error, 1.0 - settings.damping))


def complete(
    passes: Passes, wanted: Restarts, settings: PageRank, solution: Solution, allocate: Allocate
) -> list[Vector]:
    """Return the pseudo ranks of all nodes by slot: those of dangling nodes, and of nodes that no weight leaves, come
    from one more pass."""
    graph, columns = passes.graph, solution.c.shape[1]
    sources = len(solution.out)
    ranks = [allocate(graph.n) for _ in wanted]
    for k in range(len(wanted)):
        np.multiply(solution.c[:, k], solution.out, out=ranks[k][:sources])
    lost = np.flatnonzero(solution.out == 0.0)
    for numbers in ([passes.loop] if len(lost) else []) + portions(passes, passes.tail):
        if not len(numbers):
            continue
        first, last = graph.arcs.slots(numbers)
        y = aligned(last - first, columns)
        passes.pull(numbers, solution.c, y, first, settings.damping)
        for k, preference in enumerate(wanted):
            if preference is None:
                y[:, k] += (1.0 - settings.damping) / graph.n
            else:
                slots, given = preference.part(first, last)
                y[slots, k] += (1.0 - settings.damping) * given
            if first < sources:
                ranks[k][lost] = y[lost, k]
            else:
                ranks[k][first:last] = y[:, k]
    return ranks


def portions(passes: Passes, numbers: range, targets: int = 1 << 22) -> list[range]:
    """Return the blocks in portions of about so many targets."""
    if not len(numbers):
        return []
    place = np.cumsum(passes.graph.arcs.targets[numbers.start : numbers.stop]) // targets
    cuts = [0, *(np.flatnonzero(np.diff(place)) + 1).tolist(), len(numbers)]
    return [numbers[a:b] for a, b in pairwise(cuts)]


def strong(pseudo: Vector, sweeps: int, error: float) -> Ranked:
    """Return a pseudo rank scaled to sum 1, in place."""
    mass = float(pseudo.sum())
    pseudo /= mass
    return Ranked(pseudo, sweeps, error, mass)


def weak(pseudo: list[Vector], wanted: Restarts, sweeps: int, bounds: list[float]) -> list[Ranked]:
    """Return weak ranks, in place: what a pseudo rank x lacks to 1 comes back as the uniform rank, scaled to sum 1.

    x + f D everywhere, with f = alpha / (1 - alpha) and D the mass of the result on dangling nodes, is the solution. As
    a pseudo rank is 1 - f times its mass on dangling nodes in all, that is x + (1 - |x|) everywhere / |everywhere|.
    """
    everywhere = pseudo[list(wanted).index(None)]
    everywhere = everywhere / everywhere.sum()
    found = []
    for x, error in zip(pseudo, bounds, strict=True):
        mass = float(x.sum())
        np.add(x, max(1.0 - mass, 0.0) * everywhere, out=x)
        np.divide(x, x.sum(), out=x)
        found.append(Ranked(x, sweeps, error, mass))
    return found
