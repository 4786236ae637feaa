"""Ingest: archives to documents, links and the ledger; one unit per input.

Work is ordered by cost: record type, URL, status, media type, then decoding, parsing, links, and last the main text.
Pages are parsed by the supervised worker (extract/guard.py), so none can take the unit with it. Links are counted for
every HTML page, whatever becomes of it. Each record and each fault ends in exactly one row of the ledger; the buckets:

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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from corpus.archive.http import HttpSettings
from corpus.archive.reader import open_archive
from corpus.archive.records import ArchiveSettings, Fault
from corpus.document import Processor
from corpus.errors import InputError, PipelineError
from corpus.extract.extractors import ExtractSettings, Gates
from corpus.extract.guard import PageResult, borrow
from corpus.extract.process import GuardSettings
from corpus.inputs import Input, open_input
from corpus.link_counts import LinkCounts, tables
from corpus.remote import RemoteSettings
from corpus.schema import DOCUMENTS, LEDGER, LINKS
from corpus.settings import UNMARKED, require
from corpus.stage import Result, tick
from corpus.stages.ingest_records import Entry, judge, page_document
from corpus.storage import ShardSet, TableWriter

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
    version: ClassVar[int] = 1

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
        self.read_items = self.reached = 0
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
        """Read the input through; every item of it gets a row of the ledger."""
        with borrow(self.options.extract, self.options.limits) as guard:
            for entry, result in guard.map((entry, entry.request) for entry in self.entries()):
                self.settle(entry, result)
        for table in tables(self.links.rows()):
            self.links_out.write(table)
            self.counts["links"] += table.num_rows
        self.counts["pages_with_links"] = self.links.pages

    def entries(self) -> Iterator[Entry]:
        """Yield what each record or fault of the input is to become, as far as its head tells."""
        try:
            with open_input(self.input.url, self.options.remote) as stream:
                for item in open_archive(stream, self.input.url, self.options.archive):
                    self.read_items += 1
                    yield self.bounded(judge(item, self.options.http, self.options.keep_truncated))
        except OSError as error:
            raise InputError(f"{self.input.url}: cannot be read on ({error.strerror or error})") from error

    def bounded(self, entry: Entry) -> Entry:
        """Drop a text that came without a page (WET) and is larger than a page may be: later stages hold it whole."""
        most = self.options.limits.max_page
        if entry.document and len(entry.document.text) > most:
            entry.drop("oversize", f"text of {len(entry.document.text):,} characters, more than {most:,}")
        return entry

    def settle(self, entry: Entry, result: PageResult | None) -> None:
        """Give an entry its final bucket, write its document if it has one, its links, and its row of the ledger."""
        if result is not None:
            if result.facts:
                entry.links = [*entry.links, *result.facts.links]
            page_document(entry, result)
        for processor in self.options.processors:
            entry.process(processor)
        if entry.url and entry.links:
            self.links.add(entry.url.href, entry.url.host, entry.links)
        document = entry.document
        row = self.documents.add(asdict(document), 500 + 2 * len(document.text)) if document else None
        self.ledger.add(ledger_row(entry, row), 200 + len(entry.target_uri or "") + len(entry.detail or ""))
        self.count(entry)

    def count(self, entry: Entry) -> None:
        """Add an entry to the counts and faults of the report."""
        self.counts["records"] += 1
        self.counts[f"bucket:{entry.bucket}"] += 1
        self.counts["documents"] += entry.document is not None
        self.counts["bytes"] += entry.length
        self.counts["replacement_characters"] += entry.replaced
        if entry.fault is not None:
            self.counts["faults"] += 1
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(fault_row(entry.fault))
        tick(1, self.share(entry.offset + entry.length))

    def share(self, reached: int) -> float:
        """Return which share of the input lies between the last place asked for and `reached`."""
        start, self.reached = self.reached, max(self.reached, reached)
        return (self.reached - start) / self.input.size if self.input.size else 0.0

    def result(self) -> Result:
        """Return files and counts; raises PipelineError when the ledger does not add up to what was read."""
        buckets = sum(count for name, count in self.counts.items() if name.startswith("bucket:"))
        rows = self.ledger.rows
        if not self.read_items == rows == buckets == self.counts["records"]:
            raise PipelineError(
                f"{self.input.url}: {self.read_items} records and faults read, {rows} rows in the ledger, "
                f"{buckets} in its buckets; this is a defect of ingest, not of the input"
            )
        files = [part.written for part in (self.documents.out, self.links_out, self.ledger.out)]
        return Result(files=files, counts=self.counts, faults=self.faults)


class Rows:
    """Rows on their way into a part file, in row groups bounded by rows and bytes."""

    def __init__(self, out: TableWriter, most_rows: int, most_bytes: int) -> None:
        self.out, self.most_rows, self.most_bytes = out, most_rows, most_bytes
        self.rows = 0
        self._held: list[dict[str, Any]] = []
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

    def add(self, row: dict[str, Any], size: int) -> int:
        """Add a row of about `size` bytes; returns its number."""
        self._held.append(row)
        self._size += size
        self.rows += 1
        if len(self._held) >= self.most_rows or self._size >= self.most_bytes:
            self._flush()
        return self.rows - 1

    def _flush(self) -> None:
        self.out.write(self._held)
        self._held.clear()
        self._size = 0


def ledger_row(entry: Entry, row: int | None) -> dict[str, Any]:
    """Return an entry's row of the ledger."""
    return {
        "file": entry.file,
        "offset": entry.offset,
        "length": entry.length,
        "record_type": entry.record_type,
        "url": entry.target_uri,
        "bucket": entry.bucket,
        "detail": entry.detail,
        "document": entry.document.id if entry.document else None,
        "row": row,
    }


def fault_row(fault: Fault) -> dict[str, Any]:
    """Return a fault as the report lists it."""
    return {
        "file": fault.file,
        "offset": fault.offset,
        "length": fault.length,
        "reason": fault.reason,
        "detail": fault.detail,
    }
