"""Ranks -> the authority table: percentiles and positions, one row per registered domain and per host.

A percentile is the share of the level's nodes with a lower or equal value, so the best has 1 and nodes that tie have
equal ones. A position counts from 1, ties broken by reversed name. Sums of the same numbers in another order differ in
their last digits, so values that agree to ten significant digits tie; a rank's own error bound is far above that.

The table is sorted by (level, reversed name), bytes ascending, which is the order of the ids: it is written in one
stream, without a sort, and a lookup reads the row groups it needs and no others. No row group holds two levels.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.schema import AUTHORITY
from corpus.storage import TableWriter
from sitegraph.layout import Level
from sitegraph.store.names import Names, string_parts
from sitegraph.store.numbering import Numbering

Vector = NDArray[np.float64]
Allocate = Callable[[int], Vector]
Column = Callable[[int, int], Any]
"""The values of the ids from a first up to a last, as an array; NaN (in a masked array: what is masked) is null."""
SIGNIFICANT_DIGITS: Final = 10
ROWS: Final = 1 << 17
"""Rows per row group."""
CHUNK: Final = 1 << 22


def comparable(values: Vector) -> Vector:
    """Return values (not negative) rounded to ten significant digits: equal where they tie."""
    rounded = np.zeros(len(values))
    for start in range(0, len(values), CHUNK):
        part = values[start : start + CHUNK]
        some = part > 0.0
        magnitude = np.maximum(np.floor(np.log10(part[some])), -290.0)  # below that a double has no ten digits left
        scale = 10.0 ** (SIGNIFICANT_DIGITS - 1 - magnitude)
        rounded[start : start + CHUNK][some] = np.round(part[some] * scale) / scale
    return rounded


def by_slot(values: Vector, numbering: Numbering) -> Column:
    """Return the column of values by slot."""
    return lambda start, stop: numbering.by_id(values, start, stop)


def by_id(values: NDArray[Any]) -> Column:
    """Return the column of values by id."""
    return lambda start, stop: values[start:stop]


def percentiles(key: Vector, numbering: Numbering, allocate: Allocate = np.empty) -> Column:
    """Return the column of percentiles of comparable keys by slot; `allocate` says where it lies."""
    ordered = np.sort(key)
    found = allocate(len(key))
    for start in range(0, len(key), CHUNK):
        part = slice(start, start + CHUNK)
        found[part] = np.searchsorted(ordered, key[part], side="right") / len(key)
    return by_slot(found, numbering)


def positions(key: Vector, numbering: Numbering, allocate: Allocate = np.empty) -> NDArray[np.int64]:
    """Return by id the place of each node, 1 for the highest key (by slot), ties in the order of ids."""
    negative = np.empty(len(key))
    for start in range(0, len(key), CHUNK):
        stop = min(start + CHUNK, len(key))
        np.negative(numbering.by_id(key, start, stop), out=negative[start:stop])
    best_first = np.argsort(negative, kind="stable")
    del negative
    places: NDArray[np.int64] = allocate(len(key)).view(np.int64)
    places[best_first] = np.arange(1, len(key) + 1)
    return places


def write_level(
    out: TableWriter, level: Level, names: Names, columns: Mapping[str, Column], source: str = "crawl"
) -> None:
    """Write the rows of a level; columns of schema.AUTHORITY that are not given are null (platform: false)."""
    for start in range(0, len(names), ROWS):
        stop = min(start + ROWS, len(names))
        backwards = next(names.tables(start, stop, rows=ROWS))
        constant = {"level": level, "source": source}
        rows: dict[str, Any] = {name: pa.array([value] * (stop - start)) for name, value in constant.items()}
        rows |= {"reversed": backwards, "name": forwards(backwards)}
        rows |= {name: as_array(column(start, stop), name) for name, column in columns.items()}
        rows.setdefault("platform", pa.array(np.zeros(stop - start, np.bool_)))
        arrays = [rows.get(field.name, pa.nulls(stop - start, field.type)) for field in AUTHORITY]
        out.write(pa.table(arrays, schema=AUTHORITY))


def as_array(values: Any, name: str) -> pa.Array:
    """Return values as the Arrow array of a column."""
    kind = AUTHORITY.field(name).type
    if isinstance(values, pa.Array):
        return values.cast(kind)
    if isinstance(values, np.ma.MaskedArray):
        return pa.array(values.data, kind, mask=np.ma.getmaskarray(values))
    return pa.array(values, kind, from_pandas=True)


def forwards(names: pa.Array) -> pa.Array:
    """Return names with their labels in the other order."""
    data, offsets = string_parts(names)
    turned = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    turn_labels(data, offsets, turned)
    buffers = [None, pa.py_buffer((offsets - offsets[0]).astype(np.int64)), pa.py_buffer(turned)]
    return pa.Array.from_buffers(pa.large_string(), len(names), buffers).cast(pa.string())


@kernel
def turn_labels(data: Any, offsets: Any, out: Any) -> None:  # uint8, int64[k + 1], uint8[bytes]
    for i in range(len(offsets) - 1):
        end = offsets[i + 1]
        at = offsets[i] - offsets[0]
        while end > offsets[i]:
            start = end
            while start > offsets[i] and data[start - 1] != 46:  # a dot
                start -= 1
            for k in range(start, end):
                out[at] = data[k]
                at += 1
            if start > offsets[i]:
                out[at] = 46
                at += 1
            end = start - 1
