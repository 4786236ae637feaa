"""Two hundred random corruptions of a good archive through ingest: everything accounted for, nothing intact lost."""

import gzip
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from archives import page, uri, warc

from corpus.inputs import Input
from corpus.stage import Report, run_unit
from corpus.stages.ingest import Ingest, IngestSettings
from corpus.storage import ShardSet

CORRUPTIONS = {"gzip": 120, "plain": 80}
KINDS = ("cut", "flip", "newline", "byte", "zeros")
OTHER_TYPES = ("request", "metadata", "warcinfo", "revisit", "weird")
"""WARC types of the records that are no responses, each a bucket of its own (`weird`: unknown_type)."""


def http(number: int, status: int = 200, kind: str = "text/html", body: bytes = b"") -> bytes:
    """Return an HTTP response with such a head."""
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def records() -> list[tuple[str, bytes]]:
    """Return 24 records, with the bucket of each: documents of growing size, and every cheap reason for none."""
    made = [("document", warc(n, page(n, 300 + 60 * n), digest=n % 2 == 0)) for n in range(14)]
    made += [("unknown_type" if t == "weird" else t, warc(14 + i, WARC_Type=t)) for i, t in enumerate(OTHER_TYPES)]
    made += [
        ("status", warc(19, http(19, 404, body=page(19)))),
        ("not_html", warc(20, http(20, kind="image/png", body=random.Random(20).randbytes(900)))),
        ("empty", warc(21, http(21))),
        ("undecodable", warc(22, b"no HTTP at all\r\n")),
        ("url", warc(23, WARC_Target_URI="mailto:23@example.org")),
    ]
    random.Random(24).shuffle(made)
    return made


RECORDS = records()
PARTS = {"gzip": [gzip.compress(data, mtime=0) for _, data in RECORDS], "plain": [data for _, data in RECORDS]}


@dataclass(frozen=True)
class Corruption:
    """What was done: bytes `first` to `behind` of the good archive are gone or changed; `data` is what came of it."""

    kind: str
    first: int
    behind: int
    data: bytes

    def spares(self, start: int, end: int) -> bool:
        """Say whether bytes `start` to `end` of the good archive are all as they were."""
        return end <= self.first or start >= self.behind


def corrupt(good: bytes, kind: str, draw: random.Random) -> Corruption:
    """Return a corruption at a random place."""
    at = draw.randrange(len(good))
    if kind == "cut":
        return Corruption(kind, at, len(good), good[:at])
    if kind == "flip":
        return Corruption(kind, at, at + 1, good[:at] + bytes([good[at] ^ draw.randrange(1, 256)]) + good[at + 1 :])
    if kind == "zeros":
        end = min(len(good), at + draw.randrange(1, 2000))
        return Corruption(kind, at, end, good[:at] + bytes(end - at) + good[end:])
    if kind == "newline":
        at = draw.choice([i for i, byte in enumerate(good) if byte == 0x0A])
    return Corruption(kind, at, at + 1, good[:at] + good[at + 1 :])


def corruptions(packing: str) -> list[Corruption]:
    """Return the corruptions of one packing, each kind equally often; the first one is none at all."""
    good, draw = b"".join(PARTS[packing]), random.Random(packing)
    nothing = Corruption("nothing", 0, 0, good)
    return [nothing] + [corrupt(good, KINDS[i % len(KINDS)], draw) for i in range(CORRUPTIONS[packing])]


def intact(packing: str, damage: Corruption) -> tuple[dict[str, str], str | None]:
    """Return URI and bucket of the records that no corrupted byte belongs to, and the URI of the last before it."""
    found, last, start = {}, None, 0
    for (bucket, data), part in zip(RECORDS, PARTS[packing], strict=True):
        if damage.spares(start, start + len(part)):
            target = data.partition(b"WARC-Target-URI: ")[2].partition(b"\r\n")[0].decode()
            found[target] = bucket
            last = target if start < damage.first else last
        start += len(part)
    return found, last


def ingest(folder: Path, packing: str, damages: list[Corruption]) -> Ingest:
    """Write the corrupted archives and return the stage that reads them."""
    folder.mkdir(exist_ok=True)
    archives = []
    for i, damage in enumerate(damages):
        path = folder / f"{i:03}.warc{'.gz' if packing == 'gzip' else ''}"
        path.write_bytes(damage.data)
        archives.append(Input(str(path), len(damage.data), damage.kind))
    documents, links, ledger = (ShardSet(folder / "root", name) for name in ("documents", "links", "ledger"))
    options = IngestSettings(extractor="resiliparse")
    return Ingest(archives=tuple(archives), documents=documents, links=links, ledger=ledger, options=options)


def account(stage: Ingest, number: int, report: Report) -> list[dict[str, Any]]:
    """Return the ledger of one archive, once it adds up with the counts, the documents and itself."""
    rows = pq.read_table(stage.ledger.path(number)).to_pylist()
    counts = {name.removeprefix("bucket:"): n for name, n in report.counts.items() if name.startswith("bucket:")}
    assert len(rows) == report.counts["records"] == sum(counts.values())
    assert counts == Counter(row["bucket"] for row in rows)
    assert report.counts["faults"] == len(report.faults) == sum(row["record_type"] == "fault" for row in rows)
    documents = pq.read_table(stage.documents.path(number), columns=["id"]).column("id").to_pylist()
    assert [row["document"] for row in rows if row["bucket"] == "document"] == documents
    offsets = [row["offset"] for row in rows if row["record_type"] != "fault"]
    assert offsets == sorted(set(offsets))
    return rows


def missing(rows: list[dict[str, Any]], wanted: dict[str, str], borderless: str | None) -> list[str]:
    """Return what did not end in the bucket it would end in, unless its border is gone and the ledger says so.

    A record of a plain file ends where the next one begins. When the head of that one is damaged, nothing shows that
    the Content-Length is right, so a record without digest may be given up, but not in silence. (Zeros show it: they
    are no content that an empty line stands before.)
    """
    found = {row["url"]: row["bucket"] for row in rows if row["record_type"] != "fault"}
    given_up = {row["url"] for row in rows if row["record_type"] == "fault"} & {borderless}
    return [target for target, bucket in wanted.items() if found.get(target) != bucket and target not in given_up]


@pytest.mark.parametrize("packing", CORRUPTIONS)
def test_random_corruptions_of_a_good_archive(tmp_path: Path, packing: str) -> None:
    """Wherever an archive is cut, flipped, zeroed or loses bytes, the records it spared end where they would end."""
    damages = corruptions(packing)
    stage = ingest(tmp_path / packing, packing, damages)
    for number, damage in enumerate(damages):
        wanted, last = intact(packing, damage)
        assert (len(wanted) == len(RECORDS)) == (damage.kind == "nothing")
        rows = account(stage, number, run_unit(stage, number, damage.kind))
        borderless = last if packing == "plain" and damage.kind != "zeros" else None
        assert missing(rows, wanted, borderless) == [], (damage.kind, damage.first, damage.behind)
        assert all(0 <= row["offset"] < row["offset"] + row["length"] <= len(damage.data) for row in rows)


def test_the_good_archive_has_every_bucket_that_costs_no_time() -> None:
    """What the corruptions are made of: 24 records of 14 documents and one each of ten other buckets."""
    assert len({uri(n) for n in range(24)}) == len(RECORDS) == 24
    assert sum(bucket == "document" for bucket, _ in RECORDS) == 14
    assert len({bucket for bucket, _ in RECORDS}) == 11
