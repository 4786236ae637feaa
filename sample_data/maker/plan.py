"""Which capture goes into which file, and the bytes and labels of each file.

Ordinary sites are spread over four files by the hash of their host; a few hosts have a file of their own so that
another format, or a fault, can be tested with pages that stand nowhere else.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from maker import warc
from maker.answers import answer_captures
from maker.body import plain_text
from maker.build import index_capture, label_for
from maker.captures import Capture, Label, crawl_date, hashed
from maker.copies import copy_captures
from maker.odd import site_capture
from maker.planted import planted_captures
from maker.sites import Site, is_unspaced, load_sites

ORDINARY = tuple(f"crawl-{number:05d}.warc.gz" for number in range(4))
PLAIN, ARC, WET, ZSTD = "crawl-00004.warc", "crawl-00005.arc.gz", "crawl-00006.warc.wet.gz", "crawl-00007.warc.zst"
CUT_GZIP, CUT_PLAIN, DAMAGED = "truncated.warc.gz", "cut-short.warc", "damaged-member.warc.gz"
OWN_FILE = {
    "quiet-essays.example": PLAIN,
    "old-mill-lane.example": ARC,
    "quiet-orchard.example": WET,
    "map-room.example": ZSTD,
    "rope-walk.example": DAMAGED,
}
CUT_HOST = "lantern-hill.example"
REVISITS = 5
TWINS = 3
DAMAGE = {"kind": "damaged", "expect": "damaged"}


@dataclass(frozen=True)
class Entry:
    """One record with its label, before it is packed."""

    record: warc.Record
    label: Label


@dataclass(frozen=True)
class Packed:
    """One finished file: its bytes and a label line per record."""

    name: str
    data: bytes
    lines: tuple[dict[str, object], ...]
    spans: tuple[tuple[int, int], ...]


def file_for(site: Site, number: int) -> str:
    """The file of a site's page."""
    if site.host == CUT_HOST:
        return CUT_GZIP if number % 2 == 0 else CUT_PLAIN
    return OWN_FILE.get(site.host) or ordinary_file(site.host)


def ordinary_file(host: str) -> str:
    return ORDINARY[hashed("file", host) % len(ORDINARY)]


def _host(url: str) -> str:
    return url.split("/")[2]


def www_twins(captures: list[Capture], copied: set[str]) -> list[Capture]:
    """Three pages that their site also serves, byte for byte, under its www name."""
    fit = [it for it in captures if it.label.kind == "good" and not it.label.note and it.file in ORDINARY]
    free = [it for it in fit if it.url not in copied and _host(it.url).count(".") == 1]
    twins = sorted(free, key=lambda it: hashed("twin", it.url))[:TWINS]
    return [
        replace(
            twin,
            url=twin.url.replace("://", "://www.", 1),
            label=replace(
                twin.label, kind="exact_copy", of=twin.url, jaccard=1.0, shingles=unit_of(twin), note="same bytes"
            ),
        )
        for twin in twins
    ]


def unit_of(capture: Capture) -> str:
    return "char5" if is_unspaced(capture.label.language) else "word5"


def all_captures(pages: Path) -> tuple[list[Capture], list[Site]]:
    """Every capture of the crawl, and the written sites."""
    sites = load_sites(pages)
    captures = []
    for site in sites:
        if file_for(site, 0) != WET:
            captures += [replace(site_capture(site, page), file=file_for(site, n)) for n, page in enumerate(site.pages)]
            captures.append(replace(index_capture(site), file=ordinary_file(site.host)))
    apart = {*OWN_FILE, CUT_HOST} - {"quiet-essays.example", "old-mill-lane.example", "map-room.example"}
    rest = [*copy_captures(sites, apart), *planted_captures(), *answer_captures()]
    rest += www_twins(captures, {it.label.of for it in rest})
    captures += [replace(capture, file=capture.file or ordinary_file(_host(capture.url))) for capture in rest]
    urls = [capture.url for capture in captures]
    if doubled := {url for url in urls if urls.count(url) > 1}:
        raise ValueError(f"captured twice: {sorted(doubled)}")
    return captures, sites


def _same_type(record: warc.Record, note: str = "") -> Entry:
    """A record that is no page: its kind and its bucket are its type."""
    return Entry(record, Label(kind=record.type, expect=record.type, note=note))


def _gzip_entries(name: str, captures: list[Capture]) -> Iterator[Entry]:
    """The first file holds request, response and metadata, the second request and response, the others responses."""
    yield _same_type(warc.warcinfo(name))
    for capture in captures:
        answer = warc.response(capture)
        if name in ORDINARY[:2]:
            yield _same_type(warc.request(capture, answer))
        yield Entry(answer, capture.label)
        if name == ORDINARY[0]:
            yield _same_type(warc.metadata(capture, answer))
    if name == ORDINARY[3]:
        fit = [capture for capture in captures if capture.label.kind == "good"]
        for capture in fit[:REVISITS]:
            yield _same_type(warc.revisit(capture), "fetched again, unchanged")


