"""The reader: one stream for every world size, exact resume, each token once per epoch, nothing unverified."""

import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from batches import equal, joined, read_all, resumed, stopped
from hypothesis import given
from hypothesis import strategies as st
from token_roots import make_shards, small_tokenizer

from corpus.errors import SettingError, ShardError
from corpus.reader import Batch, ReaderSettings, TokenReader
from corpus.reader.permutation import Permutation
from corpus.reader.settings import PACKINGS, Packing, divisors_of
from corpus.tokens.manifest import load_manifest
from corpus.tokens.tokenizer import load_tokenizer

SETTINGS = ReaderSettings(sequence_length=32, batch_size=8, lanes=4, epochs=2, seed=3)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with two components in several shards; tests that change files copy it."""
    path = tmp_path_factory.mktemp("reader")
    make_shards(path, count=300)
    return path


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    return root / "shards"


def read(folder: Path, settings: ReaderSettings = SETTINGS, *, rank: int = 0, world: int = 1) -> list[Batch]:
    return read_all(folder, settings, rank, world)


def test_batches_have_the_promised_shape(folder: Path) -> None:
    """Two epochs; int64 ids; labels are the ids one place further on, where there are any; sequences are numbered."""
    reader = TokenReader(folder, SETTINGS)
    batches = list(reader)
    assert len(batches) == reader.plan.steps
    assert reader.plan.steps // 2 == reader.plan.steps_per_epoch > 10
    for number, batch in enumerate(batches):
        assert batch["input_ids"].shape == batch["labels"].shape == (8, 32)
        assert batch["input_ids"].dtype == batch["labels"].dtype == np.int64
        there = batch["loss_mask"][:, :-1]
        assert np.array_equal(batch["input_ids"][:, 1:][there], batch["labels"][:, :-1][there])
        assert batch["sequence"].tolist() == list(range(8 * number, 8 * number + 8))
    assert reader.finished
    assert list(reader) == []


@pytest.mark.parametrize("world", [1, 2, 4])
def test_every_world_size_gives_the_same_batches(folder: Path, world: int) -> None:
    """The ranks' batches, joined in rank order, are those of one rank: the same stream, not only the same set."""
    parts = [read(folder, rank=rank, world=world) for rank in range(world)]
    assert all(len(batch["input_ids"]) == 8 // world for part in parts for batch in part)
    assert equal(joined(parts), read(folder))


@pytest.mark.parametrize("world", [1, 2, 4])
def test_resume_goes_on_exactly_at_any_world_size(folder: Path, world: int) -> None:
    """A state taken after any batch, through JSON, at any world size, continues the stream with the next batch."""
    whole = read(folder)
    for consumed in (0, 1, 7, len(whole) // 2, len(whole) // 2 + 1, len(whole)):
        state = stopped(folder, SETTINGS, consumed)
        assert len(state) < 2048
        assert equal(resumed(folder, SETTINGS, state, world), whole[consumed:])


def test_any_batch_can_be_asked_for_without_moving_the_reader(folder: Path) -> None:
    """batch_at gives the batch of that step, backwards too, and leaves state and stream alone."""
    whole = read(folder)
    reader = TokenReader(folder, SETTINGS)
    for step in reversed(range(len(whole))):
        assert equal([reader.batch_at(step)], [whole[step]])
    halves = [[reader.batch_at(5, rank=rank, world_size=2)] for rank in (0, 1)]
    assert equal(joined(halves), [whole[5]])
    assert reader.step == 0
    assert equal(list(reader), whole)


def rows_by_place(folder: Path) -> dict[tuple[str, int, int], dict[str, Any]]:
    """Return every row of every shard by (shard, row group, row)."""
    found = {}
    for shard in load_manifest(folder).shards()["path"].to_pylist():
        with pq.ParquetFile(folder / shard) as file:
            for group in range(file.num_row_groups):
                for row, values in enumerate(file.read_row_group(group).to_pylist()):
                    found[shard, group, row] = values
    return found


@pytest.mark.parametrize("packing", PACKINGS)
def test_an_epoch_holds_every_token_once_and_references_name_its_document(folder: Path, packing: Packing) -> None:
    """Each token of each document at most once, where its reference says; what is missing is what is left over."""
    rows = rows_by_place(folder)
    reader = TokenReader(folder, replace(SETTINGS, packing=packing, epochs=1, window=3))
    used: dict[tuple[str, int, int], set[int]] = {place: set() for place in rows}
    for step, batch in enumerate(reader):
        for reference in batch["documents"]:
            index = int(reference["sequence"]) - 8 * step
            ids = batch["input_ids"][index][reference["start"] : reference["start"] + reference["tokens"]]
            document = reader.document(int(reference["group"]), int(reference["row"]))
            place, first = (document["shard"], document["row_group"], document["row"]), int(reference["first"])
            assert ids.tolist() == rows[place]["tokens"][first : first + len(ids)]
            assert document["url"] == rows[place]["url"]
            here = set(range(first, first + len(ids)))
            assert not used[place] & here
            used[place] |= here
    missing = sum(len(row["tokens"]) for row in rows.values()) - sum(map(len, used.values()))
    (told,) = reader.plan.report()
    if packing == "concat":
        batches_left = told["sequences_per_pass"] - told["sequences"]
        assert missing == told["left_over"] + 32 * batches_left
        assert 0 <= batches_left < 8
    assert missing <= 4 * 32 * (3 if packing == "best_fit" else 2)


def test_epochs_and_seeds_give_other_orders(folder: Path) -> None:
    """The second epoch, and another seed, are other orders of the same data; the same seed is the same order."""
    whole = read(folder)
    half = len(whole) // 2
    first = {batch["input_ids"][0].tobytes() for batch in whole[:half]}
    second = {batch["input_ids"][0].tobytes() for batch in whole[half:]}
    assert len(first & second) < half // 2
    other = read(folder, ReaderSettings(sequence_length=32, batch_size=8, lanes=4, epochs=2, seed=4))
    assert not equal(other, whole)
    assert equal(read(folder), whole)


def test_a_component_can_be_read_alone(folder: Path) -> None:
    """Only that component's documents come; an unknown one is refused with the list."""
    settings = ReaderSettings(sequence_length=16, batch_size=2, components=("de",))
    reader = TokenReader(folder, settings)
    groups = {
        (int(r["group"]), int(r["row"])) for s in range(reader.plan.steps_per_epoch) for r in reader.references(s)
    }
    assert {reader.document(*place)["shard"].partition("/")[0] for place in groups} == {"de"}
    assert reader.plan.report()[0]["units"] == load_manifest(folder).components["de"]["tokens"]
    with pytest.raises(ShardError, match="no component 'fr'; it has de, en"):
        TokenReader(folder, ReaderSettings(sequence_length=16, batch_size=2, components=("fr",)))


def test_int32_batches_hold_the_same_ids(folder: Path) -> None:
    """The dtype is the caller's choice and no part of the plan."""
    narrow = ReaderSettings(sequence_length=32, batch_size=8, lanes=4, epochs=2, seed=3, dtype="int32")
    batches = read(folder, narrow)
    assert batches[0]["input_ids"].dtype == np.int32
    assert equal(batches, read(folder))
    assert TokenReader(folder, narrow).plan.hash == TokenReader(folder, SETTINGS).plan.hash


def test_endless_epochs_do_not_end(folder: Path) -> None:
    """Without a number of epochs the reader goes on past the first."""
    reader = TokenReader(folder, ReaderSettings(sequence_length=32, batch_size=8, lanes=4, epochs=None, seed=3))
    two = read(folder)
    taken = [batch for batch, _ in zip(reader, range(len(two) + 5), strict=False)]
    assert equal(taken[: len(two)], two)
    assert not reader.finished


@pytest.mark.parametrize(
    ("settings", "world", "rank", "message"),
    [
        ({}, 3, 0, r"world_size = 3 .* one of 1, 2, 4; "),
        ({}, 2, 2, r"rank = 2 .* from 0 to 1"),
        ({"sequence_length": 100_000}, 1, 0, r"do not fill a sequence of 100000 tokens in each of 4 lanes"),
        ({"tokenizer": "ab" * 32}, 1, 0, r"written with tokenizer .* expects abababababab"),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(
    folder: Path, settings: dict[str, Any], world: int, rank: int, message: str
) -> None:
    """A world size that does not divide, too little data, another tokenizer: one sentence each, before any batch."""
    base = {"sequence_length": 32, "batch_size": 8, "lanes": 4}
    with pytest.raises((SettingError, ShardError), match=message):
        TokenReader(folder, ReaderSettings(**(base | settings)), rank=rank, world_size=world)


def test_wrong_settings_name_what_would_be_valid(root: Path) -> None:
    """Lanes that do not divide the batch list the divisors; the default is the largest up to 64."""
    with pytest.raises(SettingError, match="use one of 1, 2, 3, 4, 6, 12"):
        ReaderSettings(sequence_length=8, batch_size=12, lanes=5)
    with pytest.raises(SettingError, match="dtype"):
        ReaderSettings(sequence_length=8, batch_size=12, dtype="uint16")
    assert ReaderSettings(sequence_length=8, batch_size=12).lane_count == 12
    assert ReaderSettings(sequence_length=8, batch_size=192).lane_count == 64
    right = load_tokenizer(small_tokenizer(root)).identity.sha256
    assert TokenReader(root / "shards", ReaderSettings(sequence_length=8, batch_size=2, tokenizer=right)).step == 0
    assert divisors_of(1) == [1]


def test_a_state_of_another_plan_is_refused_by_cause(folder: Path) -> None:
    """Each differing field is named with both values; an unknown version or a changed hash is refused too."""
    state = TokenReader(folder, SETTINGS).state_dict()
    other = TokenReader(folder, ReaderSettings(sequence_length=16, batch_size=8, lanes=4, seed=9, epochs=2))
    with pytest.raises(ShardError, match=r"sequence_length = 32, here it is 16\. .*seed = 3, here it is 9\."):
        other.load_state_dict(state)
    same = TokenReader(folder, SETTINGS)
    for change, message in [
        ({"version": 1}, "version 1"),
        ({"plan": "00"}, "does not match its own fields"),
        ({"step": None}, "not a number"),
        ({"step": 10**9}, "not among the"),
    ]:
        with pytest.raises(ShardError, match=message):
            same.load_state_dict(state | change)
    assert same.step == 0


def copy_of(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def test_one_flipped_byte_is_found_before_its_batch_is_emitted(folder: Path, tmp_path: Path) -> None:
    """A bit flipped anywhere among a shard's ids ends in ShardError; every batch before it is the true one."""
    copy = copy_of(folder, tmp_path / "copy")
    whole = read(folder)
    path = copy / "en" / "shard-00000.parquet"
    good = path.read_bytes()
    group = pq.read_metadata(path).row_group(1).column(0)
    start, size = group.data_page_offset, group.total_compressed_size
    chosen = random.Random(5)  # fixed seed, nothing secret
    for _ in range(40):
        damaged = bytearray(good)
        damaged[chosen.randrange(start, start + size)] ^= 1 << chosen.randrange(8)
        path.write_bytes(damaged)
        got = []
        with TokenReader(copy, SETTINGS) as reader, pytest.raises(ShardError, match="shard-00000"):
            got.extend(reader)
        assert equal(got, whole[: len(got)])
        assert len(got) < len(whole)


def test_a_flip_anywhere_is_found_or_harmless(folder: Path, tmp_path: Path) -> None:
    """Over the whole file, footer and all: the reader raises ShardError or hands out exactly the true batches."""
    copy = copy_of(folder, tmp_path / "copy")
    whole = read(folder)
    path = copy / "de" / "shard-00000.parquet"
    good = path.read_bytes()
    chosen = random.Random(6)  # fixed seed, nothing secret
    for _ in range(60):
        damaged = bytearray(good)
        damaged[chosen.randrange(len(good))] ^= 1 << chosen.randrange(8)
        path.write_bytes(damaged)
        got: list[Batch] = []
        try:
            with TokenReader(copy, SETTINGS) as reader:
                got.extend(reader)
        except ShardError:
            assert len(got) < len(whole)
        else:
            assert len(got) == len(whole)
        assert equal(got, whole[: len(got)])


def test_missing_short_swapped_and_stale_shards_are_refused(folder: Path, tmp_path: Path) -> None:
    """Missing and cut shards at opening; shards exchanged for others of the same size at reading at the latest."""
    one, two = "en/shard-00000.parquet", "en/shard-00001.parquet"
    copy = copy_of(folder, tmp_path / "missing")
    (copy / one).unlink()
    with pytest.raises(ShardError, match="missing"):
        TokenReader(copy, SETTINGS)
    copy = copy_of(folder, tmp_path / "cut")
    (copy / one).write_bytes((copy / one).read_bytes()[:-10])
    with pytest.raises(ShardError, match="the manifest says"):
        TokenReader(copy, SETTINGS)
    copy = copy_of(folder, tmp_path / "swapped")
    size = (copy / one).stat().st_size
    (copy / one).write_bytes((copy / two).read_bytes()[:size].ljust(size, b"\0"))
    with pytest.raises(ShardError, match="shard-00000"):
        list(TokenReader(copy, SETTINGS))


def test_a_changed_or_missing_manifest_is_no_dataset(folder: Path, tmp_path: Path) -> None:
    """No root, a changed root, and a table that is not the root's are told apart, each in one sentence."""
    copy = copy_of(folder, tmp_path / "copy")
    root = (copy / "manifest.json").read_text()
    (copy / "manifest.json").write_text(root.replace('"tokens": ', '"tokens": 1', 1))
    with pytest.raises(ShardError, match="own digest"):
        TokenReader(copy, SETTINGS)
    (copy / "manifest.json").write_text(root)
    table = copy / "manifest-row-groups.parquet"
    table.write_bytes(table.read_bytes()[:-1] + b"2")
    with pytest.raises(ShardError, match="not the table"):
        TokenReader(copy, SETTINGS)
    (copy / "manifest.json").unlink()
    with pytest.raises(ShardError, match="not a finished dataset"):
        TokenReader(copy, SETTINGS)


def test_the_reader_needs_numpy_and_pyarrow_only(folder: Path) -> None:
    """With every other dependency made unimportable, a batch is read all the same."""
    code = f"""
import sys
for name in ("tokenizers", "tiktoken", "xxhash", "numba", "torch", "duckdb", "fsspec", "click", "rich", "networkx"):
    sys.modules[name] = None
from corpus.reader import ReaderSettings, TokenReader
reader = TokenReader({str(folder)!r}, ReaderSettings(sequence_length=32, batch_size=8))
print(next(iter(reader))["input_ids"].shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(8, 32)"


@given(st.integers(1, 3000), st.binary(max_size=8))
def test_the_permutation_is_one(size: int, key: bytes) -> None:
    """For any size and key every place comes exactly once."""
    assert sorted(Permutation(size, key)(np.arange(size)).tolist()) == list(range(size))


def test_the_permutation_needs_no_table() -> None:
    """At 2^60 places, far positions are computed alone, stay in range and do not collide."""
    permute = Permutation(1 << 60, b"key")
    positions = np.array([0, 1, (1 << 60) - 1, *range(1 << 40, (1 << 40) + 1000)])
    places = permute(positions)
    assert len(set(places.tolist())) == len(positions)
    assert places.min() >= 0
    assert places.max() < 1 << 60
    assert permute(positions[2:3])[0] == places[2]


def test_small_permutations_are_close_to_uniform() -> None:
    """Over 1,200 keys each order of four comes about 50 times: chi-square below its 0.999 quantile (49.7)."""
    seen = Counter(tuple(Permutation(4, str(key).encode())(np.arange(4)).tolist()) for key in range(1_200))
    assert sum((seen[order] - 50) ** 2 / 50 for order in permutations(range(4))) < 49.7


def test_neighbours_are_not_correlated() -> None:
    """Places of consecutive positions are uncorrelated within four standard errors at lags 1 to 64."""
    places = Permutation(100_000, b"lag")(np.arange(100_000)).astype(float)
    centred = (places - places.mean()) / places.std()
    for lag in range(1, 65):
        correlation = float(np.mean(centred[lag:] * centred[:-lag]))
        assert abs(correlation) < 4 / np.sqrt(100_000)
