"""Numbers as the graph store packs them: each one is the first gap of a list of its own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sitegraph.store.lists import encode_lists

MIDDLE = 2**31


def packed_numbers(numbers: Sequence[int] | NDArray[np.uint32]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return control and data of numbers below 2**32, data cut to its size."""
    zigzags = np.array(numbers, np.int64).reshape(-1)
    sources = (MIDDLE + (zigzags >> 1 ^ -(zigzags & 1))).astype(np.uint32)
    control, data = np.zeros((len(sources) + 3) // 4, np.uint8), np.zeros(4 * len(sources) + 16, np.uint8)
    references = np.full(len(sources), MIDDLE, np.int64)
    size = int(encode_lists(np.arange(len(sources) + 1), sources, references, control, data))
    return control, data[:size]
