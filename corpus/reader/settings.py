"""What a reader is asked for: the settings that decide the stream, and those that do not.

The stream of batches follows from the dataset and from the fields that `Plan.fields` lists. Ranks, threads, caches,
dtypes and which fields a batch has are execution: they cannot change it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from corpus.settings import require

Packing = Literal["concat", "best_fit", "pad"]
PACKINGS: Final[tuple[Packing, ...]] = ("concat", "best_fit", "pad")
TooLong = Literal["split", "truncate", "drop"]
TOO_LONG: Final[tuple[TooLong, ...]] = ("split", "truncate", "drop")
PLACES: Final = ("loss_mask", "position_ids", "segment_ids")
"""Fields of a batch that have a number for each token, beside input_ids and labels."""
DEFAULT_LANES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of a run with a mixture of its own: `mixture` as in ReaderSettings, for `steps` batches."""

    mixture: Mapping[str, float]
    steps: int

    def __post_init__(self) -> None:
        require(sound(self.mixture), self, "mixture", "give each pattern a positive weight; leave out what is not read")
        require(self.steps >= 1, self, "steps", "give a positive number of batches")


def sound(mixture: Mapping[str, float]) -> bool:
    """Say whether a mixture has patterns, and each a positive, finite weight."""
    return bool(mixture) and all(0 < weight < math.inf for weight in mixture.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSettings:
    """What decides the stream, and what does not.

    sequence_length  tokens in a sequence
    batch_size       sequences in a global batch, over all ranks
    seed             another seed, another order
    lanes            V: legal world sizes are its divisors; it must divide batch_size. None: the largest divisor of
                     batch_size up to 64
    packing          how documents fill sequences (packing.py): concat, best_fit or pad
    window           row groups whose documents are shuffled and packed together, of one lane
    mask             whether documents are kept apart: no token is predicted from another document, positions begin anew
    too_long         what pad does with a document longer than a sequence: split, truncate or drop; others split it
    components       mixture components to read, all by default
    mixture          weights by component or pattern, as {"*central-*": 1, "*peripheral-*": 1}: the share that each has
                     of the sequences (schedule.py); components that no pattern matches are not read. None: each has the
                     share that it has of the data
    stages           mixtures that follow one another, in place of one
    repeat           with a mixture: passes over its scarcest part within an epoch, at most; with stages: passes over
                     any part in the whole run, at most
    epochs           passes over the data, None for no end; not part of the plan, so it can be raised on resume
    dtype            of input_ids and labels: int64 or int32
    places           which of loss_mask, position_ids and segment_ids batches have, all by default. Each takes time, and
                     not every model wants them; not part of the plan
    verify           check every row group's logical checksum when it is read
    tokenizer        SHA-256 of the tokenizer.json the model expects; another one is refused
    vocabulary       ids that the model has embeddings for; shards of a larger vocabulary are refused
    boundary         ids around a document that the model expects, as {"bos": None, "eos": 0}; others are refused
    pad_id           id that fills sequences which documents do not; masked by its place, so any id will do
    """

    sequence_length: int
    batch_size: int
    seed: int = 0
    lanes: int | None = None
    packing: Packing = "concat"
    window: int = 8
    mask: bool = True
    too_long: TooLong = "split"
    components: tuple[str, ...] | None = None
    mixture: Mapping[str, float] | None = None
    stages: tuple[Stage, ...] = ()
    repeat: int = 1
    epochs: int | None = 1
    dtype: str = "int64"
    places: tuple[str, ...] = PLACES
    verify: bool = True
    tokenizer: str | None = None
    vocabulary: int | None = None
    boundary: Mapping[str, int | None] | None = None
    pad_id: int = 0

    def __post_init__(self) -> None:
        require(self.sequence_length >= 1, self, "sequence_length", "give a positive number of tokens")
        require(self.batch_size >= 1, self, "batch_size", "give a positive number of sequences")
        require(self.epochs is None or self.epochs >= 1, self, "epochs", "give a positive number, or None for no end")
        require(self.dtype in ("int64", "int32"), self, "dtype", "use int64 or int32")
        known = set(self.places) <= set(PLACES) and len(set(self.places)) == len(self.places)
        require(known, self, "places", f"name each once, of {', '.join(PLACES)}")
        require(self.packing in PACKINGS, self, "packing", f"use one of {', '.join(PACKINGS)}")
        require(self.too_long in TOO_LONG, self, "too_long", f"use one of {', '.join(TOO_LONG)}")
        alone = self.too_long == "split" or self.packing == "pad"
        require(alone, self, "too_long", f"{self.packing} splits what is too long; use pad, or split")
        require(self.window >= 1, self, "window", "give a positive number of row groups")
        require(0 <= self.pad_id < 1 << 31, self, "pad_id", "give an id")
        require(self.vocabulary is None or self.vocabulary >= 1, self, "vocabulary", "give a positive number of ids")
        known = self.boundary is None or self.boundary.keys() == {"bos", "eos"}
        require(known, self, "boundary", 'give both, as {"bos": None, "eos": 0}; None is for no id')
        require(self.components is None or len(self.components) > 0, self, "components", "name some, or None for all")
        self._check_mixture()
        divisors = ", ".join(map(str, divisors_of(self.batch_size)))
        valid = self.lanes is None or (self.lanes >= 1 and self.batch_size % self.lanes == 0)
        require(valid, self, "lanes", f"it must divide batch_size; use one of {divisors}")

    def _check_mixture(self) -> None:
        fine = self.mixture is None or sound(self.mixture)
        require(fine, self, "mixture", "give each pattern a positive weight; leave out what is not to be read")
        require(self.mixture is None or not self.stages, self, "stages", "give a mixture, or stages, not both")
        require(not self.stages or self.epochs == 1, self, "epochs", "stages say how long they are; leave it out")
        require(self.repeat >= 1, self, "repeat", "give a positive number of passes")
        mixed = self.mixture is not None or bool(self.stages)
        require(self.repeat == 1 or mixed, self, "repeat", "it repeats parts of a mixture; give one")

    @property
    def lane_count(self) -> int:
        """The number of lanes, V."""
        return self.lanes or max(d for d in divisors_of(self.batch_size) if d <= DEFAULT_LANES)

    @property
    def per_lane(self) -> int:
        """Sequences of a lane in a batch."""
        return self.batch_size // self.lane_count


def divisors_of(number: int) -> list[int]:
    """Return the divisors of a positive number, ascending."""
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})
