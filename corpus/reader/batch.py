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

The settings may leave out loss_mask, position_ids and segment_ids (places), which take time for every token.

A segment is what one document fills of a sequence (with mask), or all of the sequence that is not padding (without).
cu_seqlens and max_seqlen are what flash_attn_varlen_func, torch.nn.attention.varlen and Megatron's thd take;
segment_ids and position_ids serve FlexAttention and JAX.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from corpus.reader.packing import in_parts
from corpus.reader.settings import ReaderSettings
from corpus.reader.window import PADDING, Spans, Window

IGNORED: Final = -100
"""Label of a place without one: what torch's cross_entropy passes over by default."""
Batch = dict[str, Any]
Ints = npt.NDArray[np.int64]
Stretch = tuple[Window, int, int]
"""A window, and the places in it from which to which sequences are taken: one, some, or a part of one."""

REFERENCE: Final = np.dtype(
    [("sequence", "<i8"), ("start", "<i8"), ("tokens", "<i8"), ("group", "<i8"), ("row", "<i8"), ("first", "<i8")]
)
"""A stretch of a sequence that one document fills: global sequence number, place in the sequence, number of tokens,
row group (numbered as the reader does), row, and which of the row's tokens is the first."""


def batch_of(numbers: Sequence[int], stretches: Sequence[Stretch], settings: ReaderSettings) -> Batch:
    """Return the batch of the sequences with these global numbers, which the stretches fill one after another."""
    length, shape = settings.sequence_length, (len(numbers), settings.sequence_length)
    spans, of = spans_of(stretches, length)
    begin, size = np.ascontiguousarray(spans["at"]), np.ascontiguousarray(spans["tokens"])
    real = spans["group"] != PADDING
    flat, follows = ids_of(stretches, spans, of, np.dtype(settings.dtype))
    last, last_labels = lasts(begin + size, real, follows, length, settings.mask)
    heads = np.full(len(spans), settings.mask) | (begin % length == 0) | ~real
    edges = np.append(begin[heads], len(flat))
    sequence = np.asarray(numbers, np.int64)
    of_places: dict[str, Callable[[], npt.NDArray[Any]]] = {
        "loss_mask": lambda: loss_of(real, size, last, last_labels),
        "position_ids": lambda: positions_of(edges),
        "segment_ids": lambda: segments_of(begin, size, heads, real, length),
    }
    return {
        "input_ids": flat.reshape(shape),
        "labels": labels_of(flat, real, size, last, last_labels).reshape(shape),
        **{name: made().reshape(shape) for name, made in of_places.items() if name in settings.places},
        "cu_seqlens": edges.astype(np.int32),
        "max_seqlen": int(np.diff(edges).max()),
        "num_real_tokens": int(size[real].sum()),
        "sequence": sequence,
        "documents": references(spans[real], sequence, length),
    }


