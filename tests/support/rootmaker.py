"""A root made by hand: two input files, six records, four documents, with everything the report commands read."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus import journal, schema
from corpus.document import document_id
from corpus.pipeline import Pipeline
from corpus.stage import Report
from corpus.storage import ShardSet, TableWriter

IDS = [document_id(f"https://site-{i}.example/", "2025-01-01T00:00:00Z", f"sha1:{i}") for i in range(4)]

SIGNALS = pa.schema(
    [
        pa.field("language", pa.string()),
        pa.field("words", pa.int32(), metadata={"meaning": "words of the text"}),
        pa.field("stop_words", pa.float32()),
    ]
)


def document(i: int, part: int) -> dict[str, Any]:
    """Return document i as a row."""
    values = dict.fromkeys(schema.DOCUMENTS.names)
    return values | {
        "id": IDS[i],
        "url": f"https://site-{i}.example/",
        "host": f"site-{i}.example",
        "registered_domain": f"site-{i}.example",
        "title": f"<b>Page {i}</b>",
        "text": f"Text of page {i}. <script>alert(1)</script>",
        "licences": [],
        "payload_digest": f"sha1:{i}",
        "extractor": "trafilatura",
        "warc_file": f"crawl-{part}.warc.gz",
        "warc_offset": 100 * i,
        "warc_length": 90,
    }


def entry(
    part: int, offset: int, kind: str, bucket: str, document: int | None = None, row: int | None = None
) -> dict[str, Any]:
    """Return a row of the ledger."""
    return {
        "file": f"crawl-{part}.warc.gz",
        "offset": offset,
        "length": 90,
        "record_type": kind,
        "url": None if kind == "fault" else f"https://site-{document if document is not None else 9}.example/",
        "bucket": bucket,
        "detail": "bad CRC" if kind == "fault" else None,
        "document": None if document is None else IDS[document],
        "row": row,
    }


def verdict(kept: bool, reason: str | None = None, duplicate_of: bytes | None = None) -> dict[str, Any]:
    """Return a row of the verdicts."""
    return {
        "kept": kept,
        "component": "en" if kept else None,
        "reason": reason,
        "failed": [reason] if reason else [],
        "cluster_size": 2 if duplicate_of else 1,
        "duplicate_of": duplicate_of,
        "authority_host": 0.5,
        "authority_domain": None,
        "in_domains": 3,
    }


PARTS: list[dict[str, Any]] = [
    {
        "documents": [document(0, 0), document(1, 0)],
        "ledger": [
            entry(0, 0, "warcinfo", "warcinfo"),
            entry(0, 100, "response", "document", 0, 0),
            entry(0, 200, "response", "document", 1, 1),
        ],
        "signals": [
            {"language": "en", "words": 100, "stop_words": 0.5},
            {"language": "de", "words": 10, "stop_words": 0.1},
        ],
        "verdicts": [verdict(True), verdict(False, "too_short")],
    },
    {
        "documents": [document(2, 1), document(3, 1)],
        "ledger": [
            entry(1, 0, "response", "document", 2, 0),
            entry(1, 100, "fault", "damaged"),
            entry(1, 200, "response", "document", 3, 1),
        ],
        "signals": [
            {"language": "en", "words": 90, "stop_words": 0.4},
            {"language": None, "words": 95, "stop_words": 0.3},
        ],
        "verdicts": [verdict(False, "duplicate", IDS[0]), verdict(True)],
    },
]

SCHEMAS = {"documents": schema.DOCUMENTS, "ledger": schema.LEDGER, "signals": SIGNALS, "verdicts": schema.VERDICTS}

COUNTS = {
    "ingest": [
        {"records": 3, "bucket:document": 2, "bucket:warcinfo": 1},
        {"records": 3, "bucket:document": 2, "bucket:damaged": 1},
    ],
    "select": [
        {"documents": 2, "kept": 1, "reason:too_short": 1, "failed:too_short": 1, "component:en": 1},
        {"documents": 2, "kept": 1, "reason:duplicate": 1, "component:en": 1},
    ],
}


def limit(root: Path) -> None:
    """Make the document kept in part 1 of a root one that is over the quota of its site, as the stage quota does."""
    with TableWriter(ShardSet(root, "verdicts"), 1, schema.VERDICTS) as out:
        out.write([verdict(False, "duplicate", IDS[0]), verdict(False, "quota")])
    over = {"documents": 2, "kept": 0, "reason:duplicate": 1, "reason:quota": 1, "failed:quota": 1}
    for shard, found in enumerate((COUNTS["select"][0], over)):
        Report(stage="quota", shard=shard, fingerprint="x", files=[], counts=found).save(root)


def make(root: Path, selected: bool = True) -> Path:
    """Write the root and return it; without `selected`, as it stands before select."""
    sets = SCHEMAS if selected else {name: s for name, s in SCHEMAS.items() if name != "verdicts"}
    for part, tables in enumerate(PARTS):
        for name, kind in sets.items():
            with TableWriter(ShardSet(root, name), part, kind) as out:
                out.write(tables[name])
    for stage, counts in COUNTS.items():
        for shard, found in enumerate(counts if selected or stage != "select" else []):
            Report(stage=stage, shard=shard, fingerprint="x", files=[], counts=found).save(root)
    with TableWriter(ShardSet(root, "clusters"), 0, schema.CLUSTERS) as out:
        shared = {"cluster": IDS[0], "size": 2, "similarity": 1.0, "exact": True}
        out.write(
            [
                {"part": 0, "row": 0, "representative": True} | shared,
                {"part": 1, "row": 0, "representative": False} | shared,
            ]
        )
    notes = journal.begin(Pipeline(root=root, stages=()), "web", {"inputs": ["crawl"]})
    notes.end(journal.DONE)
    return root
