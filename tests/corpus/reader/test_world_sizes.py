"""The stream is one stream: for every world size, and for a run that changes its world size again and again."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from coded_roots import draw, write_coded
from coded_streams import digest

from corpus.reader import ReaderSettings, TokenReader
from corpus.reader.reading import ReadingSettings
from corpus.reader.settings import PACKINGS, Packing

WORLDS = (1, 2, 3, 4, 6, 8, 12, 24)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three components, some documents longer than a window."""
    documents = draw(240, 1, mean=40, components=("a", "b", "c"))
    return write_coded(tmp_path_factory.mktemp("worlds"), documents, row_group_tokens=200)


def reading(**more: Any) -> ReaderSettings:
    return ReaderSettings(**({"sequence_length": 32, "batch_size": 24, "lanes": 24, "seed": 8, "window": 2} | more))


def readers(folder: Path, settings: ReaderSettings, world: int) -> list[TokenReader]:
    """Return a reader for each rank; how many threads read ahead, and how far, is another for each world size."""
    reading = ReadingSettings(threads=(0, 1, 4)[world % 3], ahead=(1, 16)[world % 2])
    return [TokenReader(folder, settings, rank=rank, world_size=world, reading=reading) for rank in range(world)]


@pytest.mark.parametrize("packing", PACKINGS)
def test_the_stream_has_one_digest_for_every_world_size(folder: Path, packing: Packing) -> None:
    """SHA-256 over ids, labels, masks, positions, segments and references of all ranks' batches, joined."""
    settings = reading(packing=packing)
    found = {world: digest(zip(*readers(folder, settings, world), strict=True)) for world in WORLDS}
    assert len(set(found.values())) == 1, found


def test_a_chain_of_world_sizes_is_one_straight_run(folder: Path) -> None:
    """8, 6, 12 and 2 ranks in turn, each going on from the state that those before saved: mixture and best fit."""
    settings = reading(packing="best_fit", mixture={"a": 5, "b": 3, "c": 2}, repeat=2)
    straight = list(TokenReader(folder, settings))
    taken: list[tuple[Any, ...]] = []
    state, left = None, len(straight)
    for world, share in ((8, 4), (6, 3), (12, 2), (2, 1)):
        ranks = readers(folder, settings, world)
        for reader in ranks if state else []:
            reader.load_state_dict(json.loads(state or ""))
        taken += islice(zip(*ranks, strict=True), left // share + 1 if share > 1 else None)
        states = {json.dumps(reader.state_dict()) for reader in ranks}
        assert len(states) == 1
        state, left = states.pop(), len(straight) - len(taken)
    assert left == 0
    assert digest(taken) == digest([batch] for batch in straight)
