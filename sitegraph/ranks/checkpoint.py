"""The state of a rank between sweeps, kept on disk, so that a killed run loses the sweep that it was at.

The file belongs to one computation: its head holds a fingerprint of the graph (index of its arcs), weights,
preferences and settings, and a check sum; with another one it is passed over. It is written whole and renamed, and only
as often as takes no more than a twentieth of the time.
"""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from corpus.settings import fingerprint
from corpus.storage import whole_file
from sitegraph.store.opened import Graph

MAGIC: Final = b"HWSWEEP3"
SHARE: Final = 20
"""One part in so many of the time may go into writing states."""
PIECE: Final = 1 << 20
"""Bytes read at a time for the check sum."""

Vector = NDArray[np.float64]


class Checkpoint:
    """State of a computation in the file `path`; None keeps nothing."""

    def __init__(
        self, path: Path | None, graph: Graph, weights: Vector, preferences: Sequence[Any], settings: Any
    ) -> None:
        self.path = path
        self._mark = identity(graph, weights, preferences, settings) if path else b""
        self._last, self._took = time.monotonic(), 0.0

    def load(self, *state: NDArray[Any]) -> int:
        """Fill the arrays of `state` with what was kept, and return after how many sweeps; 0 when nothing fits."""
        if self.path is None or not self.path.exists():
            return 0
        with open(self.path, "rb") as stream:
            head = stream.read(len(MAGIC) + len(self._mark) + 12)
            known, sweeps = head[:-12], int.from_bytes(head[-8:], "little")
            if known != MAGIC + self._mark or self.path.stat().st_size != len(head) + sum(
                part.nbytes for part in state
            ):
                return 0
            check = isal_zlib.crc32(head[-8:])
            while piece := stream.read(PIECE):
                check = isal_zlib.crc32(piece, check)
            if check != int.from_bytes(head[-12:-8], "little"):
                return 0
            stream.seek(len(head))
            for part in state:
                stream.readinto(as_bytes(part))
        return sweeps

    def save(self, sweeps: int, *state: NDArray[Any]) -> None:
        """Keep the arrays of `state`, which have no gaps, when it is time to."""
        if self.path is None or time.monotonic() - self._last < SHARE * self._took:
            return
        start = time.monotonic()
        after, parts = sweeps.to_bytes(8, "little"), [as_bytes(part) for part in state]
        check = isal_zlib.crc32(after)
        for part in parts:
            check = isal_zlib.crc32(part, check)
        with whole_file(self.path) as out:
            out.write(MAGIC + self._mark + check.to_bytes(4, "little") + after)
            for part in parts:
                out.write(part)
        self._last = time.monotonic()
        self._took = self._last - start

    def forget(self) -> None:
        """Delete the file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def as_bytes(values: NDArray[Any]) -> memoryview:
    """Return the memory of an array."""
    return values.reshape(-1).view(np.uint8).data


def identity(graph: Graph, weights: Vector, preferences: Sequence[Any], settings: Any) -> bytes:
    """Return what tells this computation from others: 32 bytes."""
    digest = hashlib.sha256(fingerprint(graph.level, graph.n, graph.m, settings).encode())
    digest.update(graph.arcs.mark())
    digest.update(np.ascontiguousarray(weights).tobytes())
    for preference in preferences:
        digest.update(b"uniform" if preference is None else b"".join(part.tobytes() for part in preference))
    return digest.digest()
