"""A window: the documents of some row groups, shuffled, packed, and laid out as the tokens of its sequences.

Everything here follows from the window's row groups, the settings and a key, so a sequence can be had without those
before it, at any rank.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from corpus.reader.groups import RowGroup
from corpus.reader.packing import Packed, Piece, best_fit, pad
from corpus.reader.passes import ALGORITHM, Ints, Part
from corpus.reader.permutation import shuffled
from corpus.reader.settings import ReaderSettings
from corpus.settings import fingerprint

SPAN: Final = np.dtype(
    [
        ("at", "<i8"),  # of its first token in the window
        ("tokens", "<i8"),
        ("group", "<i8"),  # row group, numbered as the reader does
        ("row", "<i8"),
        ("first", "<i8"),  # of its tokens in the row
        ("next", "<i8"),  # id that follows it in its document, -1 at the document's end
    ]
)
"""A stretch of a window that one document fills."""


@dataclass(frozen=True, slots=True)
class Document:
    """A row of a row group, or what a lane has of it: `tokens` ids from `begin` on, of the group's."""

    group: int
    row: int
    begin: int
    tokens: int
    first: int


@dataclass(frozen=True, slots=True)
class Window:
    """Ids (uint16 or uint32) of the sequences of a window, one after another, and its spans (SPAN), ascending."""

    ids: npt.NDArray[Any]
    spans: npt.NDArray[Any]
    dropped: int = 0
    # Where spans begin and end, apart from the rest of them: a search in a column of records would copy it.
    _starts: Ints = field(init=False, repr=False)
    _ends: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", np.ascontiguousarray(self.spans["at"]))
        object.__setattr__(self, "_ends", self._starts + self.spans["tokens"])

    @property
    def tokens(self) -> int:
        """Places in it, padding among them."""
        return len(self.ids)

    def covering(self, start: int, end: int) -> tuple[int, int]:
        """Return the first span that has tokens in start .. end - 1, and the first one after it that has none."""
        return int(self._ends.searchsorted(start, side="right")), int(self._starts.searchsorted(end))


def window_of(
    parts: Sequence[Part], groups: Mapping[int, RowGroup], count: int, settings: ReaderSettings, key: Sequence[Any]
) -> Window:
    """Return the window of some parts of row groups, which the plan says has `count` sequences (no matter to concat).

    key: what tells the window from all others of the plan.
    """
    length = settings.sequence_length
    if settings.packing == "pad":
        documents = [document for part in parts for document in whole(part.group, groups[part.group])]
        packed = in_units(parts, documents, settings)
    else:
        documents = [document for part in parts for document in cut(part, groups[part.group])]
        order = shuffled(len(documents), fingerprint(ALGORITHM, "documents", *key).encode())
        documents = [documents[place] for place in order.tolist()]
        sizes = [document.tokens for document in documents]
        if settings.packing == "concat":
            return laid_out([[(place, 0, size) for place, size in enumerate(sizes)]], documents, groups, 0, 0)
        packed = best_fit(sizes, length, count)
    order = shuffled(len(packed.sequences), fingerprint(ALGORITHM, "sequences", *key).encode())
    sequences = [packed.sequences[place] for place in order.tolist()]
    return laid_out(sequences, documents, groups, length, settings.pad_id, packed.dropped)


def cut(part: Part, group: RowGroup) -> list[Document]:
    """Return the documents of a row group that have ids from part.low to part.high, cut to that."""
    starts = group.starts
    first = int(np.searchsorted(starts, part.low, side="right")) - 1
    last = int(np.searchsorted(starts, part.high, side="left"))
    begins = np.maximum(starts[first:last], part.low)
    ends = np.minimum(starts[first + 1 : last + 1], part.high)
    columns = (range(first, last), begins.tolist(), (ends - begins).tolist(), (begins - starts[first:last]).tolist())
    return [Document(part.group, *row) for row in zip(*columns, strict=True)]


def whole(number: int, group: RowGroup) -> list[Document]:
    """Return the documents of a row group."""
    return cut(Part(number, 0, int(group.starts[-1])), group)


def in_units(parts: Sequence[Part], documents: Sequence[Document], settings: ReaderSettings) -> Packed:
    """Pad all documents; leave of each row group the sequences that are its part's."""
    packed = pad([document.tokens for document in documents], settings.sequence_length, settings.too_long)
    by_group: dict[int, list[list[Piece]]] = {part.group: [] for part in parts}
    for sequence in packed.sequences:
        by_group[documents[sequence[0][0]].group].append(sequence)
    return Packed([one for part in parts for one in by_group[part.group][part.low : part.high]], packed.dropped)


def laid_out(
    sequences: Sequence[Sequence[Piece]],
    documents: Sequence[Document],
    groups: Mapping[int, RowGroup],
    length: int,
    filler: int,
    dropped: int = 0,
) -> Window:
    """Write sequences of pieces one after another, each filled up to `length` (0: not at all)."""
    kind = next(iter(groups.values())).ids.dtype
    slices: list[npt.NDArray[Any]] = []
    spans: list[tuple[int, int, int, int, int, int]] = []
    at = 0
    padding = np.full(length, filler, np.promote_types(kind, np.min_scalar_type(filler)))
    for sequence in sequences:
        end = at + length
        for place, first, tokens in sequence:
            document = documents[place]
            ids, begin = groups[document.group].ids, document.begin + first
            follows = int(ids[begin + tokens]) if first + tokens < document.tokens else -1
            slices.append(ids[begin : begin + tokens])
            spans.append((at, tokens, document.group, document.row, document.first + first, follows))
            at += tokens
        if at < end:
            slices.append(padding[: end - at])
            at = end
    ids = np.concatenate(slices) if slices else np.zeros(0, kind)
    return Window(ids, np.array(spans, SPAN), dropped)


def units_of(lengths: Ints, settings: ReaderSettings) -> int:
    """Return how many sequences pad makes of rows of these lengths."""
    size = settings.sequence_length
    if settings.too_long == "split":
        return int((-(-lengths // size)).sum())
    return int(np.count_nonzero(lengths <= size)) if settings.too_long == "drop" else len(lengths)
