"""Arcs of any order, set down by ranges of targets: the first half of an external sort.

Node ids are cut into at most RANGES ranges of equal width, a power of two that depends on the number of nodes alone, so
the files of a graph are the same whatever the memory. Each arc goes to the file of its target's range, as one word
(target within the range in the upper half, source in the lower), its counts to a file beside it. Each range then fits
in memory, and is sorted there (builder.py).
"""

import json
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.kernels import kernel
from corpus.storage import as_storage_error, write_text
from sitegraph.store.classes import COLUMNS, Counts, real

RANGES: Final = 256
NARROWEST: Final = 1 << 12


def range_bits(nodes: int) -> int:
    """Return the binary logarithm of the width of a range."""
    width = max(NARROWEST, -(-nodes // RANGES))
    return (width - 1).bit_length()


@kernel
def count_ranges(target: Any, bits: Any, counts: Any) -> None:  # uint32[m], int, int64[ranges], zeros
    """Count the arcs of each range, in four rows in turn: targets next to one another are mostly of one range, and a
    number that was written just now is waited for."""
    rows = np.zeros((4, len(counts)), np.int64)
    shift, m = np.uint32(bits), np.uint64(len(target))
    for i in range(m // np.uint64(4)):
        at = np.uint64(4) * i
        for lane in range(np.uint64(4)):
            rows[lane, np.uint64(target[at + lane] >> shift)] += 1
    for i in range(m - m % np.uint64(4), m):
        rows[np.uint64(0), np.uint64(target[i] >> shift)] += 1
    for r in range(len(counts)):
        counts[r] += rows[0, r] + rows[1, r] + rows[2, r] + rows[3, r]


@kernel
def scatter(source: Any, target: Any, bits: Any, nexts: Any, keys: Any, places: Any) -> None:
    """Put each arc's word in its range's stretch of `keys` (uint64[m]); places int64[m or 0]: where each arc came from.

    nexts int64[ranges]: where the next arc of a range goes, advanced here. Arcs of a range keep their order.
    """
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    placed = len(places) > 0
    last, at = np.uint64(0), np.uint64(nexts[0])
    for i in range(np.uint64(len(source))):
        t = np.uint64(target[i])
        r = t >> np.uint64(bits)
        if r != last:  # the place in a range that goes on is kept at hand
            nexts[last] = at
            last, at = r, np.uint64(nexts[r])
        keys[at] = (t & mask) << np.uint64(32) | np.uint64(source[i])
        if placed:
            places[at] = i
        at += np.uint64(1)
    nexts[last] = at


@kernel
def mark(source: Any, bits: Any) -> None:  # uint32[m], uint64 words: set the bit of each source
    last = np.uint64(1) << np.uint64(32)
    for s in source:
        node = np.uint64(s)
        if node != last:  # arcs mostly come source by source, and a word written again waits for itself
            bits[node >> np.uint64(6)] |= np.uint64(1) << (node & np.uint64(63))
            last = node


@kernel
def mark_relabelled(keys: Any, relabel: Any, bits: Any) -> None:  # words of arcs: set the bit of relabel[source]
    for key in keys:
        node = np.uint64(relabel[key & np.uint64(0xFFFFFFFF)])
        word, bit = node >> np.uint64(6), np.uint64(1) << (node & np.uint64(63))
        if not bits[word] & bit:
            bits[word] |= bit


@kernel
def rising(source: Any, last: Any) -> Any:  # -> whether the sources never fall, `last` being the one before them
    if len(source) and source[0] < last:
        return False
    fallen = np.uint32(0)
    for i in range(np.uint64(1), np.uint64(len(source))):
        fallen |= np.uint32(source[i] < source[i - np.uint64(1)])
    return fallen == 0


class Spill:
    """Files of arcs by range of targets, in `folder`: add(...) any number of times, then read(range) each once.

    counted: arcs come with counts. relabelled: sources are not nodes of the level (hosts, where it is that of domains).
    links: the bitmap of nodes that link. sorted_by_source: whether the sources of all arcs so far never fell (not said
    of relabelled ones, which come by target). sizes: int64 per range, its arcs so far.

    What counts is what `sizes` says: whatever else the files hold, left by a killed process or a full disk, is cut off
    when the next arcs are added. `state` and `rewind` carry the sizes from one process to another.
    """

    def __init__(self, folder: Path, nodes: int, *, counted: bool = False, relabelled: bool = False) -> None:
        self.folder, self.nodes, self.counted = folder, nodes, counted
        self.width_bits = range_bits(nodes)
        self.ranges = max(1, -(-nodes // (1 << self.width_bits)))
        self.links = np.zeros((nodes + 63) // 64, np.uint64)
        self.sizes = np.zeros(self.ranges, np.int64)
        self._relabelled = relabelled
        self.sorted_by_source, self._last = not relabelled, np.uint32(0)
        self._files: list[list[BinaryIO]] = []
        self._room = np.empty(0, np.uint64)
        with as_storage_error(folder):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def arcs(self) -> int:
        """Arcs added so far."""
        return int(self.sizes.sum())

    def path(self, number: int, kind: str) -> Path:
        """Return the file of a range: kind is `keys` or `counts`."""
        return self.folder / f"{number:05d}.{kind}"

    def _kinds(self) -> dict[str, int]:
        """Kinds of files, and the words of 8 bytes that an arc takes in each."""
        return {"keys": 1, "counts": len(COLUMNS)} if self.counted else {"keys": 1}

    def _open(self) -> None:
        with as_storage_error(self.folder):
            for number in range(self.ranges):
                self._files.append([])
                for kind, words in self._kinds().items():
                    file = open(self.path(number, kind), "ab", buffering=0)  # noqa: SIM115 - closed by close
                    self._files[-1].append(file)
                    size = 8 * words * int(self.sizes[number])
                    if file.tell() < size:
                        raise self._shorter(number, kind)
                    file.truncate(size)

    def _shorter(self, number: int, kind: str) -> StorageError:
        return StorageError(f"{self.path(number, kind)}: shorter than it was; delete its folder and build again")

    def add(self, source: NDArray[np.uint32], target: NDArray[np.uint32], counts: Counts | None = None) -> None:
        """Add arcs, ids below the numbers of nodes. Raises StorageError when the disk is full; none is added then."""
        if not len(source):
            return
        sizes = np.zeros(self.ranges, np.int64)
        count_ranges(target, self.width_bits, sizes)
        ends = np.cumsum(sizes)
        if len(self._room) < len(source):  # kept for the next arcs: memory that is new costs as much as the scatter
            self._room = np.empty(len(source), np.uint64)
        keys = self._room[: len(source)]
        places = np.empty(len(source) if self.counted else 0, np.int64)
        scatter(source, target, self.width_bits, ends - sizes, keys, places)
        moved = counts[places] if counts is not None else None
        try:
            if not self._files:
                self._open()
            for number in np.flatnonzero(sizes).tolist():
                part = slice(int(ends[number] - sizes[number]), int(ends[number]))
                self._put(number, 0, keys[part])
                if moved is not None:
                    self._put(number, 1, moved[part])
        except BaseException:
            self.close()  # so that what was written of these arcs is cut off
            raise
        self.sizes += sizes
        self.sorted_by_source = self.sorted_by_source and bool(rising(source, self._last))
        self._last = source[-1]
        if not self._relabelled:
            mark(source if counts is None else source[real(counts)], self.links)

    def _put(self, number: int, kind: int, values: NDArray[Any]) -> None:
        with as_storage_error(self.folder):
            left = values.data.cast("B")
            while left:
                left = left[self._files[number][kind].write(left) :]

    def close(self) -> None:
        """Close the files, which stay."""
        for files in self._files:
            for file in files:
                file.close()
        self._files, self._room = [], self._room[:0].copy()

    def __enter__(self) -> "Spill":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def state(self) -> dict[str, Any]:
        """Return what `rewind` takes up, as JSON values."""
        return {"sizes": self.sizes.tolist(), "sorted_by_source": self.sorted_by_source, "last": int(self._last)}

    def rewind(self, state: dict[str, Any]) -> None:
        """Go back, or forward, to a state; what the files hold beyond it does not count."""
        self.close()
        self.sizes[:] = state["sizes"]
        self.sorted_by_source, self._last = state["sorted_by_source"], np.uint32(state["last"])

    def save(self) -> None:
        """Close it and write down that it is whole, so that `restore` finds it."""
        self.close()
        with as_storage_error(self.folder):
            np.save(self.folder / "links.npy", self.links)
        write_text(self.folder / "whole.json", json.dumps(self.state()))

    def restore(self) -> bool:
        """Take up what `save` wrote; return whether there was any."""
        if not (self.folder / "whole.json").exists():
            return False
        self.rewind(json.loads((self.folder / "whole.json").read_text()))
        self.links = np.load(self.folder / "links.npy")
        return True

    def mark_links(self, relabel: NDArray[np.int32]) -> None:
        """Mark relabel[source] of all arcs as linking nodes, for a spill whose sources are relabelled."""
        self.close()
        for number in range(self.ranges):
            keys, counts = self.read(number)
            mark_relabelled(keys if counts is None else keys[real(counts)], relabel, self.links)

    def read(self, number: int) -> tuple[NDArray[np.uint64], Counts | None]:
        """Return the words and counts (int64[m, 7]) of a range, in the order in which they were added.

        They are mapped: what is written to them stays in memory.
        """
        keys = self._words(number, "keys", np.uint64)
        return keys, self._words(number, "counts", np.int64).reshape(-1, len(COLUMNS)) if self.counted else None

    def _words(self, number: int, kind: str, dtype: Any) -> NDArray[Any]:
        path, words = self.path(number, kind), self._kinds()[kind] * int(self.sizes[number])
        if not words:
            return np.zeros(0, dtype)
        with as_storage_error(path):
            size = path.stat().st_size if path.exists() else 0
            if size < words * np.dtype(dtype).itemsize:
                raise self._shorter(number, kind)
            return np.asarray(np.memmap(path, dtype, "c", shape=words))

    def remove(self, number: int) -> None:
        """Delete the files of a range."""
        for kind in ("keys", "counts"):
            self.path(number, kind).unlink(missing_ok=True)
