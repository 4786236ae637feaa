"""What each source gives to those it links to: the one array that sweeps read at random, and so what takes their time.

A sweep over more contributions than the cache holds takes as long as its reads that miss, and of numbers half as wide
twice as many lie in a line: with one vector a sweep of float32 takes an eighth less time, with two a little less, with
four, whose row is a line's half either way, no less (docs/graph-performance.md). Sums are float64 throughout.

float32 holds a contribution to 6e-8 of it, which is far from the 1e-9 that a rank is to be right to. But the error
bound of a sweep (pagerank.py) holds whatever the values were that it began with. So sweeps begin with float32, go on
with float64 when that rounding begins to be felt, and end with it: of the ranks that come out nothing was rounded. When
it is felt depends on the last sweep and its number alone, so that who goes on from a kept state decides alike.

Both lie in the same memory. Widening goes from the first source to the last, and what is narrow lies in the second
half: what is written never reaches what is still to be read.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sitegraph.ranks.passes import CACHED, Vector, aligned

FELT: Final = 2.0**-21
"""Change of a rank in a sweep, of its sum, from which the rounding of its contributions is felt: eight times that."""
NARROW: Final = 2
"""Vectors up to which narrow numbers save time."""
PIECE: Final = 1 << 16
"""Sources whose contributions are widened at a time."""
ORDINARY: Final = 1e6
"""Weights from its inverse up to it are such that no contribution is too large for float32, nor too small to matter."""


def pays(sources: int, columns: int, weights: Vector) -> bool:
    """Say whether narrow numbers save time, and can hold what such weights (float64 per class) leave of a rank."""
    some = weights[weights > 0.0]
    ordinary = bool(((some >= 1.0 / ORDINARY) & (some <= ORDINARY)).all())
    return ordinary and columns <= NARROW and 8 * sources * columns > CACHED


def felt(change: Vector, mass: Vector, damping: float, sweeps: int) -> bool:
    """Say whether rounding is felt after so many sweeps, in the last of which ranks of sums `mass` changed by `change`.

    It is at the latest when a power iteration would have come so far: more change than that is rounding itself.
    """
    return bool((change <= FELT * mass).all()) or damping**sweeps <= FELT


@dataclass(slots=True)
class Contributions:
    """wide: float64[sources, k]. narrow: whether its second half holds all contributions, as float32, in its place."""

    wide: Vector
    narrow: bool = False

    @classmethod
    def zeros(cls, sources: int, columns: int, narrow: bool) -> "Contributions":
        """Return zeros."""
        return cls(aligned(sources, columns), narrow)

    @property
    def values(self) -> NDArray[Any]:
        """The contributions, float32 or float64[sources, k]: not a copy."""
        return self.second_half if self.narrow else self.wide

    @property
    def second_half(self) -> NDArray[np.float32]:
        """The second half of the memory, float32[sources, k]."""
        rows, columns = self.wide.shape
        return self.wide.reshape(-1).view(np.float32)[rows * columns :].reshape(rows, columns)

    def widen(self) -> None:
        """Go on with float64."""
        narrow = self.second_half
        for start in range(0, len(self.wide), PIECE):
            part = slice(start, start + PIECE)
            self.wide[part] = narrow[part].copy()  # numpy may write before it has read all where memory overlaps
        self.narrow = False
