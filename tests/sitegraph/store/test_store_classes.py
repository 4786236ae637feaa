"""Arc classes: weights by hand, rounding that no order changes, codes."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import SettingError, StorageError
from sitegraph.store.classes import CLASSES, COARSEST, COLUMNS, MOST, ClassTable, Weights, rounded

Row = tuple[int, int, int, int, int, int, int]

ROWS: list[Row] = [  # pages, nofollow, sponsored, hosts, technical, owner, sitewide
    (1, 0, 0, 1, 0, 0, 0),
    (1000, 0, 0, 3, 0, 0, 0),
    (0, 7, 0, 2, 0, 0, 0),
    (0, 0, 5, 1, 0, 0, 0),
    (3, 7, 5, 4, 0, 0, 0),
    (1000, 7, 5, 3, 0, 0, 1),  # template
    (3, 0, 0, 1, 0, 1, 0),  # one owner
    (0, 0, 0, 1, 0, 3, 0),
    (0, 0, 0, 5, 0, 0, 0),  # nothing endorses
    (0, 0, 0, 0, 900, 0, 0),  # loaded, not linked
    (1, 0, 0, 1, 900, 0, 0),  # both
]


def classes(rows: Sequence[Row]) -> pa.Table:
    """Return a table of classes."""
    return pa.table([pa.array([row[i] for row in rows], pa.int64()) for i in range(7)], schema=CLASSES)


def log1p(*numbers: float) -> list[float]:
    """Return the natural logarithm of 1 more."""
    return [math.log(1 + n) for n in numbers]


def test_weights_of_cc() -> None:
    """Every arc counts the same."""
    assert Weights(preset="cc").of(classes(ROWS)).tolist() == [1.0] * len(ROWS)


def test_weights_of_distinct_hosts() -> None:
    """The hosts, where any link endorses; an owner's link with pages too."""
    assert Weights(preset="distinct-hosts").of(classes(ROWS)).tolist() == [1, 3, 2, 1, 4, 3, 1, 0, 0, 0, 1]


def test_weights_of_log_pages() -> None:
    """Nofollow a tenth, sponsored nothing, templates as one page, links of owners and technical ones nothing."""
    l1, l3, l7, l1000 = log1p(1, 3, 7, 1000)
    expected = [l1, l1000, l7 / 10, 0, l3 + l7 / 10, l1 + l1 / 10, 0, 0, 0, 0, l1]
    assert Weights().of(classes(ROWS)) == pytest.approx(expected)


def test_weights_of_log_pages_with_other_factors() -> None:
    """Sponsored a half, nofollow in full, templates and owners' links as they are."""
    l1, l3, l5, l7, l1000 = log1p(1, 3, 5, 7, 1000)
    expected = [l1, l1000, l7, l5 / 2, l3 + l7 + l5 / 2, l1000 + l7 + l5 / 2, l3, 0, 0, 0, l1]
    weights = Weights(nofollow=1.0, sponsored=0.5, collapse=False, fold=False)
    assert weights.of(classes(ROWS)) == pytest.approx(expected)


@pytest.mark.parametrize("preset", ["cc", "distinct-hosts", "log-pages"])
def test_no_classes_have_no_weights(preset: str) -> None:
    """A graph without arcs."""
    found = Weights(preset=preset).of(classes([]))  # type: ignore[arg-type]
    assert found.dtype == np.float64
    assert found.tolist() == []


