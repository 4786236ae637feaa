"""Measure the tokenizer's and the reader's speed on one core.

    python benchmarks/reader.py [--tokens 64000000] [--text FOLDER]

Tokenizer: megabytes of UTF-8 per second, fast path against the `tokenizers` library alone (one thread each), on the
files below FOLDER (by default Python's own library sources). Reader: tokens per second of packed int64 batches from
shards of Zipf-distributed ids, warm cache, with and without verification, against decoding the row groups alone.
"""

import argparse
import os
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.reader import ReaderSettings, TokenReader
from corpus.stages.tokenize import Manifest, Shards
from corpus.storage import ShardSet, TableWriter
from corpus.tokens.layout import part_schema, with_footer, writer_options
from corpus.tokens.parts import PartSettings, PartWriter, rows_of
from corpus.tokens.tokenizer import Tokenizer, TokenizerSettings
from corpus.tokens.train import train_tokenizer


def seconds(action: Callable[[], object], repeats: int = 3) -> float:
    """Return the least wall time of `action` in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def texts(folder: Path, limit: int = 12_000_000) -> Iterator[str]:
    """Yield the texts of the files below `folder`, up to `limit` characters in all."""
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".txt", ".md", ".rst") and p.is_file()):
        text = path.read_text(encoding="utf-8", errors="replace")
        yield text
        limit -= len(text)
        if limit < 0:
            return


def measure_tokenizer(folder: Path) -> bytes:
    """Print MB/s of both paths; return the tokenizer trained for it."""
    documents = list(texts(folder))
    megabytes = sum(len(text.encode()) for text in documents) / 1e6
    serialized = train_tokenizer(documents[::4], 32_000)
    start = time.perf_counter()
    fast = Tokenizer(TokenizerSettings(source="benchmark", eos="<|endoftext|>"), serialized)
    loaded = time.perf_counter() - start
    slow = Tokenizer(TokenizerSettings(source="benchmark", eos="<|endoftext|>", fast=False), serialized)
    same = all(
        np.array_equal(a, b) for a, b in zip(fast.encode_batch(documents), slow.encode_batch(documents), strict=True)
    )
    one, two = (megabytes / seconds(lambda t=t: t.encode_batch(documents)) for t in (fast, slow))
    print(
        f"tokenizer: {len(documents):,} documents, {megabytes:.1f} MB, vocabulary {fast.vocabulary:,}, same ids: {same}"
    )
    print(f"  kernels {one:.1f} MB/s, tokenizers {two:.1f} MB/s, {one / two:.1f} times; load with proof {loaded:.1f} s")
    return serialized


def make_shards(root: Path, tokens: int, serialized: bytes) -> None:
    """Write shards of Zipf-distributed ids, documents of 810 tokens on average."""
    path = root / "tokenizer.json"
    path.write_bytes(serialized)
    settings = TokenizerSettings(source=str(path), eos="<|endoftext|>")
    tokenizer = Tokenizer(settings, serialized)
    block = {
        "tokenizer": tokenizer.identity.block(),
        "boundary": tokenizer.boundary.block(),
        "dtype": str(tokenizer.dtype),
        "scores": [],
        "order_key": "benchmark",
        "writer": {"pyarrow": pa.__version__},
    }
    schema = with_footer(part_schema(tokenizer.dtype), block)
    generator = np.random.default_rng(0)
    parts = PartSettings()
    options = writer_options(schema, tokenizer.vocabulary, statistics=("component", "key"))
    with TableWriter(ShardSet(root, "tokens"), 0, schema, **options) as out:
        writer, made, number = PartWriter(out, parts), 0, 0
        while made < tokens:
            ids = (generator.zipf(1.2, int(generator.exponential(810)) + 1) % tokenizer.vocabulary).astype(np.uint32)
            values = {"url": f"https://example.org/{number}", "registered_domain": "example.org", "language": "eng"}
            values |= {"date": "", "warc_file": "a.warc.gz", "warc_offset": number, "warc_length": 1}
            for row in rows_of("en", number.to_bytes(16, "big"), ids, values, parts):
                writer.add(row)
            made, number = made + len(ids), number + 1
        writer.flush()
    sets = {name: ShardSet(root, name) for name in ("tokens", "shards", "shard_index")}
    shards = Shards(tokens=sets["tokens"], output=sets["shards"], index=sets["shard_index"], shard_tokens=1 << 25)
    start = time.perf_counter()
    for unit in range(shards.shards()):
        shards.run(unit)
    print(f"shards: {made / (time.perf_counter() - start) / 1e6:.1f} M tokens/s written")
    Manifest(shard_files=sets["shards"], index=sets["shard_index"], tokenizer=settings).run(0)


def consume(folder: Path, length: int, *, verify: bool) -> int:
    """Read an epoch; return the tokens handed out."""
    settings = ReaderSettings(sequence_length=length, batch_size=16, verify=verify)
    with TokenReader(folder, settings) as reader:
        return sum(batch["input_ids"].size for batch in reader)


def decode(folder: Path) -> None:
    """Decode every row group's tokens and do nothing with them."""
    for path in sorted(folder.glob("*/*.parquet")):
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group, columns=["tokens"])


def measure_reader(folder: Path) -> None:
    """Print tokens per second of an epoch."""
    size = sum(path.stat().st_size for path in folder.glob("*/*.parquet"))
    tokens = consume(folder, 2048, verify=True)
    print(f"reader: {tokens / 1e6:.1f} M tokens, {size / tokens:.2f} bytes a token on disk (all columns)")
    print(f"  decode alone            {tokens / seconds(lambda: decode(folder)) / 1e6:7.1f} M tokens/s")
    for length in (2048, 8192):
        for verify in (True, False):
            rate = tokens / seconds(lambda n=length, v=verify: consume(folder, n, verify=v)) / 1e6
            print(f"  length {length}, verify {verify!s:5}  {rate:7.1f} M tokens/s")
    settings = ReaderSettings(sequence_length=2048, batch_size=16)
    start = time.perf_counter()
    with TokenReader(folder, settings) as reader:
        reader.seek(reader.plan.steps_per_epoch // 2)
        next(iter(reader))
    print(f"  open, seek to the middle, first batch: {(time.perf_counter() - start) * 1e3:.0f} ms")


def main() -> int:
    """Run all measurements on one thread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=64_000_000)
    parser.add_argument("--text", type=Path, default=Path(sysconfig.get_paths()["stdlib"]))
    given = parser.parse_args()
    pa.set_cpu_count(1)
    serialized = measure_tokenizer(given.text)
    with tempfile.TemporaryDirectory() as folder:
        make_shards(Path(folder), given.tokens, serialized)
        measure_reader(Path(folder) / "shards")
    return 0


if __name__ == "__main__":
    sys.exit(main())
