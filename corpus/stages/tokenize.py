"""Tokenize in three stages: tokenize, shards, manifest.

    documents, signals, verdicts -- tokenize --> tokens     a unit per documents part
    tokens -- shards --> shards, shard_index                a unit per output shard: a component and a range of keys
    shard_index -- manifest --> manifest.json and tables    one unit, last

No stage shuffles: tokenize sorts each part by (component, keyed hash of the document id), so a shard is one range of
keys read from every part. The order within a component is that of the hashes, which depends on neither the number of
parts nor of workers, and makes every row group an exchangeable sample of its component.

The manifest is what makes a folder of shards a dataset. It is removed before the first shard changes and written
when all are there.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import pyarrow as pa
import pyarrow.parquet as pq

from corpus import __version__
from corpus.document import Document, Drop, Processor
from corpus.errors import PipelineError
from corpus.settings import fingerprint, require
from corpus.stage import Result, tick
from corpus.storage import ShardSet, TableWriter, Written, open_parquet, read_parquet
from corpus.tokens import collect, gather
from corpus.tokens.layout import PROVENANCE, TEXT_COLUMNS, part_schema, with_footer, writer_options
from corpus.tokens.manifest import ROOT_NAME, ROW_GROUPS, TOKENIZER_NAME, manifest_text, remove_manifest, write_bytes
from corpus.tokens.parts import PartSettings, PartWriter, rows_of, score
from corpus.tokens.tokenizer import Tokenizer, TokenizerSettings, load_tokenizer

BATCH: Final = 256
"""Documents read and encoded at a time."""
READ: Final = ("id", "url", "host", "registered_domain", "date", "text", "warc_file", "warc_offset", "warc_length")


def _c4_lines() -> Processor:
    from corpus.quality.lines import C4Lines  # noqa: PLC0415  # only for recipes that name it

    return C4Lines()


def _fineweb_lines() -> Processor:
    from corpus.quality.lines import C4Lines  # noqa: PLC0415  # only for recipes that name it

    return C4Lines(terminal_punctuation=False)


PROCESSORS: Final[Mapping[str, Callable[[], Processor]]] = {"c4_lines": _c4_lines, "fineweb_lines": _fineweb_lines}
"""Text processors that `Tokenize` applies by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenize:
    """Encode the kept documents of a documents part.

    processor  name of a text processor applied before encoding (PROCESSORS), None for none
    language   column of signals with the detected language
    scores     numeric columns of signals or verdicts that go with each document into the shards, as float32
    """

    documents: ShardSet
    signals: ShardSet
    verdicts: ShardSet
    output: ShardSet
    tokenizer: TokenizerSettings
    parts: PartSettings = field(default_factory=PartSettings)
    processor: str | None = None
    language: str = "language"
    scores: tuple[str, ...] = ()

    name: ClassVar[str] = "tokenize"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        known = ", ".join(sorted(PROCESSORS))
        require(self.processor is None or self.processor in PROCESSORS, self, "processor", f"use {known} or None")
        taken = {*PROVENANCE, "tokens", "n_tokens", "doc_id", "segment", "component", "key"}
        fine = len(set(self.scores)) == len(self.scores) and not taken & set(self.scores)
        require(fine, self, "scores", "name each column once, and none of the shard's own")

    @property
    def root(self) -> Path:
        return self.output.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return (self.documents, self.signals, self.verdicts)

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.output,)

    def settings(self) -> Any:
        processor = PROCESSORS[self.processor]() if self.processor else None
        return self._block(load_tokenizer(self.tokenizer)), self.parts, processor, self.language

    def shards(self) -> int:
        return self.documents.span()

    def sources(self, shard: int) -> Sequence[Path]:
        return [shard_set.path(shard) for shard_set in self.inputs]

    def prepare(self) -> None:
        """Load the tokenizer, and its kernels."""
        load_tokenizer(self.tokenizer)

    def run(self, shard: int) -> Result:
        tokenizer = load_tokenizer(self.tokenizer)
        schema = with_footer(part_schema(tokenizer.dtype, self.scores), self._block(tokenizer))
        options = writer_options(schema, tokenizer.vocabulary, level=1, statistics=("component", "key"))
        counts: Counter[str] = Counter()
        with TableWriter(self.output, shard, schema, **options) as out:
            writer = PartWriter(out, self.parts)
            for rows in self._kept(shard, counts):
                self._encode(rows, tokenizer, writer, counts)
            writer.flush()
        return Result(files=[out.written], counts=counts + writer.counts)

    def _block(self, tokenizer: Tokenizer) -> dict[str, Any]:
        """Return what all parts of a run share; it goes into their footers and on into those of the shards."""
        return {
            "tokenizer": tokenizer.identity.block(),
            "boundary": tokenizer.boundary.block() | {"segment_tokens": self.parts.segment_tokens},
            "dtype": str(tokenizer.dtype),
            "scores": list(self.scores),
            "order_key": self.parts.order_key,
            "writer": {"headwater": __version__, "pyarrow": pa.__version__},
        }

    def _kept(self, shard: int, counts: Counter[str]) -> Iterator[list[dict[str, Any]]]:
        """Yield the kept documents of a part in batches, each with its language, component and scores."""
        beside = self._beside(shard)
        start = 0
        with open_parquet(self.documents.path(shard)) as file:
            if file.metadata.num_rows != beside.num_rows:
                raise PipelineError(f"{self.documents.path(shard)}: not row for row beside its signals and verdicts")
            for batch in file.iter_batches(batch_size=BATCH, columns=list(READ)):
                other = beside.slice(start, batch.num_rows)
                start += batch.num_rows
                tick(batch.num_rows)
                kept = other["kept"].combine_chunks()
                rows = zip(batch.filter(kept).to_pylist(), other.filter(kept).to_pylist(), strict=True)
                found = [one | two for one, two in rows]
                counts.update({"documents": batch.num_rows, "kept": len(found)})
                if found:
                    yield found

    def _beside(self, shard: int) -> pa.Table:
        """Return the small columns that stand beside the documents, row for row."""
        signals, verdicts = self.signals.path(shard), self.verdicts.path(shard)
        there = {path: set(pq.read_schema(path).names) for path in (signals, verdicts)}
        require(self.language in there[signals], self, "language", "name a column of signals")
        known = there[signals] | there[verdicts]
        require(known.issuperset(self.scores), self, "scores", f"name columns among {', '.join(sorted(known))}")
        one = read_parquet(signals, columns=[c for c in (self.language, *self.scores) if c in there[signals]])
        chosen = ["kept", "component", *(s for s in self.scores if s not in there[signals])]
        two = read_parquet(verdicts, columns=chosen)
        if one.num_rows != two.num_rows:
            raise PipelineError(f"{verdicts}: {two.num_rows} rows, its signals have {one.num_rows}; run `select` again")
        for name in two.column_names:
            one = one.append_column(name, two[name])
        return one

    def _encode(
        self, rows: list[dict[str, Any]], tokenizer: Tokenizer, writer: PartWriter, counts: Counter[str]
    ) -> None:
        texts = self._texts(rows, counts)
        pairs = [(row, text) for row, text in zip(rows, texts, strict=True) if text is not None]
        for (row, _), ids in zip(pairs, tokenizer.encode_batch([text for _, text in pairs]), strict=True):
            if row["component"] is None:
                raise PipelineError(f"document {row['id'].hex()} is kept without a component; run `select` again")
            gather.component_folder(row["component"])
            values = {name: row[name] or "" for name in TEXT_COLUMNS if name != "language"}
            values |= {"language": row[self.language] or ""}
            values |= {name: row[name] for name in ("warc_offset", "warc_length")}
            values |= {name: score(row[name]) for name in self.scores}
            segments = list(rows_of(row["component"], row["id"], tokenizer.frame(ids), values, self.parts))
            for segment in segments:
                writer.add(segment)
            counts.update({"tokenized": 1, f"documents:{row['component']}": 1, "segments": len(segments)})

    def _texts(self, rows: Sequence[Mapping[str, Any]], counts: Counter[str]) -> list[str | None]:
        """Return the text to encode of each row, None (counted) where nothing is left."""
        processor = PROCESSORS[self.processor]() if self.processor else None
        texts: list[str | None] = []
        for row in rows:
            left = _processed(processor, row)
            if isinstance(left, Drop):
                counts[f"dropped:{left.reason}"] += 1
            elif not left:
                counts["dropped:empty"] += 1
            texts.append(left if isinstance(left, str) and left else None)
        return texts


