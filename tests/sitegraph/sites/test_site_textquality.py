"""The mean of a signal over the pages of each host, and what a ranking makes of it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.errors import SettingError, StorageError
from corpus.storage import ShardSet
from sitegraph.sites.textquality import site_quality


def part(root: Path, number: int, rows: list[tuple[str, float | None]], group: int = 2) -> None:
    """Write part files of documents and signals, row for row."""
    hosts = pa.table({"host": pa.array([host for host, _ in rows], pa.string())})
    values = pa.table({"prose": pa.array([value for _, value in rows], pa.float32()), "language": ["en"] * len(rows)})
    for name, table in (("documents", hosts), ("signals", values)):
        path = ShardSet(root, name).path(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, row_group_size=group)


def quality(root: Path, signal: str = "prose") -> tuple[list[dict[str, object]], dict[str, int]]:
    """Return the table as rows, and the counts."""
    out = ShardSet(root, "quality")
    written, counts = site_quality(ShardSet(root, "documents"), ShardSet(root, "signals"), signal, out)
    return pq.read_table(root / written.path).to_pylist(), counts


def test_means_are_over_all_parts(tmp_path: Path) -> None:
    """By hand: a has 0.5 and 1, b has 0.25; pages without a value or with a NaN do not count."""
    part(tmp_path, 0, [("a.org", 0.5), ("b.org", 0.25), ("a.org", None)])
    part(tmp_path, 2, [("a.org", 1.0), ("c.org", float("nan"))])
    rows, counts = quality(tmp_path)
    assert rows == [{"name": "a.org", "quality": 0.75, "pages": 2}, {"name": "b.org", "quality": 0.25, "pages": 1}]
    assert counts == {"hosts": 2, "pages": 3}


def test_the_division_into_parts_changes_nothing(tmp_path: Path) -> None:
    """The same pages in one part or in two, in row groups of one or of three: the same bytes."""
    pages = [(f"h{i % 7}.org", 0.1 * i) for i in range(40)]
    part(tmp_path / "one", 0, pages, 3)
    part(tmp_path / "two", 0, pages[25:], 1)
    part(tmp_path / "two", 1, pages[:25], 3)
    for root in ("one", "two"):
        quality(tmp_path / root)
    one, two = (ShardSet(tmp_path / root, "quality").path(0).read_bytes() for root in ("one", "two"))
    assert one == two


def test_no_pages_are_no_rows(tmp_path: Path) -> None:
    """An empty crawl."""
    rows, counts = quality(tmp_path)
    assert (rows, counts) == ([], {"hosts": 0, "pages": 0})


@pytest.mark.parametrize("signal", ["nothing", "language"])
def test_a_signal_must_be_a_number(tmp_path: Path, signal: str) -> None:
    """The error lists those that are."""
    part(tmp_path, 0, [("a.org", 0.5)])
    with pytest.raises(SettingError, match="one of prose"):
        quality(tmp_path, signal)


def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """Signals of other documents would give hosts the quality of others."""
    part(tmp_path, 0, [("a.org", 0.5), ("b.org", 0.25), ("a.org", None)])
    table = pq.read_table(ShardSet(tmp_path, "signals").path(0))
    pq.write_table(table.slice(1), ShardSet(tmp_path, "signals").path(0), row_group_size=2)
    with pytest.raises(StorageError, match="run annotate again"):
        quality(tmp_path)
