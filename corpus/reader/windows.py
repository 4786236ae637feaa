"""The windows that batches need: made when asked for or ahead of that, and kept while a lane reads them.

A lane reads the windows of a source one after another, so what it needs next is known: the windows after the one that
its last batch came from. They are made in threads (ahead.py), those that are needed first coming first, while there is
room for their bytes. A batch that needs windows which are not there has them made at once, all lanes together, before
anything that is only read ahead; so the first batch waits for no more than what is in it.
"""

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from corpus.reader.ahead import NOW, Ahead
from corpus.reader.batch import Stretch
from corpus.reader.groups import RowGroup, RowGroups, repeated
from corpus.reader.passes import Ints, Part, Source
from corpus.reader.plan import Located, Plan
from corpus.reader.reading import Counts, ReadingSettings
from corpus.reader.settings import ReaderSettings
from corpus.reader.window import Window, units_of, window_of

HELD: Final = 2
"""Windows of a source that a lane keeps: a sequence may span two."""


class Name(NamedTuple):
    """A window: lane, name of its source, number of the pass, number in the lane's part of the pass."""

    lane: int
    source: str
    passed: int
    number: int


@dataclass(frozen=True, slots=True)
class Run:
    """Sequences of a pass, `first` to `end` - 1, that lie in a window one after another from the place `start` on."""

    name: Name
    first: int
    end: int
    start: int


@dataclass(frozen=True, slots=True)
class Made:
    """A window, and how many bytes of the shards are in it."""

    window: Window
    used: int


