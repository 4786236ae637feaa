"""What a takedown asks for: sites, URLs, document ids; and which rows of a row group it means.

A site is a host or a registered domain, and all hosts below it. A URL is compared as shards hold it, normalised and
without fragment. Everything is read from the columns url, registered_domain and doc_id; no tokens are needed.

A file of requests has one a line: `site example.org`, `url https://example.org/page` or `doc 11a4...`; empty lines and
lines that begin with # say nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus.errors import SettingError
from corpus.settings import fingerprint
from corpus.tokens.cat import doc_id_of
from corpus.url import Suffixes, is_domain, is_ip, normalise, punycode

COLUMNS: Final = ("doc_id", "url", "registered_domain", "segment", "n_tokens")
KINDS: Final = ("site", "url", "doc")
HOST: Final = r"^[a-z]+://(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^/?#:]*)"

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Normalised: hosts in lower case punycode, URLs as the standard writes them, ids as bytes."""

    sites: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()
    docs: frozenset[bytes] = frozenset()

    def __len__(self) -> int:
        return len(self.sites) + len(self.urls) + len(self.docs)

    @property
    def digest(self) -> str:
        """SHA-256 of the request, the same in whatever order and spelling it was given."""
        return fingerprint(self.sites, self.urls, sorted(doc.hex() for doc in self.docs))

    def counts(self) -> dict[str, int]:
        """Return how many of each kind it names."""
        return {"sites": len(self.sites), "urls": len(self.urls), "docs": len(self.docs)}


def request_of(pairs: Iterable[tuple[str, str]]) -> Request:
    """Return the request of (kind, value) pairs; SettingError for a value that cannot be one of its kind."""
    found: dict[str, set[Any]] = {kind: set() for kind in KINDS}
    read = {"site": _site, "url": _url, "doc": doc_id_of}
    for kind, value in pairs:
        if kind not in read:
            raise SettingError("takedown", "kind", kind, f"begin a line with {', '.join(KINDS)}")
        found[kind].add(read[kind](value))
    return Request(sites=frozenset(found["site"]), urls=frozenset(found["url"]), docs=frozenset(found["doc"]))


def lines_of(text: str) -> list[tuple[str, str]]:
    """Return the (kind, value) pairs of a file of requests."""
    told = [line.strip() for line in text.splitlines()]
    pairs = [line.split(None, 1) for line in told if line and not line.startswith("#")]
    return [(pair[0], pair[1] if len(pair) > 1 else "") for pair in pairs]


def _site(value: str) -> str:
    host = punycode(value.strip())
    if not (is_domain(host) or (host and is_ip(host))) or Suffixes(level="icann").is_suffix(host):
        raise SettingError("takedown", "site", value, "give a host or a registered domain, such as example.org")
    return host


def _url(value: str) -> str:
    found = normalise(value.strip())
    if found is None:
        raise SettingError("takedown", "url", value, "give an http or https URL")
    return found.href


class Matcher:
    """Finds the rows that a request means, and notes in `matched` which parts of it meant any."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.matched: set[str | bytes] = set()

    @property
    def unmatched(self) -> list[str]:
        """What of the request meant no row."""
        asked = self.request
        names: list[tuple[str, str | bytes]] = [("site", site) for site in sorted(asked.sites)]
        names += [("url", url) for url in sorted(asked.urls)] + [("doc", doc) for doc in sorted(asked.docs)]
        left = [(kind, value) for kind, value in names if value not in self.matched]
        return [f"{kind} {value.hex() if isinstance(value, bytes) else value}" for kind, value in left]

    def rows(self, table: pa.Table) -> Flags:
        """Say which rows of a table with COLUMNS are meant."""
        flags = self._among(table["doc_id"], self.request.docs) | self._among(table["url"], self.request.urls)
        if self.request.sites:
            hosts = pc.struct_field(pc.extract_regex(table["url"], HOST), "host")
            flags |= self._of_sites(hosts) | self._of_sites(table["registered_domain"])
        return flags

    def _among(self, column: pa.ChunkedArray, values: frozenset[Any]) -> Flags:
        if not values:
            return np.zeros(len(column), bool)
        found = pc.is_in(column, value_set=pa.array(sorted(values), column.type))
        self.matched.update(column.filter(found).unique().to_pylist())
        flags: Flags = np.asarray(found)
        return flags

    def _of_sites(self, names: pa.ChunkedArray) -> Flags:
        """Say which names are of a site that is asked for; each name is looked at once."""
        wanted = []
        for name in names.unique().to_pylist():
            if found := sites_of(name or "", self.request.sites):
                self.matched.update(found)
                wanted.append(name)
        flags: Flags = np.asarray(pc.is_in(names, value_set=pa.array(wanted, pa.string())))
        return flags


def sites_of(host: str, sites: frozenset[str]) -> list[str]:
    """Return those of `sites` that a host is, or lies below."""
    labels = host.removesuffix(".").split(".")
    names = (".".join(labels[first:]) for first in range(len(labels)))
    return [name for name in names if name in sites]
