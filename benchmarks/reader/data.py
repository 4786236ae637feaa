"""Real tokens: what the pipeline keeps of a crawl, by a tokenizer trained on it; and shards of them."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.suite.crawl import SAMPLE, find_crawl
from corpus.stages.tokenize import Manifest, Shards
from corpus.storage import ShardSet, TableWriter
from corpus.tokens.layout import part_schema, with_footer, writer_options
from corpus.tokens.parts import PartSettings, PartWriter, rows_of
from corpus.tokens.tokenizer import Tokenizer, TokenizerSettings

VOCABULARY: Final = 32_000


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Documents in a random order: how long each is, all ids (uint16), and the tokenizer's file."""

    name: str
    lengths: npt.NDArray[np.int64]
    ids: npt.NDArray[np.uint16]
    tokenizer: Path
    vocabulary: int

    def repeated(self, least: int) -> "Tokens":
        """Return the documents as often as it takes to have so many tokens, in another order each time."""
        starts = np.concatenate([[0], np.cumsum(self.lengths)])
        orders = [np.random.default_rng(n).permutation(len(self.lengths)) for n in range(-(-least // len(self.ids)))]
        ids = [self.ids[starts[row] : starts[row + 1]] for order in orders for row in order.tolist()]
        lengths = np.concatenate([self.lengths[order] for order in orders])
        return Tokens(name=self.name, lengths=lengths, ids=np.concatenate(ids), tokenizer=self.tokenizer,
                      vocabulary=self.vocabulary)  # fmt: skip


def corpus(*words: str | Path) -> None:
    """Run the project's command, or end with its last words."""
    command = [str(Path(sys.executable).parent / "corpus"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise SystemExit(f"failed: {' '.join(command)}\n{done.stderr[-2000:]}")


def crawls(cache: Path) -> dict[str, Path]:
    """Return the crawls to measure on: the documentation crawl where it can be made, and the sample."""
    docs = find_crawl(None, cache, "make_docs_crawl.py", "docs")
    empty = not any(path.stat().st_size for path in docs.glob("*.warc.gz"))
    return ({} if docs == SAMPLE or empty else {"docs": docs}) | {"sample": SAMPLE}


def tokens_of(name: str, crawl: Path, cache: Path) -> Tokens:
    """Run the pipeline over a crawl, train a tokenizer on what it kept, and encode that; kept for the next time."""
    root, tokenizer = cache / "reader" / name, cache / "reader" / f"{name}.json"
    if not (root / "shards" / "manifest.json").exists():
        corpus("run", "web", "--input", crawl, "--root", root, "--set", "extractor=resiliparse")
    if not tokenizer.exists():
        corpus("train-tokenizer", root, "--out", tokenizer, "--vocab-size", str(VOCABULARY))
    settings = TokenizerSettings(source=str(tokenizer), eos="<|endoftext|>")
    found = Tokenizer(settings, tokenizer.read_bytes())
    rows = list(found.encode_batch(kept(root)))
    order = np.random.default_rng(0).permutation(len(rows)).tolist()
    lengths = np.array([len(rows[row]) for row in order], np.int64)
    ids = np.concatenate([rows[row] for row in order]).astype(np.uint16)
    return Tokens(name=name, lengths=lengths, ids=ids, tokenizer=tokenizer, vocabulary=found.vocabulary)


def kept(root: Path) -> list[str]:
    """Return the texts that a run kept."""
    documents, verdicts = ShardSet(root, "documents"), ShardSet(root, "verdicts")
    found: list[str] = []
    for part in documents.parts():
        text = pq.read_table(documents.path(part), columns=["text"])["text"]
        keeps = pq.read_table(verdicts.path(part), columns=["kept"])["kept"]
        found += text.filter(keeps.combine_chunks()).to_pylist()
    return found


def write_shards(tokens: Tokens, root: Path, row_group_tokens: int) -> Path:
    """Write documents as the pipeline does; return the folder of the shards."""
    settings = TokenizerSettings(source=str(tokens.tokenizer), eos="<|endoftext|>")
    tokenizer = Tokenizer(settings, tokens.tokenizer.read_bytes())
    block: dict[str, Any] = {
        "tokenizer": tokenizer.identity.block(),
        "boundary": tokenizer.boundary.block(),
        "dtype": str(tokenizer.dtype),
        "scores": [],
        "order_key": "benchmark",
        "writer": {"pyarrow": pa.__version__},
    }
    schema, parts = with_footer(part_schema(tokenizer.dtype), block), PartSettings()
    options = writer_options(schema, tokenizer.vocabulary, level=1, statistics=("component", "key"))
    with TableWriter(ShardSet(root, "tokens"), 0, schema, **options) as out:
        writer, at = PartWriter(out, parts), 0
        for number, length in enumerate(tokens.lengths.tolist()):
            values = {"url": f"https://example.org/{number}", "registered_domain": "example.org", "language": "eng"}
            values |= {"date": "", "warc_file": "a.warc.gz", "warc_offset": number, "warc_length": 1}
            ids = tokens.ids[at : at + length].astype(np.uint32)
            for row in rows_of("docs", number.to_bytes(16, "big"), ids, values, parts):
                writer.add(row)
            at += length
        writer.flush()
    sets = {name: ShardSet(root, name) for name in ("tokens", "shards", "shard_index")}
    shards = Shards(tokens=sets["tokens"], output=sets["shards"], index=sets["shard_index"], shard_tokens=1 << 25,
                    row_group_tokens=row_group_tokens)  # fmt: skip
    for unit in range(shards.shards()):
        shards.run(unit)
    Manifest(shard_files=sets["shards"], index=sets["shard_index"], tokenizer=settings).run(0)
    return root / "shards"