class Windows:
    """Sequences of a plan, out of the windows of its lanes. units: of each row group, as the plan counts them."""

    def __init__(
        self, plan: Plan, groups: RowGroups, units: Ints, settings: ReaderSettings, reading: ReadingSettings,
        counts: Counts,
    ) -> None:  # fmt: skip
        self._plan, self._groups, self._units = plan, groups, units
        self._settings, self._reading, self._counts = settings, reading, counts
        self._held: dict[tuple[int, str], OrderedDict[Name, Window]] = {}
        self._ahead: Ahead[Made] = Ahead(reading.threads, 2 * reading.deadline)
        self._at: dict[tuple[int, str], tuple[Name, Located]] = {}
        self._runs: dict[tuple[int, str], Run] = {}
        self._moved = False
        self._ends = functools.lru_cache(maxsize=None)(self._make_ends)

    def sequences(self, step: int, lanes: range) -> tuple[range, list[Stretch]]:
        """Return the global numbers of the sequences of some lanes in a batch, and the stretches of windows that fill
        them, one after another."""
        per_lane = self._plan.per_lane
        wanted: dict[Name, Located] = {}
        places: list[tuple[Name, int, int]] = []
        for lane in lanes:
            for sequence in range(step * per_lane, (step + 1) * per_lane):
                located = self._plan.locate(lane, sequence)
                for name, start, end in self._places(lane, located):
                    wanted[name] = located
                    goes_on = bool(places) and (places[-1][0], places[-1][2]) == (name, start)
                    places.append((name, places.pop()[1] if goes_on else start, end))
        if self._reading.threads:
            for name, located in wanted.items():
                self._order(name, located.source, NOW)
        windows = {name: self._window(name, located) for name, located in wanted.items()}
        first = step * self._settings.batch_size
        numbers = range(first + lanes.start * per_lane, first + lanes.stop * per_lane)
        return numbers, [(windows[name], start, end) for name, start, end in places]

    def _places(self, lane: int, located: Located) -> list[tuple[Name, int, int]]:
        """Return the stretches of windows that make up a sequence."""
        run, length = self._runs.get((lane, located.source.name)), self._settings.sequence_length
        if run and run.name.passed == located.number and run.first <= located.within < run.end:
            start = run.start + (located.within - run.first) * length
            return [(run.name, start, start + length)]
        return self._looked_up(lane, located)

    def _looked_up(self, lane: int, located: Located) -> list[tuple[Name, int, int]]:
        """Return the same for a sequence in another window than the last one's, and note which ones go on in it."""
        source, within, length = located.source.name, located.within, self._settings.sequence_length
        concat = self._settings.packing == "concat"
        edges, before = located.passed.windows(lane)
        found, left = [], length
        for place in located.passed.places(lane, within):
            start = place.start if concat else place.start * length
            end = min(start + left, int(edges[place.window + 1] - edges[place.window])) if concat else start + left
            found.append((Name(lane, source, located.number, place.window), start, end))
            left -= end - start
        if len(found) == 1:
            name, start, _ = found[0]
            after = name.number + 1
            end = int(edges[after] - edges[0]) // length if concat else int(before[after])
            self._runs[lane, source] = Run(name, within, end, start)
        return found

    def _window(self, name: Name, located: Located) -> Window:
        held = self._held.setdefault((name.lane, name.source), OrderedDict())
        before = self._at.get((name.lane, name.source))
        self._moved |= before is None or before[0] != name
        self._at[name.lane, name.source] = name, located
        if name not in held:
            source = located.source
            ordered = name in self._ahead
            made = self._ahead.take(name, lambda: self._told(name, source)) if ordered else self._job(name, source)()
            self._counts.add(used=made.used)
            held[name] = made.window
            while len(held) > HELD:
                held.popitem(last=False)
        held.move_to_end(name)
        return held[name]

    def _told(self, name: Name, source: Source) -> str:
        """Return what a window is called in an error."""
        parts = source.pass_at(name.passed).parts(name.lane, name.number)
        groups = ", ".join(self._groups.place(part.group) for part in parts)
        return f"window {name.number} of lane {name.lane} in pass {name.passed} over {name.source!r} ({groups})"

    def _order(self, name: Name, source: Source, urgency: int) -> None:
        if name not in self._held.get((name.lane, name.source), ()):
            self._ahead.order(name, self._job(name, source), self._size(name, source), urgency)

    def _size(self, name: Name, source: Source) -> int:
        """Return the bytes of a window's row groups, decoded."""
        parts = source.pass_at(name.passed).parts(name.lane, name.number)
        return self._groups.dtype.itemsize * sum(int(self._groups.tokens[part.group]) for part in parts)

    def _job(self, name: Name, source: Source) -> Callable[[], Made]:
        passed = source.pass_at(name.passed)
        _, before = passed.windows(name.lane)
        count = int(before[name.number + 1] - before[name.number])
        key = (self._settings.seed, name.source, name.passed, name.lane, name.number)
        return functools.partial(self._made, passed.parts(name.lane, name.number), count, key)

    def _made(self, parts: Sequence[Part], count: int, key: Sequence[Any]) -> Made:
        stand_ins = {part.group: self._groups.stand_in(part.group) for part in parts}
        read = self._groups.read_all(dict.fromkeys(stand_ins.values()))
        groups = {
            number: read[other] if number == other else self._filled(read[other], number)
            for number, other in stand_ins.items()
        }
        window = window_of(parts, groups, count, self._settings, key)
        for number, other in stand_ins.items():
            if number != other:
                name_stand_in(window, number, other, len(read[other].starts) - 1)
        used = sum(groups[p.group].size * (p.high - p.low) / int(self._units[p.group]) for p in parts)
        return Made(window, round(used))

    def _filled(self, group: RowGroup, number: int) -> RowGroup:
        """Return the rows of a row group as often as a quarantined one's place takes them."""
        if self._settings.packing != "pad":
            return repeated(group, int(self._groups.tokens[number]))
        each = max(1, units_of(np.diff(group.starts), self._settings))
        return repeated(group, len(group.ids) * -(-int(self._units[number]) // each))

    def read_ahead(self) -> None:
        """Let go of the windows that lanes are past, and have those made that they need next, as far as there is
        room."""
        if not self._moved:
            return
        self._moved = False
        for place, (name, _) in self._at.items():
            held = self._held[place]
            for past in [other for other in held if other != name]:
                del held[past]
        if not self._reading.threads:
            return
        wanted = [
            (distance, name, located.source)
            for at, located in self._at.values()
            for distance, name in self._next(at, located)
        ]
        wanted.sort(key=lambda one: (one[0], one[1].lane))
        self._ahead.keep(name for _, name, _ in wanted)
        for distance, name, source in wanted:
            if self._ahead.size and self._ahead.size + self._size(name, source) > self._reading.ahead_bytes:
                break
            self._order(name, source, distance)

    def _next(self, at: Name, located: Located) -> Iterator[tuple[int, Name]]:
        """Yield the windows that a lane reads after one, and how many sequences of the source before.

        Of small windows, as at the beginning of a pass, they are more than `ahead`, as many as have the row groups of
        whole ones: one of them would be read sooner than a slow answer to the request for the next comes. But not of
        the pass after the next, or passes of a few row groups would be planned again and again.
        """
        source, lane, name = located.source, at.lane, at
        here, end = source.sequences(located.number) + located.within, self._ends(lane, at.source)
        count, left = 0, self._reading.ahead * self._settings.window
        while count < self._reading.ahead or left > 0:
            passed = source.pass_at(name.passed)
            following = Name(lane, at.source, name.passed, name.number + 1)
            first = self._first(following, source) if following.number < len(passed.windows(lane)[0]) - 1 else None
            if first is None or first >= passed.sequences:  # what is left over of a pass is not read
                following, first = Name(lane, at.source, name.passed + 1, 0), 0
            ordinal = source.sequences(following.passed) + first
            beyond = count >= self._reading.ahead and following.passed > at.passed + 1
            if beyond or (end is not None and ordinal >= end):
                return
            yield ordinal - here, following
            name = following
            count += 1
            left -= len(source.pass_at(name.passed).parts(lane, name.number))

    def _first(self, name: Name, source: Source) -> int:
        """Return the first sequence of a lane's part of the pass that needs a window."""
        edges, before = source.pass_at(name.passed).windows(name.lane)
        if self._settings.packing != "concat":
            return int(before[name.number])
        return int(edges[name.number] - edges[0]) // self._settings.sequence_length

    def _make_ends(self, lane: int, source: str) -> int | None:
        """Return how many sequences of a source a lane reads in the whole run."""
        return None if self._plan.steps is None else self._plan.sequences(lane, self._plan.steps)[source]

    def clear(self) -> None:
        """Let go of all windows, made or being made."""
        self._ahead.keep(())
        self._held.clear()
        self._at.clear()

    def close(self) -> None:
        """End the threads and let go of all windows; sequences can be asked for again."""
        self._ahead.close()
        self.clear()


def name_stand_in(window: Window, number: int, other: int, rows: int) -> None:
    """Have the spans of a quarantined row group say whose rows they are: of `other`, which has so many."""
    spans = window.spans
    mine = spans["group"] == number
    spans["row"][mine] %= rows
    spans["group"][mine] = other
