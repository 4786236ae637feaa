"""The index of row groups: numbers of the chosen components, and what the manifest says of each, in any blocks."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from served_shards import shards_of

from corpus.errors import ShardError
from corpus.reader import index
from corpus.reader.index import Index
from corpus.tokens.manifest import ROW_GROUPS_NAME, Manifest, file_sha256, load_manifest


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shards_of(tmp_path_factory.mktemp("index"), 400, ("a", "b", "c"), shard_tokens=1500, row_group_tokens=200)


def rewritten(manifest: Manifest, table: pa.Table, target: Path, rows: int) -> Manifest:
    """Return the manifest with another row-groups table, in blocks of some rows."""
    pq.write_table(table, target / ROW_GROUPS_NAME, row_group_size=rows)
    entry = {"path": ROW_GROUPS_NAME, "sha256": file_sha256(target / ROW_GROUPS_NAME)}
    tables = {**manifest.root["tables"], "row_groups": entry}
    content = {"row_groups": (target / ROW_GROUPS_NAME).read_bytes()}
    return Manifest(manifest.folder, {**manifest.root, "tables": tables}, None, content)


def expected(manifest: Manifest, components: list[str]) -> list[dict[str, Any]]:
    """Return the row groups of some components as the tables have them."""
    shards = manifest.shards().to_pylist()
    rows = [row | {"component": shards[row["shard"]]["component"]} for row in manifest.row_groups().to_pylist()]
    return [row | {"path": shards[row["shard"]]["path"]} for row in rows if row["component"] in components]


@pytest.mark.parametrize("components", [["a", "b", "c"], ["c"], ["a", "c"]])
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_every_row_group_is_the_tables_row(
    folder: Path, tmp_path: Path, components: list[str], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Place, sizes, checksum, tokens and component, with one block held at a time or all."""
    monkeypatch.setattr(index, "HELD_ROWS", 10)
    manifest = load_manifest(folder)
    found = Index(rewritten(manifest, manifest.row_groups(), tmp_path, rows), components)
    wanted = expected(manifest, components)
    assert len(found) == len(wanted)
    assert [components[code] for code in found.codes] == [row["component"] for row in wanted]
    for number in (*range(len(wanted)), 0, len(wanted) // 2):
        entry, row = found.entry(number), wanted[number]
        for name in (
            "shard",
            "row_group",
            "tokens",
            "rows",
            "offset",
            "lengths_offset",
            "lengths_bytes",
            "checksum",
            "path",
        ):
            assert getattr(entry, name) == row[name], name
        assert entry.size == row["bytes"]
        assert found.tokens[number] == row["tokens"]
    assert sum(len(block["rows"]) for block in found._held.values()) <= max(10, rows)


@pytest.mark.parametrize("change", ["order", "missing", "repeated"])
def test_a_table_that_is_not_of_its_shards_is_refused(folder: Path, tmp_path: Path, change: str) -> None:
    """Rows in another order, too few of them, or one twice: numbers would mean other row groups."""
    manifest = load_manifest(folder)
    table = manifest.row_groups()
    order = list(range(table.num_rows))
    order = {"order": order[::-1], "missing": order[:-1], "repeated": [0, *order[:-1]]}[change]
    with pytest.raises(ShardError, match="not that of its shards; write the shards again"):
        Index(rewritten(manifest, table.take(order), tmp_path, 1000), ["a", "b", "c"])