def spans_of(stretches: Sequence[Stretch], length: int) -> tuple[Spans, Ints]:
    """Return the spans of a batch, cut where stretches and sequences end, and the stretch of each.

    `at` is their place in the batch laid out flat.
    """
    found = [window.covering(start, end) for window, start, end in stretches]
    low, high = np.array([(start, end) for _, start, end in stretches], np.int64).T
    of = np.repeat(np.arange(len(found)), [len(spans) for spans in found])
    spans = np.concatenate(found)
    shift = (np.cumsum(high - low) - high)[of]
    begin = np.maximum(spans["at"], low[of]) + shift
    end = np.minimum(spans["at"] + spans["tokens"], high[of]) + shift
    whole, number = in_parts((end - 1) // length - begin // length + 1)
    spans, sequence = spans[whole], (begin // length)[whole] + number
    begin = np.maximum(begin[whole], sequence * length)
    end = np.minimum(end[whole], (sequence + 1) * length)
    before = begin - spans["at"] - shift[whole]
    spans["left"] += spans["tokens"] - before - (end - begin)
    spans["at"], spans["tokens"] = begin, end - begin
    for name in ("begin", "first"):
        spans[name] += before
    return spans, of[whole]


def ids_of(stretches: Sequence[Stretch], spans: Spans, of: Ints, dtype: np.dtype[Any]) -> tuple[npt.NDArray[Any], Ints]:
    """Return the ids of a batch laid out flat, and of each span the id that follows in its document, -1 for none."""
    places = zip(of.tolist(), spans["source"].tolist(), strict=True)
    sources = [stretches[stretch][0].sources[source] for stretch, source in places]
    ends = spans["begin"] + spans["tokens"]
    pieces = zip(sources, spans["begin"].tolist(), ends.tolist(), strict=True)
    flat = np.empty(int(spans["tokens"].sum()), dtype)
    np.concatenate([ids[begin:end] for ids, begin, end in pieces], out=flat, casting="same_kind")
    follows = np.full(len(spans), -1, np.int64)
    more = np.flatnonzero(spans["left"])
    follows[more] = [sources[span].item(end) for span, end in zip(more.tolist(), ends[more].tolist(), strict=True)]
    return flat, follows


def lasts(end: Ints, real: npt.NDArray[np.bool_], follows: Ints, length: int, masked: bool) -> tuple[Ints, Ints]:
    """Return the places whose label is not the id after them, the last of a segment or of a sequence, and their labels,
    -1 for none."""
    if masked:
        return end[real] - 1, follows[real]
    closing = end % length == 0
    to_padding = np.append(~real[1:], False) & ~closing
    some = real & (closing | to_padding)
    return end[some] - 1, np.where(to_padding, -1, follows)[some]


def labels_of(
    flat: npt.NDArray[Any], real: npt.NDArray[np.bool_], size: Ints, last: Ints, follows: Ints
) -> npt.NDArray[Any]:
    """Return the labels; real, size: of spans; last, follows: see `lasts`."""
    labels = np.empty_like(flat)
    labels[:-1] = flat[1:]
    if not real.all():
        np.putmask(labels, np.repeat(~real, size), IGNORED)
    labels[last] = np.where(follows < 0, IGNORED, follows)
    return labels


def loss_of(real: npt.NDArray[np.bool_], size: Ints, last: Ints, follows: Ints) -> npt.NDArray[np.bool_]:
    """Return the loss mask."""
    loss = np.repeat(real, size)
    loss[last] = follows >= 0
    return loss


def positions_of(edges: Ints) -> npt.NDArray[np.int32]:
    """Return the place of each place within its segment; edges: where segments begin, and the end."""
    positions = np.arange(edges[-1], dtype=np.int32)
    positions -= np.repeat(edges[:-1].astype(np.int32), np.diff(edges))
    return positions


def segments_of(
    begin: Ints, size: Ints, heads: npt.NDArray[np.bool_], real: npt.NDArray[np.bool_], length: int
) -> npt.NDArray[np.int32]:
    """Return the number of the segment of each place in its sequence; heads: spans that begin one."""
    numbers = np.cumsum(heads, dtype=np.int32)
    numbers -= numbers[begin % length == 0][begin // length] - 1
    return np.repeat(np.where(real, numbers, np.int32(0)), size)


def references(spans: Spans, sequence: Ints, length: int) -> npt.NDArray[Any]:
    """Return which documents fill which places (REFERENCE), in order."""
    row = spans["at"] // length
    documents = np.empty(len(spans), REFERENCE)
    documents["sequence"], documents["start"] = sequence[row], spans["at"] - row * length
    for name in ("tokens", "group", "row", "first"):
        documents[name] = spans[name]
    return documents


def fixed(cu_seqlens: npt.NDArray[np.int32], size: int) -> npt.NDArray[np.int32]:
    """Return cu_seqlens with `size` entries, the end repeated, for kernels that want one shape.

    Raises ValueError when there are more segments than that.
    """
    if len(cu_seqlens) > size:
        raise ValueError(f"{len(cu_seqlens) - 1} segments do not fit in {size} entries; give more")
    return np.concatenate([cu_seqlens, np.full(size - len(cu_seqlens), cu_seqlens[-1], np.int32)])
