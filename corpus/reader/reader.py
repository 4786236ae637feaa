"""The reader: batches of a plan for one rank, as numpy arrays, and the state to go on from.

The state is the number of batches handed out, with the plan's hash and fields, so that resuming under another plan is
an error that names what differs. It is the same on every rank and may be loaded at another world size. Memory: one
decoded row group per lane that the rank owns.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from corpus.errors import ShardError
from corpus.reader.groups import RowGroup, RowGroups
from corpus.reader.plan import Plan, ReaderSettings
from corpus.reader.shares import matched
from corpus.tokens.manifest import Manifest, load_manifest

STATE_VERSION: Final = 1

Batch = dict[str, npt.NDArray[Any]]
"""input_ids and labels, (sequences, sequence_length) of int64 or int32; sequence, (sequences,) of int64: the global
number of each. labels are input_ids shifted by one: the token to predict at each place."""

REFERENCE: Final = np.dtype(
    [("sequence", "<i8"), ("start", "<i8"), ("tokens", "<i8"), ("group", "<i8"), ("row", "<i8")]
)
"""A stretch of a sequence that one document fills: global sequence number, place in the sequence, number of tokens,
row group (numbered as the reader does) and row."""


class TokenReader:
    """Iterates over the batches of one rank, from where its state stands to the end of the last epoch.

    `path` is the folder of the manifest. Raises ShardError when the shards are not what the manifest promises, and
    SettingError when the settings do not suit them; both before the first batch.
    """

    def __init__(self, path: str | Path, settings: ReaderSettings, *, rank: int = 0, world_size: int = 1) -> None:
        self.settings, self.rank, self.world_size = settings, rank, world_size
        self.manifest = load_manifest(path)
        self._check_tokenizer()
        self.components = _chosen(self.manifest, settings)
        self._groups = RowGroups(self.manifest, self.components, verify=settings.verify)
        groups = self._groups
        self.plan = Plan(settings, self.manifest.dataset, self.components, groups.tokens, groups.components)
        self.plan.lanes_of(rank, world_size)
        self._step = 0
        self._held: dict[int, dict[int, RowGroup]] = {}

    def _check_tokenizer(self) -> None:
        wanted, found = self.settings.tokenizer, self.manifest.root["tokenizer"]["sha256"]
        if wanted is not None and wanted != found:
            raise ShardError(
                f"{self.manifest.folder}: written with tokenizer {found[:12]}..., the model expects {wanted[:12]}...; "
                "tokenize again with the model's tokenizer"
            )

    @property
    def finished(self) -> bool:
        """Whether the last batch of the last epoch has been handed out."""
        return self.plan.steps is not None and self._step >= self.plan.steps

    @property
    def step(self) -> int:
        """Batches handed out so far, from the first epoch on."""
        return self._step

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches from the current step on; a batch counts as consumed once it is handed out."""
        while not self.finished:
            batch = self.batch_at(self._step)
            self._step += 1
            yield batch

    def batch_at(self, step: int, rank: int | None = None, world_size: int | None = None) -> Batch:
        """Return a rank's share of batch `step` (0 is the first); does not move the reader."""
        self._check_step(step)
        lanes = self._lanes(rank, world_size)
        length, count = self.settings.sequence_length, self.plan.per_lane
        shape = len(lanes), count, length
        ids, labels = (np.empty(shape, dtype=self.settings.dtype) for _ in range(2))
        for place, lane in enumerate(lanes):
            stream = self._read(step, lane)
            ids[place] = stream[:-1].reshape(count, length)
            labels[place] = stream[1:].reshape(count, length)
        return {
            "input_ids": ids.reshape(-1, length),
            "labels": labels.reshape(-1, length),
            "sequence": self._sequences(step, lanes),
        }

    def seek(self, step: int) -> None:
        """Go on with batch `step`."""
        self._check_step(step, end=True)
        self._step = step

    def references(self, step: int, rank: int | None = None, world_size: int | None = None) -> npt.NDArray[Any]:
        """Return which documents a rank's share of batch `step` holds (dtype REFERENCE), in order."""
        self._check_step(step)
        found: list[tuple[int, int, int, int, int]] = []
        length = self.settings.sequence_length
        for lane in self._lanes(rank, world_size):
            order, start = self.plan.span(step, lane)
            first = step * self.settings.batch_size + lane * self.plan.per_lane
            for number in range(self.plan.per_lane):
                place = 0
                for group, low, high in order.pieces(start + number * length, length):
                    for row, tokens in _rows(self._group(lane, group).starts, low, high):
                        found.append((first + number, place, tokens, group, row))
                        place += tokens
        return np.array(found, dtype=REFERENCE)

    def document(self, group: int, row: int) -> dict[str, Any]:
        """Return the provenance of a document that `references` named: shard, id, URL, WARC file and offset, ..."""
        return self._groups.provenance(group, row)

    def state_dict(self) -> dict[str, Any]:
        """Return the state: small, plain, the same on every rank; it counts batches handed out, not those read."""
        return {"version": STATE_VERSION, "step": self._step, "plan": self.plan.hash, "fields": dict(self.plan.fields)}

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
        """Close files and let go of row groups; the reader can be used again."""
        self._groups.close()
        self._held.clear()

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

    def _sequences(self, step: int, lanes: range) -> npt.NDArray[np.int64]:
        first = step * self.settings.batch_size
        per_lane = self.plan.per_lane
        return np.arange(first + lanes.start * per_lane, first + lanes.stop * per_lane, dtype=np.int64)

    def _read(self, step: int, lane: int) -> npt.NDArray[Any]:
        """Return the tokens of a lane's sequences of a batch, and the one after them."""
        order, start = self.plan.span(step, lane)
        pieces = order.pieces(start, self.plan.per_lane * self.settings.sequence_length + 1)
        parts = [self._group(lane, group).ids[low:high] for group, low, high in pieces]
        needed = pieces[-1][0]
        self._held[lane] = {needed: self._held[lane][needed]}  # the lane never goes back
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _group(self, lane: int, number: int) -> RowGroup:
        held = self._held.setdefault(lane, {})
        if number not in held:
            held[number] = self._groups.read(number)
        return held[number]


def _chosen(manifest: Manifest, settings: ReaderSettings) -> list[str]:
    known = sorted(manifest.components)
    wanted = known if settings.components is None else sorted(set(settings.components))
    if unknown := [name for name in wanted if name not in known]:
        raise ShardError(f"{manifest.folder}: no component {unknown[0]!r}; it has {', '.join(known)}")
    if settings.mixture is None:
        return wanted
    return sorted(name for names in matched(settings.mixture, wanted).values() for name in names)


def _rows(starts: npt.NDArray[np.int64], low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield (row, tokens) of the rows that ids low..high-1 of a row group belong to."""
    row = int(np.searchsorted(starts, low, side="right")) - 1
    while low < high:
        end = min(high, int(starts[row + 1]))
        yield row, end - low
        low, row = end, row + 1


def _differences(saved: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return one sentence per field of the plan that differs."""
    names = [name for name in {**here, **saved} if saved.get(name) != here.get(name)]
    told = "The state was saved with {0} = {1!r}, here it is {2!r}."
    sentences = [told.format(name, saved.get(name), here.get(name)) for name in names]
    sentences = sentences or ["The state's plan hash does not match its own fields: it was changed or cut."]
    return [*sentences, "Use the saved settings and data, or start a new run."]
