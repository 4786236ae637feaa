"""The plan: which sequence each place of each batch holds, as a pure function of the manifest and the settings.

Sequences come from V lanes. Batch t takes the next batch_size / V sequences of every lane, in lane order, so sequence
t * batch_size + i is one of lane i // (batch_size / V). A rank owns a contiguous range of lanes, so the batches of all
ranks, joined in rank order, are the same for every world size that divides V.

Where a lane's next sequence comes from says the schedule (schedule.py): of the sources of the mixture, each what one
pattern matches; without a mixture all components are one source. Which of the source's it is says the source's passes
(passes.py). Both are computed for any sequence by itself, from its number alone: ranks, threads, caches and prefetching
are execution and cannot change it.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from corpus.errors import SettingError, ShardError
from corpus.reader.passes import ALGORITHM, Ints, Pass, Source, numbers
from corpus.reader.plan_report import report_of
from corpus.reader.schedule import Schedule
from corpus.reader.settings import ReaderSettings, divisors_of
from corpus.reader.shares import fractions, matched
from corpus.settings import fingerprint

EVERYTHING: Final = "*"


@dataclass(frozen=True, slots=True)
class Located:
    """Where a lane's sequence lies: its source, the number and order of the pass there, and its number in the pass."""

    source: Source
    number: int
    passed: Pass
    within: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a run with one mixture: begins at sequence `start` of each lane, and has `sequences` (None: no end)."""

    sources: list[Source]
    schedule: Schedule
    start: int
    sequences: int | None
    steps: int | None

    def share(self, source: Source) -> Fraction:
        """Return a source's share of the sequences."""
        return self.schedule.weights[self.sources.index(source)] if source in self.sources else Fraction(0)


