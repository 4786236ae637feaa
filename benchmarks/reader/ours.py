"""Our side: the reader as a loader of steps.py."""

from collections.abc import Iterator
from typing import Any

from benchmarks.reader.steps import LENGTH, Opened
from corpus.reader import TokenReader
from corpus.reader.reading import ReadingSettings
from corpus.reader.settings_file import settings_of

LANES = 8


def headwater(
    folder: str, batch: int, rank: int, world: int, state: Any, threads: int | None = None, **settings: Any
) -> Opened:
    """Read our shards; threads: that read ahead, as many as by default when None; `settings` are the reader's."""
    wanted = settings_of({"sequence_length": LENGTH, "batch_size": batch, "lanes": LANES} | settings)
    reading = ReadingSettings() if threads is None else ReadingSettings(threads=threads)
    reader = TokenReader(folder, wanted, rank=rank, world_size=world, reading=reading)
    if state is not None:
        reader.load_state_dict(state)

    def batches() -> Iterator[Any]:
        for one in reader:
            yield one["input_ids"], one["labels"]

    return Opened(batches(), reader.state_dict)
