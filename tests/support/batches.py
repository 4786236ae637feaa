"""Batches of a reader: all of them, those of every rank as one stream, and what comes after a stop."""

import json
from itertools import islice
from pathlib import Path

import numpy as np

from corpus.reader import Batch, ReaderSettings, TokenReader


def read_all(folder: Path, settings: ReaderSettings, rank: int = 0, world: int = 1) -> list[Batch]:
    """Return the batches of a rank."""
    with TokenReader(folder, settings, rank=rank, world_size=world) as reader:
        return list(reader)


def joined(parts: list[list[Batch]]) -> list[Batch]:
    """Join the ranks' batches of each step in rank order."""
    return [_joined(step) for step in zip(*parts, strict=True)]


def _joined(step: tuple[Batch, ...]) -> Batch:
    whole = {name: np.concatenate([b[name] for b in step]) for name, value in step[0].items() if np.ndim(value)}
    ends = np.cumsum([0, *(b["cu_seqlens"][-1] for b in step)])
    edges = [b["cu_seqlens"][:-1] + end for b, end in zip(step, ends, strict=False)]
    whole["cu_seqlens"] = np.append(np.concatenate(edges), ends[-1]).astype(np.int32)
    longest, real = (([b[name] for b in step]) for name in ("max_seqlen", "num_real_tokens"))
    return whole | {"max_seqlen": max(longest), "num_real_tokens": sum(real)}


def equal(one: list[Batch], two: list[Batch]) -> bool:
    """Say whether two streams are the same, to the name and number."""
    same = [a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a) for a, b in zip(one, two, strict=True)]
    return all(same)


def stopped(folder: Path, settings: ReaderSettings, steps: int) -> str:
    """Return as JSON the state of one of two ranks after so many steps."""
    reader = TokenReader(folder, settings, rank=1, world_size=2)
    assert len(list(islice(reader, steps))) == steps
    return json.dumps(reader.state_dict())


def resumed(folder: Path, settings: ReaderSettings, state: str, world: int) -> list[Batch]:
    """Return the batches that follow a state, of all ranks."""
    readers = [TokenReader(folder, settings, rank=rank, world_size=world) for rank in range(world)]
    for reader in readers:
        reader.load_state_dict(json.loads(state))
    return joined([list(reader) for reader in readers])
