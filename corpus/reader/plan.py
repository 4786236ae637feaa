"""The plan: which tokens each batch holds, as a pure function of the manifest and the settings.

Each epoch permutes the row groups with a keyed permutation of (seed, epoch) and joins their tokens to one stream.
Sequence k is `sequence_length` tokens from k * sequence_length on, its labels the same shifted by one. The first
steps * batch_size sequences are dealt to V lanes in V equal, contiguous blocks, so every lane ends at the same step
and two lanes share a row group only where their blocks meet. Batch t takes the next batch_size / V sequences of every
lane, in lane order. A rank owns a contiguous range of lanes, so the batches of all ranks, joined in rank order, are the
same for every world size that divides V. What is left over (less than a batch, and less than a sequence) is reported,
and is another part of the data in the next epoch.

Order depends on the step number alone; ranks, caches and threads are execution and cannot change it.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from corpus.errors import SettingError, ShardError
from corpus.reader.permutation import Permutation
from corpus.settings import fingerprint, require

ALGORITHM: Final = 1
"""Raised when the same settings give another order."""
DEFAULT_LANES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSettings:
    """What decides the stream, and what does not.

    sequence_length  tokens in a sequence
    batch_size       sequences in a global batch, over all ranks
    seed             another seed, another order
    lanes            V: legal world sizes are its divisors; it must divide batch_size. None: the largest divisor of
                     batch_size up to 64
    components       mixture components to read, all by default
    epochs           passes over the data, None for no end; not part of the plan, so it can be raised on resume
    dtype            of input_ids and labels: int64 or int32
    verify           check every row group's logical checksum when it is read
    tokenizer        SHA-256 of the tokenizer.json the model expects; another one is refused
    """

    sequence_length: int
    batch_size: int
    seed: int = 0
    lanes: int | None = None
    components: tuple[str, ...] | None = None
    epochs: int | None = 1
    dtype: str = "int64"
    verify: bool = True
    tokenizer: str | None = None

    def __post_init__(self) -> None:
        require(self.sequence_length >= 1, self, "sequence_length", "give a positive number of tokens")
        require(self.batch_size >= 1, self, "batch_size", "give a positive number of sequences")
        require(self.epochs is None or self.epochs >= 1, self, "epochs", "give a positive number, or None for no end")
        require(self.dtype in ("int64", "int32"), self, "dtype", "use int64 or int32")
        require(self.components is None or len(self.components) > 0, self, "components", "name some, or None for all")
        divisors = ", ".join(map(str, divisors_of(self.batch_size)))
        valid = self.lanes is None or (self.lanes >= 1 and self.batch_size % self.lanes == 0)
        require(valid, self, "lanes", f"it must divide batch_size; use one of {divisors}")

    @property
    def lane_count(self) -> int:
        """The number of lanes, V."""
        return self.lanes or max(d for d in divisors_of(self.batch_size) if d <= DEFAULT_LANES)


def divisors_of(number: int) -> list[int]:
    """Return the divisors of a positive number, ascending."""
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


class Plan:
    """The order of every batch. `tokens` are the sizes of the row groups (int64), in the manifest's order."""

    def __init__(
        self, settings: ReaderSettings, dataset: str, components: Sequence[str], tokens: npt.NDArray[np.int64]
    ) -> None:
        self.settings, self._tokens = settings, tokens
        self.lanes, self.per_lane = settings.lane_count, settings.batch_size // settings.lane_count
        self.total_tokens = int(tokens.sum())
        self.steps_per_epoch = max(0, self.total_tokens - 1) // settings.sequence_length // settings.batch_size
        self.fields: dict[str, Any] = {
            "algorithm": ALGORITHM,
            "dataset": dataset,
            "components": sorted(components),
            "sequence_length": settings.sequence_length,
            "batch_size": settings.batch_size,
            "lanes": self.lanes,
            "seed": settings.seed,
        }
        self.hash = fingerprint(self.fields)
        if not self.steps_per_epoch:
            raise ShardError(
                f"{self.total_tokens:,} tokens do not fill one batch of {settings.batch_size} sequences of "
                f"{settings.sequence_length} tokens; lower one of them, or read more components"
            )
        self._epoch = functools.lru_cache(maxsize=2)(self._make_epoch)

    @property
    def steps(self) -> int | None:
        """Batches in all epochs, None when there is no end."""
        return None if self.settings.epochs is None else self.settings.epochs * self.steps_per_epoch

    @property
    def dropped_tokens(self) -> int:
        """Tokens left over at the end of each epoch."""
        return self.total_tokens - self.steps_per_epoch * self.settings.batch_size * self.settings.sequence_length

    def lanes_of(self, rank: int, world_size: int) -> range:
        """Return the lanes that a rank owns; SettingError when the world size does not divide the lanes."""
        if world_size < 1 or self.lanes % world_size:
            legal = ", ".join(map(str, divisors_of(self.lanes)))
            valid = f"with {self.lanes} lanes it must be one of {legal}; change the world size, or lanes and batch_size"
            raise SettingError("TokenReader", "world_size", world_size, valid)
        if not 0 <= rank < world_size:
            raise SettingError("TokenReader", "rank", rank, f"it must be from 0 to {world_size - 1}")
        owned = self.lanes // world_size
        return range(rank * owned, (rank + 1) * owned)

    def span(self, step: int, lane: int) -> tuple["EpochOrder", int]:
        """Return the epoch's order and the place in its stream where a lane's sequences of a batch begin."""
        epoch, within = divmod(step, self.steps_per_epoch)
        sequence = (lane * self.steps_per_epoch + within) * self.per_lane
        return self._epoch(epoch), sequence * self.settings.sequence_length

    def _make_epoch(self, epoch: int) -> "EpochOrder":
        key = fingerprint("row groups", ALGORITHM, self.settings.seed, epoch).encode()
        groups = Permutation(len(self._tokens), key)(np.arange(len(self._tokens)))
        return EpochOrder(groups, np.concatenate([[0], np.cumsum(self._tokens[groups])]))


@dataclass(frozen=True, slots=True)
class EpochOrder:
    """Row groups in the order of an epoch, and where the tokens of each begin (one entry more, the end)."""

    groups: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    def pieces(self, start: int, count: int) -> list[tuple[int, int, int]]:
        """Return (row group, first, last + 1) of the tokens that make up stream[start : start + count]."""
        found = []
        place = int(np.searchsorted(self.starts, start, side="right")) - 1
        end = start + count
        while start < end:
            base, stop = int(self.starts[place]), min(end, int(self.starts[place + 1]))
            if stop > start:
                found.append((int(self.groups[place]), start - base, stop - base))
            start, place = stop, place + 1
        return found
