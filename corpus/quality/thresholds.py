"""Thresholds: which columns decide, from TOML, and how; read once into `Rules`, applied to whole row groups.

A rule file (or preset: gopher, c4, fineweb, dclm, opt_out) looks like this; every table is optional.

    extends = ["gopher", "mine.toml"]        # presets or files beside this one, merged in order; this file wins
    expected_kept = [0.1, 0.6]               # select stops when the kept share of all documents leaves this band
    duplicates = "drop"                      # or "keep": members of a cluster that do not represent it

    [authority]
    unknown = 0.1                            # percentile that stands for a site without ranks; null when absent

    [quota]                                  # at most so many documents of a site, over the whole run
    documents = 1000
    by = "registered_domain"                 # or "host"
    order = "hash"                           # which stay: any (by a hash), or the best by a column, as "-symbols"

    [thresholds.too_short]                   # the name is the drop reason
    signal = "words"                         # any column of columns.COLUMNS
    min = 50                                 # least value that passes; max: greatest
    languages = ["en", "de"]                 # only for documents in these; default all
    null = "drop"                            # what a missing value means; default "keep"

    [thresholds.language]
    signal = "language"
    values = ["en", "de", "zh"]              # text columns: what passes; refused = [...]: what does not

    [language.zh.thresholds.too_short]       # for one language: changed fields, or off = true
    min = 30

    [components]
    name = "{language}-{authority}"          # mixture component of a kept document
    languages = ["en", "zh"]                 # others are "other"

    [components.bands.authority]
    signal = "authority_host"
    cuts = [0.5, 0.9]                        # a value at a cut belongs to the band above it
    names = ["low", "middle", "high"]
    null = "unranked"

Thresholds keep the order in which they are first named; the first one that a document fails is its reason. A name that
is not known fails at load with the nearest known one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from typing import Final

from corpus.errors import SettingError
from corpus.quality.columns import SIGNALS_SCHEMA, is_number, is_text
from corpus.schema import VERDICTS
from corpus.settings import require

DUPLICATE: Final = "duplicate"
"""Reason of a document that another one of its cluster stands for."""
QUOTA: Final = "quota"
"""Reason of a document whose site has as many documents as it may have."""
RESERVED: Final = frozenset({DUPLICATE, QUOTA})
HASH: Final = "hash"
ORDERS: Final = tuple(name for name in (*SIGNALS_SCHEMA.names, *VERDICTS.names) if is_number(name))
"""Columns that a quota may order documents by: the numeric ones that are stored."""
UNDETERMINED: Final = "und"
NAME: Final = re.compile(r"\w[\w.-]*")
"""Names of rules and bands: they become drop reasons and folders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What a column must hold for a document to be kept. A violated one is a reason with the threshold's name."""

    name: str
    signal: str
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] | None = None
    refused: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    null: str = "keep"
    off: bool = False

    def __post_init__(self) -> None:
        require(self.name not in RESERVED, self, "name", f"{self.name!r} is a reason of its own; take another name")
        require(bool(NAME.fullmatch(self.name)), self, "name", "expected letters, digits, and . _ - after the first")
        require(self.null in ("keep", "drop"), self, "null", 'expected "keep" or "drop"')
        bounds, lists = (self.min, self.max), (self.values, self.refused)
        if is_text(self.signal):
            require(bounds == (None, None), self, "signal", "text columns take values or refused, not min or max")
            require(lists != (None, None), self, "signal", "give values or refused")
        else:
            require(lists == (None, None), self, "signal", "numeric columns take min or max, not values or refused")
            require(bounds != (None, None), self, "signal", "give min, max or both")
            for field in ("min", "max"):
                require(not isnan(getattr(self, field) or 0), self, field, "nan bounds nothing; give a number")
        if self.min is not None and self.max is not None:
            require(self.min <= self.max, self, "min", f"expected at most max = {self.max}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A numeric column cut into named bands: names[0] < cuts[0] <= names[1] < cuts[1] <= names[2] ..."""

    signal: str
    cuts: tuple[float, ...]
    names: tuple[str, ...]
    null: str = "unknown"

    def __post_init__(self) -> None:
        require(not is_text(self.signal), self, "signal", "expected a numeric column")
        ascending = all(low < high for low, high in pairwise(self.cuts)) and not any(map(isnan, self.cuts))
        require(ascending, self, "cuts", "expected ascending values")
        require(len(self.names) == len(self.cuts) + 1, self, "names", f"expected {len(self.cuts) + 1} names")


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The mixture component of a kept document: a template over {language} and the names of bands."""

    name: str = "{language}"
    languages: tuple[str, ...] | None = None
    bands: Mapping[str, Band]

    def __post_init__(self) -> None:
        first = self.name.partition("{")[0]
        sound = bool(self.name) and (not first or NAME.match(first)) and not first.startswith(("manifest", "tokenizer"))
        require(bool(sound), self, "name", "it names a folder; begin it with {language}")
        for band in self.bands.values():
            wrong = [name for name in (*band.names, band.null) if not NAME.fullmatch(name)]
            require(not wrong, self, "bands", f"{wrong[:1]} cannot be part of a folder; use letters, digits, . _ -")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many documents of a site are kept, and which.

    documents  at most, over the whole run
    by         host (www-normalised) or registered_domain: what a site is
    order      hash: those whose ids hash lowest; COLUMN: those with the highest values of a numeric column of signals
               or verdicts, -COLUMN: the lowest; missing values last, ties by the hash
    """

    documents: int
    by: str = "host"
    order: str = HASH

    def __post_init__(self) -> None:
        require(self.documents >= 1, self, "documents", "expected a positive number of documents")
        require(self.by in ("host", "registered_domain"), self, "by", 'expected "host" or "registered_domain"')
        fine = self.order == HASH or self.column in ORDERS
        require(fine, self, "order", 'expected "hash", or a numeric column of signals or verdicts, as "-symbols"')

    @property
    def column(self) -> str | None:
        """The column that decides which documents stay, None when their hash does."""
        return None if self.order == HASH else self.order.removeprefix("-")

    @property
    def highest(self) -> bool:
        """Whether the highest values of the column stay."""
        return not self.order.startswith("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that select decides by; `quota` is left to the stage of that name.

    unknown: percentile that stands for a site without ranks, None for null.
    """

    thresholds: tuple[Threshold, ...]
    overrides: Mapping[str, Mapping[str, Threshold]]
    """Language -> name -> the threshold as it stands for that language."""
    components: Components
    duplicates: str = "drop"
    expected_kept: tuple[float, float] | None = None
    unknown: float | None = None
    quota: Quota | None = None

    def __post_init__(self) -> None:
        require(self.unknown is None or 0 <= self.unknown <= 1, self, "unknown", "expected a percentile, 0 to 1")
        require(self.duplicates in ("drop", "keep"), self, "duplicates", 'expected "drop" or "keep"')
        if self.expected_kept is not None:
            low, high = self.expected_kept
            require(0 <= low <= high <= 1, self, "expected_kept", "expected [low, high] with 0 <= low <= high <= 1")

    @property
    def signals(self) -> frozenset[str]:
        """Columns that the thresholds and components look at."""
        every = [*self.thresholds, *(t for named in self.overrides.values() for t in named.values())]
        return frozenset({t.signal for t in every} | {band.signal for band in self.components.bands.values()})

    def threshold_for(self, name: str, language: str | None) -> Threshold | None:
        """Return the threshold `name` as it stands for `language`; None when it does not apply."""
        base = next((t for t in self.thresholds if t.name == name), None)
        if base is None:
            raise SettingError("Rules", "thresholds", name, f"expected one of {[t.name for t in self.thresholds]}")
        own = self.overrides.get(language or UNDETERMINED, {}).get(name, base)
        applies = own.languages is None or (language or UNDETERMINED) in own.languages
        return own if applies and not own.off else None
