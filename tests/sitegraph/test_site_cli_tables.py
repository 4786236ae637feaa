"""The commands that write graphs and tables for others, compare them, and measure sites."""

import gzip
import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from corpus.storage import ShardSet
from sitegraph.cli import main

LINKS = "a.com,b.com,3\nb.com,c.org,1\nc.org,a.com,1\nx.b.com,a.com,1\nd.net,c.org,1\n"


def sitegraph(*arguments: object, fails: bool = False) -> Result:
    """Run the command; it must succeed, or end with code 1, one line on standard error and nothing on output."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if fails:
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        assert result.stderr.startswith("Error: ")
        assert len(result.stderr.splitlines()) == 1
    else:
        assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """The graph of LINKS."""
    (tmp_path / "links.csv").write_text(LINKS)
    sitegraph("build", tmp_path / "links.csv", "--out", tmp_path / "graph")
    return tmp_path / "graph"


@pytest.fixture
def ranks(graph: Path) -> Path:
    """Its ranks, harmonic centrality too."""
    path = graph.parent / "ranks.parquet"
    sitegraph("rank", graph, "--out", path, "--harmonic")
    return path


def exported(graph: Path, what: str, *options: object) -> dict[str, Any]:
    """Export to the path `out` beside the graph; return the counts."""
    result = sitegraph("export", graph, "--what", what, "--out", graph.parent / "out", "--json", *options)
    return dict(json.loads(result.stdout))


@pytest.mark.parametrize("level", ["host", "domain"])
def test_a_graph_written_as_text_is_the_same_graph_imported(graph: Path, level: str) -> None:
    """Vertices and edges of a level, gzip by the name, give the same text again."""
    for what in ("vertices", "edges"):
        out = graph.parent / f"{what}-0.txt.gz"
        sitegraph("export", graph, "--what", what, "--level", level, "--out", out)
    files = ("--vertices", graph.parent / "vertices-0.txt.gz", "--edges", graph.parent / "edges-0.txt.gz")
    sitegraph("import", *files, "--out", graph.parent / "again")
    for what in ("vertices", "edges"):
        out = graph.parent / f"{what}-1.txt.gz"
        sitegraph("export", graph.parent / "again", "--what", what, "--level", level, "--out", out)
        texts = [gzip.decompress((graph.parent / f"{what}-{turn}.txt.gz").read_bytes()) for turn in (0, 1)]
        assert texts[0] == texts[1]
    if level == "host":
        assert texts[0].splitlines()[:2] == [b"0\t1", b"1\t4"]  # com.a to com.b, com.b to org.c
        assert not list(graph.parent.glob(".*spill"))


def test_ranks_are_written_as_they_are_published(graph: Path, ranks: Path) -> None:
    """Header, positions and values; what is written is imported again. Ranks without harmonic centrality cannot be."""
    assert exported(graph, "ranks", "--ranks", ranks, "--level", "domain") == {"ranks": 4}
    lines = (graph.parent / "out").read_text().splitlines()
    assert lines[0].split("\t")[0] == "#harmonicc_pos"
    assert [line.split("\t")[5] for line in lines] == ["#n_hosts", *["1"] * 2, "2", "1"]
    sitegraph("rank", graph, "--out", graph.parent / "back.parquet", "--import-ranks", graph.parent / "out")
    wanted, found = (
        pq.read_table(path, filters=[("level", "=", "domain")])["pagerank"].to_pylist()
        for path in (ranks, graph.parent / "back.parquet")
    )
    assert found == pytest.approx(wanted, rel=1e-12)
    sitegraph("rank", graph, "--out", ranks)
    message = sitegraph("export", graph, "--what", "ranks", "--ranks", ranks, "--out", graph.parent / "o", fails=True)
    assert "not every host has a value of harmonic" in message.stderr


def test_what_lies_around_a_site_as_graphml(graph: Path, ranks: Path) -> None:
    """Who links to it, with ranks and distance, and the links among them with weights."""
    assert exported(graph, "graphml", "--around", "https://a.com/", "--ranks", ranks) == {
        "nodes": 3,
        "links": 2,
        "left_out": 0,
    }
    found = nx.read_graphml(graph.parent / "out")
    assert set(found) == {"a.com", "c.org", "x.b.com"}
    assert (found.nodes["a.com"]["distance"], found.nodes["c.org"]["distance"]) == (0, 1)
    assert "pagerank" in found.nodes["a.com"]
    assert found.edges["c.org", "a.com"]["weight"] == pytest.approx(np.log(2))
    counts = exported(graph, "graphml", "--around", "a.com", "--depth", 2, "--limit", 2, "--ranks", ranks)
    assert (counts["nodes"], counts["left_out"]) == (2, 1)


def test_the_best_nodes_as_tables(graph: Path, ranks: Path) -> None:
    """By any column of the ranks; columns without values are left out; without weights every link is there."""
    exported(graph, "csv", "--top", 2, "--ranks", ranks, "--weights", "none")
    nodes = pyarrow.csv.read_csv(graph.parent / "out" / "nodes.csv")
    arcs = pyarrow.csv.read_csv(graph.parent / "out" / "arcs.csv")
    best = sorted(pq.read_table(ranks, filters=[("level", "=", "host"), ("position", "<=", 2)])["name"].to_pylist())
    assert sorted(nodes["name"].to_pylist()) == best
    assert "trust" not in nodes.column_names
    assert arcs.column_names == ["source", "target"]
    exported(graph, "parquet", "--top", 1, "--by", "in_domains", "--ranks", ranks, "--level", "domain")
    assert pq.read_table(graph.parent / "out" / "nodes.parquet")["name"].to_pylist() == ["a.com"]


def test_named_sites_as_tables(graph: Path) -> None:
    """Those of a file; without ranks with what the graph knows of them; unknown ones are told and counted."""
    (graph.parent / "sites.txt").write_text("a.com\nb.com  # both known\nnowhere.net\n")
    result = sitegraph(
        "export", graph, "--what", "parquet", "--sites", graph.parent / "sites.txt", "--out", graph.parent / "out"
    )
    assert "sites.txt: 1 name not in the graph: nowhere.net" in result.stderr
    nodes = pq.read_table(graph.parent / "out" / "nodes.parquet")
    assert nodes.to_pydict() == {"name": ["a.com", "b.com"], "in_domains": [2, 1], "crawled": [True, True]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("edges", "--top", "3"), "edges is for all of a level: leave out --around"),
        (("csv",), "csv is for a part of a level: give one of --around"),
        (("csv", "--top", "3", "--sites", "x"), "give one of"),
        (("csv", "--top", "3"), "give --ranks, the ranks of the graph, for --top"),
        (("ranks",), "give --ranks"),
        (("csv", "--top", "3", "--by", "name", "--ranks", "RANKS"), "--by = 'name' is not valid; one of pagerank"),
        (("csv", "--top", "3", "--by", "trust", "--ranks", "RANKS"), "a column that the ranks have; this one is empty"),
        (("csv", "--around", "nowhere.net"), "no node of the host level"),
        (("graphml", "--around", "a b"), "is no host"),
        (("csv", "--sites", "absent"), "cannot read the names"),
    ],
)
def test_what_cannot_be_exported_is_told(graph: Path, ranks: Path, options: tuple[str, ...], message: str) -> None:
    """In one sentence, with nothing written."""
    given = [ranks if option == "RANKS" else option for option in options]
    result = sitegraph("export", graph, "--out", graph.parent / "out", "--what", *given, fails=True)
    assert message in result.stderr
    assert not (graph.parent / "out").exists()


def test_two_tables_are_compared(graph: Path, ranks: Path) -> None:
    """By one column or by one each, at depths; as a table or as JSON."""
    sitegraph("rank", graph, "--out", graph.parent / "other.parquet", "--damping", 0.3)
    found = json.loads(sitegraph("compare", ranks, graph.parent / "other.parquet", "--at", 2, "--json").stdout)
    assert (found["level"], found["agreement"]["shared"], len(found["agreement"]["overlaps"])) == ("host", 5, 1)
    shown = sitegraph("compare", ranks, ranks, "--column", "pagerank", "--column", "inverse", "--level", "domain")
    assert "domains in both" in shown.stdout
    assert "inverse" in shown.stdout
    for arguments, message in (
        ((ranks,), "name two or more"),
        ((ranks, ranks, ranks, "--column", "pagerank", "--column", "inverse"), "2 columns for 3 tables"),
        ((ranks, ranks, "--release", "x"), "--release is for one lookup table, and here are 2 tables"),
        ((ranks, ranks, "--scratch", graph.parent / "absent"), "No such file"),
        ((ranks, graph.parent / "absent"), "cannot be read"),
    ):
        assert message in sitegraph("compare", *arguments, fails=True).stderr


def test_several_tables_drift(graph: Path, ranks: Path) -> None:
    """Each with the next, and the first with the last; releases of a lookup as well."""
    found = json.loads(sitegraph("compare", ranks, ranks, ranks, "--json").stdout)
    assert len(found["pairs"]) == 2
    assert "from first to last" in sitegraph("compare", ranks, ranks, ranks).stdout
    domains = {"com.a": [[2.0, 1.0], [0.2, 0.1]], "org.b": [[1.0, 2.0], [0.1, 0.2]]}
    lookup = {"releases": ["r1", "r2"], "labels": [], "domains": domains}
    (graph.parent / "lookup.json").write_text(json.dumps(lookup))
    result = sitegraph("compare", graph.parent / "lookup.json", "--release", "r1", "--release", "r2", "--json")
    assert json.loads(result.stdout)["agreement"]["spearman"] == pytest.approx(-1.0)


def test_quality_is_measured_and_ranked_by(graph: Path, tmp_path: Path) -> None:
    """The mean of a signal per host, as a table that rank takes."""
    root = tmp_path / "root"
    hosts = {"host": ["a.com", "a.com", "b.com"]}
    signals = {"good": [1.0, 0.5, None]}
    for name, columns in (("documents", hosts), ("signals", signals)):
        path = ShardSet(root, name).path(0)
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table(columns), path)
    out = tmp_path / "quality.parquet"
    counts = json.loads(sitegraph("quality", root, "--signal", "good", "--out", out, "--json").stdout)
    assert counts == {"hosts": 1, "pages": 2}
    assert pq.read_table(out).to_pylist() == [{"name": "a.com", "quality": 0.75, "pages": 2}]
    sitegraph("rank", graph, "--out", tmp_path / "r.parquet", "--quality", out)
    assert pq.read_table(tmp_path / "r.parquet")["quality"].null_count == 0
    assert "no signals here" in sitegraph("quality", graph, "--signal", "good", "--out", out, fails=True).stderr
    assert "one of good" in sitegraph("quality", root, "--signal", "bad", "--out", out, fails=True).stderr
