"""Ingest: archives to documents, links and the ledger; one unit per input.

Work is ordered by cost: record type, URL, status, media type, then decoding, parsing, links, and last the main text.
All of that happens in a supervised worker (ingest_reading.py, extract/guard.py), so no page can take the unit with it;
this module has what comes of it processed, counted and written. Links are counted for every HTML page, whatever becomes
of it. Each record and each fault ends in exactly one row of the ledger; the buckets:

    document        it became a document
    status          an HTTP status other than 200            not_html      a payload that is not HTML (nor WET text)
    url             no valid http(s) target URI              undecodable   no HTTP response, or a coding that fails
    oversize        record, body or page over its limit      timeout, crash   ended the page worker
    empty           no payload, or no main text              gate_length, gate_language   gates of `adaptive`
    damaged         a fault: bytes that became no record     truncated     cut by the crawler, where that drops it
    request, metadata, warcinfo, revisit, continuation, resource, unknown_type   records that carry no page
    (any other)     the reason of a processor's Drop

A `resource` record with an http(s) URI and HTML in it counts as a page, a `conversion` record with text (WET) as a
document. Records that the crawler cut (WARC-Truncated, or a body that ends early) are kept unless the settings say
otherwise: they are intact records of incomplete pages, and most of a long page is worth having.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import pyarrow as pa

from corpus.archive.http import HttpSettings
from corpus.archive.records import ArchiveSettings
from corpus.document import Document, Drop, Processor
from corpus.errors import PipelineError
from corpus.extract.extractors import ExtractSettings, Gates
from corpus.extract.guard import borrow
from corpus.extract.process import GuardSettings
from corpus.inputs import Input
from corpus.link_counts import LinkCounts, tables
from corpus.remote import RemoteSettings
from corpus.schema import DOCUMENTS, LEDGER, LINKS
from corpus.settings import UNMARKED, require
from corpus.stage import Result, tick
from corpus.stages.ingest_rows import DOCUMENT, Settled, unpack_rows
from corpus.storage import ShardSet, TableWriter

READING: Final = "corpus.stages.ingest_reading"
"""The module that a worker runs."""
TEXT: Final = DOCUMENT.index("text")
MOST_FAULTS: Final = 1000
"""Faults listed in a unit's report; the ledger has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """How records become documents.

    extractor        trafilatura, resiliparse, adaptive, or module:function
    gates            of the extractor adaptive
    limits           of a page: time, memory, size
    archive, http    limits of records and of HTTP bodies
    remote           how remote inputs are read; does not change results
    keep_truncated   keep pages that the crawler cut
    processors       applied to each document in turn; a Drop's reason is the bucket
    row_group_rows, row_group_bytes   a row group of documents ends at the first of the two that is reached
    """

    extractor: str = "trafilatura"
    gates: Gates = field(default_factory=Gates)
    limits: GuardSettings = field(default_factory=GuardSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    remote: RemoteSettings = field(default_factory=RemoteSettings, metadata=UNMARKED)
    keep_truncated: bool = True
    processors: tuple[Processor, ...] = ()
    row_group_rows: int = 1024
    row_group_bytes: int = 16 << 20

    def __post_init__(self) -> None:
        require(self.row_group_rows >= 1, self, "row_group_rows", "expected at least 1")
        require(self.row_group_bytes >= 1, self, "row_group_bytes", "expected at least 1 byte")
        ExtractSettings(extractor=self.extractor, gates=self.gates)

    @property
    def row_group(self) -> tuple[int, int]:
        """Most rows and bytes of a row group of documents."""
        return self.row_group_rows, self.row_group_bytes

    @property
    def extract(self) -> ExtractSettings:
        """The part that the page worker needs."""
        return ExtractSettings(extractor=self.extractor, gates=self.gates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """Read input i into documents, links and ledger part i. Raises InputError when it cannot be opened or read on."""

    name: ClassVar[str] = "ingest"
    version: ClassVar[int] = 3

    archives: tuple[Input, ...] = ()
    documents: ShardSet
    links: ShardSet
    ledger: ShardSet
    options: IngestSettings = field(default_factory=IngestSettings)

    @property
    def root(self) -> Path:
        return self.documents.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return ()

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.documents, self.links, self.ledger)

    def settings(self) -> IngestSettings:
        return self.options

    def shards(self) -> int:
        return len(self.archives)

    def identity(self, shard: int) -> Mapping[str, Any]:
        """Return what is known of the input's content without reading it."""
        found = self.archives[shard]
        return {"url": found.url, "size": found.size, "mark": found.mark}

    def weight(self, shard: int) -> int:
        """Return the bytes of the input, 0 when they are not known."""
        return self.archives[shard].size or 0

    def sources(self, shard: int) -> Sequence[Path]:
        return ()

    def run(self, shard: int) -> Result:
        with _Unit(self, shard) as unit:
            unit.read()
        return unit.result()


