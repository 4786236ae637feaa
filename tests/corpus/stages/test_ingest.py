"""Ingest: every record ends in one bucket, documents carry what the archive says, links count pages."""

import base64
import gzip
import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard
from archives import warc
from httpfaults import Site, serving

import corpus.stages.ingest as ingest_module
from corpus.archive.reader import open_archive
from corpus.archive.records import ArchiveSettings, Fault
from corpus.document import Document, Drop, document_id
from corpus.errors import InputError, PipelineError, RemoteError, SettingError
from corpus.extract.extractors import Gates
from corpus.extract.process import GuardSettings
from corpus.inputs import Input, resolve
from corpus.remote import RemoteSettings
from corpus.schema import DOCUMENTS, LEDGER, LINKS
from corpus.settings import fingerprint
from corpus.stage import Result
from corpus.stages.ingest import Ingest, IngestSettings
from corpus.storage import ShardSet

FAST = IngestSettings(extractor="resiliparse")
WORDS = " ".join(["The ferry left the harbour before sunrise and crossed the bay in thick fog."] * 4)


def http(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """Return an HTTP response; `headers` with _ for -."""
    fields = {"Content-Type": "text/html", "Content-Length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def html(*hrefs: str, title: str = "Ferry", words: str = WORDS) -> bytes:
    """Return a page with an article and links."""
    links = "".join(f'<a href="{href}">x</a>' for href in hrefs)
    return f"<html lang=en><head><title>{title}</title></head><body><p>{words}</p>{links}</body></html>".encode()


def stage(root: Path, data: bytes, options: IngestSettings = FAST) -> Ingest:
    """Return the stage that reads one archive of these bytes."""
    path = root / "made.warc"
    path.write_bytes(data)
    sets = {name: ShardSet(root / "out", name) for name in ("documents", "links", "ledger")}
    return Ingest(archives=(Input(str(path), len(data), "1"),), options=options, **sets)


def rows(ingest: Ingest, name: str) -> list[dict[str, Any]]:
    """Return the rows that the unit wrote to a shard set."""
    found: list[dict[str, Any]] = pq.read_table(getattr(ingest, name).path(0)).to_pylist()
    return found


def buckets(root: Path, data: bytes, options: IngestSettings = FAST) -> list[str]:
    """Return the bucket of every row of the ledger, in order."""
    ingest = stage(root, data, options)
    ingest.run(0)
    return [row["bucket"] for row in rows(ingest, "ledger")]


CASES: dict[str, tuple[bytes, str]] = {
    "page": (warc(1, http(html())), "document"),
    "not found": (warc(1, http(html(), "404 Not Found")), "status"),
    "picture": (warc(1, http(b"\x89PNG", Content_Type="image/png")), "not_html"),
    "pdf that says html": (warc(1, http(b"%PDF-1.7 x")), "not_html"),
    "no type, html": (warc(1, http(html(), Content_Type="")), "document"),
    "no type, no html": (warc(1, http(b"words", Content_Type="")), "not_html"),
    "plain text, html by the crawler": (
        warc(1, http(html(), Content_Type="text/plain"), WARC_Identified_Payload_Type="text/html"),
        "document",
    ),
    "no body": (warc(1, http(b"")), "empty"),
    "no text": (warc(1, http(b"<html><body></body></html>")), "empty"),
    "bad coding": (warc(1, http(gzip.compress(html())[:10] + b"\xff" * 50, Content_Encoding="gzip")), "undecodable"),
    "not http": (warc(1, b"SSH-2.0"), "undecodable"),
    "ftp": (warc(1, http(html()), WARC_Target_URI="ftp://example.org/x"), "url"),
    "no uri": (warc(1, http(html()), WARC_Target_URI=""), "url"),
    "request": (warc(1, b"GET / HTTP/1.1\r\n\r\n", WARC_Type="request"), "request"),
    "metadata": (warc(1, b"a: b", WARC_Type="metadata"), "metadata"),
    "revisit": (warc(1, http(b""), WARC_Type="revisit"), "revisit"),
    "unheard-of": (warc(1, b"x", WARC_Type="dream"), "unknown_type"),
    "resource": (warc(1, html(), WARC_Type="resource", Content_Type="text/html"), "document"),
    "json resource": (warc(1, b"{}", WARC_Type="resource", Content_Type="application/json"), "not_html"),
    "conversion": (warc(1, b"Plain words.", WARC_Type="conversion", Content_Type="text/plain"), "document"),
    "empty conversion": (warc(1, b" \n", WARC_Type="conversion", Content_Type="text/plain"), "empty"),
    "too large a page": (warc(1, http(html(words="word " * 900_000))), "oversize"),
    "a bomb": (warc(1, http(gzip.compress(bytes(1 << 24)), Content_Encoding="gzip")), "oversize"),
    "cut": (warc(1, http(html()), WARC_Truncated="length"), "document"),
}


def test_every_record_ends_in_its_bucket(tmp_path: Path) -> None:
    """One record of each kind in one archive: each bucket is the one derived by hand."""
    options = replace(FAST, limits=GuardSettings(max_page=1 << 22), http=replace(FAST.http, max_body=1 << 23))
    found = buckets(tmp_path, b"".join(data for data, _ in CASES.values()), options)
    assert dict(zip(CASES, found, strict=True)) == {name: bucket for name, (_, bucket) in CASES.items()}


def test_counts_add_up(tmp_path: Path) -> None:
    """The report's buckets sum to the records, and agree with ledger, documents and links."""
    data = b"".join(data for name, (data, _) in CASES.items() if "large" not in name and "bomb" not in name)
    ingest = stage(tmp_path, data)
    result = ingest.run(0)
    ledger = rows(ingest, "ledger")
    in_ledger = Counter(f"bucket:{row['bucket']}" for row in ledger)
    assert {name: n for name, n in result.counts.items() if name.startswith("bucket:")} == in_ledger
    assert result.counts["records"] == len(ledger) == len(CASES) - 2
    assert result.counts["documents"] == len(rows(ingest, "documents"))
    assert result.counts["links"] == len(rows(ingest, "links"))
    assert result.counts["bytes"] == sum(row["length"] for row in ledger)
    assert [written.path for written in result.files] == [
        f"{name}/part-00000.parquet" for name in ("documents", "links", "ledger")
    ]


def test_a_document_carries_what_archive_and_page_say(tmp_path: Path) -> None:
    """Every column of a document, from values written down by hand."""
    body = (
        "<html lang=ru><head><title>Паром</title><meta name=robots content=noarchive><link rel=canonical href=/k>"
        f"<meta charset=windows-1251></head><body><p>{'Паром вышел из гавани. ' * 20}</p>"
        '<a rel=license href="http://creativecommons.org/licenses/by/4.0/">by</a></body></html>'
    ).encode("cp1251")
    packed = gzip.compress(body, mtime=0)
    data = warc(0, http(html())) + warc(
        7,
        http(packed, Content_Encoding="gzip", X_Robots_Tag="noimageindex"),
        WARC_Target_URI="HTTP://Example.org:80/a/../b",
    )
    ingest = stage(tmp_path, data)
    ingest.run(0)
    table = pq.read_table(ingest.documents.path(0))
    assert table.schema.equals(DOCUMENTS)
    document = table.to_pylist()[1]
    digest = "sha1:" + base64.b32encode(hashlib.sha1(packed).digest()).decode()  # noqa: S324 - what archives use
    first = len(warc(0, http(html())))
    assert document.pop("text") == " ".join(["Паром вышел из гавани."] * 20) + "\n\nby"
    assert document == {
        "id": document_id("HTTP://Example.org:80/a/../b", "2024-05-06T07:08:09Z", digest),
        "url": "http://example.org/b",
        "host": "example.org",
        "registered_domain": "example.org",
        "title": "Паром",
        "declared_language": "ru",
        "charset": "windows-1251",
        "charset_source": "meta",
        "http_robots": "noimageindex",
        "meta_robots": "noarchive",
        "canonical_url": "http://example.org/k",
        "licences": ["http://creativecommons.org/licenses/by/4.0/"],
        "date": "2024-05-06T07:08:09Z",
        "payload_digest": digest,
        "extractor": "resiliparse",
        "warc_file": str(tmp_path / "made.warc"),
        "warc_offset": first,
        "warc_length": document["warc_length"],
    }
    row = rows(ingest, "ledger")[1]
    assert (row["document"], row["row"], row["bucket"]) == (document["id"], 1, "document")
    assert (row["offset"], row["length"]) == (document["warc_offset"], document["warc_length"])


def test_wet_records_pass_as_text(tmp_path: Path) -> None:
    """A conversion record is a document: its text cleaned, no title, extractor wet."""
    block = b"Eine Zeile\x00\r\nnoch eine"
    ingest = stage(tmp_path, warc(1, block, WARC_Type="conversion", Content_Type="text/plain"))
    ingest.run(0)
    [document] = rows(ingest, "documents")
    assert document["text"] == "Eine Zeile\nnoch eine"
    assert (document["title"], document["extractor"], document["charset_source"]) == (None, "wet", "warc")


def test_a_wet_text_larger_than_a_page_may_be_is_oversize(tmp_path: Path) -> None:
    """The page limit holds for texts that come without a page: 100 characters pass, 101 do not."""
    texts = [warc(n, b"a" * n, WARC_Type="conversion", Content_Type="text/plain") for n in (100, 101)]
    options = replace(FAST, limits=GuardSettings(max_page=100))
    assert buckets(tmp_path, b"".join(texts), options) == ["document", "oversize"]


def test_links_count_distinct_pages(tmp_path: Path) -> None:
    """Dropped pages vote, a page captured twice votes once, redirects and revisits of them say same owner.

    The parsed pages of example.org are 1, 2, 3 and 8; those of x.example.org are none.
    """
    data = (
        warc(1, http(html("http://a.net/1", "http://a.net/2", "/own")))
        + warc(2, http(html("http://a.net/", "//b.net/", words="")))
        + warc(1, http(html("http://a.net/1")))
        + warc(3, http(html("http://c.net/"), X_Robots_Tag="nofollow"))
        + warc(4, http(b"", "301 Moved", Location="https://www.example.org/4"))
        + warc(5, http(b"", "302 Found", Location="/stays"), WARC_Type="revisit")
        + warc(6, http(b"", "302 Found", Location="http://d.net/"), WARC_Type="revisit")
        + warc(7, http(html("http://e.net/"), "404 Not Found"))
        + warc(8, http(html("/own")))
        + warc(8, http(html("/own")))
        + warc(9, http(b"", "302 Found", Location="http://d.net/"), WARC_Target_URI="http://x.example.org/")
    )
    ingest = stage(tmp_path, data)
    result = ingest.run(0)
    assert pq.read_schema(ingest.links.path(0)).equals(LINKS)
    assert [tuple(row.values()) for row in rows(ingest, "links")] == [
        ("example.org", "a.net", 0, 2, 4),
        ("example.org", "b.net", 0, 1, 4),
        ("example.org", "c.net", 1, 1, 4),
        ("example.org", "d.net", 8, 1, 4),
        ("example.org", "www.example.org", 8, 1, 4),
        ("x.example.org", "d.net", 8, 1, 0),
    ]
    assert result.counts["pages_with_links"] == 6


def test_damage_is_reported_and_costs_its_member(tmp_path: Path) -> None:
    """A spoilt gzip member is a damaged row and a fault with file and offset; its neighbours become documents."""
    members = [gzip.compress(warc(i, http(html(title=str(i)))), mtime=0) for i in range(3)]
    middle = bytearray(members[1])
    middle[len(middle) // 2] ^= 0xFF
    ingest = stage(tmp_path, members[0] + bytes(middle) + members[2])
    result = ingest.run(0)
    assert [row["title"] for row in rows(ingest, "documents")] == ["0", "2"]
    damaged = [row for row in rows(ingest, "ledger") if row["bucket"] == "damaged"]
    assert [row["offset"] for row in damaged] == [fault["offset"] for fault in result.faults]
    assert damaged[0]["offset"] == len(members[0])
    assert result.faults[0]["file"] == str(tmp_path / "made.warc")


def test_a_file_of_mere_damage_still_has_a_ledger(tmp_path: Path) -> None:
    """Bytes that are no archive end as faults, an empty file as an empty ledger."""
    assert set(buckets(tmp_path, b"\xff\x00 no archive " * 100)) == {"damaged"}
    assert buckets(tmp_path, b"") == []


def test_an_input_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    """No file, no unit: InputError with the path, and nothing is left behind."""
    ingest = stage(tmp_path, b"")
    (tmp_path / "made.warc").unlink()
    with pytest.raises(InputError, match="made"):
        ingest.run(0)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


OBEY = IngestSettings(extractor="hostile_extractors:obey", limits=GuardSettings(timeout=1, memory=1 << 30))
ORDERS = {
    "one": ("document", ""),
    "loop in C": ("timeout", "more than 1 s of CPU time"),
    "abort": ("crash", "SIGABRT"),
    "print": ("document", ""),
    "crash": ("crash", "SIGSEGV"),
    "eat memory": ("oversize", "more memory than the limit"),
    "raise": ("crash", "ValueError: as told"),
    "leave": ("crash", "exit status 3"),
    "last": ("document", ""),
}
"""What a page orders, and what becomes of it."""


def test_a_hostile_page_costs_itself_alone(tmp_path: Path) -> None:
    """It gets its bucket and keeps its links; the pages around it become documents, none is lost and none doubled."""
    data = b"".join(warc(i, http(html(f"http://{i}.net/", title=order))) for i, order in enumerate(ORDERS))
    ingest = stage(tmp_path, data, OBEY)
    ingest.run(0)
    ledger = rows(ingest, "ledger")
    assert [row["bucket"] for row in ledger] == [bucket for bucket, _ in ORDERS.values()]
    assert all(detail in (row["detail"] or "") for row, (_, detail) in zip(ledger, ORDERS.values(), strict=True))
    assert [row["target_host"] for row in rows(ingest, "links")] == [f"{i}.net" for i in range(len(ORDERS))]
    assert [row["title"] for row in rows(ingest, "documents")] == ["one", "print", "last"]


def packed(records: list[bytes], form: str) -> bytes:
    """Return records as a plain file, a gzip member or zstd frame each, or in one gzip member."""
    if form == "member each":
        return b"".join(gzip.compress(record, mtime=0) for record in records)
    if form == "frame each":
        return b"".join(zstandard.compress(record) for record in records)
    return gzip.compress(b"".join(records), mtime=0) if form == "one member" else b"".join(records)


@pytest.mark.parametrize("form", ["plain", "member each", "frame each", "one member"])
def test_the_records_around_a_death_are_those_of_a_quiet_run(tmp_path: Path, form: str) -> None:
    """With a page among all kinds of records that ends its worker, every other row is what it is without it."""
    cases = [data for name, (data, _) in CASES.items() if "large" not in name and "bomb" not in name]
    seen = []
    for order, batch in (("nothing", 1 << 18), ("abort", 1 << 18), ("abort", 1)):
        data = packed([*cases[:9], warc(1000, http(html(title=order))), *cases[9:]], form)
        ingest = stage(tmp_path, data, replace(OBEY, limits=replace(OBEY.limits, batch=batch)))
        ingest.run(0)
        keep = [
            {k: v for k, v in row.items() if k not in ("row", "offset", "length")} for row in rows(ingest, "ledger")
        ]
        culprit = keep.pop(9)
        assert culprit["bucket"] == ("crash" if order == "abort" else "document")
        seen.append(keep)
    assert seen[0] == seen[1] == seen[2]


def test_a_remote_input_is_read_on_after_a_death(tmp_path: Path) -> None:
    """From a server the rows are those from the file; what the server says of a missing file is raised here."""
    orders = ("one", "abort", "two", "raise", "three")
    data = packed([warc(i, http(html(title=order))) for i, order in enumerate(orders)], "member each")
    local = stage(tmp_path, data, replace(OBEY, remote=RemoteSettings(block_size=1000, attempts=1)))
    local.run(0)
    expected = [(row["offset"], row["bucket"], row["document"]) for row in rows(local, "ledger")]
    assert [bucket for _, bucket, _ in expected] == ["document", "crash", "document", "crash", "document"]
    with serving(Site({"/made.warc.gz": data})) as site:
        remote = replace(local, archives=tuple(Input(site.url + name) for name in ("/made.warc.gz", "/none.warc.gz")))
        remote.run(0)
        assert [(row["offset"], row["bucket"], row["document"]) for row in rows(remote, "ledger")] == expected
        with pytest.raises(RemoteError, match="there is no such file"):
            remote.run(1)


HOSTILE = {
    "a colspan of 9e15": "<table><tr><td colspan=9000000000000000>x</td></tr></table>",
    "a table of 100,000 rows": "<table>" + "<tr><td>1" * 100_000,
    "100,000 nested elements": "<div>" * 100_000 + "text " * 300,
    "an attribute of 1 MB": "<a href='" + "x" * 1_000_000 + "'>y</a>",
    "100,000 entities": "&amp;" * 100_000,
    "an unclosed comment": "<!--" + "<p>x" * 100_000,
}


@pytest.mark.parametrize("extractor", ["trafilatura", "resiliparse"])
def test_real_extractors_survive_hostile_pages(extractor: str, tmp_path: Path) -> None:
    """Each hostile page ends as text or a drop, after its links, and an ordinary page after it is extracted."""
    words = " ".join(f"word{i}" for i in range(200))
    ordinary = f"<html><body><article><h1>Heading</h1><p>{words}.</p></article></body></html>".encode()
    pages = [body for h in HOSTILE.values() for body in (f'<a href="http://a.net/">x</a>{h}'.encode(), ordinary)]
    data = b"".join(warc(i, http(body)) for i, body in enumerate(pages))
    ingest = stage(tmp_path, data, IngestSettings(extractor=extractor, limits=GuardSettings(timeout=2)))
    result = ingest.run(0)
    found = [row["bucket"] for row in rows(ingest, "ledger")]
    assert found[1::2] == ["document"] * len(HOSTILE)
    assert set(found[::2]) <= {"document", "empty", "timeout", "oversize", "crash"}
    assert result.counts["pages_with_links"] == len(HOSTILE)


def test_gates_of_adaptive_are_buckets(tmp_path: Path) -> None:
    """Pages that fail a gate end in its bucket."""
    gates = Gates(min_letters=100, languages=("fr",), identifier="hostile_extractors:guess")
    options = IngestSettings(extractor="adaptive", gates=gates)
    data = (
        warc(1, http(html(words=f"bonjour {WORDS}")))
        + warc(2, http(html(words="short")))
        + warc(3, http(html()))
    )  # fmt: skip
    assert buckets(tmp_path, data, options) == ["document", "gate_length", "gate_language"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shout:
    """Puts text in capitals; drops what has a forbidden word."""

    forbidden: str = "picnic"

    def __call__(self, document: Document) -> Document | Drop:
        if self.forbidden in document.text:
            return Drop("forbidden", self.forbidden)
        document.text = document.text.upper()
        return document


def test_processors_change_or_drop_documents(tmp_path: Path) -> None:
    """A processor's change is what is stored, its drop is a bucket."""
    data = warc(1, http(html())) + warc(2, http(html(words=f"picnic {WORDS}")))
    ingest = stage(tmp_path, data, replace(FAST, processors=(Shout(),)))
    ingest.run(0)
    assert [row["bucket"] for row in rows(ingest, "ledger")] == ["document", "forbidden"]
    assert [row["text"] for row in rows(ingest, "documents")] == [WORDS.upper()]


def test_truncated_records_can_be_dropped(tmp_path: Path) -> None:
    """With keep_truncated off, what the crawler cut is its own bucket."""
    data = CASES["cut"][0] + warc(2, http(gzip.compress(html())[:-9], Content_Encoding="gzip"))
    assert buckets(tmp_path, data) == ["document", "document"]
    assert buckets(tmp_path, data, replace(FAST, keep_truncated=False)) == ["truncated", "truncated"]


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Two runs, with one item or many to a message and a fresh worker every two pages or none: the same files."""
    data = b"".join(data for data, _ in CASES.values())
    seen = []
    for batch, recycle in ((1, 2), (1 << 18, 1000)):
        options = replace(FAST, limits=GuardSettings(batch=batch, recycle=recycle), row_group_rows=3)
        ingest = stage(tmp_path, data, options)
        seen.append([(written.path, written.sha256) for written in ingest.run(0).files])
        assert pq.read_metadata(ingest.documents.path(0)).num_row_groups == 3
    assert seen[0] == seen[1]
    assert pq.read_schema(ingest.ledger.path(0)).equals(LEDGER)


def test_only_what_changes_results_is_in_the_fingerprint(tmp_path: Path) -> None:
    """Sizes of messages and retries do not make old results stale; an extractor or an input's mark does."""
    ingest = stage(tmp_path, b"")
    base = fingerprint(ingest.settings(), ingest.identity(0))
    same = replace(FAST, limits=GuardSettings(batch=3, wall=99))
    assert fingerprint(replace(ingest, options=same).settings(), ingest.identity(0)) == base
    assert fingerprint(IngestSettings(), ingest.identity(0)) != base
    changed = replace(ingest, archives=(replace(ingest.archives[0], mark="2"),))
    assert fingerprint(FAST, changed.identity(0)) != base


def test_a_ledger_that_does_not_add_up_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a record ever lost between reader and ledger, the unit would fail and say so."""

    def lose(self: Any, found: Any) -> None:
        self.counts["records"] += found.record_type != "request"

    monkeypatch.setattr(ingest_module._Unit, "count", lose)
    with pytest.raises(PipelineError, match="1 records and faults read"):
        stage(tmp_path, CASES["request"][0]).run(0)


def test_wrong_settings_are_refused() -> None:
    """An unknown extractor and an empty row group fail at construction."""
    with pytest.raises(SettingError, match="extractor"):
        IngestSettings(extractor="magic")
    with pytest.raises(SettingError, match="row_group_rows"):
        IngestSettings(row_group_rows=0)


@pytest.mark.shared
def test_real_archives_are_accounted_for(shared: Path, tmp_path: Path) -> None:
    """Every record and fault of the labelled archives has one row of the ledger, at its place in the file."""
    sets = {name: ShardSet(tmp_path, name) for name in ("documents", "links", "ledger")}
    ingest = Ingest(archives=tuple(resolve([str(shared / "data/warc")])), options=FAST, **sets)
    assert ingest.shards() == 35
    documents = 0
    for i, source in enumerate(ingest.archives):
        result: Result = ingest.run(i)
        with open(source.url, "rb") as stream:
            expected = [
                (item.offset, "fault" if isinstance(item, Fault) else item.record_type)
                for item in open_archive(stream, source.url, ArchiveSettings())
            ]
        ledger = pq.read_table(ingest.ledger.path(i)).to_pylist()
        assert [(row["offset"], row["record_type"]) for row in ledger] == expected
        documents += result.counts["documents"]
    assert documents > 230
