"""TokenReader: the batches of one rank, any batch by its number, and a state that resumes exactly.

State is a step number and the plan's hash: the same on every rank, and it counts batches that were handed out, not read
ahead. Resuming reads no more than the windows of the batch that is asked for.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from corpus.errors import ShardError
from corpus.reader.batch import Batch, Row, batch_of
from corpus.reader.groups import RowGroup, RowGroups
from corpus.reader.passes import Ints
from corpus.reader.plan import Located, Plan
from corpus.reader.settings import ReaderSettings
from corpus.reader.shares import matched
from corpus.reader.window import Window, units_of, window_of
from corpus.tokens.manifest import Manifest, load_manifest

STATE_VERSION: Final = 2
HELD: Final = 2
"""Windows of a source that a lane keeps: a sequence may span two."""


class TokenReader:
    """Iterates over the batches of one rank, from where its state stands to the end of the run.

    `path` is the folder of the manifest. Raises ShardError when the shards are not what the manifest promises, and
    SettingError when the settings do not suit them; both before the first batch.
    """

    def __init__(self, path: str | Path, settings: ReaderSettings, *, rank: int = 0, world_size: int = 1) -> None:
        self.settings, self.rank, self.world_size = settings, rank, world_size
        self.manifest = load_manifest(path)
        self._check_tokenizer()
        self.components = _chosen(self.manifest, settings)
        self._groups = RowGroups(self.manifest, self.components, verify=settings.verify)
        of = self._groups.components
        self.plan = Plan(settings, self.manifest.dataset, self.components, self._units(), of)
        self.plan.lanes_of(rank, world_size)
        self._step = 0
        self._windows: dict[tuple[int, str], OrderedDict[tuple[int, int], Window]] = {}

    def _check_tokenizer(self) -> None:
        wanted, found = self.settings.tokenizer, self.manifest.root["tokenizer"]["sha256"]
        if wanted is not None and wanted != found:
            raise ShardError(
                f"{self.manifest.folder}: written with tokenizer {found[:12]}..., the model expects {wanted[:12]}...; "
                "tokenize again with the model's tokenizer"
            )

    def _units(self) -> Ints:
        """Return the length of each row group: its tokens, or how many sequences pad makes of its documents."""
        if self.settings.packing != "pad":
            tokens: Ints = self._groups.tokens
            return tokens
        numbers = range(len(self._groups.tokens))
        return np.array([units_of(self._groups.lengths(number), self.settings) for number in numbers], np.int64)

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
            batch = self.batch_at(self._step)
            self._step += 1
            yield batch

    def batch_at(self, step: int, rank: int | None = None, world_size: int | None = None) -> Batch:
        """Return a rank's share of batch `step` (0 is the first), see batch.py; does not move the reader."""
        self._check_step(step)
        return batch_of(list(self._rows(step, self._lanes(rank, world_size))), self.settings)

    def references(self, step: int, rank: int | None = None, world_size: int | None = None) -> npt.NDArray[Any]:
        """Return which documents a rank's share of batch `step` holds (dtype REFERENCE), in order."""
        found: npt.NDArray[Any] = self.batch_at(step, rank, world_size)["documents"]
        return found

    def document(self, group: int, row: int) -> dict[str, Any]:
        """Return the provenance of a document that `references` named: shard, id, URL, WARC file and offset, ..."""
        return self._groups.provenance(group, row)

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
        self.seek(step)

    def close(self) -> None:
        """Close files and let go of windows; the reader can be used again."""
        self._groups.close()
        self._windows.clear()

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

    def _rows(self, step: int, lanes: range) -> Iterator[Row]:
        """Yield the sequences of some lanes in a batch."""
        per_lane, length = self.plan.per_lane, self.settings.sequence_length
        for lane in lanes:
            for slot in range(per_lane):
                located = self.plan.locate(lane, step * per_lane + slot)
                yield step * self.settings.batch_size + lane * per_lane + slot, self._stretches(lane, located, length)

    def _stretches(self, lane: int, located: Located, length: int) -> list[tuple[Window, int, int]]:
        """Return the stretches of windows that make up a sequence."""
        found = []
        for place in located.passed.places(lane, located.within):
            window = self._window(lane, located, place.window)
            if self.settings.packing == "concat":
                start, end = place.start, min(window.tokens, place.start + length)
            else:
                start, end = place.start * length, (place.start + 1) * length
            found.append((window, start, end))
            length -= (end - start) if self.settings.packing == "concat" else 0
        return found

    def _window(self, lane: int, located: Located, number: int) -> Window:
        source, key = located.source, (located.number, number)
        held = self._windows.setdefault((lane, source.name), OrderedDict())
        if key not in held:
            held[key] = self._read(lane, located, number)
            while len(held) > HELD:
                held.popitem(last=False)
        held.move_to_end(key)
        return held[key]

    def _read(self, lane: int, located: Located, number: int) -> Window:
        parts = located.passed.parts(lane, number)
        groups: dict[int, RowGroup] = {part.group: self._groups.read(part.group) for part in parts}
        _, before = located.passed.windows(lane)
        count = int(before[number + 1] - before[number])
        key = (self.settings.seed, located.source.name, located.number, lane, number)
        return window_of(parts, groups, count, self.settings, key)


def _chosen(manifest: Manifest, settings: ReaderSettings) -> list[str]:
    known = sorted(manifest.components)
    wanted = known if settings.components is None else sorted(set(settings.components))
    if unknown := [name for name in wanted if name not in known]:
        raise ShardError(f"{manifest.folder}: no component {unknown[0]!r}; it has {', '.join(known)}")
    mixtures = [stage.mixture for stage in settings.stages] or [settings.mixture or {"*": 1}]
    return sorted({name for one in mixtures for names in matched(one, wanted).values() for name in names})


def _differences(saved: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return one sentence per field of the plan that differs."""
    names = [name for name in {**here, **saved} if saved.get(name) != here.get(name)]
    told = "The state was saved with {0} = {1!r}, here it is {2!r}."
    sentences = [told.format(name, saved.get(name), here.get(name)) for name in names]
    sentences = sentences or ["The state's plan hash does not match its own fields: it was changed or cut."]
    return [*sentences, "Use the saved settings and data, or start a new run."]
