"""What is known of one site: rows by name, columns by id, neighbours."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.errors import InputError, MissingError, StorageError
from corpus.schema import AUTHORITY
from corpus.storage import ShardSet
from corpus.url import Suffixes
from sitegraph.building.assemble import Built
from sitegraph.building.small import graph_of
from sitegraph.explaining.lookup import look_up, site_name
from sitegraph.explaining.rankrows import RankRows
from sitegraph.layout import GraphSets
from sitegraph.ranks.ranking import Ranking, rank

NAMES = {"domain": ["com.a", "com.b", "org.c"], "host": ["com.a", "com.a.x", "com.b", "org.c", "org.c.y"]}


def write_table(path: Path, rows: int, order: int = 1) -> None:
    """Write a table of NAMES with so many rows per row group; a node's position is its place by name from 1."""
    found = [
        dict.fromkeys(AUTHORITY.names)
        | {"level": level, "name": ".".join(reversed(name.split("."))), "reversed": name, "source": "crawl"}
        | {"platform": False, "position": place, "pagerank": place / 10}
        for level, names in NAMES.items()
        for place, name in enumerate(names, 1)
    ]
    with pq.ParquetWriter(path, AUTHORITY) as out:
        for level in NAMES:
            table = pa.Table.from_pylist([row for row in found[::order] if row["level"] == level], AUTHORITY)
            out.write_table(table, row_group_size=rows)


