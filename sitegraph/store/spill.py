"""Arcs of any order, set down by ranges of targets: the first half of an external sort.

Node ids are cut into at most RANGES ranges of equal width, a power of two that depends on the number of nodes alone, so
the files of a graph are the same whatever the memory. Each arc goes to the file of its target's range, in words of four
bytes (words.py), its counts to a file beside it. Each range then fits in memory, and is sorted there (builder.py).
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.kernels import kernel
from corpus.storage import as_storage_error, write_text
from sitegraph.store.classes import COLUMNS, Counts, real
from sitegraph.store.growing import GrowingFile
from sitegraph.store.words import WORST, Packed, pack

RANGES: Final = 256
NARROWEST: Final = 1 << 12
KINDS: Final = ("words", "counts")
"""Files of a range."""
MOST: Final = (1 << 16) - 1
"""Stands for this out-degree and all above it."""
STEP: Final = 8
"""Arcs from one that is looked at to the next, in a run of one source."""

Ints = NDArray[np.int64]


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
def order_by_range(target: Any, bits: Any, nexts: Any, places: Any) -> None:
    """Write where the arcs of each range stand (int64[m]), range by range; nexts int64[ranges]: where each begins."""
    shift = np.uint32(bits)
    for i in range(np.uint64(len(target))):
        r = np.uint64(target[i] >> shift)
        places[np.uint64(nexts[r])] = i
        nexts[r] += 1


@kernel
def count_sources(source: Any, rises: Any, degrees: Any) -> None:  # uint32[m], bool, uint16 per node
    """Count the arcs of each source, up to MOST; rises: sources never fall, so those between equal ones are equal."""
    i, m, step = np.uint64(0), np.uint64(len(source)), np.uint64(STEP)
    while i < m:  # arcs mostly come source by source, and a number written again waits for itself
        node, start = source[i], i
        while rises and i + step < m and source[i + step] == node:
            i += step
        while i < m and source[i] == node:
            i += np.uint64(1)
        degrees[np.uint64(node)] = min(np.uint64(degrees[np.uint64(node)]) + (i - start), np.uint64(MOST))


@kernel
def count_relabelled(keys: Any, relabel: Any, degrees: Any) -> None:  # keys of arcs: count those of relabel[source]
    for key in keys:
        node = np.uint64(relabel[key & np.uint64(0xFFFFFFFF)])
        degrees[node] += np.uint16(degrees[node] < MOST)


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

    counted: arcs come with counts. relabelled: sources are not ids of the level (places of hosts, where it is that of
    domains). degrees: uint16 per node, how many arcs leave it, those that come more than once as often, up to MOST;
    of relabelled ones once `count_relabelled` was called. sorted_by_source: whether the sources of all arcs so far
    never fell (not said of relabelled ones, which come by target). sizes, words: int64 per range, its arcs so far and
    the words they take. checks: int64[ranges, 2], the CRC-32 of a range's bytes in its files; `read` holds what it
    finds against them.

    What counts is what `sizes` and `words` say, of which the last bytes may wait in memory (growing.py) until `flush`,
    which `close`, `state` and `read` call: whatever else the files hold, left by a killed process or a full disk, does
    not count, and is cut off when they are written to. `state` and `rewind` carry both from one process to another, for
    a spill that is relabelled; one that is not is taken up when it is whole, with its degrees.
    """

    def __init__(self, folder: Path, nodes: int, *, counted: bool = False, relabelled: bool = False) -> None:
        self.folder, self.nodes, self.counted = folder, nodes, counted
        self.width_bits = range_bits(nodes)
        self.ranges = max(1, -(-nodes // (1 << self.width_bits)))
        self.degrees = np.zeros(nodes, np.uint16)
        self.sizes, self.words = np.zeros(self.ranges, np.int64), np.zeros(self.ranges, np.int64)
        self.checks = np.zeros((self.ranges, 2), np.int64)
        self._relabelled = relabelled
        self.sorted_by_source, self._last = not relabelled, np.uint32(0)
        kinds = KINDS[: 1 + counted]
        self._files = [[GrowingFile(self.path(number, kind)) for kind in kinds] for number in range(self.ranges)]
        self._room = np.empty(0, np.uint32)
        with as_storage_error(folder):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def arcs(self) -> int:
        """Arcs added so far."""
        return int(self.sizes.sum())

    def first(self, number: int) -> int:
        """Return the id of the first node of a range."""
        return number << self.width_bits

    def width(self, number: int) -> int:
        """Return how many nodes a range has."""
        return min(1 << self.width_bits, self.nodes - self.first(number))

    def path(self, number: int, kind: str) -> Path:
        """Return the file of a range: kind is `words` or `counts`."""
        return self.folder / f"{number:05d}.{kind}"

    def _bytes(self, number: int) -> tuple[int, ...]:
        """Return the bytes of a range in each of its files."""
        sizes = 4 * int(self.words[number]), 8 * len(COLUMNS) * int(self.sizes[number])
        return sizes[: 1 + self.counted]

    def add(self, source: NDArray[np.uint32], target: NDArray[np.uint32], counts: Counts | None = None) -> None:
        """Add arcs, ids below the numbers of nodes. Raises StorageError when the disk is full; none is added then."""
        if not len(source):
            return
        sizes = np.zeros(self.ranges, np.int64)
        count_ranges(target, self.width_bits, sizes)
        starts = np.cumsum(sizes) - sizes
        if len(self._room) < WORST * len(source):  # kept for the next arcs: memory that is new costs as much as packing
            self._room = np.empty(WORST * len(source), np.uint32)
        ends = WORST * starts
        pack(source, target, self.width_bits, ends, self._room)
        moved = counts[self._places(target, starts)] if counts is not None else None
        parts = [(number, self._parts(number, starts, sizes, ends, moved)) for number in np.flatnonzero(sizes).tolist()]
        with self._closing():
            for number, arrays in parts:
                for file, values in zip(self._files[number], arrays, strict=True):
                    file.make_room(values.nbytes)
        for number, arrays in parts:
            for kind, values in enumerate(arrays):
                self._files[number][kind].put(values)
                self.checks[number, kind] = isal_zlib.crc32(values.data, int(self.checks[number, kind]))
        self.sizes += sizes
        self.words += ends - WORST * starts
        self.sorted_by_source = self.sorted_by_source and bool(rising(source, self._last))
        self._last = source[-1]
        if not self._relabelled:
            count_sources(source if counts is None else source[real(counts)], self.sorted_by_source, self.degrees)

    def _places(self, target: NDArray[np.uint32], starts: NDArray[np.int64]) -> NDArray[np.int64]:
        places = np.empty(len(target), np.int64)
        order_by_range(target, self.width_bits, starts.copy(), places)
        return places

    def _parts(self, number: int, starts: Ints, sizes: Ints, ends: Ints, moved: Counts | None) -> list[NDArray[Any]]:
        """Return what each file of a range gets of the arcs that were packed."""
        start = int(starts[number])
        words = self._room[WORST * start : int(ends[number])]
        return [words] if moved is None else [words, moved[start : start + int(sizes[number])]]

    def flush(self) -> None:
        """Write what waits. Raises StorageError when the disk is full; it can be called again."""
        with self._closing():
            for file in chain.from_iterable(self._files):
                file.write()

    @contextmanager
    def _closing(self) -> Iterator[None]:
        """Close all files when writing to one fails; what waits for them waits still."""
        try:
            yield
        except BaseException:
            self._close()
            raise

    def close(self) -> None:
        """Write what waits, and close the files, which stay. Raises StorageError when the disk is full."""
        self.flush()
        self._close()

    def _close(self) -> None:
        self._room = np.empty(0, np.uint32)
        with ExitStack() as closing:  # all of them, though one may raise
            for file in chain.from_iterable(self._files):
                closing.callback(file.close)

    def __enter__(self) -> "Spill":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:  # to write may be what went wrong
            self._close()

    def state(self) -> dict[str, Any]:
        """Write what waits, and return what `rewind` takes up, as JSON values."""
        self.flush()
        counts = {"sizes": self.sizes.tolist(), "words": self.words.tolist(), "checks": self.checks.tolist()}
        return counts | {"sorted_by_source": self.sorted_by_source, "last": int(self._last)}

    def rewind(self, state: dict[str, Any]) -> None:
        """Go back, or forward, to a state; what the files hold beyond it does not count."""
        self.sizes[:], self.words[:], self.checks[:] = state["sizes"], state["words"], state["checks"]
        self.sorted_by_source, self._last = state["sorted_by_source"], np.uint32(state["last"])
        for number, files in enumerate(self._files):
            for file, size in zip(files, self._bytes(number), strict=True):
                file.rewind(size)

    def save(self) -> None:
        """Close it and write down that it is whole, so that `restore` finds it."""
        self.close()
        with as_storage_error(self.folder):
            np.save(self.folder / "degrees.npy", self.degrees)
        whole = self.state() | {"degrees": isal_zlib.crc32(self.degrees.data)}
        write_text(self.folder / "whole.json", json.dumps(whole))

    def restore(self) -> bool:
        """Take up what `save` wrote; return whether there was any."""
        path = self.folder / "whole.json"
        state = json.loads(path.read_text()) if path.exists() else {}
        if not {"words", "checks", "degrees"} <= set(state):  # none, or one of another kind
            return False
        self.rewind(state)
        self.degrees = self._degrees(state["degrees"])
        return True

    def _degrees(self, check: int) -> NDArray[np.uint16]:
        """Return the out-degrees that `save` wrote. Raises StorageError where they are not."""
        path = self.folder / "degrees.npy"
        with as_storage_error(path):
            found: NDArray[np.uint16] = np.load(path)
        kind = (found.dtype, found.shape) == (self.degrees.dtype, self.degrees.shape)
        if not kind or isal_zlib.crc32(found.data) != check:
            raise StorageError(f"{path}: not what was written to it; delete its folder and build again")
        return found

    def count_relabelled(self, relabel: NDArray[np.int32]) -> None:
        """Count the arcs of relabel[source], for a spill whose sources are relabelled."""
        self.close()
        self.degrees[:] = 0
        for number in range(self.ranges):
            packed, counts = self.read(number)
            keys = packed.keys(len(relabel))
            count_relabelled(keys if counts is None else keys[real(counts)], relabel, self.degrees)

    def read(self, number: int) -> tuple[Packed, Counts | None]:
        """Return the arcs and counts (int64[m, 7]) of a range, in the order in which they were added.

        They are mapped: what is written to them stays in memory.
        """
        for file in self._files[number]:
            file.write()
        words, arcs = self._mapped(number, 0, np.uint32), int(self.sizes[number])
        packed = Packed(words, self.width_bits, arcs, self.width(number), self.path(number, "words"))
        return packed, self._mapped(number, 1, np.int64).reshape(-1, len(COLUMNS)) if self.counted else None

    def _mapped(self, number: int, kind: int, dtype: Any) -> NDArray[Any]:
        file, size = self._files[number][kind], self._bytes(number)[kind]
        path = file.path
        if not size:
            return np.zeros(0, dtype)
        with as_storage_error(path):
            if not path.exists() or path.stat().st_size < size:
                raise file.missing()
            found = np.asarray(np.memmap(path, dtype, "c", shape=size // np.dtype(dtype).itemsize))
        if isal_zlib.crc32(found.data) != self.checks[number, kind]:
            raise StorageError(f"{path}: not what was written to it; delete its folder and build again")
        return found

    def remove(self, number: int) -> None:
        """Delete the files of a range."""
        for kind in KINDS:
            self.path(number, kind).unlink(missing_ok=True)
