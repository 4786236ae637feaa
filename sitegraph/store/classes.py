"""Arc classes: what is known of an arc, as an index into a table, so that weights are chosen when ranks are made.

A class is a row of counts (COLUMNS). Arcs of a crawl have a few thousand different rows, arcs of a published graph one,
so an arc stores its class in two bytes, one, or none. A table of more than MOST rows keeps fewer digits: page counts
are rounded down to the largest number of leading bits with which it fits, the same whatever the order of the arcs; if
one bit is still too much, to powers of 4, of 16, of 256, or of 65,536, with which any arcs fit.

How arcs weigh, next to the other arcs of their source (`Weights`):

    log-pages       log1p(pages) + nofollow * log1p(pages_nofollow) + sponsored * log1p(pages_sponsored); the default:
                    a link on every page counts more than one link, but not a thousand times more. Template links
                    (sitewide) count as one page, links between hosts of one owner not at all
    distinct-hosts  the number of distinct source hosts with an endorsing link (1 between hosts)
    cc              1 for every arc, whatever it is: the convention of the Common Crawl web graphs

Links endorse, except those that only tell that two names have one owner, and technical ones (corpus/links.py), which
load a script or a picture. An arc without endorsing links is an arc all the same, and weighs nothing but by `cc`.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.schema import column
from corpus.settings import require

Preset = Literal["log-pages", "distinct-hosts", "cc"]
PRESETS: Final[tuple[Preset, ...]] = ("log-pages", "distinct-hosts", "cc")
Counts = NDArray[np.int64]

CLASSES: Final = pa.schema(
    [
        column("pages", pa.int64(), "source pages with a link that carries no rel flag, added up over hosts and files"),
        column("pages_nofollow", pa.int64(), "source pages with a nofollow or ugc link, not sponsored"),
        column("pages_sponsored", pa.int64(), "source pages with a sponsored link"),
        column("hosts", pa.int64(), "distinct source hosts with such links"),
        column("pages_technical", pa.int64(), "source pages that load something from there, or send forms to it"),
        column("owner", pa.int64(), "bits: 1 a redirect, canonical or hreflang link leads this way, 2 the other way"),
        column("sitewide", pa.int64(), "1: the link stands on half of the source's pages or more"),
    ]
)
COLUMNS: Final = tuple(CLASSES.names)
PAGES, NOFOLLOW, SPONSORED, HOSTS, TECHNICAL, OWNER, SITEWIDE = range(7)
"""Columns up to HOSTS are of endorsing links; the pages of an arc are those before it, and TECHNICAL."""
NUMBERS: Final = TECHNICAL + 1
"""So many columns hold numbers, which may be rounded; the others are marks, which may not."""
FORWARD: Final = 1
BACKWARD: Final = 2
MOST: Final = 1 << 16
EXACT: Final = 63
"""Leading bits with which every count is exact."""
COARSEST: Final = -3
"""Powers of 65,536: 0 and 4 others below 2**63, so 5**5 numbers and 8 marks, which are fewer than MOST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How arcs weigh (see the module's docstring).

    nofollow, sponsored: factors of log-pages for such pages. collapse: template links count as one page. fold: links
    between hosts of one owner count nothing.
    """

    preset: Preset = "log-pages"
    nofollow: float = 0.1
    sponsored: float = 0.0
    collapse: bool = True
    fold: bool = True

    def __post_init__(self) -> None:
        require(self.preset in PRESETS, self, "preset", f"one of {', '.join(PRESETS)}")
        require(0.0 <= self.nofollow <= 1.0, self, "nofollow", "a number from 0 to 1")
        require(0.0 <= self.sponsored <= 1.0, self, "sponsored", "a number from 0 to 1")

    def of(self, classes: pa.Table) -> NDArray[np.float64]:
        """Return the weight of each class: float64, finite, not negative."""
        column = {name: classes[name].to_numpy().astype(np.float64) for name in COLUMNS}
        if self.preset == "cc":
            return np.ones(classes.num_rows)
        pages = [column[name] for name in COLUMNS[:HOSTS]]
        if self.preset == "distinct-hosts":
            hosts: NDArray[np.float64] = np.where(sum(pages) > 0, column["hosts"], 0.0)
            return hosts
        if self.collapse:
            pages = [np.where(column["sitewide"] > 0, np.minimum(p, 1.0), p) for p in pages]
        plain, nofollow, sponsored = (np.log1p(p) for p in pages)
        weights: NDArray[np.float64] = plain + self.nofollow * nofollow + self.sponsored * sponsored
        return np.where(column["owner"] > 0, 0.0, weights) if self.fold else weights


def rounded(counts: Counts, bits: int) -> Counts:
    """Return counts (int64[m, 7]) with pages and hosts rounded down to their leading `bits` bits.

    bits = 1 leaves powers of 2; 0, -1, -2 and -3 leave powers of 4, 16, 256 and 65,536.
    """
    if bits >= EXACT:
        return counts
    found = counts.copy()
    numbers = found[:, :NUMBERS]
    length = np.frexp(numbers.astype(np.float64))[1].astype(np.int64)
    if bits < 1:
        step = 1 << (1 - bits)
        power = np.maximum(length - 1, 0) // step * step
        found[:, :NUMBERS] = np.where(numbers > 0, np.int64(1) << power, 0)
    else:
        drop = np.maximum(length - bits, 0)
        found[:, :NUMBERS] = numbers >> drop << drop
    return found


class ClassTable:
    """Distinct rows of counts, collected in any order; `bits` is as large as lets them fit in `most` rows."""

    def __init__(self, most: int = MOST) -> None:
        self.most, self.bits = most, EXACT
        self._rows: Counts = np.zeros((0, len(COLUMNS)), np.int64)

    def add(self, counts: Counts) -> None:
        """Add the rows of counts (int64[m, 7])."""
        rows = np.unique(np.concatenate([self._rows, distinct(rounded(counts, self.bits))]), axis=0)
        while len(rows) > self.most:
            longest = int(rows[:, :NUMBERS].max()).bit_length()  # more bits than that round nothing
            self.bits = min(self.bits, longest, 53) - 1
            if self.bits < COARSEST:
                raise StorageError(f"{len(rows):,} classes of arcs do not fit in {self.most:,}")
            rows = np.unique(rounded(rows, self.bits), axis=0)
        self._rows = rows

    def state(self) -> dict[str, Any]:
        """Return what `restore` takes up, as JSON values."""
        return {"bits": self.bits, "rows": self._rows.tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state."""
        self.bits, self._rows = state["bits"], np.array(state["rows"], np.int64).reshape(-1, len(COLUMNS))

    @property
    def table(self) -> pa.Table:
        """The classes in order; a class's code is its row."""
        columns = [pa.array(self._rows[:, i]) for i in range(len(COLUMNS))]
        return pa.table(columns, schema=CLASSES)

    @property
    def code_bytes(self) -> int:
        """Bytes per code."""
        return code_bytes(len(self._rows))

    def codes(self, counts: Counts) -> NDArray[Any]:
        """Return the code of each row of counts, all of which were added."""
        if not self.code_bytes:
            return np.zeros(0, np.uint8)
        keys = as_keys(self._rows)
        order = np.argsort(keys)
        found = order[np.searchsorted(keys, as_keys(rounded(counts, self.bits)), sorter=order)]
        return found.astype(np.uint8 if self.code_bytes == 1 else np.uint16)


def code_bytes(classes: int) -> int:
    """Return the bytes of a code where there are so many classes."""
    return 0 if classes <= 1 else 1 if classes <= 256 else 2


def real(counts: Counts) -> NDArray[np.bool_]:
    """Return which rows are of an arc, bool[m]; what only says that the other direction has one owner is none."""
    found: NDArray[np.bool_] = counts[:, :NUMBERS].any(axis=1) | (counts[:, OWNER] != BACKWARD)
    return found


def technical(classes: pa.Table) -> NDArray[np.bool_]:
    """Return which classes are of technical links alone (bool per class): arcs that only load something."""
    found = {name: classes[name].to_numpy() for name in COLUMNS}
    endorsing = sum(found[name] for name in COLUMNS[:HOSTS])
    alone: NDArray[np.bool_] = (found["pages_technical"] > 0) & (endorsing == 0) & (found["owner"] & FORWARD == 0)
    return alone


def distinct(counts: Counts) -> Counts:
    """Return the distinct rows."""
    keys = as_keys(counts)
    return counts[np.unique(keys, return_index=True)[1]]


def as_keys(counts: Counts) -> NDArray[Any]:
    """Return each row as one value that compares by bytes (as good as any for equality and search)."""
    plain = np.ascontiguousarray(counts)
    return plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1]))).ravel()
