"""The reader as a torch IterableDataset: for plain loops, DataLoader and StatefulDataLoader.

    dataset = torch_dataset("ROOT/shards", ReaderSettings(sequence_length=2048, batch_size=64))
    loader = DataLoader(dataset, batch_size=None)

Batches are whole, so `batch_size=None`. Worker processes are refused: each would hand out the same stream, and state
would live in a process that the trainer cannot ask. Decoding a row group takes milliseconds and releases the
interpreter lock. This is the one module that imports torch (extra `train`).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import MissingError, PipelineError
from corpus.reader import ReaderSettings, TokenReader

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
    path: str | Path, settings: ReaderSettings, *, rank: int | None = None, world_size: int | None = None
) -> TokenDataset:
    """Return a dataset over the shards in `path`.

    Rank and world size (data-parallel) default to those of torch.distributed when it is initialised, else 0 and 1.
    """
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    if rank is None:
        rank = torch.distributed.get_rank() if distributed else 0
    if world_size is None:
        world_size = torch.distributed.get_world_size() if distributed else 1
    return TokenDataset(TokenReader(path, settings, rank=rank, world_size=world_size))
