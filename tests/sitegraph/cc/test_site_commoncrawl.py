"""Ranks files as Common Crawl publishes them."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from corpus.errors import InputError, SettingError
from corpus.storage import ShardSet
from sitegraph.building.assemble import Built
from sitegraph.cc.ranksfile import COLUMNS, ImportedRanks, RanksFile
from sitegraph.layout import GraphSets
from sitegraph.ranks.ranking import Ranking, rank

Links = Sequence[tuple[str, str, int, int]]
BuildGraph = Callable[[Path, Sequence[Links]], tuple[GraphSets, Built]]
HEADER = "\t".join(COLUMNS)
HOSTS = f"""{HEADER}
1\t3.5E7\t2\t0.02\tcom.alpha.www
2\t3.0E7\t1\t0.05\torg.beta
3\t2.5E7\t4\t0.0125\tcom.alpha
4\t9.0\t3\t1.5e-2\tnet.gamma.www
"""


def ranks_file(path: Path, text: str | bytes) -> Path:
    """Write a ranks file; gzip when it is named so."""
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def read(path: Path, block: int = 1 << 20) -> list[dict[str, object]]:
    """Return all rows of a ranks file."""
    with RanksFile(path, block) as file:
        found = [row for table in file.tables() for row in table.to_pylist()]
        assert file.rows == len(found)
        return found


@pytest.mark.parametrize("name", ["r.txt", "r.txt.gz"])
@pytest.mark.parametrize("block", [1, 7, 30, 1000])
def test_reads_blocks_of_any_size(tmp_path: Path, name: str, block: int) -> None:
    """Numbers in both notations come out, wherever the blocks are cut, with or without a last newline."""
    path = ranks_file(tmp_path / name, HOSTS)
    rows = read(path, block)
    assert rows[0] == {"harmonic": 3.5e7, "position": 2, "pagerank": 0.02, "reversed": "com.alpha.www"}
    assert [row["position"] for row in rows] == [2, 1, 4, 3]
    assert rows[3]["pagerank"] == 0.015
    assert read(ranks_file(path, HOSTS.rstrip("\n")), block) == rows


def test_the_header_tells_the_level(tmp_path: Path) -> None:
    """Domain files have one more column; a level given wins."""
    hosts = ranks_file(tmp_path / "h.txt", HOSTS)
    domains = ranks_file(tmp_path / "d.txt", f"{HEADER}\t#n_hosts\n1\t2.0\t1\t0.5\tcom.alpha\t17\n")
    assert ImportedRanks(path=hosts).covers() == "host"
    assert ImportedRanks(path=domains).covers() == "domain"
    assert ImportedRanks(path=hosts, level="domain").covers() == "domain"
    assert read(domains) == [{"harmonic": 2.0, "position": 1, "pagerank": 0.5, "reversed": "com.alpha"}]


@pytest.mark.parametrize("block", [40, 10_000])
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("5\t1.0\t5\t0.1", "4 columns, not 5"),
        ("5\t1.0\t5\t0.1\tcom.a\t9", "6 columns, not 5"),
        ("", "1 columns, not 5"),
        ("5\t1.0\tfifth\t0.1\tcom.a", "#pr_pos is no position: 'fifth'"),
        ("5\t1.0\t0\t0.1\tcom.a", "#pr_pos is no position: '0'"),
        ("5\t1.0\t-5\t0.1\tcom.a", "#pr_pos is no position: '-5'"),
        ("5\tnan\t5\t0.1\tcom.a", "#harmonicc_val is no number that a rank can be: 'nan'"),
        ("5\t1.0\t5\t-0.1\tcom.a", "#pr_val is no number"),
        ("5\t1.0\t5\t\tcom.a", "#pr_val is no number"),
        ("5\t1.0\t5\t0.1\t", "#host_rev is empty"),
        ("5\t1.0\t5\t0.1\tcom.\udcff", r"#host_rev is not UTF-8: 'com\.\\ufffd'"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, reason: str, block: int) -> None:
    """File, line number and reason, also when the line lies behind the first block."""
    path = ranks_file(
        tmp_path / "r.txt", (HOSTS + line + "\n" + "6\t1.0\t6\t0.1\tcom.b\n").encode("utf-8", "surrogateescape")
    )
    with pytest.raises(InputError, match=rf"r\.txt, line 6: {reason}"):
        read(path, block)


@pytest.mark.parametrize("text", ["", "1\t2.0\t1\t0.5\tcom.alpha\n", "#harmonicc_pos\n", "\x00" * 100_000])
def test_a_file_without_the_header_is_refused(tmp_path: Path, text: str) -> None:
    """The first line has to name the columns."""
    with pytest.raises(InputError, match=r"r\.txt, line 1: not the header of a ranks file"):
        read(ranks_file(tmp_path / "r.txt", text))


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    """Memory stays bounded on a file that is one endless line."""
    with pytest.raises(InputError, match="line 2: longer than 65,536 bytes"):
        read(ranks_file(tmp_path / "r.txt.gz", HEADER + "\n" + "x" * 3_000_000), 1 << 16)


def test_a_cut_or_damaged_file_is_an_error(tmp_path: Path) -> None:
    """A truncated gzip member, a flipped byte and a missing file are said, none passes for a shorter table."""
    path = ranks_file(tmp_path / "r.txt.gz", HOSTS + "".join(f"{i}\t1.0\t{i}\t0.1\tcom.h{i}\n" for i in range(5, 3000)))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(InputError, match=r"r\.txt\.gz, after line [\d,]+: damaged or cut short"):
        read(path, 1000)
    path.write_bytes(whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:])
    with pytest.raises(InputError, match="damaged or cut short"):
        read(path)
    with pytest.raises(InputError, match="cannot read the ranks"):
        read(tmp_path / "absent.txt.gz")


def authority(
    graph: GraphSets, *imports: ImportedRanks
) -> tuple[dict[tuple[str, str], dict[str, object]], dict[str, int]]:
    """Rank a graph with imported ranks; return the rows by (level, name), and the counts."""
    out = ShardSet(graph.root, "authority")
    _, counts, _ = rank(graph, out, Ranking(imports=imports))
    return {(row["level"], row["name"]): row for row in pq.read_table(out.path(0)).to_pylist()}, counts


def test_imported_ranks_replace_a_level(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Own name before www form, percentile by the file's rows, null where the file knows nothing, in_domains kept."""
    graph, _ = build_graph(tmp_path, [[("alpha.com", "beta.org", 0, 1), ("www.gamma.net", "delta.de", 0, 1)]])
    path = ranks_file(tmp_path / "x-host-ranks.txt.gz", HOSTS)
    rows, counts = authority(graph, ImportedRanks(path=path))
    fields = ("pagerank", "percentile", "position", "harmonic", "in_domains", "source")
    assert {name: tuple(row[f] for f in fields) for (level, name), row in rows.items() if level == "host"} == {
        "alpha.com": (0.0125, 0.25, 4, 2.5e7, 0, "x-host-ranks.txt.gz"),
        "beta.org": (0.05, 1.0, 1, 3.0e7, 1, "x-host-ranks.txt.gz"),
        "delta.de": (None, None, None, None, 1, "x-host-ranks.txt.gz"),
        "gamma.net": (0.015, 0.5, 3, 9.0, 0, "x-host-ranks.txt.gz"),
    }
    assert {row["source"] for (level, _), row in rows.items() if level == "domain"} == {"crawl"}
    assert counts["host_imported_rows"] == 4
    assert counts["host_imported_nodes"] == 3
    assert counts["domain_sweeps"] > 0


