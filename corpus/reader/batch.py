"""A batch: sequences as arrays, with all that attention, loss and tracing need.

| field           | shape, dtype                 | what it is                                                          |
|-----------------|------------------------------|---------------------------------------------------------------------|
| input_ids       | (sequences, S), int64, int32 | token ids                                                           |
| labels          | (sequences, S), the same     | id to predict at each place; IGNORED where loss_mask is 0           |
| loss_mask       | (sequences, S), bool         | whether a place has a label: not in padding, nor (with mask) at the |
|                 |                              | end of a document; decided by place, never by id                    |
| position_ids    | (sequences, S), int32        | place within the segment                                            |
| segment_ids     | (sequences, S), int32        | number of the segment in its sequence from 1 on, 0 in padding       |
| cu_seqlens      | (segments + 1,), int32       | where segments begin in the batch laid out flat, and its end;       |
|                 |                              | padding is a segment                                                |
| max_seqlen      | int                          | the longest segment                                                 |
| num_real_tokens | int                          | places that are not padding                                         |
| sequence        | (sequences,), int64          | global number of each sequence                                      |
| documents       | (spans,), REFERENCE          | which document fills which places                                   |

A segment is what one document fills of a sequence (with mask), or all of the sequence that is not padding (without).
cu_seqlens and max_seqlen are what flash_attn_varlen_func, torch.nn.attention.varlen and Megatron's thd take;
segment_ids and position_ids serve FlexAttention and JAX.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from corpus.reader.settings import ReaderSettings
from corpus.reader.window import SPAN, Window

IGNORED: Final = -100
"""Label of a place without one: what torch's cross_entropy passes over by default."""
Batch = dict[str, Any]
Row = tuple[int, Sequence[tuple[Window, int, int]]]
"""(global number of a sequence, the stretches of windows that make it up)"""

REFERENCE: Final = np.dtype(
    [("sequence", "<i8"), ("start", "<i8"), ("tokens", "<i8"), ("group", "<i8"), ("row", "<i8"), ("first", "<i8")]
)
"""A stretch of a sequence that one document fills: global sequence number, place in the sequence, number of tokens,
row group (numbered as the reader does), row, and which of the row's tokens is the first."""


def batch_of(rows: Sequence[Row], settings: ReaderSettings) -> Batch:
    """Return the batch of some sequences."""
    length = settings.sequence_length
    ids = np.concatenate([window.ids[start:end] for _, stretches in rows for window, start, end in stretches])
    spans, row = spans_of(rows, length)
    flat = ids.astype(settings.dtype)
    begin, size = np.ascontiguousarray(spans["at"]), np.ascontiguousarray(spans["tokens"])
    inside = filled(begin, size, len(flat))
    labels, loss = labels_of(flat, spans, begin + size - 1, inside, settings)
    edges = segment_edges(begin, size, len(rows), length, masked=settings.mask)
    sizes = np.diff(edges)
    positions = np.arange(len(flat), dtype=np.int32) - np.repeat(edges[:-1].astype(np.int32), sizes)
    numbers = np.arange(len(sizes)) - np.repeat(*first_of_rows(edges, length)) + 1
    segments = np.repeat(numbers.astype(np.int32), sizes) * inside
    shape = len(rows), length
    sequence = np.array([number for number, _ in rows], np.int64)
    documents = np.empty(len(spans), REFERENCE)
    documents["sequence"], documents["start"] = sequence[row], begin - row * length
    for name in ("tokens", "group", "row", "first"):
        documents[name] = spans[name]
    return {
        "input_ids": flat.reshape(shape),
        "labels": labels.reshape(shape),
        "loss_mask": loss.reshape(shape),
        "position_ids": positions.reshape(shape),
        "segment_ids": segments.reshape(shape),
        "cu_seqlens": edges.astype(np.int32),
        "max_seqlen": int(sizes.max()),
        "num_real_tokens": int(np.count_nonzero(inside)),
        "sequence": sequence,
        "documents": documents,
    }


