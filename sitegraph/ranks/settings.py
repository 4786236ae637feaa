"""Settings of a ranking, and how the table that it makes says what they were."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from corpus.errors import InputError
from corpus.schema import AUTHORITY
from corpus.settings import UNMARKED, plain, require
from sitegraph.cc.ranksfile import ImportedRanks
from sitegraph.ranks.hyperball import SUPPORTERS, HyperBallSettings
from sitegraph.ranks.pagerank import PageRank
from sitegraph.sites.measured import Shrinking
from sitegraph.sites.seeds import Sowing
from sitegraph.store.classes import Weights

SETTINGS_KEY: Final = b"sitegraph.ranking"
"""Where the metadata of an authority table holds the settings that it was made with, see `described`."""
FILES: Final = ("seeds", "bad", "quality", "labels")
"""Settings that name a file about sites."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Settings of a ranking.

    trust_damping: damping of trust, in place of that of `pagerank`. A money site and the members of its farm that link
    to one another send trust round, and it grows: 3.6 times at 0.85, 1.3 times at 0.5. seeds, bad: files of trusted and
    of known bad sites (seedfiles.py); quality: a table of measured quality; labels: a file of labelled sites
    (goodness.py). Without one, what it gives is null. cap: share of a site's rank that one supporter may give
    (robust.py). truncate: links over which what counts in the truncated rank must have come (truncated.py); 0 leaves
    that rank out. good_share: of the web, for spam mass. inverse: whether to rank the reversed graph too. balls: how to
    count supporters, and whether to make harmonic centrality of them; None leaves both out. imports: ranks files, one
    per level at most.
    """

    pagerank: PageRank = field(default_factory=PageRank)
    weights: Weights = field(default_factory=Weights)
    trust_damping: float = 0.5
    seeds: Path | None = field(default=None, metadata=UNMARKED)
    bad: Path | None = field(default=None, metadata=UNMARKED)
    quality: Path | None = field(default=None, metadata=UNMARKED)
    labels: Path | None = field(default=None, metadata=UNMARKED)
    sowing: Sowing = field(default_factory=Sowing)
    shrinking: Shrinking = field(default_factory=Shrinking)
    cap: float = 0.01
    truncate: int = 4
    good_share: float = 0.85
    inverse: bool = True
    balls: HyperBallSettings | None = SUPPORTERS
    imports: tuple[ImportedRanks, ...] = ()
    threads: int = field(default=0, metadata=UNMARKED)

    def __post_init__(self) -> None:
        require(0.0 <= self.trust_damping < 1.0, self, "trust_damping", "a number from 0 up to, but not including, 1")
        require(0.0 < self.cap <= 1.0, self, "cap", "a share above 0, up to 1 (1 caps nothing)")
        require(0 <= self.truncate <= 100, self, "truncate", "a number of links from 0 (no truncated rank) to 100")
        require(0.0 < self.good_share <= 1.0, self, "good_share", "a share above 0, up to 1")
        require(0 <= self.threads <= 1024, self, "threads", "a number from 0 (one per processor) to 1024")

    @property
    def files(self) -> dict[str, Path]:
        """The files about sites that are given, by name."""
        named = {name: getattr(self, name) for name in FILES}
        return {name: path for name, path in named.items() if path}

    def mark(self) -> list[Any]:
        """Return what changes when a file named in these settings changes."""
        marks = [digest(path) if (path := self.files.get(name)) else None for name in FILES]
        return [*marks, *(ranks.mark() for ranks in self.imports)]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def described(settings: Ranking) -> pa.Schema:
    """Return the authority schema with the settings as JSON in its metadata, so that ranks can be explained later.

    Equal settings give equal bytes: files are told by their SHA-256, not by their paths.
    """
    files = {name: digest(path) for name, path in settings.files.items()}
    told = {"settings": plain(settings), "files": files}
    return AUTHORITY.with_metadata({SETTINGS_KEY: json.dumps(told, sort_keys=True)})
