"""A batch's fields: worked out by hand from small windows, and held against the rows of real shards."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from token_roots import make_shards

from corpus.errors import SettingError
from corpus.reader import Batch, ReaderSettings, TokenReader
from corpus.reader.batch import IGNORED, batch_of, fixed
from corpus.reader.settings import PACKINGS, PLACES, Packing
from corpus.reader.window import SPAN, Window
from corpus.tokens.manifest import load_manifest

SETTINGS = ReaderSettings(sequence_length=24, batch_size=4, lanes=2, seed=5, window=3, pad_id=7)


def window(ids: list[int], *spans: tuple[int, ...], pad_id: int = 0) -> Window:
    """Return a window of spans (at, tokens, source, begin, left, group, row, first)."""
    return Window(np.array(list(spans), SPAN), [np.array(ids, np.uint16), np.full(5, pad_id)])


TWO = window([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], (0, 4, 0, 0, 0, 0, 0, 0), (4, 6, 0, 4, 0, 0, 1, 0))
"""Documents 1-4 and 5-10."""


def small(**more: Any) -> ReaderSettings:
    return ReaderSettings(**({"sequence_length": 5, "batch_size": 2} | more))


def test_documents_are_kept_apart_by_hand() -> None:
    """4 ends a document, so it has no label; 5 goes on in the next sequence, so it has: 6."""
    batch = batch_of([6, 7], [(TWO, 0, 5), (TWO, 5, 10)], small())
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    assert batch["labels"].tolist() == [[2, 3, 4, IGNORED, 6], [7, 8, 9, 10, IGNORED]]
    assert batch["loss_mask"].tolist() == [[True, True, True, False, True], [True, True, True, True, False]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 0], [0, 1, 2, 3, 4]]
    assert batch["segment_ids"].tolist() == [[1, 1, 1, 1, 2], [1, 1, 1, 1, 1]]
    assert batch["cu_seqlens"].tolist() == [0, 4, 5, 10]
    assert (batch["max_seqlen"], batch["num_real_tokens"]) == (5, 10)
    assert batch["sequence"].tolist() == [6, 7]
    assert batch["documents"].tolist() == [(6, 0, 4, 0, 0, 0), (6, 4, 1, 0, 1, 0), (7, 0, 5, 0, 1, 1)]


def test_without_a_mask_the_stream_goes_on_over_documents() -> None:
    """4 is followed by 5; one segment; only the very last place has no label, as nothing follows it."""
    batch = batch_of([0, 1], [(TWO, 0, 5), (TWO, 5, 10)], small(mask=False))
    assert batch["labels"].tolist() == [[2, 3, 4, 5, 6], [7, 8, 9, 10, IGNORED]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4]] * 2
    assert batch["segment_ids"].tolist() == [[1] * 5] * 2
    assert batch["cu_seqlens"].tolist() == [0, 5, 10]


def test_padding_is_told_by_place_and_not_by_id() -> None:
    """Id 2 fills up, and is a token too: the token keeps its loss, the filler has none; it is a segment of its own."""
    padded = window([1, 2, 2], (0, 3, 0, 0, 0, 0, 0, 0), (3, 2, -1, 0, 0, -1, 0, 0), pad_id=2)
    batch = batch_of([0], [(padded, 0, 5)], small(pad_id=2))
    assert batch["labels"].tolist() == [[2, 2, IGNORED, IGNORED, IGNORED]]
    assert batch["segment_ids"].tolist() == [[1, 1, 1, 0, 0]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert batch["cu_seqlens"].tolist() == [0, 3, 5]
    assert batch["num_real_tokens"] == 3
    unmasked = batch_of([0], [(padded, 0, 5)], small(pad_id=2, mask=False))
    assert unmasked["labels"].tolist() == [[2, 2, IGNORED, IGNORED, IGNORED]]
    assert unmasked["cu_seqlens"].tolist() == [0, 3, 5]


def test_a_cut_document_is_still_followed_by_its_next_token() -> None:
    """A piece whose document goes on elsewhere predicts the token that follows it there."""
    piece = window([1, 2, 3, 4, 9, 9], (0, 3, 0, 0, 1, 0, 0, 0), (3, 2, 0, 4, 0, 0, 1, 0))
    assert batch_of([0], [(piece, 0, 5)], small())["labels"].tolist() == [[2, 3, 4, 9, IGNORED]]


def test_a_sequence_over_two_windows() -> None:
    """The last of one window and the first of the next are documents apart."""
    batch = batch_of([0], [(TWO, 7, 10), (TWO, 0, 2)], small())
    assert batch["input_ids"].tolist() == [[8, 9, 10, 1, 2]]
    assert batch["labels"].tolist() == [[9, 10, IGNORED, 2, 3]]
    assert batch["documents"].tolist() == [(0, 0, 3, 0, 1, 3), (0, 3, 2, 0, 0, 0)]


@pytest.mark.parametrize("mask", [True, False])
def test_sequences_of_one_stretch_are_those_of_a_stretch_each(mask: bool) -> None:
    """All fields; where a stretch begins or ends within a document, too."""
    one = batch_of([0, 1, 2], [(TWO, 1, 10)], small(sequence_length=3, mask=mask))
    each = batch_of([0, 1, 2], [(TWO, 1, 4), (TWO, 4, 7), (TWO, 7, 10)], small(sequence_length=3, mask=mask))
    assert all(np.array_equal(one[name], each[name]) for name in each)


def test_a_filler_wider_than_the_ids() -> None:
    """Ids of 16 bits, padded with an id beyond them."""
    wide = window([1, 2], (0, 2, 0, 0, 0, 0, 0, 0), (2, 3, -1, 0, 0, -1, 0, 0), pad_id=1 << 20)
    assert batch_of([0], [(wide, 0, 5)], small())["input_ids"].tolist() == [[1, 2, 1 << 20, 1 << 20, 1 << 20]]


def test_cu_seqlens_of_one_shape() -> None:
    """The end is repeated; more segments than fit are refused."""
    assert fixed(np.array([0, 4, 5], np.int32), 5).tolist() == [0, 4, 5, 5, 5]
    with pytest.raises(ValueError, match="2 segments do not fit in 2 entries"):
        fixed(np.array([0, 4, 5], np.int32), 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("batch"), count=200)


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[list[list[int]]]:
    """The tokens of each row of each row group, as the reader numbers them."""
    found = []
    for path in load_manifest(folder).shards()["path"].to_pylist():
        with pq.ParquetFile(folder / path) as file:
            found += [file.read_row_group(n)["tokens"].to_pylist() for n in range(file.num_row_groups)]
    return found


def expected(batch: Batch, rows: list[list[list[int]]], length: int) -> dict[str, list[list[int]]]:
    """Work the fields out from the references alone, place by place."""
    count = len(batch["sequence"])
    found = {name: [[0] * length for _ in range(count)] for name in ("labels", "position_ids", "segment_ids")}
    found["labels"] = [[IGNORED] * length for _ in range(count)]
    segments = [0] * count
    for number, start, tokens, group, row, first in batch["documents"].tolist():
        at = batch["sequence"].tolist().index(number)
        segments[at] += 1
        ids = rows[group][row]
        for k in range(tokens):
            assert batch["input_ids"][at][start + k] == ids[first + k]
            follows = first + k + 1
            inside = follows < len(ids) and (k + 1 < tokens or batch["loss_mask"][at][start + k])
            found["labels"][at][start + k] = ids[follows] if inside else IGNORED
            found["position_ids"][at][start + k] = k
            found["segment_ids"][at][start + k] = segments[at]
    return found


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_field_follows_from_the_documents(folder: Path, rows: list[list[list[int]]], packing: Packing) -> None:
    """Ids, labels, positions, segments and lengths of real batches, against the shards' rows, for each packing."""
    length = SETTINGS.sequence_length
    reader = TokenReader(folder, replace(SETTINGS, packing=packing))
    unlabelled = 0
    for batch in reader:
        wanted = expected(batch, rows, length)
        real = batch["segment_ids"] > 0
        assert batch["labels"].tolist() == wanted["labels"]
        assert batch["segment_ids"].tolist() == wanted["segment_ids"]
        assert (batch["position_ids"][real] == np.array(wanted["position_ids"])[real]).all()
        assert (batch["input_ids"][~real] == SETTINGS.pad_id).all()
        assert (batch["loss_mask"] == (batch["labels"] != IGNORED)).all()
        edges = batch["cu_seqlens"]
        assert edges[0] == 0
        assert edges[-1] == batch["input_ids"].size
        assert (np.diff(edges) > 0).all()
        assert batch["max_seqlen"] == np.diff(edges).max()
        assert batch["num_real_tokens"] == np.count_nonzero(real) == batch["documents"]["tokens"].sum()
        starts = np.flatnonzero(batch["position_ids"].ravel() == 0)
        assert set(starts) <= set(edges[:-1].tolist())
        ends = [len(rows[g][r]) == f + n for _, _, n, g, r, f in batch["documents"].tolist()]
        unlabelled += int(np.count_nonzero(real & ~batch["loss_mask"])) - sum(ends)
    assert 0 <= unlabelled <= 2 * SETTINGS.lane_count  # where a lane's stretch cuts a document


