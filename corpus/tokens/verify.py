"""Check a folder of token shards against its manifest: every file, every row group, every total.

The reader checks what it reads; this reads everything: sizes and SHA-256 of the files, logical checksums of the
decoded ids, ids against the vocabulary, lengths, footers, totals, the dataset id, and files that do not belong.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import ShardError
from corpus.tokens.layout import footer, list_parts, logical_checksum
from corpus.tokens.manifest import TOKENIZER_NAME, Manifest, dataset_id, file_sha256, load_manifest, merkle_root

IDENTITY = ("sha256", "vocabulary", "special", "golden")
"""Fields of a tokenizer block that decide ids; its name, revision and library version do not."""


def verify(folder: str | Path, tokenizer: Mapping[str, Any] | None = None) -> list[str]:
    """Return the problems found in a shard folder, one sentence each; none means it holds what it promises.

    `tokenizer` is the block of the identity it should have (tokenizer.Identity.block()).
    """
    try:
        manifest = load_manifest(folder)
        return list(_problems(manifest, tokenizer))
    except ShardError as error:
        return [str(error)]


def _problems(manifest: Manifest, tokenizer: Mapping[str, Any] | None) -> Iterator[str]:
    shards, groups = manifest.shards().to_pylist(), manifest.row_groups().to_pylist()
    by_shard: dict[int, list[dict[str, Any]]] = {}
    for group in groups:
        by_shard.setdefault(group["shard"], []).append(group)
    yield from _tokenizer_problems(manifest, tokenizer)
    yield from _strangers(manifest.folder, {str(shard["path"]) for shard in shards})
    yield from _total_problems(manifest, shards, groups)
    for number, shard in enumerate(shards):
        yield from _shard_problems(manifest, shard, by_shard.get(number, []))


def _tokenizer_problems(manifest: Manifest, expected: Mapping[str, Any] | None) -> Iterator[str]:
    block = manifest.root["tokenizer"]
    path = manifest.folder / TOKENIZER_NAME
    if not path.is_file() or file_sha256(path) != block["sha256"]:
        yield f"{path}: not the tokenizer of these shards"
    for name in IDENTITY if expected else ():
        if expected is not None and expected[name] != block[name]:
            yield f"tokenizer: {name} is {_short(block[name])}, expected {_short(expected[name])}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _strangers(folder: Path, known: set[str]) -> Iterator[str]:
    for path in sorted(folder.glob("*/*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in known:
            yield f"{path}: not in the manifest"


def _total_problems(manifest: Manifest, shards: list[dict[str, Any]], groups: list[dict[str, Any]]) -> Iterator[str]:
    roots: dict[str, str] = {}
    for name, totals in manifest.components.items():
        mine = [number for number, shard in enumerate(shards) if shard["component"] == name]
        inside = [group for group in groups if group["shard"] in set(mine)]
        roots[name] = merkle_root(group["checksum"] for group in inside)
        for field in ("tokens", "rows", "documents"):
            sums = sum(group[field] for group in inside), sum(shards[number][field] for number in mine)
            if set(sums) != {totals[field]}:
                yield f"component {name!r}: {totals[field]:,} {field}, its row groups have {sums[0]:,}"
    if dataset_id(roots, manifest.root["tokenizer"], manifest.root["boundary"]) != manifest.dataset:
        yield f"dataset id {manifest.dataset} does not follow from the row groups"


def _shard_problems(manifest: Manifest, shard: Mapping[str, Any], groups: list[dict[str, Any]]) -> Iterator[str]:
    path = manifest.folder / shard["path"]
    if not path.is_file():
        yield f"{path}: missing"
        return
    if path.stat().st_size != shard["bytes"]:
        yield f"{path}: {path.stat().st_size:,} bytes, the manifest says {shard['bytes']:,}"
    elif file_sha256(path) != shard["sha256"]:
        yield f"{path}: its SHA-256 is not the manifest's"
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield from _file_problems(manifest, file, path, shard, groups)
    except (pa.ArrowException, OSError, KeyError, ValueError, ShardError) as error:
        yield f"{path}: cannot be read ({error})"


def _file_problems(
    manifest: Manifest, file: pq.ParquetFile, path: Path, shard: Mapping[str, Any], groups: list[dict[str, Any]]
) -> Iterator[str]:
    block = footer(file.schema_arrow, path)
    for name in ("tokenizer", "boundary", "dtype"):
        if block[name] != manifest.root[name]:
            yield f"{path}: its footer's {name} is not the manifest's"
    if block["component"] != shard["component"]:
        yield f"{path}: holds component {block['component']!r}, the manifest says {shard['component']!r}"
    if file.metadata.num_row_groups != len(groups):
        yield f"{path}: {file.metadata.num_row_groups} row groups, the manifest says {len(groups)}"
        return
    vocabulary = int(manifest.root["tokenizer"]["vocabulary"])
    for index, group in enumerate(groups):
        table = file.read_row_group(index, columns=["tokens", "n_tokens"])
        yield from _group_problems(table, group, vocabulary, f"{path}: row group {index}")


def _group_problems(table: pa.Table, group: Mapping[str, Any], vocabulary: int, where: str) -> Iterator[str]:
    lengths, ids = list_parts(table["tokens"])
    if logical_checksum(lengths, ids) != group["checksum"]:
        yield f"{where}: the ids are not those of its logical checksum"
    if not np.array_equal(lengths, table["n_tokens"].to_numpy()):
        yield f"{where}: n_tokens does not match the tokens"
    if (len(lengths), len(ids)) != (group["rows"], group["tokens"]):
        yield f"{where}: {len(lengths):,} rows and {len(ids):,} tokens, not {group['rows']:,} and {group['tokens']:,}"
    if not lengths.all():
        yield f"{where}: a row without tokens"
    if ids.size and int(ids.max()) >= vocabulary:
        yield f"{where}: id {ids.max()} is beyond the vocabulary of {vocabulary:,}"
