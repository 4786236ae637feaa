"""Where vectors of results lie: in memory, or, when they are large, in files of the work folder."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from corpus.storage import as_storage_error
from sitegraph.ranks.passes import Vector

SHELVED: Final = 1 << 28
"""Bytes from which a vector of results is kept in a file."""


def shelved(size: int) -> bool:
    """Say whether so many bytes are kept in a file."""
    return size >= SHELVED


@dataclass(slots=True)
class Shelf:
    """Makes vectors: in memory, or, when they are large, in files of a folder that goes when the ranking is done."""

    folder: Path
    made: int = 0

    def __call__(self, length: int) -> Vector:
        if not shelved(8 * length):
            return np.empty(length)
        self.made += 1
        path = self.folder / f"{self.made}.vector"
        with as_storage_error(path), open(path, "wb") as out:
            if hasattr(os, "posix_fallocate"):  # a disk that fills up later would end the process, without a word
                os.posix_fallocate(out.fileno(), 0, 8 * length)
            out.truncate(8 * length)
        return np.memmap(path, np.float64, "r+", shape=(length,))
