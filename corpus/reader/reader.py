"""TokenReader: the batches of one rank, any batch by its number, and a state that resumes exactly.

State is a step number and the plan's hash: the same on every rank, and it counts batches that were handed out, not read
ahead. Resuming reads no more than the windows of the batch that is asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from corpus.errors import SettingError, ShardError
from corpus.reader.batch import Batch, batch_of
from corpus.reader.cache import Cache
from corpus.reader.groups import DamageError, RowGroups
from corpus.reader.identity import check_identity
from corpus.reader.passes import Ints
from corpus.reader.plan import Plan
from corpus.reader.reading import Counts, ReadingSettings
from corpus.reader.settings import ReaderSettings
from corpus.reader.shares import matched
from corpus.reader.sources import source_of
from corpus.reader.window import units_of
from corpus.reader.windows import Windows
from corpus.tokens.manifest import Manifest

STATE_VERSION: Final = 2
Agree = Callable[[list[int]], Iterable[int]]


class TokenReader:
    """Iterates over the batches of one rank, from where its state stands to the end of the run.

    path      folder of the manifest, or its URL (s3://, https://)
    reading   how row groups are read: threads, cache, deadlines, what damage does (reading.py)
    agree     for on_damage="quarantine" with more ranks than one: called by every rank for every batch with the row
              groups that it found damaged, mostly none; it must return those of all ranks, to all of them

    Raises ShardError when the shards are not what the manifest promises, and SettingError when the settings do not
    suit them; both before the first batch. `io` says what reading cost so far.
    """

    def __init__(
        self,
        path: str | Path,
        settings: ReaderSettings,
        *,
        rank: int = 0,
        world_size: int = 1,
        reading: ReadingSettings | None = None,
        agree: Agree | None = None,
    ) -> None:
        self.settings, self.rank, self.world_size = settings, rank, world_size
        self.reading, self.io = reading or ReadingSettings(), Counts()
        self._agree = _checked_agree(agree, self.reading, world_size)
        cache = Cache(self.reading.cache, self.reading.cache_bytes) if self.reading.cache else None
        source = source_of(path, self.reading, self.io, cache)
        self.manifest = source.manifest()
        check_identity(self.manifest, settings)
        self.components = _chosen(self.manifest, settings)
        self._groups = RowGroups(
            source, self.manifest, self.components, self.reading, self.io, cache, verify=settings.verify
        )
        units, dropped = self._units()
        self.plan = Plan(settings, self.manifest.dataset, self.components, units, self._groups.codes, dropped)
        self.plan.lanes_of(rank, world_size)
        self._windows = Windows(self.plan, self._groups, units, settings, self.reading, self.io)
        self._step = 0

    def _units(self) -> tuple[Ints, Ints | None]:
        """Return the length of each row group, its tokens, or how many sequences pad makes of its documents; and how
        many tokens pad drops there."""
        if self.settings.packing != "pad":
            return self._groups.tokens, None
        found = [(units_of(each, self.settings), _dropped(each, self.settings)) for each in self._groups.each_lengths()]
        units, dropped = np.array(found, np.int64).reshape(-1, 2).T
        return units, dropped

    @property
    def finished(self) -> bool:
        """Whether the last batch has been handed out."""
        return self.plan.steps is not None and self._step >= self.plan.steps

    @property
    def step(self) -> int:
        """Batches handed out so far."""
        return self._step

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches from the current step on; a batch counts as consumed once it is handed out."""
        while not self.finished:
            batch = self._next()
            self._windows.read_ahead()
            self._step += 1
            yield batch

    def _next(self) -> Batch:
        """Return the batch of the current step, once all ranks agree on which row groups are damaged: none, or those
        that are in quarantine by then."""
        while True:
            batch, damaged = None, list[int]()
            try:
                batch = self.batch_at(self._step)
            except DamageError as error:
                if self.reading.on_damage == "fail":
                    raise
                damaged = error.groups
            agreed = sorted(set(self._agree(damaged)))
            if batch is not None and not agreed:
                return batch
            if not set(agreed) - set(self.quarantined):
                raise ShardError(f"row groups {damaged} are damaged, but `agree` returned {agreed}; return the union")
            self.quarantine(agreed)

    def batch_at(self, step: int, rank: int | None = None, world_size: int | None = None) -> Batch:
        """Return a rank's share of batch `step` (0 is the first), see batch.py; does not move the reader."""
        self._check_step(step)
        return batch_of(*self._windows.sequences(step, self._lanes(rank, world_size)), self.settings)

    def references(self, step: int, rank: int | None = None, world_size: int | None = None) -> npt.NDArray[Any]:
        """Return which documents a rank's share of batch `step` holds (dtype REFERENCE), in order."""
        found: npt.NDArray[Any] = self.batch_at(step, rank, world_size)["documents"]
        return found

    def document(self, group: int, row: int) -> dict[str, Any]:
        """Return the provenance of a document that `references` named: shard, id, URL, WARC file and offset, ..."""
        return self._groups.provenance(group, row)

    @property
    def quarantined(self) -> list[int]:
        """Row groups in quarantine, by number."""
        return sorted(self._groups.quarantined)

    def quarantine(self, groups: Iterable[int]) -> None:
        """Read others in place of some row groups from now on: the same on every rank, or their streams part.

        A row group's place is filled with rows of the next one of its component that is not in quarantine, again and
        again, so the plan does not change. The list is part of the state.
        """
        self._groups.quarantined |= self._numbers(groups)
        self._windows.clear()

    def _numbers(self, groups: Iterable[int]) -> frozenset[int]:
        chosen, there = frozenset(groups), len(self._groups.tokens)
        if wrong := [group for group in chosen if type(group) is not int or not 0 <= group < there]:
            raise ShardError(
                f"row group {wrong[0]!r} is none of the {there:,}; give numbers as DamageError.groups does"
            )
        return chosen

    def seek(self, step: int) -> None:
        """Go on with batch `step`."""
        self._check_step(step, end=True)
        self._step = step

    def state_dict(self) -> dict[str, Any]:
        """Return the state: small, plain, the same on every rank; it counts batches handed out, not those read."""
        return {
            "version": STATE_VERSION,
            "step": self._step,
            "sequences": self._step * self.settings.batch_size,
            "plan": self.plan.hash,
            "fields": dict(self.plan.fields),
            "quarantine": self.quarantined,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken, at this or any other legal world size.

        Raises ShardError, one sentence per cause, when it belongs to another plan.
        """
        if state.get("version") != STATE_VERSION:
            raise ShardError(f"reader state has version {state.get('version')!r}, known here is {STATE_VERSION}")
        if state.get("plan") != self.plan.hash:
            raise ShardError(" ".join(_differences(state.get("fields") or {}, self.plan.fields)))
        step = state.get("step")
        if type(step) is not int:
            raise ShardError(f"reader state has step {step!r}, not a number of batches")
        quarantined = state.get("quarantine", [])
        if not isinstance(quarantined, list):
            raise ShardError(f"reader state has quarantine {quarantined!r}, not a list of row groups")
        numbers = self._numbers(quarantined)
        self.seek(step)
        self._groups.quarantined = numbers
        self._windows.clear()

    def close(self) -> None:
        """End threads, close connections and let go of windows; the reader can be used again."""
        self._windows.close()
        self._groups.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lanes(self, rank: int | None, world_size: int | None) -> range:
        return self.plan.lanes_of(
            self.rank if rank is None else rank, self.world_size if world_size is None else world_size
        )

    def _check_step(self, step: int, *, end: bool = False) -> None:
        steps = self.plan.steps
        if step < 0 or (steps is not None and step >= steps + end):
            raise ShardError(f"step {step} is not among the {steps} batches of this plan; raise epochs to go on")


def _checked_agree(agree: Agree | None, reading: ReadingSettings, world_size: int) -> Agree:
    if agree is None and reading.on_damage == "quarantine" and world_size > 1:
        valid = "with more ranks than one, pass a function that gathers damaged row groups of all (docs/shards.md)"
        raise SettingError("TokenReader", "agree", agree, valid)
    return agree or (lambda groups: groups)


def _dropped(lengths: Ints, settings: ReaderSettings) -> int:
    """Return how many tokens pad drops of documents of these lengths, because they are too long."""
    long = lengths[lengths > settings.sequence_length]
    kept = {"split": long, "truncate": settings.sequence_length, "drop": 0}[settings.too_long]
    return int((long - kept).sum(dtype=np.int64))


def _chosen(manifest: Manifest, settings: ReaderSettings) -> list[str]:
    known = sorted(manifest.components)
    wanted = known if settings.components is None else sorted(set(settings.components))
    if unknown := [name for name in wanted if name not in known]:
        raise ShardError(f"{manifest.place}: no component {unknown[0]!r}; it has {', '.join(known)}")
    mixtures = [stage.mixture for stage in settings.stages] or [settings.mixture or {"*": 1}]
    return sorted({name for one in mixtures for names in matched(one, wanted).values() for name in names})


def _differences(saved: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return one sentence per field of the plan that differs."""
    names = [name for name in {**here, **saved} if saved.get(name) != here.get(name)]
    told = "The state was saved with {0} = {1!r}, here it is {2!r}."
    sentences = [told.format(name, saved.get(name), here.get(name)) for name in names]
    sentences = sentences or ["The state's plan hash does not match its own fields: it was changed or cut."]
    return [*sentences, "Use the saved settings and data, or start a new run."]
