"""Time and memory of deduplication on synthetic documents: python benchmarks/dedup.py [--documents 50000]

Documents of about 5 kB: words drawn by Zipf's law, one in ten an exact copy, one in five a near-copy with a few words
replaced, one in twenty a page of one large family that shares a template (it exceeds the cap of candidate groups).
Each stage runs in a process of its own, unit after unit on one core, so seconds and peak memory are per stage.
"""

import argparse
import hashlib
import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.schema import DOCUMENTS
from corpus.stage import Stage, run_unit
from corpus.stages.deduplicate import Candidates, Clusters, Signatures, Verify
from corpus.storage import ShardSet, TableWriter

ROW_GROUP = 1000
WORDS = [f"{'bcdfghklmnprst'[i % 14]}{'aeiou'[i % 5]}{i:x}" for i in range(30_000)]


def texts(count: int, seed: int = 7) -> Iterator[str]:
    """Yield `count` texts; of the copied ones, the original is among the last 5,000 originals."""
    rng = np.random.default_rng(seed)
    odds = 1 / np.arange(2, len(WORDS) + 2)
    odds /= odds.sum()
    template = rng.choice(len(WORDS), 700, p=odds)
    originals: list[Any] = []
    for _ in range(count):
        kind = rng.random()
        if originals and kind < 0.30:
            words = originals[rng.integers(len(originals))]
            words = words if kind < 0.10 else edited(words, rng)
        elif kind < 0.35:
            words = np.concatenate([template, rng.choice(len(WORDS), 60, p=odds)])
        else:
            words = rng.choice(len(WORDS), max(5, int(rng.lognormal(6.5, 0.7))), p=odds)
            originals = [*originals[-4999:], words]
        yield " ".join(WORDS[word] for word in words)


def edited(words: Any, rng: np.random.Generator) -> Any:
    """Return a copy with up to 3 % of its words replaced."""
    words = words.copy()
    count = rng.integers(1, max(2, len(words) * 3 // 100))
    words[rng.integers(0, len(words), count)] = rng.integers(0, len(WORDS), count)
    return words


def write_documents(root: Path, count: int, parts: int) -> int:
    """Write the documents; return the bytes of text."""
    documents, source, size = ShardSet(root, "documents"), texts(count), 0
    for part in range(parts):
        with TableWriter(documents, part, DOCUMENTS) as out:
            for start in range(part * count // parts, (part + 1) * count // parts, ROW_GROUP):
                end = min(start + ROW_GROUP, (part + 1) * count // parts)
                rows = [row(number, next(source)) for number in range(start, end)]
                size += sum(len(one["text"]) for one in rows)
                out.write(rows)
    return size


def row(number: int, text: str) -> dict[str, Any]:
    """Return a row of schema.DOCUMENTS."""
    values: dict[str, Any] = {field.name: None if field.nullable else "" for field in DOCUMENTS}
    values |= {"id": hashlib.blake2b(str(number).encode(), digest_size=16).digest(), "text": text, "licences": []}
    return values | {"host": f"host{number % 997}.example", "warc_offset": 0, "warc_length": 1}


def stages(root: Path) -> list[Stage]:
    """Return the four stages over ROOT/documents."""
    name = {
        key: ShardSet(root, key) for key in ("documents", "signatures", "members", "candidates", "edges", "clusters")
    }
    read = {key: name[key] for key in ("documents", "candidates")}
    return [
        Signatures(documents=name["documents"], output=name["signatures"], members=name["members"]),
        Candidates(signatures=name["signatures"], output=name["candidates"]),
        Verify(**read, output=name["edges"]),
        Clusters(**read, members=name["members"], edges=name["edges"], output=name["clusters"]),
    ]


def run_stage(stage: Stage) -> tuple[float, int, int, dict[str, int]]:
    """Return seconds, peak resident bytes, bytes written and counts of all units of a stage; kernels compile before."""
    compile_kernels()
    counts: Counter[str] = Counter()
    start, peak, size = time.perf_counter(), 0, 0
    for unit in range(stage.shards()):
        report = run_unit(stage, unit, "benchmark")
        counts.update(report.counts)
        peak = report.peak_rss
        size += sum(written.bytes for written in report.files)
    return time.perf_counter() - start, peak, size, dict(counts)


def compile_kernels() -> None:
    """Run all stages on a handful of documents."""
    with tempfile.TemporaryDirectory() as folder:
        write_documents(Path(folder), 20, 1)
        for stage in stages(Path(folder)):
            for unit in range(stage.shards()):
                run_unit(stage, unit, "warm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--parts", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = write_documents(Path(folder), args.documents, args.parts)
        print(
            f"{args.documents:,} documents, {size / 1e6:,.0f} MB of text, {args.parts} parts; pyarrow {pa.__version__}"
        )
        total = 0.0
        for stage in stages(Path(folder)):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                seconds, peak, written, counts = pool.submit(run_stage, stage).result()
            total += seconds
            rate = f"{args.documents / seconds:>9,.0f} documents/s {size / seconds / 1e6:>7,.1f} MB/s"
            print(f"{stage.name:<11} {seconds:7.2f} s {rate} peak {peak / 1e6:6,.0f} MB wrote {written / 1e6:6,.1f} MB")
            print(" " * 12 + ", ".join(f"{key} {value:,}" for key, value in counts.items()))
        print(f"{'all':<11} {total:7.2f} s {args.documents / total:>9,.0f} documents/s")


if __name__ == "__main__":
    main()