@pytest.mark.parametrize("places", [(), ("loss_mask",), ("segment_ids", "position_ids")])
@pytest.mark.parametrize("packing", PACKINGS)
def test_fields_that_are_not_asked_for_are_left_out(folder: Path, packing: Packing, places: tuple[str, ...]) -> None:
    """Of those with a number for each token; all else is as with them, and so are the plan and its states."""
    whole = TokenReader(folder, replace(SETTINGS, packing=packing))
    reader = TokenReader(folder, replace(SETTINGS, packing=packing, places=places))
    reader.load_state_dict(whole.state_dict())
    for batch, some in zip(whole, reader, strict=True):
        assert list(some) == [name for name in batch if name not in PLACES or name in places]
        assert all(np.array_equal(batch[name], some[name]) for name in some)


@pytest.mark.parametrize("places", [("labels",), ("loss_mask", "loss_mask")])
def test_fields_that_cannot_be_left_out_are_refused(places: tuple[str, ...]) -> None:
    """The error names the setting and what would be valid."""
    with pytest.raises(SettingError, match=r"places.*name each once, of loss_mask, position_ids, segment_ids"):
        replace(SETTINGS, places=places)


@pytest.mark.parametrize("packing", PACKINGS)
def test_sequences_side_by_side_are_one_stretch(folder: Path, packing: Packing) -> None:
    """Two lanes with two sequences each in a batch: a stretch each, of 48 places."""
    numbers, stretches = TokenReader(folder, replace(SETTINGS, packing=packing))._windows.sequences(1, range(2))
    assert list(numbers) == [4, 5, 6, 7]
    assert [end - start for _, start, end in stretches] == [48, 48]


def test_best_fit_pads_less_than_a_sequence_a_window(folder: Path) -> None:
    """And cuts fewer documents than concatenating does."""
    cut = {}
    for packing in ("concat", "best_fit"):
        reader = TokenReader(folder, replace(SETTINGS, packing=packing, sequence_length=64))  # type: ignore[arg-type]
        batches = list(reader)
        spans = np.concatenate([batch["documents"] for batch in batches])
        cut[packing] = len(spans) - len(np.unique(spans[["group", "row"]]))
        padding = sum(batch["input_ids"].size - batch["num_real_tokens"] for batch in batches)
        windows = sum(len(reader.plan.sources["*"].pass_at(0).windows(lane)[0]) - 1 for lane in range(2))
        assert padding <= 64 * windows * (packing == "best_fit")
    assert cut["best_fit"] < cut["concat"] / 2
