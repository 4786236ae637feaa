"""The reader as a torch IterableDataset: for plain loops, DataLoader and StatefulDataLoader.

    dataset = torch_dataset("ROOT/shards", ReaderSettings(sequence_length=2048, batch_size=64))
    loader = DataLoader(dataset, batch_size=None)

Batches are whole, so `batch_size=None`. Worker processes are refused: each would hand out the same stream, and state
would live in a process that the trainer cannot ask. Decoding a row group takes milliseconds and releases the
interpreter lock. This is the one module that imports torch (extra `train`).
"""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import MissingError, PipelineError
from corpus.reader import ReaderSettings, ReadingSettings, TokenReader

try:
    import torch
    import torch.distributed
    from torch.utils.data import IterableDataset, get_worker_info
except ImportError as error:
    raise MissingError("torch is not installed; install the extra: pip install 'headwater[train]'") from error


class TokenDataset(IterableDataset):
    """Yields the reader's batches with tensors for arrays; numbers stay as they are. `documents` has a row for each
    stretch and a column for each field of corpus.reader.batch.REFERENCE (int64), as no tensor has named fields.
    state_dict and load_state_dict are the reader's.
    """

    def __init__(self, reader: TokenReader) -> None:
        super().__init__()
        self.reader = reader

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        if worker is not None:
            raise PipelineError(
                f"num_workers={worker.num_workers}: every worker process would hand out the same batches; "
                "use num_workers=0, decoding does not hold the interpreter lock"
            )
        for batch in self.reader:
            yield {name: _tensor(value) for name, value in batch.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return the reader's state: batches handed out so far."""
        return self.reader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.reader.load_state_dict(state)


def _tensor(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    fields = value.dtype.names
    return torch.from_numpy(value if fields is None else value.view(np.int64).reshape(-1, len(fields)))


def torch_dataset(
    path: str | Path,
    settings: ReaderSettings,
    *,
    rank: int | None = None,
    world_size: int | None = None,
    reading: ReadingSettings | None = None,
    group: Any = None,
) -> TokenDataset:
    """Return a dataset over the shards in `path`, a folder or URL.

    Rank and world size (data-parallel) default to those of torch.distributed when it is initialised, else 0 and 1.
    There, with on_damage="quarantine" in `reading`, all ranks tell each other of each batch what they found damaged;
    group: the process group that they do it in, by default all; it must hold one process for each rank.
    """
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    if rank is None:
        rank = torch.distributed.get_rank() if distributed else 0
    if world_size is None:
        world_size = torch.distributed.get_world_size() if distributed else 1
    several = distributed and world_size > 1 and reading is not None and reading.on_damage == "quarantine"
    agree = functools.partial(_of_all, world_size, group) if several else None
    return TokenDataset(TokenReader(path, settings, rank=rank, world_size=world_size, reading=reading, agree=agree))


def _of_all(world_size: int, group: Any, damaged: list[int]) -> list[int]:
    """Return the damaged row groups of all ranks."""
    found: list[list[int]] = [[] for _ in range(world_size)]
    torch.distributed.all_gather_object(found, damaged, group=group)
    return [number for some in found for number in some]
