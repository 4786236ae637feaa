"""Read token shards in a trainer: the same stream for every number of ranks, exact resume, verified bytes.

    from corpus.reader import ReaderSettings, TokenReader

    reader = TokenReader("ROOT/shards", ReaderSettings(sequence_length=2048, batch_size=64), rank=0, world_size=1)
    for batch in reader:                  # {"input_ids": (64, 2048), "labels": (64, 2048), "sequence": (64,)}
        ...
        state = reader.state_dict()       # small and the same on every rank; load_state_dict goes on after this batch

One tokenized set serves any number of mixtures: `ReaderSettings(mixture=mixture("one_to_one"), ...)` (mixtures.py).

A plan (plan.py) says which tokens each batch holds; it follows from the manifest and the settings alone. Reading
(windows.py, groups.py) cannot change it. Needs numpy and pyarrow, and fsspec for shards behind a URL;
`corpus.reader_torch` wraps it for torch.
"""

from corpus.reader.batch import Batch
from corpus.reader.groups import DamageError
from corpus.reader.mixtures import mixture
from corpus.reader.reader import TokenReader
from corpus.reader.reading import ReadingSettings
from corpus.reader.settings import ReaderSettings, Stage

__all__ = ["Batch", "DamageError", "ReaderSettings", "ReadingSettings", "Stage", "TokenReader", "mixture"]
