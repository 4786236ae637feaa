"""Plain pages, decoded here: what pyarrow wrote, and nothing at all of what is not as it should be."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from column_chunks import ROWS, chunk_of, written

from corpus.reader.plain import plain_values

PLAIN = {"compression": "zstd", "use_dictionary": False, "write_page_checksum": True, "write_statistics": False}
IDS = [id_ for row in ROWS for id_ in row]
LENGTHS = [len(row) for row in ROWS]


def ids_of(chunk: bytes, dtype: Any = np.uint16, values: int = len(IDS)) -> npt.NDArray[Any] | None:
    return plain_values(memoryview(chunk), values, np.dtype(dtype), levels=2)


def chunk(column: int = 0, kind: pa.DataType | None = None, **more: Any) -> bytes:
    return chunk_of(written(kind or pa.uint16(), **PLAIN | more), 0, column)


@pytest.mark.parametrize("more", [{}, {"data_page_size": 100, "write_batch_size": 10}])
@pytest.mark.parametrize(("kind", "dtype"), [(pa.uint16(), np.uint16), (pa.uint32(), np.uint32)])
def test_ids_and_lengths_are_those_written(kind: pa.DataType, dtype: Any, more: dict[str, Any]) -> None:
    """In one page or many, as wide as they were."""
    ids = ids_of(chunk(0, kind, **more), dtype)
    assert ids is not None
    assert (ids.dtype, ids.tolist()) == (dtype, IDS)
    lengths = plain_values(memoryview(chunk(1, kind, **more)), len(ROWS), np.dtype(np.uint32))
    assert lengths is not None
    assert lengths.tolist() == LENGTHS


@pytest.mark.parametrize(
    "more",
    [
        {"compression": "snappy"},
        {"compression": "none"},
        {"use_dictionary": True},
        {"data_page_version": "2.0"},
        {"write_page_checksum": False},
        {"write_statistics": True},
        {"column_encoding": {"tokens.list.element": "DELTA_BINARY_PACKED"}},
    ],
)
def test_other_kinds_of_pages_are_left_to_arrow(more: dict[str, Any]) -> None:
    """Another codec, encoding or version, or a page without a CRC."""
    assert ids_of(chunk(**more)) is None


@pytest.mark.parametrize("values", [0, len(IDS) - 1, len(IDS) + 1])
def test_another_number_of_values_is_refused(values: int) -> None:
    """The manifest's count is the chunk's, or nothing is decoded."""
    assert ids_of(chunk(), values=values) is None


def test_no_flipped_bit_gives_other_values() -> None:
    """Each bit of a chunk, its page's head included, in turn: nothing, or what was written."""
    sound = chunk()
    for place, bit in itertools.product(range(len(sound)), range(8)):
        damaged = bytearray(sound)
        damaged[place] ^= 1 << bit
        found = ids_of(bytes(damaged))
        assert found is None or found.tolist() == IDS


def test_a_chunk_that_is_cut_short_is_refused() -> None:
    """At any byte."""
    sound = chunk()
    assert all(ids_of(sound[:size]) is None for size in range(len(sound)))


@pytest.mark.parametrize("byte", range(256))
def test_nonsense_ends(byte: int) -> None:
    """The same byte again and again: structs without end, endless numbers, sizes below zero."""
    assert ids_of(bytes([byte]) * 10_000) is None
