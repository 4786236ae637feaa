"""Shards in other programs have the manifest's sums; writers agree on the dataset whatever their number."""

from pathlib import Path

import duckdb
import pyarrow.dataset as ds
import pytest
from coded_roots import Coded, digests, draw, expected_sum, write_coded

from corpus.tokens.manifest import load_manifest

DOCUMENTS = draw(200, 8, components=("a", "b"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coded(tmp_path_factory.mktemp("interoperation"), DOCUMENTS)


def sums(folder: Path) -> tuple[int, int, int]:
    """Return documents and tokens by the manifest, and the sum of all ids as the corpus has it."""
    totals = load_manifest(folder).root["totals"]
    return totals["documents"], totals["tokens"], expected_sum(DOCUMENTS)


def test_duckdb(folder: Path) -> None:
    """Documents, tokens and ids of all shards."""
    query = "SELECT count(*), sum(len(tokens)), sum(list_sum(tokens)) FROM read_parquet(?)"
    assert duckdb.execute(query, [f"{folder}/*/*.parquet"]).fetchone() == sums(folder)


def test_pyarrow(folder: Path) -> None:
    """As one data set of files."""
    table = ds.dataset([str(path) for path in sorted(folder.glob("*/*.parquet"))]).to_table(columns=["tokens"])
    ids = table["tokens"].combine_chunks().flatten().to_numpy()
    assert (table.num_rows, len(ids), int(ids.sum(dtype="int64"))) == sums(folder)


def test_pandas(folder: Path) -> None:
    """A frame of a shard has its lists."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frames = [pandas.read_parquet(path) for path in sorted(folder.glob("*/*.parquet"))]
    ids = [ids for frame in frames for ids in frame.tokens]
    assert (len(ids), sum(map(len, ids)), sum(int(one.sum()) for one in ids)) == sums(folder)


def test_polars(folder: Path) -> None:
    """All shards scanned at once."""
    polars = pytest.importorskip("polars", reason="polars is not installed")
    tokens = polars.read_parquet(f"{folder}/*/*.parquet", columns=["tokens"])["tokens"]
    found = len(tokens), int(tokens.list.len().sum()), int(tokens.explode().cast(polars.Int64).sum())
    assert found == sums(folder)


def test_hugging_face_datasets(folder: Path, tmp_path: Path) -> None:
    """Read as a data set of Parquet files."""
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    files = [str(path) for path in sorted(folder.glob("*/*.parquet"))]
    rows = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))["tokens"]
    assert (len(rows), sum(map(len, rows)), sum(map(sum, rows))) == sums(folder)


def test_the_dataset_is_that_of_one_writer_whatever_their_number(folder: Path, tmp_path: Path) -> None:
    """One, three and seven parts: the same files, byte for byte; one document more is another dataset."""
    for parts in (1, 7):
        assert digests(write_coded(tmp_path / str(parts), DOCUMENTS, parts=parts)) == digests(folder)
    more = write_coded(tmp_path / "more", [*DOCUMENTS, Coded(number=900, tokens=5, component="a")])
    assert load_manifest(more).dataset != load_manifest(folder).dataset
