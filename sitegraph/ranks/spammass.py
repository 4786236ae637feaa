"""Spam mass: the share of a site's PageRank that trusted sites do not explain.

    1 - p' / p

p is the pseudo PageRank (dangling mass lost), p' the same with a jump vector on the seeds that sums to `share`, the
share of the web assumed to be good (0.85 in the source). It is at most 1, and below 0 for sites near the seeds.

Gyongyi, Berkhin, Garcia-Molina, Pedersen, "Link Spam Detection Based on Mass Estimation", 2005.
"""

from typing import Final

import numpy as np

from sitegraph.ranks.pagerank import Allocate, Dangling, Ranked
from sitegraph.ranks.passes import Vector

DECIMALS: Final = 9
"""Decimal places that tell shares explained apart; beyond them is what sweeps and rounding left."""


def spam_mass(p: Ranked, good: Ranked, mode: Dangling, share: float, *, allocate: Allocate = np.empty) -> Vector:
    """Return the spam mass of every node (float64[n], by slot): that of pseudo ranks, whatever the mode.

    p: PageRank, with the uniform preference; good: the rank from the seeds, both made in this mode.
    """
    mass = allocate(len(p.values))
    np.divide(good.values, p.values, out=mass)  # every node has some PageRank, as its preference is uniform
    if mode == "weak":
        mass -= max(1.0 - good.mass, 0.0)  # which a weak rank has of the uniform one
    to_pseudo = {"strong": good.mass / p.mass, "weak": 1.0 / p.mass, "pseudo": 1.0}
    mass *= -share * to_pseudo[mode]
    mass += 1.0
    return mass


def explained(mass: Vector) -> Vector:
    """Return the share of PageRank that the seeds do explain, by which sites compare: higher is better, equal if tied.

    It is above 1 near the seeds; rounding may leave less than nothing of it, which comparable() takes for 0.
    """
    share = 1.0 - mass
    np.round(share, DECIMALS, out=share)
    return share