def test_all_else_comes_from_the_graph(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Trust, its percentile, spam mass and the other ranks are those without an import, of nodes unknown to it too."""
    links = [("alpha.com", "beta.org", 0, 1), ("gamma.net", "delta.de", 0, 1), ("delta.de", "alpha.com", 0, 1)]
    graph, _ = build_graph(tmp_path, [links])
    seeds, out = tmp_path / "seeds.txt", ShardSet(tmp_path, "authority")
    seeds.write_text("gamma.net\n")
    domains = ranks_file(tmp_path / "d.txt", f"{HEADER}\t#n_hosts\n1\t2.0\t1\t0.5\tde.delta\t17\n")
    imports = tuple(ImportedRanks(path=path) for path in (ranks_file(tmp_path / "h.txt", HOSTS), domains))
    tables = []
    for chosen in ((), imports):
        rank(graph, out, Ranking(seeds=seeds, imports=chosen))
        tables.append(pq.read_table(out.path(0)))
    plain, imported = tables
    replaced = ["pagerank", "percentile", "position", "harmonic"]
    assert imported.drop_columns([*replaced, "source"]) == plain.drop_columns([*replaced, "source"])
    assert imported["trust_percentile"].null_count == imported["spam_mass"].null_count == 0
    known = {(row["level"], row["name"]) for row in imported.to_pylist() if row["pagerank"] is not None}
    assert known == {("domain", "delta.de"), ("host", "alpha.com"), ("host", "beta.org"), ("host", "gamma.net")}
    for name in replaced[1:]:
        assert imported[name].is_null() == imported["pagerank"].is_null()
    assert {(row["level"], row["source"]) for row in imported.to_pylist()} == {("domain", "d.txt"), ("host", "h.txt")}


def test_of_two_rows_of_one_name_the_better_counts(build_graph: BuildGraph, tmp_path: Path) -> None:
    """A name that occurs twice takes its best position, whatever their order in the file."""
    graph, _ = build_graph(tmp_path, [[("alpha.com", "beta.org", 0, 1)]])
    lines = ["1\t9.0\t2\t0.2\tcom.alpha\n", "2\t8.0\t1\t0.3\tcom.alpha\n"]
    for text in ("".join(lines), "".join(reversed(lines))):
        rows, _ = authority(graph, ImportedRanks(path=ranks_file(tmp_path / "r.txt", f"{HEADER}\n{text}")))
        assert rows["host", "alpha.com"]["position"] == 1


def test_a_part_of_a_larger_table_needs_its_size(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Positions beyond the rows of the file are an error until the number of nodes is given."""
    graph, _ = build_graph(tmp_path, [[("alpha.com", "beta.org", 0, 1)]])
    path = ranks_file(tmp_path / "r.txt", f"{HEADER}\n1\t9.0\t76\t0.2\tcom.alpha\n")
    with pytest.raises(InputError, match=r"holds position 76 but 1 nodes.*`nodes`"):
        authority(graph, ImportedRanks(path=path))
    rows, _ = authority(graph, ImportedRanks(path=path, nodes=100))
    assert rows["host", "alpha.com"]["percentile"] == 0.25


def test_a_broken_line_stops_the_ranking(build_graph: BuildGraph, tmp_path: Path) -> None:
    """The error of the reader comes through the engine as it is, and no ranks are written."""
    graph, _ = build_graph(tmp_path, [[("alpha.com", "beta.org", 0, 1)]])
    path = ranks_file(tmp_path / "r.txt", HOSTS + "broken\n")
    with pytest.raises(InputError, match="line 6: 1 columns, not 5"):
        authority(graph, ImportedRanks(path=path))
    assert not ShardSet(tmp_path, "authority").parts()


def test_one_import_per_level(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Two files for one level are refused by name; wrong settings are too."""
    graph, _ = build_graph(tmp_path, [[("alpha.com", "beta.org", 0, 1)]])
    one, two = (ImportedRanks(path=ranks_file(tmp_path / name, HOSTS)) for name in ("a.txt", "b.txt"))
    with pytest.raises(SettingError, match=r"a\.txt, b\.txt.*host level"):
        authority(graph, one, two)
    with pytest.raises(SettingError, match="nodes"):
        ImportedRanks(path=one.path, nodes=0)
    with pytest.raises(SettingError, match="level"):
        ImportedRanks(path=one.path, level="page")  # type: ignore[arg-type]


@pytest.mark.shared
@pytest.mark.parametrize(("level", "release"), [("host", "2025-mar-apr-may"), ("domain", "2019-aug-sep-oct")])
def test_published_ranks(build_graph: BuildGraph, tmp_path: Path, shared: Path, level: str, release: str) -> None:
    """The top 1,000 of a release, back in the published text form, reach the nodes of a graph value by value."""
    source = shared / "data" / "linkgraph" / "cc-ranks" / f"{level}-cc-main-{release}.json.gz"
    if not source.exists():
        pytest.skip(f"no published ranks at {source}")
    table = json.loads(gzip.decompress(source.read_bytes()))
    lines = ["\t".join(cells) for cells in [table["header"], *table["rows"]]]
    path = ranks_file(tmp_path / f"cc-main-{release}-{level}-ranks.txt.gz", "\n".join(lines) + "\n")
    graph, _ = build_graph(tmp_path, [[("en.wikipedia.org", "facebook.com", 0, 1), ("unheard.example", "a.com", 0, 1)]])
    rows, counts = authority(graph, ImportedRanks(path=path, nodes=250_000_000))
    assert counts[f"{level}_imported_rows"] == 1000
    name, reverse = ("en.wikipedia.org", "org.wikipedia.en") if level == "host" else ("wikipedia.org", "org.wikipedia")
    (published,) = (cells for cells in table["rows"] if cells[4] == reverse)
    row = rows[level, name]
    assert [row["harmonic"], row["position"], row["pagerank"]] == [
        float(published[1]),
        int(published[2]),
        float(published[3]),
    ]
    assert row["percentile"] == 1 - (int(published[2]) - 1) / 250_000_000
    assert rows[level, "unheard.example"]["pagerank"] is None
