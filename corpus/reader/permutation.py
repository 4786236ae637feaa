"""Keyed permutations of 0..size-1: one in constant memory, and one for what is in memory anyway.

The first is a Feistel network with cycle-walking, for the row groups of a corpus.

A Feistel network over 2h bits is a permutation whatever its round function (Luby and Rackoff 1988, SIAM J. Comput.
17:373); walking on until the value falls below `size` restricts it to any size (Black and Rogaway 2002, CT-RSA). The
domain is less than four times the size (64 at least, so that tiny sizes mix well), so a walk takes fewer than four
steps on average, and any position is computed by itself: nothing is stored, at 2^60 positions as at ten.

The second sorts by the numbers of splitmix64, for the documents of a window: many small ones, where walking would cost.
"""

import hashlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

ROUNDS: Final = 8
LEAST_HALF: Final = 3
LARGEST: Final = 1 << 62
GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


class Permutation:
    """The permutation of range(size) that `key` names; call it with positions (any integer array) to get places."""

    def __init__(self, size: int, key: bytes) -> None:
        if not 1 <= size <= LARGEST:
            raise ValueError(f"size {size} is not between 1 and 2^62")
        self.size = size
        half = max(LEAST_HALF, ((size - 1).bit_length() + 1) // 2)
        self._half, self._mask = np.uint64(half), np.uint64((1 << half) - 1)
        digest = hashlib.shake_256(key).digest(8 * ROUNDS)
        self._keys = np.frombuffer(digest, dtype="<u8").astype(np.uint64)

    def __call__(self, positions: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        values = self._encrypt(np.asarray(positions, dtype=np.uint64))
        outside = np.flatnonzero(values >= self.size)
        while outside.size:
            values[outside] = self._encrypt(values[outside])
            outside = outside[values[outside] >= self.size]
        return values.astype(np.int64)

    def _encrypt(self, values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        left, right = values >> self._half, values & self._mask
        for key in self._keys:
            left, right = right, left ^ (_mix(right + key) & self._mask)
        return (left << self._half) | right


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the finalizer of splitmix64 (Steele, Lea and Flood 2014) of each value."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def shuffled(size: int, key: bytes) -> npt.NDArray[np.int64]:
    """Return 0 .. size - 1 in the order that `key` names; no two numbers of splitmix64 are alike, so none is ahead."""
    start = np.frombuffer(hashlib.shake_256(key).digest(8), dtype="<u8").astype(np.uint64)
    return np.argsort(_mix(start + GOLDEN * np.arange(1, size + 1, dtype=np.uint64)), kind="stable")
