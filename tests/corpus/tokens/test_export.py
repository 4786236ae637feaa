"""Exports read back by readers of their own: every document, in order, in the bytes that others expect."""

from collections.abc import Sequence
from pathlib import Path

import flat_readers
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from token_roots import Page, make_shards, pages, run, stages, text_of, wide_tokenizer, write_pages

from corpus.errors import MissingError, ShardError, StorageError
from corpus.tokens.contents import Contents
from corpus.tokens.export import export, narrowed
from corpus.tokens.manifest import load_manifest
from corpus.tokens.parts import PartSettings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("export"), count=120)


def of_shards(folder: Path, component: str) -> list[list[int]]:
    """Return the ids of each document as the Parquet files have them, segments joined."""
    rows = [
        row
        for path in sorted((folder / component).glob("*.parquet"))
        for row in pq.read_table(path, columns=["doc_id", "tokens"]).to_pylist()
    ]
    found: dict[bytes, list[int]] = {}
    for row in rows:
        found.setdefault(row["doc_id"], []).extend(row["tokens"])
    return list(found.values())


def write(folder: Path, form: str, prefix: Path, components: Sequence[str] = ()) -> list[Path]:
    return export(Contents(load_manifest(folder)), form, prefix, components)


def test_megatron_reads_every_document_in_order(folder: Path, tmp_path: Path) -> None:
    """A sequence per document, uint16 as code 8; a pair of files per component and nothing beside them."""
    paths = write(folder, "megatron", tmp_path / "out" / "data")
    assert sorted(p.name for p in paths) == ["data-de.bin", "data-de.idx", "data-en.bin", "data-en.idx"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(p.name for p in paths)
    for component in ("de", "en"):
        assert flat_readers.megatron(tmp_path / "out" / f"data-{component}") == (8, of_shards(folder, component))


def test_npy_is_flat_with_the_starts_of_documents(folder: Path, tmp_path: Path) -> None:
    """Format 1.0, uint16 ids, uint64 starts with the end as the last; NumPy maps both."""
    write(folder, "npy", tmp_path / "flat", ["en"])
    documents = of_shards(folder, "en")
    header, ids = flat_readers.npy(tmp_path / "flat-en.npy")
    assert header == {"descr": "<u2", "fortran_order": False, "shape": (sum(map(len, documents)),)}
    assert ids == [i for document in documents for i in document]
    header, starts = flat_readers.npy(tmp_path / "flat-en.index.npy")
    assert header["descr"] == "<u8"
    assert starts == [sum(map(len, documents[:n])) for n in range(len(documents) + 1)]
    mapped = np.load(tmp_path / "flat-en.npy", mmap_mode="r")
    assert mapped[starts[5] : starts[6]].tolist() == documents[5]
    assert not (tmp_path / "flat-de.npy").exists()


def test_segments_become_one_sequence(tmp_path: Path) -> None:
    """Documents cut into segments, over row groups, are whole again; short ones between them keep their place."""
    made = [Page(number=n, text=text_of(n, 150 if n % 3 else 5)) for n in range(12)]
    write_pages(tmp_path, [made])
    run(stages(tmp_path, parts=PartSettings(segment_tokens=30), row_group_tokens=70))
    folder = tmp_path / "shards"
    assert load_manifest(folder).root["totals"]["rows"] > 30
    write(folder, "megatron", tmp_path / "m")
    write(folder, "npy", tmp_path / "n")
    documents = of_shards(folder, "en")
    assert len(documents) == 12
    assert flat_readers.megatron(tmp_path / "m-en") == (8, documents)
    assert len(flat_readers.npy(tmp_path / "n-en.index.npy")[1]) == 13


def test_wide_ids_are_int32_for_megatron_and_uint32_for_numpy(tmp_path: Path) -> None:
    """A vocabulary over 65,536 ids: code 4, and the id 65,536 survives."""
    write_pages(tmp_path, [pages(20)])
    run(stages(tmp_path, tokenizer=wide_tokenizer(tmp_path)))
    write(tmp_path / "shards", "megatron", tmp_path / "m", ["en"])
    write(tmp_path / "shards", "npy", tmp_path / "n", ["en"])
    documents = of_shards(tmp_path / "shards", "en")
    assert documents[0][-1] == 65_536
    assert flat_readers.megatron(tmp_path / "m-en") == (4, documents)
    header, ids = flat_readers.npy(tmp_path / "n-en.npy")
    assert (header["descr"], ids) == ("<u4", [i for document in documents for i in document])


def test_ids_beyond_int32_are_refused() -> None:
    """2^31 - 1 is the last that fits."""
    assert narrowed(np.array([(1 << 31) - 1], np.uint32), np.dtype("<i4")).tolist() == [(1 << 31) - 1]
    with pytest.raises(ShardError, match="2147483648 does not fit int32"):
        narrowed(np.array([1, 1 << 31], np.uint32), np.dtype("<i4"))


def test_what_is_there_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    """One existing file stops the export before anything is written; an unknown component is named."""
    (tmp_path / "x-en.idx").write_text("mine")
    with pytest.raises(StorageError, match=r"x-en\.idx: is there already"):
        write(folder, "megatron", tmp_path / "x")
    with pytest.raises(MissingError, match="no component 'fr'"):
        write(folder, "npy", tmp_path / "y", ["en", "fr"])
    assert [path.name for path in tmp_path.iterdir()] == ["x-en.idx"]


def test_damage_stops_an_export(tmp_path: Path) -> None:
    """Segments that do not begin with 0 make other documents than the manifest says: no component's file is left."""
    folder = make_shards(tmp_path, count=30, shard_tokens=1 << 20)
    path = folder / "en" / "shard-00000.parquet"
    table = pq.read_table(path)
    ones = pa.array([1] * table.num_rows, pa.uint32())
    changed = table.set_column(table.schema.get_field_index("segment"), table.schema.field("segment"), ones)
    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    with pq.ParquetWriter(path, table.schema) as out:
        for number, size in enumerate(sizes):
            out.write_table(changed.slice(sum(sizes[:number]), size))
    with pytest.raises(ShardError, match="documents, the manifest says"):
        write(folder, "npy", tmp_path / "x", ["de", "en"])
    assert not list(tmp_path.glob("x*"))
