"""Our side: the stages and the public functions of the package, served step by step."""

import hashlib
import itertools
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.suite.serve import Step, Work, repeated, serve
from benchmarks.suite.steps import floors_of_texts, profile
from benchmarks.suite.texts import read_texts, write_texts
from corpus.archive.http import HttpSettings
from corpus.archive.reader import open_archive
from corpus.archive.records import ArchiveSettings, Record
from corpus.dedup.minhash import signature
from corpus.dedup.shingles import shingles
from corpus.dedup.sketches import sketch
from corpus.inputs import resolve
from corpus.language import LanguageIdentifier
from corpus.stages.annotate import Annotate
from corpus.stages.deduplicate import Signatures
from corpus.stages.ingest import Ingest, IngestSettings
from corpus.stages.ingest_records import judge
from corpus.stages.tokenize import BATCH
from corpus.storage import ShardSet, read_parquet
from corpus.tokens.tokenizer import TokenizerSettings, load_tokenizer
from corpus.tokens.train import train_tokenizer

SETS = ("documents", "links", "ledger", "signals", "signatures", "members")


def sets(root: str | Path) -> dict[str, ShardSet]:
    """Return the shard sets of a root by name."""
    return {name: ShardSet(Path(root), name) for name in SETS}


def ingest(crawl: str, root: str | Path, extractor: str) -> Ingest:
    """Return the ingest stage over a folder of archives, with default settings but for the extractor."""
    found = sets(root)
    return Ingest(
        archives=tuple(resolve([crawl])),
        documents=found["documents"],
        links=found["links"],
        ledger=found["ledger"],
        options=IngestSettings(extractor=extractor),
    )


def after_ingest(root: str | Path) -> tuple[Annotate, Signatures]:
    """Return the stages annotate and signatures over the documents of a root."""
    found = sets(root)
    annotate = Annotate(documents=found["documents"], signals=found["signals"])
    return annotate, Signatures(documents=found["documents"], output=found["signatures"], members=found["members"])


def run_all(stage: Any) -> dict[str, int]:
    """Run every unit of a stage in this process; returns the sums of its counts."""
    total: dict[str, int] = {}
    for unit in range(stage.shards()):
        for name, count in stage.run(unit).counts.items():
            total[name] = total.get(name, 0) + count
    return total


def staged(stages: Iterable[Any]) -> tuple[dict[str, float], dict[str, dict[str, int]]]:
    """Run stages one after the other; returns the seconds and the counts of each."""
    seconds, counts = {}, {}
    for stage in stages:
        start = time.perf_counter()
        counts[stage.name] = run_all(stage)
        seconds[stage.name] = time.perf_counter() - start
    return seconds, counts


def pages(crawl: str, size: int, extractor: str) -> Step:
    """Return the page path: ingest, annotate and signatures, from archives to part files."""

    def once() -> Work:
        root = tempfile.mkdtemp(prefix="bench-headwater-")
        try:
            seconds, counts = staged([ingest(crawl, root, extractor), *after_ingest(root)])
        finally:
            shutil.rmtree(root)
        buckets = {
            name.removeprefix("bucket:"): n for name, n in counts["ingest"].items() if name.startswith("bucket:")
        }
        return {"items": counts["ingest"]["records"], "bytes": size, "steps": seconds, "left": buckets}

    return once


def urls(crawl: str) -> Step:
    """Return a step that lists the pages: [record id, file, offset, length] of what ingest would parse."""

    def once() -> Work:
        found = []
        for path in sorted(Path(crawl).glob("*.warc.gz")):
            with path.open("rb") as stream:
                for item in open_archive(stream, path.name):
                    if isinstance(item, Record) and (request := judge(item, HttpSettings(), True).request):
                        place = [item.headers.get("WARC-Record-ID"), item.file, item.offset, item.length]
                        found.append([*place, len(request.body)])
        return {"items": len(found), "bytes": 0, "check": found}

    return once


def extracted(crawl: str, root: str, texts: str, extractor: str) -> Step:
    """Return a step that leaves the documents of a crawl in `root` and their texts in a file."""

    def once() -> Work:
        run_all(ingest(crawl, root, extractor))
        tables = (read_parquet(path, columns=["text"]) for path in sets(root)["documents"].paths())
        count = write_texts(Path(texts), (text for table in tables for text in table["text"].to_pylist()))
        return {"items": count, "bytes": 0}

    return once


def annotate(root: str) -> Step:
    """Return the stages annotate and signatures over documents that are there already."""
    texts = [read_parquet(path, columns=["text"])["text"] for path in sets(root)["documents"].paths()]
    size = sum(len(text.as_buffer()) for column in texts for text in column)

    def once() -> Work:
        seconds, counts = staged(after_ingest(root))
        return {"items": counts["annotate"]["documents"], "bytes": size, "steps": seconds}

    return once


def tokenize(texts: str, tokenizer: str, limit: int | None = None) -> Step:
    """Return the ids of every text, in batches as the stage tokenize makes them; the check is their SHA-256."""
    rows, found = read_texts(texts, limit), load_tokenizer(TokenizerSettings(source=tokenizer, eos=None))
    size = sum(len(row.encode()) for row in rows)

    def encode() -> list[Any]:
        return [one for i in range(0, len(rows), BATCH) for one in found.encode_batch(rows[i : i + BATCH])]

    return lambda: repeated(encode, len(rows), size, ids_digest) | {"note": found.slow_reason}


