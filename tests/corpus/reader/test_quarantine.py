"""Damage: fail before the batch, or go on without the row group in a way that all ranks and every replay share."""

import json
import shutil
import threading
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from batches import equal, joined
from served_shards import shards_of

from corpus.errors import SettingError, ShardError
from corpus.reader import Batch, DamageError, ReaderSettings, ReadingSettings, TokenReader
from corpus.reader.settings import PACKINGS, Packing
from corpus.tokens.manifest import load_manifest

QUARANTINE = ReadingSettings(on_damage="quarantine")


def settings_of(packing: Packing = "concat") -> ReaderSettings:
    return ReaderSettings(sequence_length=32, batch_size=8, lanes=4, seed=3, window=2, packing=packing)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shards_of(tmp_path_factory.mktemp("sound"), 400, ("a", "b"), row_group_tokens=200)


@pytest.fixture(scope="module")
def numbers(folder: Path) -> dict[str, int]:
    """Row groups to damage: one in the middle of a component, the two after it, and a component's last."""
    shards = load_manifest(folder).shards().to_pylist()
    groups = load_manifest(folder).row_groups().to_pylist()
    mine = [number for number, group in enumerate(groups) if shards[group["shard"]]["component"] == "a"]
    return {"one": mine[4], "two": mine[5], "three": mine[6], "last": mine[-1], "first": mine[0]}


