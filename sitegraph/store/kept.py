"""Sorted lists of a range kept on disk, from the pass that finds the classes of arcs to the pass that writes them.

Arrays stand one behind the other, each as numpy saves it: what numpy packs together it also holds against a check sum,
which takes longer than all else here. The index takes as few bytes as the number of rows allows.
"""

from pathlib import Path

import numpy as np

from corpus.storage import as_storage_error
from sitegraph.store.merging import Lists


def keep(path: Path, lists: Lists) -> None:
    """Write lists, whole or not at all. Raises StorageError when the disk is full."""
    partial = path.with_name(f".{path.name}.tmp")
    index = lists.index.astype(np.min_scalar_type(len(lists.rows)))
    with as_storage_error(path), open(partial, "wb") as stream:
        for array in (lists.offsets, lists.sources, lists.rows, index):
            np.save(stream, array)
    partial.replace(path)


def kept(path: Path) -> Lists:
    """Read lists that were kept."""
    with as_storage_error(path), open(path, "rb") as stream:
        offsets, sources, rows, index = (np.load(stream, allow_pickle=False) for _ in range(4))
    return Lists(offsets, sources, rows, index.astype(np.int32))