def spans_of(rows: Sequence[Row], length: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return the spans of a batch (SPAN), `at` being their place in the batch laid out flat, and the row of each.

    A span that goes on beyond a stretch is cut there; what follows in its document is then what follows in the cut.
    """
    stretches, ranges, at = [], [], 0
    for row, (_, parts) in enumerate(rows):
        at = row * length
        for window, start, end in parts:
            stretches.append((row, start, end, at - start))
            ranges.append((window, *window.covering(start, end)))
            at += end - start
    counts = np.array([last - first for _, first, last in ranges])
    edges = np.concatenate([[0], np.cumsum(counts)])
    spans = np.empty(edges[-1], SPAN)
    for (window, first, last), to in zip(ranges, edges[:-1].tolist(), strict=True):
        spans[to : to + last - first] = window.spans[first:last]
    some = np.flatnonzero(counts)  # a stretch may be all padding
    row, start, end, shift = np.array(stretches, np.int64).T
    heads, tails = edges[:-1][some], edges[1:][some] - 1
    before = np.maximum(0, start[some] - spans["at"][heads])
    for name, sign in (("at", 1), ("first", 1), ("tokens", -1)):
        spans[name][heads] += sign * before
    beyond = spans["at"][tails] + spans["tokens"][tails] - end[some]
    cut = beyond > 0
    spans["tokens"][tails[cut]] -= beyond[cut]
    spans["next"][tails[cut]] = [ranges[one][0].ids[end[one]] for one in some[cut].tolist()]
    spans["at"] += np.repeat(shift, counts)
    return spans, np.repeat(row, counts)


def filled(begin: npt.NDArray[np.int64], size: npt.NDArray[np.int64], places: int) -> npt.NDArray[np.bool_]:
    """Return which places spans fill; the others are padding."""
    if int(size.sum()) == places:
        return np.ones(places, np.bool_)
    inside = np.zeros(places, np.bool_)
    for first, last in zip(begin.tolist(), (begin + size).tolist(), strict=True):
        inside[first:last] = True
    return inside


def labels_of(
    ids: npt.NDArray[Any], spans: npt.NDArray[Any], last: npt.NDArray[np.int64], inside: npt.NDArray[np.bool_],
    settings: ReaderSettings,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:  # fmt: skip
    """Return labels and loss mask; `last` is the last place of each span."""
    labels = np.empty_like(ids)
    labels[:-1], labels[-1] = ids[1:], IGNORED
    follows = spans["next"]
    loss = inside.copy()
    if settings.mask:
        labels[last], loss[last] = follows, follows >= 0
    else:
        ends = last[(last + 1) % settings.sequence_length == 0]
        there = follows[(last + 1) % settings.sequence_length == 0]
        labels[ends], loss[ends] = there, there >= 0
        before_padding = last[(last + 1) % settings.sequence_length != 0]
        loss[before_padding] &= inside[before_padding + 1]
    np.putmask(labels, ~loss, IGNORED)
    return labels, loss


def segment_edges(
    begin: npt.NDArray[np.int64], size: npt.NDArray[np.int64], rows: int, length: int, *, masked: bool
) -> npt.NDArray[np.int64]:
    """Return where segments begin in the flat batch, and its end."""
    edges = [np.arange(0, rows * length + 1, length), begin + size] if masked else [np.arange(rows + 1) * length]
    if not masked:
        ends = begin + size
        last_of_row = np.append(np.diff(begin // length) > 0, True)
        edges.append(ends[last_of_row])
    return np.unique(np.concatenate(edges))


def first_of_rows(edges: npt.NDArray[np.int64], length: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the number of the first segment of each row, and how many segments each has."""
    firsts = np.flatnonzero(edges[:-1] % length == 0)
    return firsts, np.diff(np.append(firsts, len(edges) - 1))


def fixed(cu_seqlens: npt.NDArray[np.int32], size: int) -> npt.NDArray[np.int32]:
    """Return cu_seqlens with `size` entries, the end repeated, for kernels that want one shape.

    Raises ValueError when there are more segments than that.
    """
    if len(cu_seqlens) > size:
        raise ValueError(f"{len(cu_seqlens) - 1} segments do not fit in {size} entries; give more")
    return np.concatenate([cu_seqlens, np.full(size - len(cu_seqlens), cu_seqlens[-1], np.int32)])