class Plan:
    """The order of every batch.

    units: of the row groups, in the manifest's order: tokens, or sequences with pad. of: the component of each, as its
    name, or, which takes less room, as its place among the sorted names. dropped: tokens of each that pad drops.
    steps: batches in all, None when there is no end. sources: by pattern.
    """

    def __init__(
        self,
        settings: ReaderSettings,
        dataset: str,
        components: Sequence[str],
        units: Ints,
        of: npt.NDArray[Any],
        dropped: Ints | None = None,
    ) -> None:
        self.settings, self.lanes, self.per_lane = settings, settings.lane_count, settings.per_lane
        self.components, self._units, self._of = sorted(components), units, of
        self._dropped = dropped
        self.sources: dict[str, Source] = {}
        mixtures = [stage.mixture for stage in settings.stages] or [settings.mixture or {EVERYTHING: 1}]
        weights = [self._weights(mixture) for mixture in mixtures]
        self.fields = self._fields(dataset, weights)
        self.hash = fingerprint(self.fields)
        self.stretches = self._stretches(weights)
        self.steps = self._steps()
        self._check_reading()
        self._offset = functools.lru_cache(maxsize=None)(self._make_offset)

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

    def locate(self, lane: int, sequence: int) -> Located:
        """Return where a lane's sequence lies (0 is its first of the run)."""
        number = len(self.stretches) - 1
        while self.stretches[number].start > sequence:
            number -= 1
        stretch = self.stretches[number]
        place, ordinal = stretch.schedule.at(lane, sequence - stretch.start)
        source = stretch.sources[place]
        passed, within = source.locate(self._offset(number, lane, source.name) + ordinal)
        return Located(source, passed, source.pass_at(passed), within)

    def sequences(self, lane: int, steps: int) -> dict[str, int]:
        """Return how many sequences of each source a lane has had after so many steps."""
        found = dict.fromkeys(self.sources, 0)
        for counts in self.taken(lane, steps):
            for name, count in counts.items():
                found[name] += count
        return found

    def taken(self, lane: int, steps: int) -> list[dict[str, int]]:
        """Return how many sequences of its sources a lane has had in each stretch after so many steps."""
        found = []
        for stretch in self.stretches:
            some = max(0, steps * self.per_lane - stretch.start)
            some = some if stretch.sequences is None else min(some, stretch.sequences)
            names = [source.name for source in stretch.sources]
            found.append(dict(zip(names, stretch.schedule.taken(lane, some), strict=True)))
        return found

    def _make_offset(self, number: int, lane: int, name: str) -> int:
        """Return how many sequences of a source a lane had before a stretch."""
        before = 0
        for stretch in self.stretches[:number]:
            names = [source.name for source in stretch.sources]
            if name in names and stretch.sequences is not None:
                before += stretch.schedule.taken(lane, stretch.sequences)[names.index(name)]
        return before

    def _fields(self, dataset: str, weights: Sequence[Mapping[str, Fraction]]) -> dict[str, Any]:
        s = self.settings
        fields: dict[str, Any] = {
            "algorithm": ALGORITHM, "dataset": dataset, "components": self.components,
            "sequence_length": s.sequence_length, "batch_size": s.batch_size, "lanes": self.lanes, "seed": s.seed,
            "packing": s.packing, "window": s.window, "mask": s.mask,
        }  # fmt: skip
        if s.packing == "pad":
            fields["too_long"] = s.too_long
        told = [{pattern: str(weight) for pattern, weight in one.items()} for one in weights]
        if s.stages:
            fields["stages"] = [[one, stage.steps] for one, stage in zip(told, s.stages, strict=True)]
        elif s.mixture is not None:
            fields |= {"mixture": told[0], "repeat": s.repeat}
        return fields

    def _weights(self, mixture: Mapping[str, float]) -> dict[str, Fraction]:
        """Return the shares of a mixture's patterns, of sum 1, and make their sources."""
        for pattern, names in matched(mixture, self.components).items():
            if pattern not in self.sources:
                self.sources[pattern] = self._source(pattern, names)
        return fractions(mixture)

    def _source(self, pattern: str, names: Sequence[str]) -> Source:
        s = self.settings
        members = self._members(names)
        units = self._units if len(members) == len(self._units) else self._units[members]
        source = Source(pattern, members, units, self.lanes, s.window, s.sequence_length, s.packing, s.seed)
        if not len(members) or not source.sequences(1):
            there = f"{source.total:,} {'sequences' if s.packing == 'pad' else 'tokens'}"
            raise ShardError(
                f"{pattern!r}: {there} do not fill a sequence of {s.sequence_length} tokens in each of {self.lanes} "
                "lanes; lower sequence_length or lanes, or read more components"
            )
        return source

    def _members(self, names: Sequence[str]) -> Ints:
        """Return the numbers of the row groups of some components, ascending."""
        chosen = np.zeros(len(self._of), np.bool_)
        by_name = self._of.dtype == np.object_
        for name in names:
            chosen |= self._of == (name if by_name else self.components.index(name))
        return np.flatnonzero(chosen).astype(numbers(len(chosen)))

    def _stretches(self, weights: Sequence[Mapping[str, Fraction]]) -> list[Stretch]:
        found, start = [], 0
        steps: list[int | None] = [stage.steps for stage in self.settings.stages] or [None]
        for one, some in zip(weights, steps, strict=True):
            sequences = None if some is None else some * self.per_lane
            schedule = Schedule(list(one.values()), self.lanes)
            found.append(Stretch([self.sources[pattern] for pattern in one], schedule, start, sequences, some))
            start += sequences or 0
        return found

    @functools.cached_property
    def steps_per_epoch(self) -> int:
        """Batches of the first epoch; of all of them with stages. (Later ones differ by a batch at most.)"""
        if self.settings.stages:
            return sum(stage.steps for stage in self.settings.stages)
        if self.settings.mixture is not None:
            return self._mixed_epoch() // self.per_lane
        (source,) = self.sources.values()
        return source.sequences(1) // self.per_lane

    def _steps(self) -> int | None:
        s = self.settings
        if not self.steps_per_epoch:
            there = "The mixture" if s.mixture else "The data"
            raise ShardError(
                f"{there} does not fill one batch of {s.batch_size} sequences of {s.sequence_length} tokens; lower one "
                "of them, or read more components"
            )
        if s.epochs is None:
            return None
        if s.mixture is not None or s.stages:
            return s.epochs * self.steps_per_epoch
        (source,) = self.sources.values()
        return source.sequences(s.epochs) // self.per_lane

    def _mixed_epoch(self) -> int:
        """Return the sequences of a lane in an epoch: what the scarcest source has for `repeat` passes, or what it
        takes to read every source once, if that is less."""
        (stretch,) = self.stretches
        pairs = list(zip(stretch.sources, stretch.schedule.weights, strict=True))
        lengths = [Fraction(source.sequences(1)) / weight for source, weight in pairs]
        sequences = math.floor(min(self.settings.repeat * min(lengths), max(lengths)))
        while sequences and self._beyond(stretch, sequences):
            sequences -= 1
        return sequences

    def _beyond(self, stretch: Stretch, sequences: int) -> bool:
        """Say whether some lane would read a source more often than `repeat` says."""
        most = [0] * len(stretch.sources)
        for lane in range(self.lanes):
            most = list(map(max, most, stretch.schedule.taken(lane, sequences)))
        return any(
            source.passes(count) > self.settings.repeat for source, count in zip(stretch.sources, most, strict=True)
        )

    def _check_reading(self) -> None:
        """Refuse a source that a run does not read, and stages that read one more often than `repeat` says."""
        name = "stages" if self.settings.stages else "mixture"
        lines = self.report() if self.steps is not None else []
        for line in lines:
            if not line["sequences"]:
                valid = "its share of an epoch is less than a sequence; give it more weight, or leave it out"
                raise SettingError("ReaderSettings", name, line["pattern"], valid)
            if self.settings.stages and line["passes"] > self.settings.repeat:
                valid = (
                    f"it would be read {line['passes']:.2f} times, `repeat` allows {self.settings.repeat}; lower its "
                    "weight or the steps, or raise repeat"
                )
                raise SettingError("ReaderSettings", name, line["pattern"], valid)
        self._check_overlaps({line["pattern"]: math.ceil(line["passes"]) for line in lines})

    def _check_overlaps(self, passes: Mapping[str, int]) -> None:
        """Refuse stages whose patterns share a component that they could together read more often than `repeat` says:
        each pattern is a source of its own, which does not know what another has read."""
        for component in self.components if self.settings.stages else []:
            patterns = [pattern for pattern in self.sources if fnmatchcase(component, pattern)]
            times = sum(passes[pattern] for pattern in patterns)
            if len(patterns) > 1 and times > self.settings.repeat:
                valid = (
                    f"{' and '.join(map(repr, patterns))} both match the component {component!r} and may read a "
                    f"document of it {times} times, `repeat` allows {self.settings.repeat}; match it by one pattern in "
                    "all stages, or raise repeat"
                )
                raise SettingError("ReaderSettings", "stages", component, valid)

    def report(self) -> list[dict[str, Any]]:
        """Return what a run reads of each source, see plan_report.py; of a run without an end, only what there is."""
        return report_of(self)

    def components_of(self, source: Source) -> dict[str, int]:
        """Return the units of each component of a source, by name."""
        names = [name for name in self.components if fnmatchcase(name, source.name)]
        members = {name: self._members([name]) for name in names}
        return {name: int(self._units[groups].sum(dtype=np.int64)) for name, groups in members.items()}

    def dropped_of(self, source: Source) -> int:
        """Return how many tokens of a source pad drops."""
        return 0 if self._dropped is None else int(self._dropped[source.members].sum(dtype=np.int64))