@pytest.mark.parametrize(
    "wrong", [{"preset": "pages"}, {"nofollow": -0.1}, {"nofollow": 1.1}, {"sponsored": 2.0}, {"nofollow": math.nan}]
)
def test_refuses_wrong_settings(wrong: dict[str, object]) -> None:
    """Each is named."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Weights(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (63, [0, 1, 2, 3, 5, 7, 100, 1023, 2**40 + 1]),
        (52, [0, 1, 2, 3, 5, 7, 100, 1023, 2**40 + 1]),
        (3, [0, 1, 2, 3, 5, 7, 96, 896, 2**40]),
        (2, [0, 1, 2, 3, 4, 6, 96, 768, 2**40]),
        (1, [0, 1, 2, 2, 4, 4, 64, 512, 2**40]),
        (0, [0, 1, 1, 1, 4, 4, 64, 256, 2**40]),
        (-1, [0, 1, 1, 1, 1, 1, 16, 256, 2**40]),
        (-2, [0, 1, 1, 1, 1, 1, 1, 256, 2**40]),
        (-3, [0, 1, 1, 1, 1, 1, 1, 1, 2**32]),
    ],
)
def test_rounding_to_leading_bits(bits: int, expected: list[int]) -> None:
    """100 is 1100100: three bits 96; 1023 is ten ones: 896. Below one bit powers of 4, 16, 256, 65,536; marks stay."""
    counts = np.zeros((9, 7), np.int64)
    counts[:, 0] = [0, 1, 2, 3, 5, 7, 100, 1023, 2**40 + 1]
    counts[:, 3] = counts[::-1, 0]
    counts[:, 4] = counts[:, 0]
    counts[:, 5:] = 3, 1
    found = rounded(counts, bits)
    assert found[:, 0].tolist() == expected
    assert found[:, 3].tolist() == expected[::-1]
    assert found[:, 4].tolist() == expected
    assert found[:, 5:].tolist() == [[3, 1]] * 9
    assert counts[6, 0] == 100


def counted(pages: Sequence[int]) -> np.ndarray:
    """Return rows of counts with these pages."""
    rows = np.zeros((len(pages), 7), np.int64)
    rows[:, 0] = pages
    rows[:, 3] = 1
    return rows


@pytest.mark.parametrize(
    ("count", "width"), [(0, 0), (1, 0), (2, 1), (255, 1), (256, 1), (257, 2), (65_535, 2), (65_536, 2)]
)
def test_codes_are_rows_of_the_table(count: int, width: int) -> None:
    """In none, one or two bytes, for every number of classes around the borders; nothing is rounded."""
    rows = counted(range(1, count + 1))
    table = ClassTable()
    for part in np.array_split(rows[::-1], 3):
        table.add(part)
    assert table.code_bytes == width
    assert table.table.schema == CLASSES
    assert table.table["pages"].to_pylist() == list(range(1, count + 1))
    if width:
        codes = table.codes(rows)
        assert codes.dtype.itemsize == width
        assert codes.tolist() == list(range(count))
    else:
        assert table.codes(rows).tolist() == []


def test_one_class_too_many_loses_a_bit() -> None:
    """Of 0 ... 65,537 the last two have 17 bits: with 16 they are one class, the 65,537th, which is still one too many.

    With 15 bits, those of 16 bits lose their last one as well: 32,768 and half as many again, and 65,536 itself.
    """
    rows = counted(range(65_538))
    table = ClassTable()
    table.add(rows)
    assert table.bits == 15
    assert table.table.num_rows == 32_768 + 16_384 + 1
    assert table.codes(rows).tolist() == [
        *range(32_768),
        *(32_768 + n // 2 for n in range(32_768)),
        32_768 + 16_384,
        32_768 + 16_384,
    ]


@pytest.mark.parametrize("most", [3, 4, 5, 6, 9, 12, 13, 20, 33, 63, 64])
def test_as_many_bits_as_fit(most: int) -> None:
    """The largest number of bits with which there are few enough rows, and no smaller one."""
    rows = counted([n * n for n in range(1, 65)])
    table = ClassTable(most)
    table.add(rows)
    fits = [bits for bits in range(COARSEST, 53) if len(np.unique(rounded(rows, bits), axis=0)) <= most]
    assert table.bits == (63 if len(rows) <= most else max(fits))
    assert table.table.num_rows == len(np.unique(rounded(rows, table.bits), axis=0)) <= most
    found = np.stack([table.table[name].to_numpy() for name in COLUMNS], axis=1)[table.codes(rows)]
    assert found.tolist() == rounded(rows, table.bits).tolist()


def test_any_counts_fit() -> None:
    """Powers of 65,536 are five numbers with 0, so there are at most 5**5 * 4 * 2 rows, which are few enough."""
    counts = counted([0, 1, 255, 256, *(n for i in range(2, 63) for n in (2**i - 1, 2**i)), 2**63 - 1])
    found = rounded(counts, COARSEST)[:, 0]
    assert sorted(set(found.tolist())) == [0, *(65_536**i for i in range(4))]
    assert MOST >= 5**5 * 4 * 2


def test_what_fits_with_no_number_of_bits() -> None:
    """Flags are never rounded; more combinations of them than rows are an error, not a wrong class."""
    rows = np.zeros((8, 7), np.int64)
    rows[:, 5], rows[:, 6] = np.arange(8) % 4, np.arange(8) // 4
    with pytest.raises(StorageError, match="8 classes of arcs do not fit in 7"):
        ClassTable(7).add(rows)


COUNT = st.one_of(st.integers(0, 20), st.integers(0, 2**20), st.integers(0, 2**50))
DRAWN = st.lists(
    st.tuples(COUNT, COUNT, st.integers(0, 3), COUNT, COUNT, st.integers(0, 3), st.integers(0, 1)), max_size=60
)


@given(DRAWN, st.integers(1, 7), st.sampled_from([32, 40, 1 << 16]), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_no_order_changes_the_table(rows: list[Row], pieces: int, most: int, random: object) -> None:
    """Shuffled, and added in any number of pieces: same bits, rows and codes."""
    counts = np.array(rows, np.int64).reshape(-1, 7)
    one, other = ClassTable(most), ClassTable(most)
    try:
        one.add(counts)
    except StorageError:
        return
    order = np.arange(len(counts))
    random.shuffle(order)  # type: ignore[attr-defined]
    for part in np.array_split(order, pieces):
        other.add(counts[part])
    assert one.bits == other.bits
    assert one.table.equals(other.table)
    assert one.codes(counts).tolist() == other.codes(counts).tolist()
    assert one.table.num_rows <= most
