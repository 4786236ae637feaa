"""A window: the documents of some row groups, shuffled and packed: which stretch of which row group lies where.

Everything here follows from the window's row groups, the settings and a key, so a sequence can be had without those
before it, at any rank. Lengths alone decide it, and ids stay where they were decoded until a batch copies its own
(batch.py), so each id is copied once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from corpus.reader.groups import RowGroup
from corpus.reader.packing import Packed, best_fit, pad, sequences_of
from corpus.reader.passes import ALGORITHM, Ints, Part
from corpus.reader.permutation import shuffled
from corpus.reader.settings import ReaderSettings
from corpus.settings import fingerprint

SPAN: Final = np.dtype(
    [
        ("at", "<i8"),  # of its first token in the window
        ("tokens", "<i8"),
        ("source", "<i8"),  # of its ids: a place in Window.sources
        ("begin", "<i8"),  # of its ids in the source
        ("left", "<i8"),  # ids of its document that follow in the source
        ("group", "<i8"),  # row group, numbered as the reader does; PADDING
        ("row", "<i8"),
        ("first", "<i8"),  # of its tokens in the row
    ]
)
"""A stretch of a window that one document fills, or padding."""
PADDING: Final = -1
"""In place of a row group, and the source of padding."""
Spans = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Spans (SPAN) that fill the sequences of a window one after another, ascending, and what their ids are taken from:
    the ids of each row group (uint16 or uint32), padding last."""

    spans: Spans
    sources: Sequence[npt.NDArray[Any]]
    # Where spans begin and end, apart from the rest of them: a search in a column of records would copy it.
    _starts: Ints = field(init=False, repr=False)
    _ends: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", np.ascontiguousarray(self.spans["at"]))
        object.__setattr__(self, "_ends", self._starts + self.spans["tokens"])

    @property
    def tokens(self) -> int:
        """Places in it, padding among them."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def covering(self, start: int, end: int) -> Spans:
        """Return the spans that have tokens in start .. end - 1."""
        first, last = self._ends.searchsorted(start, side="right"), self._starts.searchsorted(end)
        return self.spans[first:last]


def window_of(
    parts: Sequence[Part], groups: Mapping[int, RowGroup], count: int, settings: ReaderSettings, key: Sequence[Any]
) -> Window:
    """Return the window of some parts of row groups, which the plan says has `count` sequences (no matter to concat).

    key: what tells the window from all others of the plan.
    """
    length = settings.sequence_length
    sources = [groups[part.group].ids for part in parts]
    sources.append(np.full(length, settings.pad_id, np.min_scalar_type(settings.pad_id)))
    if settings.packing == "pad":
        padded = [in_units(number, part, groups[part.group], settings) for number, part in enumerate(parts)]
        spans = np.concatenate(padded)
        sequence = np.arange(len(spans))
    else:
        documents = np.concatenate([cut(number, part, groups[part.group]) for number, part in enumerate(parts)])
        spans = documents[shuffled(len(documents), fingerprint(ALGORITHM, "documents", *key).encode())]
        if settings.packing == "concat":
            spans["at"] = np.cumsum(spans["tokens"]) - spans["tokens"]
            return Window(spans, sources)
        packed = best_fit(np.ascontiguousarray(spans["tokens"]), length, count)
        spans, sequence = pieces_of(spans, packed), packed.sequence
    order = shuffled(count, fingerprint(ALGORITHM, "sequences", *key).encode())
    return Window(laid_out(spans, np.argsort(order)[sequence], count, length), sources)


def cut(number: int, part: Part, group: RowGroup) -> Spans:
    """Return the documents of a row group that have ids from part.low to part.high, cut to that. number: its source."""
    starts = group.starts
    first = int(np.searchsorted(starts, part.low, side="right")) - 1
    last = int(np.searchsorted(starts, part.high, side="left"))
    begins = np.maximum(starts[first:last], part.low)
    documents = np.zeros(last - first, SPAN)
    documents["source"], documents["group"], documents["row"] = number, part.group, np.arange(first, last)
    documents["begin"], documents["tokens"] = begins, np.minimum(starts[first + 1 : last + 1], part.high) - begins
    documents["first"] = begins - starts[first:last]
    return documents[documents["tokens"] > 0]


def in_units(number: int, part: Part, group: RowGroup, settings: ReaderSettings) -> Spans:
    """Return of a row group's documents, padded, the sequences that are its part's."""
    documents = cut(number, Part(part.group, 0, int(group.starts[-1])), group)
    packed = pad(np.ascontiguousarray(documents["tokens"]), settings.sequence_length, settings.too_long)
    return pieces_of(documents, packed)[part.low : part.high]


def pieces_of(documents: Spans, packed: Packed) -> Spans:
    """Return the pieces of documents as they are packed, in the same order; `at` is not set."""
    pieces = documents[packed.document]
    pieces["left"] = pieces["tokens"] - packed.first - packed.tokens
    pieces["tokens"] = packed.tokens
    pieces["begin"] += packed.first
    pieces["first"] += packed.first
    return pieces


def laid_out(pieces: Spans, sequence: Ints, count: int, length: int) -> Spans:
    """Return `count` sequences one after another, each its pieces in order (sequence: of each piece), then padding."""
    order = np.argsort(sequence, kind="stable")
    spans, sequence = pieces[order], sequence[order]
    sizes = np.bincount(sequence, spans["tokens"], count).astype(np.int64)
    before = np.cumsum(sizes) - sizes  # tokens of all sequences before
    spans["at"] = np.cumsum(spans["tokens"]) - spans["tokens"] + (np.arange(count) * length - before)[sequence]
    short = np.flatnonzero(sizes < length)
    padding = np.zeros(len(short), SPAN)
    padding["at"], padding["tokens"] = short * length + sizes[short], length - sizes[short]
    padding["source"] = padding["group"] = PADDING
    return np.insert(spans, np.searchsorted(sequence, short, side="right"), padding)


def units_of(lengths: Ints, settings: ReaderSettings) -> int:
    """Return how many sequences pad makes of rows of these lengths."""
    return int(sequences_of(lengths.astype(np.int64, copy=False), settings.sequence_length, settings.too_long).sum())
