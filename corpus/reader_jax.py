"""Batches by number, as numpy arrays of fixed shapes: for JAX, whose compiled steps want one shape, and for Grain.

    source = StepSource("ROOT/shards", ReaderSettings(sequence_length=2048, batch_size=64, dtype="int32"), segments=512)
    for step in range(start, len(source)):
        state = train_step(state, source[step])        # jit compiles once

    dataset = grain.MapDataset.source(source)          # the protocol of Grain's RandomAccessDataSource

The reader's plan makes any batch from its number, so there is no state to keep: a checkpoint holds the step. Needs
neither jax nor grain. Calls from several threads take turns; a copy in another process opens the shards anew.
"""

import functools
import threading
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np

from corpus.errors import SettingError
from corpus.reader import Batch, ReaderSettings, ReadingSettings, TokenReader
from corpus.reader.batch import fixed


class StepSource:
    """Item i is a rank's share of batch i: the arrays of corpus.reader.batch that have one shape, as a dict.

    path, reading: as TokenReader takes them.
    segments: give cu_seqlens too, with places for so many segments of a rank's batch; a batch with more is an error
    that says how many. segment_ids and position_ids are there without, unless `places` of the settings leaves them out.

    Raises SettingError when `epochs` is None, as such a run has no length, and whatever TokenReader raises.
    """

    def __init__(
        self,
        path: str | Path,
        settings: ReaderSettings,
        *,
        rank: int = 0,
        world_size: int = 1,
        segments: int | None = None,
        reading: ReadingSettings | None = None,
    ) -> None:
        self._more: dict[str, Any] = {"rank": rank, "world_size": world_size, "segments": segments, "reading": reading}
        self._path, self._segments = path, segments
        self.reader = TokenReader(path, settings, rank=rank, world_size=world_size, reading=reading)
        if self.reader.plan.steps is None:
            raise SettingError("StepSource", "epochs", None, "a source has a length; say how many epochs")
        self._steps, self._turn = self.reader.plan.steps, threading.Lock()

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: SupportsIndex) -> Batch:
        number = step.__index__()
        if not -self._steps <= number < self._steps:
            raise IndexError(f"step {number} is not among the {self._steps} of this source")
        with self._turn:
            batch = self.reader.batch_at(number % self._steps)
        cut = batch.pop("cu_seqlens")
        shaped = {name: value for name, value in batch.items() if np.ndim(value) and name != "documents"}
        if self._segments is not None:
            shaped |= {"cu_seqlens": fixed(cut, self._segments + 1), "max_seqlen": np.int32(batch["max_seqlen"])}
        return shaped

    def __repr__(self) -> str:
        told = self.reader
        return f"StepSource({told.manifest.place}, plan {told.plan.hash[:12]}, rank {told.rank} of {told.world_size})"

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(StepSource, **self._more), (self._path, self.reader.settings)
