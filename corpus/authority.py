"""Authority of hosts: the join of a site's rank to its documents, in bounded memory.

The authority shard set holds one row per host and per registered domain (schema.AUTHORITY), perhaps hundreds of
millions. `lookup` streams it once for the hosts asked and keeps only what matches; row groups whose name range cannot
match are skipped. A host that has no row takes its registered domain's value; neither known, null. Rows of an imported
ranking go before rows of this crawl's own graph, value by value, so that a small sample can carry global authority.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from corpus.schema import AUTHORITY, VERDICTS
from corpus.storage import ShardSet, as_damage
from corpus.url import registered_domain, www_normalised

COLUMNS: Final = "authority_host", "authority_domain", "in_domains"
TABLE: Final = pa.schema([VERDICTS.field(name) for name in COLUMNS])
"""Schema of what lookup returns."""

CRAWL: Final = "crawl"
_VERIFIED: Final = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
)
_WANTED: Final = ["level", "name", "percentile", "in_domains", "source"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one host or registered domain."""

    percentile: float | None = None
    in_domains: int | None = None


NOTHING: Final = Standing()
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Authority:
    """Authority by host, read from a shard set; `None` or an empty set knows no host."""

    shards: ShardSet | None = None
    _found: dict[Key, Standing] = field(default_factory=dict, compare=False, repr=False)

    def lookup(self, hosts: Sequence[str]) -> pa.Table:
        """Return a table with the columns of TABLE, one row per host of `hosts`, in order.

        authority_host is the percentile of the host, else of its registered domain; in_domains likewise;
        authority_domain is the percentile of the registered domain.
        """
        domains = {host: registered_domain(host) for host in set(hosts)}
        self._load(domains)
        rows = {host: self._row(host, domain) for host, domain in domains.items()}
        return pa.Table.from_pylist([rows[host] for host in hosts], schema=TABLE)

    def _row(self, host: str, domain: str | None) -> dict[str, float | int | None]:
        own = self._found.get(("host", www_normalised(host)), NOTHING)
        above = self._found.get(("domain", domain or ""), NOTHING)
        return {
            "authority_host": above.percentile if own.percentile is None else own.percentile,
            "authority_domain": above.percentile,
            "in_domains": above.in_domains if own.in_domains is None else own.in_domains,
        }

    def _load(self, domains: Mapping[str, str | None]) -> None:
        """Replace what is remembered by what the shard set says of these hosts and registered domains."""
        self._found.clear()
        paths = self.shards.paths() if self.shards else []
        names = {www_normalised(host) for host in domains} | {domain for domain in domains.values() if domain}
        if not paths or not names:
            return
        wanted = pc.field("name").isin(pa.array(sorted(names), pa.string()))
        data = ds.dataset([str(path) for path in paths], schema=AUTHORITY, format=_VERIFIED)
        with as_damage(paths[0].parent):
            for batch in data.to_batches(columns=_WANTED, filter=wanted, use_threads=False, batch_readahead=1):
                self._add(batch.to_pylist())

    def _add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            key = row["level"], row["name"]
            new, old = Standing(row["percentile"], row["in_domains"]), self._found.get(key, NOTHING)
            first, second = (old, new) if row["source"] == CRAWL else (new, old)
            self._found[key] = Standing(
                second.percentile if first.percentile is None else first.percentile,
                second.in_domains if first.in_domains is None else first.in_domains,
            )