def _processed(processor: Processor | None, row: Mapping[str, Any]) -> str | Drop:
    if processor is None:
        return str(row["text"])
    fields = {name: row[name] for name in READ}
    found = processor(Document(**fields))
    return found if isinstance(found, Drop) else found.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """Write one shard: a range of keys of a component, from every tokens part, in order.

    shard_tokens      tokens a shard should hold; the default gives files of about 270 MB and takes 1 GB to write
    row_group_tokens  tokens in a row group; documents never straddle
    """

    tokens: ShardSet
    output: ShardSet
    index: ShardSet
    shard_tokens: int = 1 << 27
    row_group_tokens: int = 1 << 20

    name: ClassVar[str] = "shards"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        require(1 <= self.shard_tokens <= 1 << 30, self, "shard_tokens", "give 1 to 2^30 tokens")
        require(1 <= self.row_group_tokens <= 1 << 26, self, "row_group_tokens", "give 1 to 2^26 tokens")

    @property
    def root(self) -> Path:
        return self.output.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return (self.tokens,)

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.output, self.index)

    def settings(self) -> Any:
        return self.row_group_tokens, self.shard_tokens, pa.__version__

    def plan(self) -> list[gather.KeyRange]:
        """Return the shards to write; asked once the tokens are there."""
        return gather.plan(self.tokens.paths(), self.shard_tokens)

    def shards(self) -> int:
        return len(self.plan())

    def sources(self, shard: int) -> Sequence[Path]:
        return self.tokens.paths()

    def run(self, shard: int) -> Result:
        folder = self.output.root / self.output.name
        remove_manifest(folder)
        ranges, paths = self.plan(), self.tokens.paths()
        wanted, block = ranges[shard], gather.common_block(paths)
        shared: dict[str, Any] = {
            "plan": fingerprint([[r.component, r.number, r.count] for r in ranges], block, self.settings())
        }
        shared |= {"count": len(ranges), "block": block}
        pieces = gather.gather(paths, wanted)
        if not pieces:  # few, long documents: no key fell into this range
            index = collect.write_index(self.index, shard, ROW_GROUPS.empty_table(), shared | {"shard": None})
            return Result(files=[index], counts={"empty": 1})
        found = gather.write_shard(self.output, wanted, pieces, block, self.row_group_tokens)
        tick(found.written.rows)
        row = self._row(wanted, found)
        index = collect.write_index(self.index, shard, found.row_groups, shared | {"shard": row})
        counts = {"shards": 1, "tokens": found.tokens, "documents": found.documents, "row_groups": row["row_groups"]}
        return Result(files=[found.written, index], counts=counts)

    def _row(self, wanted: gather.KeyRange, found: gather.ShardFile) -> dict[str, Any]:
        return {
            "path": wanted.place,
            "component": wanted.component,
            "bytes": found.written.bytes,
            "sha256": found.written.sha256,
            "tokens": found.tokens,
            "rows": found.written.rows,
            "documents": found.documents,
            "row_groups": found.row_groups.num_rows,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Make the shards a dataset: remove what earlier runs left, then write the tokenizer, the tables and the root.

    tokenizer  the settings that `Tokenize` had; the tokenizer travels with the shards
    pipeline   fingerprint of the recipe's settings, for the record; it does not change the dataset id
    """

    shard_files: ShardSet
    index: ShardSet
    tokenizer: TokenizerSettings
    pipeline: str = ""

    name: ClassVar[str] = "manifest"
    version: ClassVar[int] = 2

    @property
    def root(self) -> Path:
        return self.shard_files.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return (self.shard_files, self.index)

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return ()  # its files lie beside the shards

    def settings(self) -> Any:
        return load_tokenizer(self.tokenizer).identity.block(), self.pipeline, __version__

    def shards(self) -> int:
        return 1

    def sources(self, shard: int) -> Sequence[Path]:
        return self.index.paths()

    def run(self, shard: int) -> Result:
        folder = self.shard_files.root / self.shard_files.name
        remove_manifest(folder)
        parts = collect.read_index(self.index)
        listed = [part.shard for part in parts if part.shard]
        collect.check_shards(folder, listed)
        stale = collect.remove_stale(folder, self.index, parts)
        tokenizer = self._write_tokenizer(folder, parts[0].block)
        shards, groups, components = collect.write_tables(self.shard_files, collect.indexed(parts))
        about = {"pipeline": self.pipeline, "code": __version__}
        tables = {"shards": shards, "row_groups": groups}
        root = collect.manifest_root(tables, components, parts[0].block, about)
        manifest = write_bytes(self.root, folder / ROOT_NAME, manifest_text(root).encode())
        counts = {
            "shards": len(listed),
            "removed": stale,
            **{f"tokens:{n}": c["tokens"] for n, c in components.items()},
        }
        return Result(files=[tokenizer, shards, groups, manifest], counts=counts)

    def _write_tokenizer(self, folder: Path, block: Mapping[str, Any]) -> Written:
        tokenizer = load_tokenizer(self.tokenizer)
        if tokenizer.identity.sha256 != block["tokenizer"]["sha256"]:
            raise PipelineError(f"{self.tokenizer.source}: not the tokenizer of the shards; run `tokenize` again")
        return write_bytes(self.root, folder / TOKENIZER_NAME, tokenizer.serialized)
