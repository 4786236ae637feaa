"""The worker of ingest (`python -m corpus.stages.ingest_reading`): an archive to rows.

It does all that looks at the bytes of a crawl: it opens the input, reads its records, judges them, parses pages, and
extracts text, so only what is kept travels to the process that writes. See extract/guard.py for what becomes of an item
that ends the worker.
"""

import gc
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from corpus.archive.http import HttpSettings
from corpus.archive.reader import open_archive
from corpus.archive.records import ArchiveSettings, Fault, Mark, Record
from corpus.document import Drop
from corpus.errors import InputError
from corpus.extract.extractors import Extractor, ExtractSettings, Gates, forget, make_extractor
from corpus.extract.note import EXTRACTING, JUDGING, PARSING
from corpus.extract.page import Facts, parse_page
from corpus.extract.request import PageRequest, PageResult
from corpus.extract.worker import Desk, serve
from corpus.inputs import open_input
from corpus.remote import RemoteSettings
from corpus.stages.ingest_records import Entry, judge, page_document
from corpus.stages.ingest_rows import pack_row

FORGET_EVERY: Final = 200
"""Pages after which caches that grow over pages are emptied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a unit says: the input, and how its records are read and judged."""

    url: str
    archive: ArchiveSettings
    http: HttpSettings
    remote: RemoteSettings
    keep_truncated: bool

    @classmethod
    def load(cls, unit: Mapping[str, Any]) -> "Source":
        """Return a source from its JSON form."""
        return cls(
            url=unit["url"],
            archive=ArchiveSettings(**unit["archive"]),
            http=HttpSettings(**unit["http"]),
            remote=RemoteSettings(**unit["remote"]),
            keep_truncated=unit["keep_truncated"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads units: puts a row for every record and fault from the desk's first item on."""

    extractor: Extractor
    name: str
    max_page: int

    def __call__(self, unit: Mapping[str, Any], desk: Desk) -> None:
        source = Source.load(unit)
        for item in items(source, desk):
            desk.at(JUDGING)
            desk.put(*pack_row(self.entry(item, source, desk)))

    def entry(self, item: Record | Fault, source: Source, desk: Desk) -> Entry:
        """Return what becomes of an item."""
        verdict, phase = desk.verdicts.get(desk.item, (None, 0))
        if verdict and phase == JUDGING:
            return unjudged(item).drop(verdict.reason, verdict.detail)
        entry = self.bounded(judge(item, source.http, source.keep_truncated))
        if entry.request:
            result = self.result(entry.request, desk, verdict, phase)
            if result.facts:
                entry.links, entry.parsed = [*entry.links, *result.facts.links], True
            page_document(entry, result)
        return entry

    def bounded(self, entry: Entry) -> Entry:
        """Drop a text that came without a page (WET) and is larger than a page may be: later stages hold it whole."""
        if entry.document and len(entry.document.text) > self.max_page:
            detail = f"text of {len(entry.document.text):,} characters, more than {self.max_page:,}"
            entry.drop("oversize", detail)
        return entry

    def result(self, request: PageRequest, desk: Desk, verdict: Drop | None, phase: int) -> PageResult:
        """Return what comes of a page; one that has ended a worker is followed no further than it is known to go."""
        if len(request.body) > self.max_page:
            drop = Drop("oversize", f"page of {len(request.body):,} bytes, more than {self.max_page:,}")
            return PageResult(facts=None, drop=drop)
        if verdict and phase == PARSING:
            return PageResult(facts=None, drop=verdict)
        facts: Facts | None = None
        desk.arm(PARSING)
        try:
            page = parse_page(request.body, url=request.url, headers=request.headers)
            facts = page.facts
            if verdict:
                return PageResult(facts=facts, drop=verdict)
            desk.at(EXTRACTING)
            return self.outcome(facts, self.extractor(page))
        except MemoryError:
            desk.spent = True  # a fresh process has fresh memory
            return PageResult(facts=facts, drop=Drop("oversize", "more memory than the limit"))
        except Exception as error:  # whatever a parser raises on hostile input is this page's end, not the file's
            return PageResult(facts=facts, drop=Drop("crash", f"{type(error).__name__}: {error}"[:200]))
        finally:
            desk.disarm()
            if desk.pages % FORGET_EVERY == 0:
                forget()
                gc.collect()

    def outcome(self, facts: Facts, found: str | Drop) -> PageResult:
        """Return the result of a page from what its extractor found."""
        if isinstance(found, Drop):
            return PageResult(facts=facts, drop=found)
        if not found:
            return PageResult(facts=facts, drop=Drop("empty", "no main text"))
        return PageResult(facts=facts, text=found, extractor=self.name)


def items(source: Source, desk: Desk) -> Iterator[Record | Fault]:
    """Yield the items of an archive from the desk's start on; raises InputError when it cannot be opened or read on."""
    mark = Mark(**desk.mark) if desk.mark else None
    try:
        with open_input(source.url, source.remote) as stream:
            reader = open_archive(stream, source.url, source.archive, mark=mark)
            desk.marker = lambda: asdict(reader.mark())
            yield from reader
    except OSError as error:
        raise InputError(f"{source.url}: cannot be read on ({error.strerror or error})") from error


def unjudged(item: Record | Fault) -> Entry:
    """Return the entry of an item that not even its judgement may look into."""
    kind = "fault" if isinstance(item, Fault) else item.record_type
    return Entry(file=item.file, offset=item.offset, length=item.length, record_type=kind, target_uri=item.target_uri)


def extract_settings(values: Mapping[str, Any]) -> ExtractSettings:
    """Return settings from their JSON form."""
    gates = dict(values["gates"])
    if gates["languages"] is not None:
        gates["languages"] = tuple(gates["languages"])
    return ExtractSettings(**(dict(values) | {"gates": Gates(**gates)}))


def prepare(configuration: Mapping[str, Any]) -> Reading:
    """Return the work of a worker."""
    extract = extract_settings(configuration["extract"])
    return Reading(extractor=make_extractor(extract), name=extract.extractor, max_page=configuration["max_page"])


if __name__ == "__main__":
    serve(prepare)