def test_a_row_is_found_by_its_name_in_few_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row group of five is read for a name at a level, none for a name that no row group can have."""
    write_table(tmp_path / "ranks.parquet", 2)
    read: list[int] = []
    original = pq.ParquetFile.read_row_group

    def watched(self: pq.ParquetFile, number: int, *rest: object, **more: object) -> pa.Table:
        read.append(number)
        return original(self, number, *rest, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", watched)
    with RankRows(tmp_path / "ranks.parquet") as rows:
        found = rows.row("host", "x.a.com")
        assert found
        assert (found["level"], found["position"], len(read)) == ("host", 2, 1)
        assert rows.row("host", "z.zz") is None
        assert len(read) == 1


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_columns_of_nodes_by_id(tmp_path: Path, rows: int) -> None:
    """In the order of the ids, repeated ones too, whatever the row groups; null is NaN."""
    write_table(tmp_path / "ranks.parquet", rows)
    with RankRows(tmp_path / "ranks.parquet") as table:
        assert table.nodes("host") == 5
        ids = np.array([4, 0, 3, 0])
        assert table.column("host", "position", ids).tolist() == [5.0, 1.0, 4.0, 1.0]
        assert np.isnan(table.column("host", "trust", ids)).all()
        assert table.take("domain", np.array([2, 1]), ["name"])["name"].to_pylist() == ["c.org", "b.com"]
        assert table.column("host", "pagerank", np.zeros(0, np.int64)).shape == (0,)
        table.check("host", 5)
        with pytest.raises(InputError, match="does not rank the 6 hosts of this graph, but 5"):
            table.check("host", 6)


def test_tables_in_another_order_are_read_by_name(tmp_path: Path) -> None:
    """Both levels in one row group, and descending names: no ids, but every row is found."""
    write_table(tmp_path / "ranks.parquet", 100, order=-1)
    whole = pq.read_table(tmp_path / "ranks.parquet")
    pq.write_table(whole, tmp_path / "one.parquet")
    with RankRows(tmp_path / "one.parquet") as rows:
        assert rows.nodes("host") == 0
        assert [row and row["position"] for row in (rows.row("host", "a.com"), rows.row("domain", "c.org"))] == [1, 3]
        assert set(rows.rows("host", ["com.a.x", "org.c", "net.z"], ["position"])) == {"com.a.x", "org.c"}


def test_what_is_no_table_is_an_error(tmp_path: Path) -> None:
    """Absent, not Parquet, other columns, damaged pages."""
    with pytest.raises(MissingError, match="no ranks here"):
        RankRows(tmp_path)
    path = tmp_path / "part-00000.parquet"
    path.write_bytes(b"PAR1 or not")
    with pytest.raises(StorageError, match="cannot be read as Parquet"):
        RankRows(tmp_path)
    pq.write_table(pa.table({"level": ["host"]}), path)
    with pytest.raises(StorageError, match="no column 'name'"):
        RankRows(tmp_path)
    write_table(path, 2)
    data = bytearray(path.read_bytes())
    data[200:400] = bytes(200)
    path.write_bytes(data)
    with RankRows(tmp_path) as rows, pytest.raises(StorageError, match="cannot be read back"):
        for name in ("a.com", "b.com", "c.org"):
            rows.row("domain", name)


@pytest.mark.parametrize(
    ("site", "name"), [("www.A.com.", "a.com"), ("https://u@x.b.com:8/y", "x.b.com"), ("bücher.de", "xn--bcher-kva.de")]
)
def test_sites_are_told_as_people_write_them(site: str, name: str) -> None:
    """Hosts in any spelling, and URLs."""
    assert site_name(site) == name


@pytest.mark.parametrize("site", ["10.0.0.1", "localhost", "", "a b.com", "http://[::1]/"])
def test_what_can_be_no_site_is_an_error(site: str) -> None:
    """The message shows what was given, without letting it steer a terminal."""
    with pytest.raises(InputError, match="is no host, registered domain or URL"):
        site_name(site)


def test_a_card_has_both_levels_and_the_best_neighbours(hand_made: tuple[GraphSets, Built], tmp_path: Path) -> None:
    """Neighbours are those of the registered domain, the best position first, with the pages that link."""
    graph = hand_made[0]
    rank(graph, ShardSet(tmp_path, "authority"), Ranking())
    card = look_up("blog.beta.org", tmp_path / "authority", graph)
    assert (card.name, card.domain_name) == ("blog.beta.org", "beta.org")
    assert card.host
    assert card.domain
    assert (card.host["level"], card.domain["level"]) == ("host", "domain")
    assert [(n["name"], n["pages"], n["pages_nofollow"], n["pages_sponsored"]) for n in card.linking] == [
        ("alpha.com", 15, 4, 1)
    ]
    assert [n["name"] for n in card.linked] == ["alpha.com"]
    alpha = look_up("alpha.com", tmp_path / "authority", graph, top=1)
    assert (len(alpha.linking), alpha.linking_total) == (1, 2)
    assert alpha.linking[0]["name"] == "beta.org"
    with pytest.raises(MissingError, match=r"nowhere\.net: neither the host nor its registered domain nowhere\.net"):
        look_up("nowhere.net", tmp_path / "authority", graph)


def test_neighbours_have_the_ranks_of_any_table(hand_made: tuple[GraphSets, Built], tmp_path: Path) -> None:
    """A table that is not of this graph is read by names; who is not in it has no rank, and comes last."""
    rows = [
        dict.fromkeys(AUTHORITY.names)
        | {"level": "domain", "name": name, "reversed": backwards, "source": "other", "platform": False, "position": at}
        for at, (name, backwards) in enumerate(
            [("alpha.com", "com.alpha"), ("xn--bcher-kva.de", "de.xn--bcher-kva")], 1
        )
    ]
    pq.write_table(pa.Table.from_pylist(rows, AUTHORITY), tmp_path / "other.parquet")
    card = look_up("alpha.com", tmp_path / "other.parquet", hand_made[0])
    assert [(n["name"], n["position"]) for n in card.linking] == [("xn--bcher-kva.de", 2), ("beta.org", None)]


def test_the_registered_domain_is_that_of_the_graph(tmp_path: Path) -> None:
    """By the suffixes that it was built with; without a graph, by those that give a row of the table."""
    names = ["u1.github.io", "u2.github.io", "a.com"]
    graph = graph_of(tmp_path / "graph", names, np.array([0]), np.array([2]), suffixes=Suffixes("icann"))
    rank(graph, ShardSet(tmp_path, "authority"), Ranking())
    for sets in (graph, None):
        card = look_up("u1.github.io", tmp_path / "authority", sets)
        assert card.domain
        assert (card.domain_name, card.domain["name"]) == ("github.io", "github.io")