def ids_digest(ids: list[Any]) -> str:
    """Return the SHA-256 of all ids, as little-endian uint32 with the lengths before them."""
    total = hashlib.sha256(np.asarray([len(one) for one in ids], "<u4").tobytes())
    for one in ids:
        total.update(np.asarray(one).astype("<u4").tobytes())
    return total.hexdigest()


def tokens(texts: str, tokenizer: str, eos: str, limit: int | None = None) -> Step:
    """Return the ids of every text with its end mark, written to a file; the check is the file's SHA-256."""
    rows, found = read_texts(texts, limit), load_tokenizer(TokenizerSettings(source=tokenizer, eos=eos))
    size = sum(len(row.encode()) for row in rows)

    def once() -> Work:
        with tempfile.TemporaryFile() as out:
            for i in range(0, len(rows), BATCH):
                for ids in found.encode_batch(rows[i : i + BATCH]):
                    out.write(found.frame(ids).astype(found.dtype).tobytes())
            out.seek(0)
            digest = hashlib.file_digest(out, "sha256").hexdigest()
        return {"items": len(rows), "bytes": size, "check": digest}

    return once


def signatures(texts: str, limit: int | None = None) -> Step:
    """Return raw text to band keys, from strings in Python as the peers have them."""
    rows = read_texts(texts, limit)
    size = sum(len(row.encode()) for row in rows)
    return lambda: repeated(lambda: sketch(pa.array(rows, pa.string())).keys, len(rows), size)


def train(texts: str, out: str, vocabulary: int) -> Step:
    """Return a step that trains a tokenizer on every other text."""

    def once() -> Work:
        rows = read_texts(texts)[::2]
        Path(out).write_bytes(train_tokenizer(rows, vocabulary))
        return {"items": len(rows), "bytes": 0}

    return once


def shingle_counts(texts: str, limit: int | None = None) -> Step:
    """Return a step that says how many distinct shingles each text has."""
    rows = read_texts(texts, limit)
    return lambda: {"items": len(rows), "bytes": 0, "check": [len(shingles(row)) for row in rows]}


def write_hashes(texts: str, hashes: str) -> Step:
    """Return a step that writes the shingle hashes of all texts, and where each text's begin and end."""

    def once() -> Work:
        found = [shingles(row) for row in read_texts(texts)]
        offsets = np.cumsum([0, *map(len, found)]).astype(np.int64)
        np.savez(hashes, hashes=np.concatenate(found), offsets=offsets)
        return {"items": len(found), "bytes": 0}

    return once


def hashes_signature(hashes: str) -> Step:
    """Return the MinHash kernel alone; the check is the SHA-256 of all signatures."""
    loaded = np.load(hashes)
    flat, offsets = loaded["hashes"].astype(np.uint32), loaded["offsets"]
    each = [flat[a:b] for a, b in itertools.pairwise(offsets)]
    return lambda: repeated(lambda: [signature(one) for one in each], len(each), 8 * len(flat), digest)


def digest(found: list[Any]) -> str:
    """Return the SHA-256 of signatures, as little-endian uint32."""
    return hashlib.sha256(b"".join(one.astype("<u4").tobytes() for one in found)).hexdigest()


def language(texts: str, limit: int | None = None) -> Step:
    """Return language identification as annotate does it: bounded text, two opinions."""
    rows, found = read_texts(texts, limit), LanguageIdentifier()
    size = sum(len(row.encode()) for row in rows)
    return lambda: repeated(lambda: [found.identify(row) for row in rows], len(rows), size)


def archive(crawl: str, digests: bool) -> Step:
    """Return every record read; the check is the number of records, and without digests of bytes in blocks."""
    paths = sorted(Path(crawl).glob("*.warc.gz"))
    size, settings = sum(path.stat().st_size for path in paths), ArchiveSettings(check_digests=digests)

    def read() -> tuple[int, int]:
        count = total = 0
        for path in paths:
            with path.open("rb") as stream:
                for item in open_archive(stream, path.name, settings):
                    total += len(item.block or b"") if isinstance(item, Record) else 0
                    count += 1
        return count, total

    records = read()[0]
    return lambda: repeated(read, records, size, lambda found: found[:1] if digests else found)


def fastwarc(crawl: str) -> Step:
    """Return every record read by FastWARC alone: HTTP not parsed, no digest checked."""
    from fastwarc.warc import ArchiveIterator  # noqa: PLC0415

    paths = sorted(Path(crawl).glob("*.warc.gz"))
    size = sum(path.stat().st_size for path in paths)

    def read() -> tuple[int, int]:
        count = total = 0
        for path in paths:
            for record in ArchiveIterator(str(path), parse_http=False, fsspec_args=False):
                total += len(record.reader.read())
                count += 1
        return count, total

    records = read()[0]
    return lambda: repeated(read, records, size, lambda found: found)


if __name__ == "__main__":
    pa.set_cpu_count(1)
    steps = (pages, urls, extracted, annotate, tokenize, tokens, signatures, shingle_counts, write_hashes)
    more = (hashes_signature, language, archive, fastwarc, train, profile, floors_of_texts)
    serve({step.__name__: step for step in (*steps, *more)})
