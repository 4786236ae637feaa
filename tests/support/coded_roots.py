"""Shards whose ids say which token of which document they are, so that a stream is checked without the reader's code.

An id is the document's number times 4096, plus the token's place in it: no id comes twice in a corpus, and the id that
follows one in its document is one more. Written by the real writers, from parts to manifest.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.stages.tokenize import Shards
from corpus.storage import ShardSet, TableWriter
from corpus.tokens import collect
from corpus.tokens.layout import part_schema, with_footer, writer_options
from corpus.tokens.manifest import ROOT_NAME, TOKENIZER_NAME, file_sha256, manifest_text, write_bytes
from corpus.tokens.parts import PartSettings, PartWriter, rows_of

BITS = 12
PLACES = 1 << BITS
VOCABULARY = 1 << 27


@dataclass(frozen=True, kw_only=True)
class Coded:
    """A document: its number, how many tokens it has, and the component it is in."""

    number: int
    tokens: int
    component: str = "all"

    @property
    def ids(self) -> npt.NDArray[np.uint32]:
        return np.arange(self.tokens, dtype=np.uint32) + np.uint32(self.number * PLACES)

    @property
    def doc_id(self) -> bytes:
        return self.number.to_bytes(16, "big")


def documents_of(ids: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the number of the document of each id."""
    return ids >> BITS


def draw(
    count: int, seed: int, *, mean: int = 60, components: Sequence[str] = ("all",), multiple: int = 1, first: int = 0
) -> list[Coded]:
    """Return documents of random lengths, a few of them long; their tokens add up to a multiple of a number."""
    chosen = random.Random(seed)
    sizes = [min(PLACES - 1, 1 + int(chosen.lognormvariate(0, 1) * mean)) for _ in range(count)]
    sizes[-1] = 1 + (-sum(sizes[:-1]) - 1) % multiple
    kinds = [components[number % len(components)] for number in range(count)]
    return [Coded(number=first + n, tokens=t, component=c) for n, (t, c) in enumerate(zip(sizes, kinds, strict=True))]


def block() -> dict[str, Any]:
    """Return what all parts share; there is no tokenizer, but an empty file in its place."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    tokenizer = {"name": "coded", "revision": "", "sha256": empty, "vocabulary": VOCABULARY, "special": {}}
    return {
        "tokenizer": tokenizer | {"library": "", "golden": []},
        "boundary": {"bos": None, "eos": None, "bos_token": None, "eos_token": None, "segment_tokens": 1 << 20},
        "dtype": "uint32",
        "scores": [],
        "order_key": "headwater",
        "writer": {},
    }


def write_parts(root: Path, parts: Sequence[Sequence[Coded]], *, ordered: bool = False) -> None:
    """Write `tokens` parts. ordered: keep documents in the order of their numbers, where the hash would mix them."""
    schema = with_footer(part_schema(np.dtype("uint32")), block())
    options = writer_options(schema, VOCABULARY, level=1, statistics=("component", "key"))
    settings = PartSettings(row_group_tokens=5000)
    last = 1 + max(document.number for part in parts for document in part)
    for number, documents in enumerate(parts):
        with TableWriter(ShardSet(root, "tokens"), number, schema, **options) as out:
            writer = PartWriter(out, settings)
            for document in documents:
                values = {"url": f"https://example.org/{document.number}", "registered_domain": "example.org"}
                values |= {"language": "eng", "date": "", "warc_file": f"{document.number % 5}.warc.gz"}
                places = {"warc_offset": document.number, "warc_length": document.tokens}
                for row in rows_of(document.component, document.doc_id, document.ids, values | places, settings):
                    place = document.number * (1 << 64) // last
                    writer.add(replace(row, key=place) if ordered else row)
            writer.flush()


def shards_stage(root: Path, *, shard_tokens: int, row_group_tokens: int) -> Shards:
    """Return the stage that makes shards of parts."""
    tokens, output, index = (ShardSet(root, name) for name in ("tokens", "shards", "shard_index"))
    sizes = {"shard_tokens": shard_tokens, "row_group_tokens": row_group_tokens}
    return Shards(tokens=tokens, output=output, index=index, **sizes)


def write_manifest(root: Path) -> Path:
    """Write the manifest as its stage does, last, with an empty file for the tokenizer; return the shards folder."""
    files, index = ShardSet(root, "shards"), ShardSet(root, "shard_index")
    parts = collect.read_index(index)
    folder = root / "shards"
    collect.remove_stale(folder, index, parts)
    write_bytes(root, folder / TOKENIZER_NAME, b"")
    shards, groups, components = collect.write_tables(files, collect.indexed(parts))
    made = collect.manifest_root({"shards": shards, "row_groups": groups}, components, parts[0].block, {})
    write_bytes(root, folder / ROOT_NAME, manifest_text(made).encode())
    return folder


def write_coded(
    root: Path, documents: Sequence[Coded], *, parts: int = 3, shard_tokens: int = 20_000, row_group_tokens: int = 1000,
    ordered: bool = False,
) -> Path:  # fmt: skip
    """Write a corpus and return its shards folder."""
    write_parts(root, [documents[number::parts] for number in range(min(parts, len(documents)))], ordered=ordered)
    stage = shards_stage(root, shard_tokens=shard_tokens, row_group_tokens=row_group_tokens)
    for unit in range(stage.shards()):
        stage.run(unit)
    return write_manifest(root)


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder."""
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in sorted(folder.rglob("*.*"))}


def expected_sum(documents: Sequence[Coded]) -> int:
    """Return the sum of all ids of documents."""
    return sum(int(document.ids.sum(dtype=np.int64)) for document in documents)
