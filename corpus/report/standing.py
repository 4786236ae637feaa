"""Documents by the authority of their sites: how many, what became of them, and what their text is like.

Two views of one pass over verdicts and signals. *Bands* are ten equal ranges of the percentile; most text of a crawl
comes from the upper ones. *Tenths* hold equal amounts of text, from the least to the most authoritative sites: at equal
budget, which part has the better text, the fewer duplicates and drops? That is what can be asked without training a
model, and it is asked of both ends, since authority alone has been found to select nothing (reader/mixtures.py).

Values are added up in fine steps of the percentile (hundredths, and ever finer ones near 1, where most documents are),
so a part of the crawl is held in memory at a time, and no sorting is done. A tenth begins and ends at such a step, and
the documents of one site are never split; where one step holds more than a tenth of all text, there are fewer tenths.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.quality.verdict import numbers
from corpus.report.ledger import DUPLICATE, QUOTA
from corpus.storage import ShardSet

STEPS: Final = np.unique(np.concatenate([np.arange(101) / 100, 1 - np.geomspace(1e-2, 1e-8, 61)]))
"""Edges of the fine steps, 0 to 1; a value at an edge belongs to the step above it."""
UNKNOWN: Final = len(STEPS) - 1
"""Index of the step of documents without a value, behind all others."""
AXES: Final = {"authority_host": "authority", "trust": "trust"}
"""Columns of the verdicts that documents are shown by, and what the page calls them."""
PARTS: Final = 10
RATES: Final = ("dropped by rules", "duplicates", "over quota", "kept")
FIRST: Final = (
    *("words", "stop_words", "punctuated_lines", "unique_words", "duplicate_line_characters", "top_2_gram"),
    *("symbols", "language_score"),
)
"""Signals that the page shows at once, where the run has them; the others are folded away."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Band:
    """Documents of a range of percentiles; low is None for documents whose site has none."""

    low: float | None
    high: float | None
    documents: int
    kept: int
    characters: int
    kept_characters: int


@dataclass(slots=True)
class Tally:
    """Sums by fine step of one axis: documents, kept, characters, kept characters; rates and signals by name.

    A signal has two rows of sums: of its values, and of the documents that have one.
    """

    totals: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((4, len(STEPS)), np.int64))
    rates: dict[str, Floats] = field(default_factory=lambda: {name: np.zeros(len(STEPS)) for name in RATES})
    signals: dict[str, Floats] = field(default_factory=dict)

    def add(self, values: Floats, verdicts: pa.Table, signals: Mapping[str, Floats]) -> None:
        """Add documents; values: their percentiles, NaN where they have none."""
        step = steps_of(values)
        kept, size = verdicts["kept"].to_numpy(), signals["characters"]
        for row, weights in enumerate((np.ones(len(step)), kept, size, size * kept)):
            self.totals[row] += np.bincount(step, weights, len(STEPS)).astype(np.int64)
        reason = verdicts["reason"].combine_chunks()
        ended = {name: np.asarray(pc.fill_null(pc.equal(reason, name), False)) for name in (DUPLICATE, QUOTA)}
        masks = (~kept & ~ended[DUPLICATE] & ~ended[QUOTA], ended[DUPLICATE], ended[QUOTA], kept)
        for name, mask in zip(RATES, masks, strict=True):
            self.rates[name] += np.bincount(step[mask], minlength=len(STEPS))
        for name, column in signals.items():
            known = np.isfinite(column)
            sums = self.signals.setdefault(name, np.zeros((2, len(STEPS))))
            sums += [np.bincount(step[known], weights, len(STEPS)) for weights in (column[known], None)]

    @property
    def known(self) -> bool:
        """Whether any document has a value."""
        return bool(self.totals[0, :UNKNOWN].any())

    def bands(self) -> list[Band]:
        """Return ten ranges of equal width, and the documents without a value where there are any."""
        of = np.minimum((STEPS[:UNKNOWN] * PARTS + 1e-9).astype(np.int64), PARTS - 1)
        sums = [np.bincount(of, row[:UNKNOWN], PARTS).astype(np.int64).tolist() for row in self.totals]
        found = [Band(n / PARTS, (n + 1) / PARTS, *(row[n] for row in sums)) for n in range(PARTS)]
        rest = [int(row[UNKNOWN]) for row in self.totals]
        return [*found, Band(None, None, *rest)] if rest[0] else found

    def tenths(self) -> tuple[list[Band], list[tuple[str, list[float | None]]]]:
        """Return ten parts of equal text, lowest first, and per rate or signal (name, its mean in each)."""
        size = self.totals[2, :UNKNOWN].astype(np.float64)
        middle = np.cumsum(size) - size / 2
        of = np.minimum((PARTS * middle / max(size.sum(), 1)).astype(np.int64), PARTS - 1)
        used = [steps for steps in (np.flatnonzero((of == n) & (size > 0)) for n in range(PARTS)) if len(steps)]
        parts = [
            Band(float(STEPS[s[0]]), float(STEPS[s[-1] + 1]), *(int(row[s].sum()) for row in self.totals)) for s in used
        ]
        documents = self.totals[0].astype(np.float64)
        rows = [(name, means(used, row, documents)) for name, row in self.rates.items() if row.any()]
        return parts, rows + [(name, means(used, *sums)) for name, sums in self.signals.items()]


def means(parts: Sequence[npt.NDArray[np.int64]], sums: Floats, counts: Floats) -> list[float | None]:
    """Return the mean over the steps of each part, None where nothing was counted."""
    return [float(sums[s].sum() / counts[s].sum()) if counts[s].sum() else None for s in parts]


def steps_of(values: Floats) -> npt.NDArray[np.int64]:
    """Return the fine step of each value, UNKNOWN for NaN."""
    found = np.clip(np.searchsorted(STEPS, values, side="right") - 1, 0, UNKNOWN - 1)
    return np.where(np.isnan(values), UNKNOWN, found)


def tallies(root: Path) -> dict[str, Tally]:
    """Return the tally of each axis on which a document has a value, by what the page calls it."""
    found = {name: Tally() for name in AXES.values()}
    for verdicts, signals in parts(root):
        for column, name in AXES.items():
            found[name].add(numbers(verdicts[column]).astype(np.float64), verdicts, signals)
    return {name: tally for name, tally in found.items() if tally.known}


def parts(root: Path) -> Iterator[tuple[pa.Table, dict[str, Floats]]]:
    """Yield the verdicts and the numeric signals of each part that has both."""
    verdicts, signals = ShardSet(root, "verdicts"), ShardSet(root, "signals")
    for part in sorted(set(verdicts.parts()) & set(signals.parts())):
        schema = pq.read_schema(signals.path(part))
        names = [f.name for f in schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]
        table = pq.read_table(signals.path(part), columns=names)
        found = {name: numbers(table[name]).astype(np.float64) for name in names}
        found.setdefault("characters", np.ones(table.num_rows))
        found["characters"] = np.nan_to_num(found["characters"])
        yield pq.read_table(verdicts.path(part), columns=["kept", "reason", *AXES]), found


def shown(root: Path) -> dict[str, Any]:
    """Return what the page shows: per axis its bands, and on the first the tenths with rates and signals."""
    found = tallies(root)
    view: dict[str, Any] = {"axes": {name: tally.bands() for name, tally in found.items()}}
    view |= {"tenths": [], "first": [], "rest": []}
    if "authority" in found:
        view["tenths"], rows = found["authority"].tenths()
        view["first"] = [row for row in rows if row[0] in (*RATES, *FIRST)]
        view["rest"] = [row for row in rows if row[0] not in (*RATES, *FIRST)]
    return view
