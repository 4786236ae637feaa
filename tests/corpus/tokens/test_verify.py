"""Verifying a shard folder: whatever changed is named; what did not change passes. The Merkle root by hand."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from token_roots import make_shards, small_tokenizer

from corpus.errors import ShardError
from corpus.reader import ReaderSettings, TokenReader
from corpus.tokens.manifest import dataset_id, file_sha256, load_manifest, manifest_text, merkle_root
from corpus.tokens.tokenizer import load_tokenizer
from corpus.tokens.verify import verify


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verify")
    make_shards(path, count=80)
    return path


def test_a_sound_folder_has_no_problems(root: Path) -> None:
    """Written by the stages, it verifies, with and without the tokenizer it should have."""
    assert verify(root / "shards") == []
    assert verify(root / "shards", load_tokenizer(small_tokenizer(root)).identity.block()) == []


def flip(folder: Path) -> None:
    path = folder / "en" / "shard-00000.parquet"
    column = pq.read_metadata(path).row_group(0).column(0)
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size - 5] ^= 16
    path.write_bytes(content)


def flip_provenance(folder: Path) -> None:
    path = folder / "en" / "shard-00000.parquet"
    column = pq.read_metadata(path).row_group(0).column(4)
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + 40] ^= 1
    path.write_bytes(content)


def swap(folder: Path) -> None:
    one, two = folder / "en" / "shard-00000.parquet", folder / "de" / "shard-00000.parquet"
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)


def total(folder: Path) -> None:
    root = dict(load_manifest(folder).root)
    components = dict(root["components"])
    components["en"] = components["en"] | {"tokens": components["en"]["tokens"] + 1}
    (folder / "manifest.json").write_text(manifest_text(root | {"components": components}))


def other_id(folder: Path) -> None:
    root = dict(load_manifest(folder).root)
    (folder / "manifest.json").write_text(manifest_text(root | {"dataset": "0" * 64}))


def rewrite(folder: Path) -> None:
    """The same ids in another file: the logical checksums hold, the file's SHA-256 does not."""
    path = folder / "en" / "shard-00000.parquet"
    with pq.ParquetFile(path) as file:
        tables = [file.read_row_group(i) for i in range(file.num_row_groups)]
        with pq.ParquetWriter(folder / "new", file.schema_arrow, compression="none") as out:
            for table in tables:
                out.write_table(table)
    (folder / "new").replace(path)


CASES: list[tuple[Callable[[Path], object], str]] = [
    (flip, "cannot be read|logical checksum"),
    (flip_provenance, "SHA-256 is not the manifest's"),
    (swap, "holds component 'de', the manifest says 'en'"),
    (total, "component 'en': .* tokens, its row groups have"),
    (other_id, "does not follow from the row groups"),
    (rewrite, "bytes, the manifest says"),
    (lambda folder: (folder / "en" / "shard-00000.parquet").unlink(), "missing"),
    (lambda folder: (folder / "en" / "shard-99999.parquet").write_bytes(b"x"), "not in the manifest"),
    (lambda folder: (folder / "tokenizer.json").write_text("{}"), "not the tokenizer of these shards"),
    (lambda folder: (folder / "manifest.json").unlink(), "not a finished dataset"),
    (lambda folder: (folder / "manifest.json").write_text("[1]"), "not a manifest of token shards"),
    (lambda folder: (folder / "manifest-shards.parquet").unlink(), "cannot be read"),
]


@pytest.mark.parametrize(("damage", "problem"), CASES, ids=[case[1][:20] for case in CASES])
def test_each_kind_of_damage_is_named(
    root: Path, tmp_path: Path, damage: Callable[[Path], object], problem: str
) -> None:
    """After one change to a sound folder, a problem that names it is among those found."""
    folder = tmp_path / "copy"
    shutil.copytree(root / "shards", folder)
    damage(folder)
    found = verify(folder)
    assert any(re.search(problem, line) for line in found), found


