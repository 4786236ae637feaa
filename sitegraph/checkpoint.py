"""The state of a rank between sweeps, kept on disk, so that a killed run loses the sweep that it was at.

The file belongs to one computation: its head holds a fingerprint of the graph (index of its arcs), weights,
preferences and settings; with another one it is passed over. It is written whole and renamed, and only as often as
takes no more than a twentieth of the time.
"""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.settings import fingerprint
from corpus.storage import whole_file
from sitegraph.store.opened import Graph

MAGIC: Final = b"HWSWEEP1"
SHARE: Final = 20
"""One part in so many of the time may go into writing states."""

Vector = NDArray[np.float64]


class Checkpoint:
    """State of a computation in the file `path`; None keeps nothing."""

    def __init__(
        self, path: Path | None, graph: Graph, weights: Vector, preferences: Sequence[Any], settings: Any
    ) -> None:
        self.path = path
        self._mark = identity(graph, weights, preferences, settings) if path else b""
        self._last, self._took = time.monotonic(), 0.0

    def load(self, state: Vector) -> int:
        """Fill `state` with what was kept, and return after how many sweeps; 0 when there is nothing that fits."""
        if self.path is None or not self.path.exists():
            return 0
        with open(self.path, "rb") as stream:
            head = stream.read(len(MAGIC) + 32 + 8)
            fits = head[: len(MAGIC)] == MAGIC and head[len(MAGIC) : len(MAGIC) + 32] == self._mark
            if not fits or self.path.stat().st_size != len(head) + state.nbytes:
                return 0
            stream.readinto(state.data.cast("B"))
        return int.from_bytes(head[-8:], "little")

    def save(self, state: Vector, sweeps: int) -> None:
        """Keep `state`, when it is time to."""
        if self.path is None or time.monotonic() - self._last < SHARE * self._took:
            return
        start = time.monotonic()
        with whole_file(self.path) as out:
            out.write(MAGIC + self._mark + sweeps.to_bytes(8, "little"))
            out.write(state.data.cast("B"))
        self._last = time.monotonic()
        self._took = self._last - start

    def forget(self) -> None:
        """Delete the file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def identity(graph: Graph, weights: Vector, preferences: Sequence[Any], settings: Any) -> bytes:
    """Return what tells this computation from others: 32 bytes."""
    digest = hashlib.sha256(fingerprint(graph.level, graph.n, graph.m, settings).encode())
    digest.update(graph.arcs.mark())
    digest.update(np.ascontiguousarray(weights).tobytes())
    for preference in preferences:
        digest.update(b"uniform" if preference is None else b"".join(part.tobytes() for part in preference))
    return digest.digest()