def _plain_entries(name: str, captures: list[Capture]) -> Iterator[Entry]:
    yield _same_type(warc.warcinfo(name, "1.1"))
    for capture in captures:
        yield Entry(warc.response(capture, "1.1"), capture.label)
    body = b"# notes kept beside the crawl\nseeds: 1\n"
    yield _same_type(
        warc.warc_record("resource", "file:///seeds.txt", "2025-10-06T04:00:00Z", "text/plain", body, version="1.1")
    )


def _arc_entries(name: str, captures: list[Capture]) -> Iterator[Entry]:
    yield _same_type(warc.arc_header(name), "the version block of an ARC file")
    for capture in captures:
        yield Entry(warc.arc_record(capture), capture.label)


def _wet_entries(name: str, site: Site) -> Iterator[Entry]:
    yield _same_type(warc.warcinfo(name))
    for page in site.pages:
        url = site.url(page.path)
        block = f"{page.title}\n{plain_text(page.text)}".encode()
        extra = (("WARC-Identified-Content-Language", "eng"), ("WARC-Refers-To", warc.record_id(url.encode())))
        record = warc.warc_record("conversion", url, crawl_date(url), "text/plain", block, extra)
        yield Entry(record, label_for(site, "good", note="text only: its page stands in no file"))


def _line(name: str, number: int, span: tuple[int, int], entry: Entry) -> dict[str, object]:
    record, label = entry.record, entry.label
    line: dict[str, object] = {
        "file": name,
        "index": number,
        "offset": span[0],
        "length": span[1],
        "record_id": record.id,
        "url": record.url,
        "record_type": record.type,
        "kind": label.kind,
        "expect": label.expect,
    }
    optional = ("language", "charset", "of", "jaccard", "shingles", "note")
    line.update({key: value for key in optional if (value := getattr(label, key)) not in ("", None)})
    return line


def pack(name: str, entries: Iterator[Entry], packer: Callable[[bytes], bytes]) -> Packed:
    """Join the packed records and note where each lies."""
    parts: list[bytes] = []
    lines = []
    spans = []
    offset = 0
    for number, entry in enumerate(entries):
        part = packer(entry.record.data)
        spans.append((offset, len(part)))
        lines.append(_line(name, number, spans[-1], entry))
        parts.append(part)
        offset += len(part)
    return Packed(name, b"".join(parts), tuple(lines), tuple(spans))


def _relabel(packed: Packed, number: int, data: bytes, **fields: object) -> Packed:
    lines = [dict(line, **fields) if line["index"] == number else line for line in packed.lines]
    return Packed(packed.name, data, tuple(lines), packed.spans)


def cut(packed: Packed) -> Packed:
    """Lose the last record's second half, as a full disk does."""
    offset, length = packed.spans[-1]
    kept = length * 6 // 10
    note = f"the file ends after {kept} of the record's {length} bytes"
    last = len(packed.spans) - 1
    data = packed.data[: offset + kept]
    return _relabel(packed, last, data, kind="truncated", expect="damaged", length=kept, note=note)


def damage(packed: Packed, flipped: int = 2, beheaded: int = 4) -> Packed:
    """Flip one byte in the middle of one member and blank the first bytes of another."""
    data = bytearray(packed.data)
    place, length = packed.spans[flipped]
    first = packed.spans[beheaded][0]
    data[place + length // 2] ^= 0x55
    data[first : first + 4] = b"\x00\x00\x00\x00"
    once = _relabel(packed, flipped, bytes(data), **DAMAGE, note="one byte in the member's middle is changed")
    return _relabel(once, beheaded, bytes(data), **DAMAGE, note="the member's first four bytes are blanked")


def _as_is(data: bytes) -> bytes:
    return data


def build_files(pages: Path) -> list[Packed]:
    """All files of the crawl, in order of name."""
    captures, sites = all_captures(pages)
    captures.sort(key=lambda capture: hashed("order", capture.url))
    by_file = {name: [capture for capture in captures if capture.file == name] for name in {it.file for it in captures}}
    files = [pack(name, _gzip_entries(name, by_file.get(name, [])), warc.gzip_member) for name in ORDINARY]
    for name, entries, packer in (
        (PLAIN, _plain_entries, _as_is),
        (ARC, _arc_entries, warc.gzip_member),
        (ZSTD, _gzip_entries, warc.zstd_frame),
    ):
        if name in by_file:
            files.append(pack(name, entries(name, by_file[name]), packer))
    files += [pack(WET, _wet_entries(WET, site), warc.gzip_member) for site in sites if file_for(site, 0) == WET]
    for name, harm, packer in (
        (CUT_GZIP, cut, warc.gzip_member),
        (CUT_PLAIN, cut, _as_is),
        (DAMAGED, damage, warc.gzip_member),
    ):
        if name in by_file:
            files.append(harm(pack(name, _gzip_entries(name, by_file[name]), packer)))
    return sorted(files, key=lambda packed: packed.name)


def labels_text(files: list[Packed]) -> str:
    """The labels file, one JSON object per record."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for packed in files for line in packed.lines)