@pytest.mark.parametrize("path", ["../copy/en/shard-00000.parquet", "/etc/passwd", "en/../../x", "", "a" * 300, "\0"])
def test_a_manifest_does_not_lead_out_of_its_folder(root: Path, tmp_path: Path, path: str) -> None:
    """A shards table, right by its digests, that names a file elsewhere is refused before the file is opened."""
    folder = shutil.copytree(root / "shards", tmp_path / "shards")
    shutil.copytree(folder, tmp_path / "copy")
    table = pq.read_table(folder / "manifest-shards.parquet")
    rows = table.to_pylist()
    rows[0]["path"] = path
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), folder / "manifest-shards.parquet")
    fields = json.loads((folder / "manifest.json").read_text())
    fields["tables"]["shards"]["sha256"] = file_sha256(folder / "manifest-shards.parquet")
    (folder / "manifest.json").write_text(manifest_text(fields))
    (problem,) = verify(folder)
    assert "is no place below it" in problem
    with pytest.raises(ShardError, match="is no place below it"):
        TokenReader(folder, ReaderSettings(sequence_length=8, batch_size=1))


@pytest.mark.parametrize("name", ["tables", "components", "tokenizer", "boundary", "dataset", "dtype"])
@pytest.mark.parametrize("value", [None, 5, {"shards": {"path": "../x", "sha256": ""}}])
def test_a_manifest_of_another_shape_is_refused(root: Path, tmp_path: Path, name: str, value: object) -> None:
    """A root whose digest is right and whose fields are not what readers rely on is one ShardError, not a crash."""
    fields = json.loads((root / "shards" / "manifest.json").read_text()) | {name: value}
    (tmp_path / "manifest.json").write_text(manifest_text(fields))
    if name in ("components", "tokenizer", "boundary") and isinstance(value, dict):
        load_manifest(tmp_path)  # a mapping is all that is asked of these here
    else:
        with pytest.raises(ShardError, match="missing or of another kind"):
            load_manifest(tmp_path)


def test_another_format_version_is_refused(root: Path, tmp_path: Path) -> None:
    """Version 1 had other checksums: every row group of it would look damaged."""
    fields = json.loads((root / "shards" / "manifest.json").read_text()) | {"format_version": 1}
    (tmp_path / "manifest.json").write_text(manifest_text(fields))
    with pytest.raises(ShardError, match="format version 1, known here is 2; use a matching release"):
        load_manifest(tmp_path)


def test_re_encoded_ids_keep_their_logical_checksums(root: Path, tmp_path: Path) -> None:
    """Written anew without compression, the file differs and no row group does."""
    folder = tmp_path / "copy"
    shutil.copytree(root / "shards", folder)
    rewrite(folder)
    assert all("bytes, the manifest" in problem for problem in verify(folder))


def test_another_tokenizer_is_named_by_field(root: Path) -> None:
    """Each field that decides ids is compared; name and library version are not."""
    identity = load_tokenizer(small_tokenizer(root)).identity
    assert verify(root / "shards", replace(identity, name="other", library="tokenizers 9").block()) == []
    problems = verify(root / "shards", replace(identity, sha256="00", vocabulary=7).block())
    assert [p.partition(" is ")[0] for p in problems] == ["tokenizer: sha256", "tokenizer: vocabulary"]


def test_the_merkle_root_is_the_tree_drawn_by_hand() -> None:
    """Three leaves: the first two meet under one node, the third goes up and meets it at the root."""

    def digest(kind: bytes, *parts: bytes) -> bytes:
        return hashlib.sha256(kind + b"".join(parts)).digest()

    one, two, three = (digest(b"\0", leaf) for leaf in (b"a", b"b", b"c"))
    assert merkle_root([b"a", b"b", b"c"]) == digest(b"\1", digest(b"\1", one, two), three).hex()
    assert merkle_root([b"a"]) == one.hex()
    assert merkle_root([b"a", b"b"]) != merkle_root([b"b", b"a"])


def test_the_dataset_id_leaves_out_names_and_versions(root: Path) -> None:
    """Another library version that gives the same ids, or another file name, is the same dataset."""
    manifest = load_manifest(root / "shards")
    roots = {name: totals["merkle_root"] for name, totals in manifest.components.items()}
    tokenizer, boundary = manifest.root["tokenizer"], manifest.root["boundary"]
    assert dataset_id(roots, tokenizer | {"name": "x", "library": "y"}, boundary) == manifest.dataset
    assert dataset_id(roots, tokenizer | {"golden": []}, boundary) != manifest.dataset
    assert dataset_id(roots, tokenizer, boundary | {"eos": 1}) != manifest.dataset
    assert json.loads((root / "shards" / "manifest.json").read_text())["dataset"] == manifest.dataset
