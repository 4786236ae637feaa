"""The plan: which tokens each batch holds, as a pure function of the manifest and the settings.

Each epoch permutes the row groups with a keyed permutation of (seed, epoch) and joins their tokens to one stream.
Sequence k is `sequence_length` tokens from k * sequence_length on, its labels the same shifted by one. The first
steps * batch_size sequences are dealt to V lanes in V equal, contiguous blocks, so every lane ends at the same step
and two lanes share a row group only where their blocks meet. Batch t takes the next batch_size / V sequences of every
lane, in lane order. A rank owns a contiguous range of lanes, so the batches of all ranks, joined in rank order, are the
same for every world size that divides V. What is left over (less than a batch, and less than a sequence) is reported,
and is another part of the data in the next epoch.

With a mixture, an epoch holds of each group of components exactly its share (shares.py), to the token. A group is read
pass after pass, each a permutation of its row groups keyed by (seed, pattern, pass); epoch e holds the e-th stretch of
that endless stream, so no token comes again before all of its group have come. The row groups of the stretches, the
first and the last of each cut at a token, are permuted by (seed, epoch) and joined to one stream, which is then dealt
as above. Where a row group is cut, a document goes on without its beginning or ends without its end: once or twice per
group and epoch.

Order depends on the step number alone; ranks, caches and threads are execution and cannot change it.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from corpus.errors import SettingError, ShardError
from corpus.reader.permutation import Permutation
from corpus.reader.shares import Share, shares
from corpus.settings import fingerprint, require

ALGORITHM: Final = 1
"""Raised when the same settings give another order."""
DEFAULT_LANES: Final = 64

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSettings:
    """What decides the stream, and what does not.

    sequence_length  tokens in a sequence
    batch_size       sequences in a global batch, over all ranks
    seed             another seed, another order
    lanes            V: legal world sizes are its divisors; it must divide batch_size. None: the largest divisor of
                     batch_size up to 64
    components       mixture components to read, all by default
    mixture          weights by component or pattern, as {"*central-*": 1, "*peripheral-*": 1}: the share that each has
                     of the tokens of an epoch (shares.py); components that no pattern matches are not read. None: each
                     has the share that it has of the data
    repeat           with a mixture: passes over its scarcest part within an epoch, at most
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
    mixture: Mapping[str, float] | None = None
    repeat: int = 1
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
        weights = [] if self.mixture is None else list(self.mixture.values())
        sound = self.mixture is None or (weights and all(0 < weight < math.inf for weight in weights))
        require(bool(sound), self, "mixture", "give each pattern a positive weight; leave out what is not to be read")
        require(self.repeat >= 1, self, "repeat", "give a positive number of passes")
        require(self.repeat == 1 or self.mixture is not None, self, "repeat", "it repeats parts of a mixture; give one")
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
    """The order of every batch.

    tokens: sizes of the row groups (int64), in the manifest's order; of: the component of each.
    total_tokens: tokens of an epoch's stream; shares: what it holds of each part of a mixture, empty without one.
    """

    def __init__(
        self,
        settings: ReaderSettings,
        dataset: str,
        components: Sequence[str],
        tokens: npt.NDArray[np.int64],
        of: npt.NDArray[np.object_],
    ) -> None:
        self.settings, self._tokens, self._of = settings, tokens, of
        self.lanes, self.per_lane = settings.lane_count, settings.batch_size // settings.lane_count
        self.shares = self._shares(components)
        self.total_tokens = sum(share.tokens for share in self.shares) if self.shares else int(tokens.sum())
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
        if self.shares:
            self.fields["mixture"] = {share.pattern: str(share.weight) for share in self.shares}
            self.fields["repeat"] = settings.repeat
        self.hash = fingerprint(self.fields)
        if not self.steps_per_epoch:
            there = "The tokens of the mixture" if self.shares else f"{self.total_tokens:,} tokens"
            raise ShardError(
                f"{there} do not fill one batch of {settings.batch_size} sequences of "
                f"{settings.sequence_length} tokens; lower one of them, or read more components"
            )
        if nothing := [share.pattern for share in self.shares if not share.tokens]:
            valid = "its share of an epoch is less than a token; give it more weight, or leave it out"
            raise SettingError("ReaderSettings", "mixture", nothing[0], valid)
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

    def _shares(self, components: Sequence[str]) -> list[Share]:
        if self.settings.mixture is None:
            return []
        available = {name: int(self._tokens[self._of == name].sum()) for name in components}
        unit = self.settings.sequence_length * self.settings.batch_size
        return shares(self.settings.mixture, available, self.settings.repeat, unit)

    def _make_epoch(self, epoch: int) -> "EpochOrder":
        if self.shares:
            return self._mixed_epoch(epoch)
        key = fingerprint("row groups", ALGORITHM, self.settings.seed, epoch).encode()
        groups = Permutation(len(self._tokens), key)(np.arange(len(self._tokens)))
        firsts = np.zeros(len(groups), np.int64)
        return EpochOrder(groups, firsts, np.concatenate([[0], np.cumsum(self._tokens[groups])]))

    def _mixed_epoch(self, epoch: int) -> "EpochOrder":
        portions = [self._stretch(share, epoch * share.tokens, (epoch + 1) * share.tokens) for share in self.shares]
        groups, firsts, counts = (np.concatenate(parts) for parts in zip(*portions, strict=True))
        key = fingerprint("mixture", ALGORITHM, self.settings.seed, epoch).encode()
        order = Permutation(len(groups), key)(np.arange(len(groups)))
        return EpochOrder(groups[order], firsts[order], np.concatenate([[0], np.cumsum(counts[order])]))

    def _stretch(self, share: Share, start: int, end: int) -> tuple[Ints, Ints, Ints]:
        """Return tokens start to end of the passes over a group: row groups, where in them to begin, how many."""
        members = np.flatnonzero(np.isin(self._of, list(share.components)))
        found: list[tuple[Ints, Ints, Ints]] = []
        for number in range(start // share.available, -(-end // share.available)):
            key = fingerprint("pass", ALGORITHM, self.settings.seed, share.pattern, number).encode()
            groups = members[Permutation(len(members), key)(np.arange(len(members)))]
            edges = np.concatenate([[0], np.cumsum(self._tokens[groups])])
            inside = np.clip(edges, start - number * share.available, end - number * share.available)
            counts = np.diff(inside)
            some = counts > 0
            found.append((groups[some], (inside - edges)[:-1][some], counts[some]))
        groups, firsts, counts = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return groups, firsts, counts


@dataclass(frozen=True, slots=True)
class EpochOrder:
    """Row groups in the order of an epoch, how many tokens of each are left out at its beginning, and where its others
    begin in the stream (one entry more, the end)."""

    groups: Ints
    firsts: Ints
    starts: Ints

    def pieces(self, start: int, count: int) -> list[tuple[int, int, int]]:
        """Return (row group, first, last + 1) of the tokens that make up stream[start : start + count]."""
        found = []
        place = int(np.searchsorted(self.starts, start, side="right")) - 1
        end = start + count
        while start < end:
            base, stop = int(self.starts[place] - self.firsts[place]), min(end, int(self.starts[place + 1]))
            if stop > start:
                found.append((int(self.groups[place]), start - base, stop - base))
            start, place = stop, place + 1
        return found
