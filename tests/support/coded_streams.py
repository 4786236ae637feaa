"""What a stream of coded ids holds, told from the ids alone (coded_roots.py)."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from coded_roots import Coded

from corpus.reader import Batch

HASHED = ("input_ids", "labels", "loss_mask", "position_ids", "segment_ids", "documents")
"""Fields that are laid out by sequence, so that the ranks' parts joined are the whole."""


def digest(batches: Iterable[Sequence[Batch]]) -> str:
    """Return the SHA-256 of a stream: for each step the ranks' batches, joined in rank order."""
    found = hashlib.sha256()
    for step in batches:
        for name in HASHED:
            for batch in step:
                found.update(np.ascontiguousarray(batch[name]).tobytes())
    return found.hexdigest()


def real_ids(batches: Iterable[Batch]) -> npt.NDArray[np.int64]:
    """Return the ids of a stream but for padding, in order."""
    return np.concatenate([batch["input_ids"][batch["segment_ids"] > 0] for batch in batches])


def expected_ids(documents: Iterable[Coded]) -> npt.NDArray[np.int64]:
    """Return the ids of documents, ascending."""
    return np.sort(np.concatenate([document.ids for document in documents]).astype(np.int64))


def labels_follow(batch: Batch) -> bool:
    """Say whether each label is the token after its id in the same document, and none stands for a document's end."""
    ids, labels = batch["input_ids"][batch["loss_mask"]], batch["labels"][batch["loss_mask"]]
    return bool((labels == ids + 1).all())


def first_seen(batches: Iterable[Batch]) -> npt.NDArray[np.int64]:
    """Return documents in the order in which their first token comes."""
    ids = real_ids(batches)
    return (ids >> 12)[ids & 4095 == 0]