class _Unit:
    """The run of one unit: its writers, its sums and its counts."""

    def __init__(self, stage: Ingest, shard: int) -> None:
        self.options, self.input = stage.options, stage.archives[shard]
        self.documents = Rows(TableWriter(stage.documents, shard, DOCUMENTS), *self.options.row_group)
        self.ledger = Rows(TableWriter(stage.ledger, shard, LEDGER), 1 << 16, 16 << 20)
        self.links_out = TableWriter(stage.links, shard, LINKS)
        self.links = LinkCounts(stage.root / stage.links.name)
        self.counts: Counter[str] = Counter({"records": 0, "faults": 0, "documents": 0, "links": 0, "bytes": 0})
        self.faults: list[dict[str, Any]] = []
        self.items = self.reached = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for part in (self.links, self.links_out, self.ledger, self.documents):
                stack.enter_context(part)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def read(self) -> None:
        """Have the input read through; every item of it gets a row of the ledger."""
        configuration = {"extract": asdict(self.options.extract), "max_page": self.options.limits.max_page}
        with borrow(READING, configuration, self.options.limits) as guard:
            for rows, texts in guard.read(self.source(), self.input.url):
                self.items += len(rows)
                for found in unpack_rows(self.input.url, rows, texts):
                    self.settle(found)
                tick(len(rows), self.share(found.offset + found.length))
        for table in tables(self.links.rows()):
            self.links_out.write(table)
            self.counts["links"] += table.num_rows
        self.counts["pages_with_links"] = self.links.pages

    def source(self) -> dict[str, Any]:
        """Return what the worker has to know of the input, see ingest_reading.Source."""
        parts = {name: asdict(getattr(self.options, name)) for name in ("archive", "http", "remote")}
        return {"url": self.input.url, "keep_truncated": self.options.keep_truncated} | parts

    def settle(self, found: Settled) -> None:
        """Give an item its final bucket, write its document if it has one, its links, and its row of the ledger."""
        for processor in self.options.processors:
            process(found, processor)
        if found.url and found.host and (found.links or found.parsed):
            self.links.add(found.url, found.host, found.links, found.parsed)
        values, row = found.document, None
        if values:
            row = self.documents.add(values, 500 + 2 * found.characters)
        self.ledger.add(
            (
                self.input.url,
                found.offset,
                found.length,
                found.record_type,
                found.target_uri,
                found.bucket,
                found.detail,
                values[0] if values else None,
                row,
            ),
            200 + len(found.target_uri or "") + len(found.detail or ""),
        )
        self.count(found)

    def count(self, found: Settled) -> None:
        """Add an item to the counts and faults of the report."""
        counts = self.counts
        counts["records"] += 1
        counts[f"bucket:{found.bucket}"] += 1
        counts["documents"] += found.document is not None
        counts["bytes"] += found.length
        counts["replacement_characters"] += found.replaced
        if found.fault is not None:
            counts["faults"] += 1
            if len(self.faults) < MOST_FAULTS:
                place = {"file": self.input.url, "offset": found.offset, "length": found.length}
                self.faults.append(place | dict(zip(("reason", "detail"), found.fault, strict=True)))

    def share(self, reached: int) -> float:
        """Return which share of the input lies between the last place asked for and `reached`."""
        start, self.reached = self.reached, max(self.reached, reached)
        return (self.reached - start) / self.input.size if self.input.size else 0.0

    def result(self) -> Result:
        """Return files and counts; raises PipelineError when the ledger does not add up to what was read."""
        buckets = sum(count for name, count in self.counts.items() if name.startswith("bucket:"))
        rows = self.ledger.rows
        if not self.items == rows == buckets == self.counts["records"]:
            raise PipelineError(
                f"{self.input.url}: {self.items} records and faults read, {rows} rows in the ledger, "
                f"{buckets} in its buckets; this is a defect of ingest, not of the input"
            )
        files = [part.written for part in (self.documents.out, self.links_out, self.ledger.out)]
        return Result(files=files, counts=self.counts, faults=self.faults)


def process(found: Settled, processor: Processor) -> None:
    """Have a processor change the document of an item or drop it."""
    if found.document is None:
        return
    document = Document(**dict(zip(DOCUMENT, found.document, strict=True)))
    result = processor(replace(document, text=found.document[TEXT].decode()))
    if isinstance(result, Drop):
        found.bucket, found.detail, found.document = result.reason, result.detail or None, None
    else:
        found.document = [getattr(result, name) for name in DOCUMENT]
        found.document[TEXT], found.characters = result.text.encode(), len(result.text)


class Rows:
    """Rows on their way into a part file, in row groups bounded by rows and bytes."""

    def __init__(self, out: TableWriter, most_rows: int, most_bytes: int) -> None:
        self.out, self.most_rows, self.most_bytes = out, most_rows, most_bytes
        self.rows = 0
        self._held: list[Sequence[Any]] = []
        self._size = 0

    def __enter__(self) -> Self:
        self.out.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
        except BaseException as failure:
            self.out.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self.out.__exit__(kind, error, trace)

    def add(self, row: Sequence[Any], size: int) -> int:
        """Add a row of about `size` bytes, its values in the order of the schema; returns its number."""
        self._held.append(row)
        self._size += size
        self.rows += 1
        if len(self._held) >= self.most_rows or self._size >= self.most_bytes:
            self._flush()
        return self.rows - 1

    def _flush(self) -> None:
        if self._held:
            columns = zip(*self._held, strict=True)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, self.out.schema, strict=True)]
            self.out.write(pa.Table.from_arrays(arrays, schema=self.out.schema))
        self._held.clear()
        self._size = 0