def damage(folder: Path, target: Path, chosen: Iterable[int]) -> Path:
    """Return a copy of a folder with some row groups damaged."""
    copy = Path(shutil.copytree(folder, target))
    shards, groups = (table.to_pylist() for table in (load_manifest(copy).shards(), load_manifest(copy).row_groups()))
    for number in chosen:
        path = copy / shards[groups[number]["shard"]]["path"]
        content = bytearray(path.read_bytes())
        content[(groups[number]["offset"] + groups[number]["lengths_offset"]) // 2] ^= 8
        path.write_bytes(content)
    return copy


@pytest.fixture(scope="module")
def damaged(folder: Path, numbers: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two neighbours and a component's last row group damaged."""
    return damage(folder, tmp_path_factory.mktemp("damaged") / "shards", (numbers[n] for n in ("one", "two", "last")))


def test_fail_names_the_row_group_before_any_of_its_tokens(
    folder: Path, numbers: dict[str, int], tmp_path: Path
) -> None:
    """By default: the batches before it, then an error with the place, the times and the number."""
    copy = damage(folder, tmp_path / "copy", [numbers["one"]])
    whole = list(TokenReader(folder, settings_of()))
    got: list[Batch] = []
    with TokenReader(copy, settings_of()) as reader:
        with pytest.raises(DamageError, match=r"a/shard-0000\d.parquet: row group \d+ .* read 3 times") as caught:
            got.extend(reader)
        assert reader.io.damaged == 3
        assert reader.quarantined == []
    assert caught.value.groups == [numbers["one"]]
    assert equal(got, whole[: len(got)])
    assert len(got) < len(whole)


def streams(copy: Path, settings: ReaderSettings, world: int) -> tuple[list[Batch], list[dict[str, Any]]]:
    """Return what ranks that agree through a gather hand out, joined, and their states at the end."""
    parts: list[list[Batch]] = [[] for _ in range(world)]
    states: list[dict[str, Any]] = [{} for _ in range(world)]
    found: list[list[int]] = [[] for _ in range(world)]
    barrier = threading.Barrier(world, timeout=60)

    def gather(rank: int) -> Callable[[list[int]], list[int]]:
        def agree(groups: list[int]) -> list[int]:
            found[rank] = groups
            barrier.wait()
            union = sorted({group for some in found for group in some})
            barrier.wait()
            return union

        return agree

    def work(rank: int) -> None:
        with TokenReader(copy, settings, rank=rank, world_size=world, reading=QUARANTINE, agree=gather(rank)) as reader:
            parts[rank].extend(reader)
            states[rank] = reader.state_dict()

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(world)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return joined(parts), states


@pytest.mark.parametrize("packing", PACKINGS)
def test_the_stream_without_the_damaged_is_the_same_at_every_world_size(
    folder: Path, damaged: Path, numbers: dict[str, int], packing: Packing
) -> None:
    """As many batches as ever; one, two and four ranks agree on which row groups, on every token, and on the state."""
    settings = settings_of(packing)
    plan = TokenReader(folder, settings).plan
    one, (state,) = streams(damaged, settings, 1)
    assert len(one) == plan.steps
    assert state["quarantine"] == sorted(numbers[name] for name in ("one", "two", "last"))
    assert state["plan"] == plan.hash
    for world in (2, 4):
        several, states = streams(damaged, settings, world)
        assert equal(several, one)
        assert all(other == state for other in states)


def test_rows_of_the_next_sound_row_group_stand_in(damaged: Path, numbers: dict[str, int]) -> None:
    """The place of two damaged neighbours is filled from the third, that of the last from the first; ids and
    references say the same, and no damaged row is among them."""
    with TokenReader(damaged, settings_of(), reading=QUARANTINE) as reader:
        batches = list(reader)
    with TokenReader(damaged, settings_of()) as reader:
        reader.quarantine(numbers[name] for name in ("one", "two", "last"))
        groups = np.concatenate([batch["documents"]["group"] for batch in batches])
        tokens = np.concatenate([batch["documents"]["tokens"] for batch in batches])
        read = {name: int(tokens[groups == numbers[name]].sum()) for name in numbers}
        there = {name: int(reader._groups.tokens[numbers[name]]) for name in numbers}
        assert (read["one"], read["two"], read["last"]) == (0, 0, 0)
        assert read["three"] >= there["three"] + there["one"] + there["two"] - 64
        assert read["first"] >= there["first"] + there["last"] - 64
        for batch in batches:
            for reference in batch["documents"][:3]:
                place = reader.document(int(reference["group"]), int(reference["row"]))
                row = pq.ParquetFile(damaged / place["shard"]).read_row_group(place["row_group"], columns=["tokens"])
                ids = row["tokens"][place["row"]].as_py()[reference["first"] :][: reference["tokens"]]
                at = batch["input_ids"][int(reference["sequence"]) - int(batch["sequence"][0])]
                assert at[reference["start"] : reference["start"] + reference["tokens"]].tolist() == ids


def test_resume_replays_the_quarantine(damaged: Path) -> None:
    """A state through JSON, taken anywhere, goes on as the run did."""
    whole = list(TokenReader(damaged, settings_of(), reading=QUARANTINE))
    for steps in (1, len(whole) // 2, len(whole) - 1):
        with TokenReader(damaged, settings_of(), reading=QUARANTINE) as first:
            assert len(list(islice(first, steps))) == steps
            state = json.dumps(first.state_dict())
        with TokenReader(damaged, settings_of(), reading=QUARANTINE) as second:
            second.load_state_dict(json.loads(state))
            assert second.quarantined == first.quarantined
            assert equal(list(second), whole[steps:])


def test_a_sound_copy_read_with_the_list_gives_the_same(folder: Path, damaged: Path) -> None:
    """The stream follows from plan and list alone: a copy without damage replays the run that met it."""
    with TokenReader(damaged, settings_of(), reading=QUARANTINE) as reader:
        list(reader)
        state = reader.state_dict()
        whole = [reader.batch_at(step) for step in range(reader.step)]
    with TokenReader(folder, settings_of()) as reader:
        reader.load_state_dict(state | {"step": 0})
        assert equal(list(reader), whole)


def test_several_ranks_must_be_able_to_agree(damaged: Path) -> None:
    """Without a function for it the policy is refused; one that forgets what it was given is an error, not a loop."""
    with pytest.raises(SettingError, match=r"agree = None .* gathers damaged row groups of all"):
        TokenReader(damaged, settings_of(), rank=0, world_size=2, reading=QUARANTINE)
    forgetful = TokenReader(damaged, settings_of(), reading=QUARANTINE, agree=lambda _: [])
    with forgetful, pytest.raises(ShardError, match=r"`agree` returned \[\]; return the union"):
        list(forgetful)


def test_what_cannot_be_in_quarantine_is_refused(folder: Path) -> None:
    """Numbers that are none, and all row groups of a component."""
    with TokenReader(folder, settings_of(), reading=ReadingSettings(threads=0)) as reader:
        for wrong in (-1, 10**6, "3"):
            with pytest.raises(ShardError, match="is none of the"):
                reader.quarantine([wrong])  # type: ignore[list-item]
        for bad in ({"quarantine": 3}, {"quarantine": ["x"]}, {"quarantine": [10**6]}):
            with pytest.raises(ShardError, match=r"quarantine|is none of the"):
                reader.load_state_dict(reader.state_dict() | bad)
        assert reader.quarantined == []
        reader.quarantine(range(len(reader._groups.tokens)))
        with pytest.raises(ShardError, match="every row group of a component is in quarantine"):
            next(iter(reader))
