"""Sorted lists of a range kept on disk, from the pass that finds the classes of arcs to the pass that writes them.

    length of each array and bytes per index (int64[5]) | offsets | sources | rows | index

The index takes as few bytes as the number of rows allows. No check sum: it would take longer than all else here. What
is read is held against the bounds of what it points into.
"""

from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import StorageError
from corpus.storage import as_storage_error
from sitegraph.store.classes import COLUMNS
from sitegraph.store.merging import Lists


def keep(path: Path, lists: Lists) -> None:
    """Write lists, whole or not at all. Raises StorageError when the disk is full."""
    partial = path.with_name(f".{path.name}.tmp")
    index = lists.index.astype(np.min_scalar_type(len(lists.rows)))
    arrays = (lists.offsets, lists.sources, lists.rows, index)
    head = np.array([*(array.size for array in arrays), index.itemsize])
    with as_storage_error(path), open(partial, "wb") as stream:
        for array in (head, *arrays):
            stream.write(np.ascontiguousarray(array).data)
    partial.replace(path)


def kept(path: Path, width: int, sources: int) -> Lists:
    """Read `width` lists that were kept, of so many sources. Raises StorageError where they cannot be what was kept."""
    with as_storage_error(path), open(path, "rb") as stream:
        *sizes, wide = np.fromfile(stream, np.int64, 5).tolist()
        kinds: tuple[Any, ...] = (np.int64, np.uint32, np.int64, f"u{wide}")
        found = [np.fromfile(stream, kind, size) for kind, size in zip(kinds, sizes, strict=True)]
        size = 8 * 5 + sum(array.nbytes for array in found)
    if [len(array) for array in found] != sizes:
        raise StorageError(f"{path}: shorter than it was; delete its folder and build again")
    offsets, places, rows, index = found
    whole = offsets[:1].tolist() == [0] and offsets[-1:].tolist() == [len(places)] and (np.diff(offsets) >= 0).all()
    agree = len(offsets) == width + 1 and len(index) in (0, len(places)) and size == path.stat().st_size
    if not whole or not agree or (places >= sources).any() or (index >= len(rows) // len(COLUMNS)).any():
        raise StorageError(f"{path}: its lists are not what was kept; delete its folder and build again")
    return Lists(offsets, places, rows.reshape(-1, len(COLUMNS)), index.astype(np.int32))
