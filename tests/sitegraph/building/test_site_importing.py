"""Common Crawl's text files become a graph; a killed import goes on; bad files are told with file and line."""

import gzip
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from releases import EDGES, NAMES, arcs_of, contents, files, written

from corpus import storage
from corpus.errors import InputError, StorageError
from corpus.url import Suffixes
from sitegraph.building.importing import import_graph
from sitegraph.hosts import reverse
from sitegraph.layout import GraphSets
from sitegraph.store.opened import open_graph


def test_a_host_release_is_both_levels(tmp_path: Path) -> None:
    """Ids stay those of the files; domains by the suffixes with platforms, whose tenants are domains of their own."""
    vertices, edges = files(tmp_path)
    sets = GraphSets(tmp_path / "graph", "")
    built = import_graph([vertices], [edges], sets, www="keep")
    graph = open_graph(sets)
    assert list(graph["host"].names) == NAMES
    assert arcs_of(sets) == {(NAMES[s], NAMES[t]) for s, t in EDGES}
    assert list(graph["domain"].names) == [
        "com.example",
        "com.example-shop",
        "com.weebly",
        "com.weebly.alice",
        "org.wiki",
    ]
    assert arcs_of(sets, "domain") == {
        ("com.example", "com.example-shop"),
        ("com.example", "org.wiki"),
        ("com.example-shop", "com.example"),
        ("com.weebly.alice", "org.wiki"),
        ("org.wiki", "com.weebly.alice"),
    }
    assert graph["host"].column("in_domains").tolist() == [0, 1, 0, 1, 0, 1, 2]
    assert graph["domain"].column("platform").tolist() == [False, False, True, False, False]
    assert built.counts["edges"] == built.counts["host_arcs"] == len(EDGES)
    assert not (tmp_path / "graph" / ".import").exists()


def test_domains_of_common_crawl_are_those_of_registries(tmp_path: Path) -> None:
    """With the suffix level icann, alice.weebly.com belongs to weebly.com."""
    sets = GraphSets(tmp_path / "graph", "")
    vertices, edges = files(tmp_path)
    import_graph([vertices], [edges], sets, suffixes=Suffixes("icann"))
    assert list(open_graph(sets)["domain"].names) == ["com.example", "com.example-shop", "com.weebly", "org.wiki"]


def test_a_domain_release_has_the_domain_level_alone(tmp_path: Path) -> None:
    """Told from its third column, which is kept."""
    vertices = written(tmp_path / "v.txt", ["0\tcom.a\t3", "1\tcom.weebly\t1", "2\torg.b\t7"])
    edges = written(tmp_path / "e.txt", ["0\t2", "2\t0", "2\t1"])
    sets = GraphSets(tmp_path / "graph", "")
    built = import_graph([vertices], [edges], sets)
    graph = open_graph(sets)
    assert list(graph) == ["domain"]
    assert graph["domain"].column("hosts").tolist() == [3, 1, 7]
    assert graph["domain"].column("platform").tolist() == [False, True, False]
    assert built.counts["domain_arcs"] == 3


def test_loops_and_doubled_edges_are_counted(tmp_path: Path) -> None:
    """Neither becomes an arc."""
    vertices, edges = files(tmp_path, edges=[(0, 0), (0, 1), (0, 1), (6, 6)])
    built = import_graph([vertices], [edges], GraphSets(tmp_path / "graph", ""))
    assert built.counts["edges"] == 4
    assert built.counts["edges_to_self"] == 2
    assert built.counts["edges_doubled"] == 1
    assert built.counts["host_arcs"] == 1


def test_edges_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    """Published files are sorted; what is not is sorted here."""
    for folder, edges in (("one", EDGES), ("two", EDGES[::-1])):
        (tmp_path / folder).mkdir()
        import_graph(
            *[[path] for path in files(tmp_path / folder, edges=edges)], GraphSets(tmp_path / folder / "g", "")
        )
    assert contents(tmp_path / "one" / "g") == contents(tmp_path / "two" / "g")


def test_an_empty_release_is_an_empty_graph(tmp_path: Path) -> None:
    """No vertices, no edges, no error."""
    sets = GraphSets(tmp_path / "graph", "")
    import_graph(*[[path] for path in files(tmp_path, [], [])], sets)
    assert {level: graph.n for level, graph in open_graph(sets).items()} == {"host": 0, "domain": 0}


@pytest.mark.parametrize(
    ("edges", "told"),
    [("0\t1\n0 2\n", "line 2"), ("0\t99\n", "line 1"), ("0\t1\n-1\t2\n", "line 2"), ("0\t1\t2\n", "line 1")],
)
def test_a_bad_edge_is_told_with_its_line(tmp_path: Path, edges: str, told: str) -> None:
    """And no graph is left that could be ranked."""
    vertices, path = files(tmp_path)
    path.write_bytes(gzip.compress(edges.encode()))
    sets = GraphSets(tmp_path / "graph", "")
    with pytest.raises(InputError, match=rf"edges\.txt\.gz, {told}\b"):
        import_graph([vertices], [path], sets)
    assert not sets.arcs("host").parts()


def test_unsorted_vertices_are_refused(tmp_path: Path) -> None:
    """Ids are places in the order of names."""
    vertices, edges = files(tmp_path, ["com.b", "com.a"], [])
    with pytest.raises(InputError, match=r"vertices\.txt\.gz, line 2"):
        import_graph([vertices], [edges], GraphSets(tmp_path / "graph", ""))


def test_cut_gzip_is_an_error(tmp_path: Path) -> None:
    """A truncated download would be a graph with arcs missing."""
    vertices, edges = files(tmp_path)
    edges.write_bytes(edges.read_bytes()[:-9])
    with pytest.raises(InputError, match="cut short"):
        import_graph([vertices], [edges], GraphSets(tmp_path / "graph", ""))


def large(folder: Path) -> tuple[Path, Path]:
    """Write a release of 20,000 hosts, five ranges of ids: all sites have a `www`, half of them a host without it."""
    random = np.random.default_rng(5)
    hosts = ["www." if i < 4000 else "" if i < 8000 and i % 4 < 2 else f"h{i}." for i in range(20_000)]
    names = sorted(reverse(f"{host}site{i % 4000}.{('com', 'org')[i % 2]}") for i, host in enumerate(hosts))
    pairs = np.unique(random.integers(0, 20_000, (60_000, 2)), axis=0)
    return files(folder, names, [(int(s), int(t)) for s, t in pairs])


KILLED = """
    import sys
    from pathlib import Path
    import sitegraph.building.assemble, sitegraph.building.importing as importing
    from sitegraph.layout import GraphSets
    folder = Path(sys.argv[1])
    importing.import_graph([folder / "vertices.txt.gz"], [folder / "edges.txt.gz"], GraphSets(folder / "killed", ""))
"""


@pytest.mark.slow
def test_a_killed_import_goes_on_and_gives_the_same_bytes(tmp_path: Path) -> None:
    """SIGKILL at twelve moments of one import, each time begun again; the graph equals one that nobody disturbed."""
    vertices, edges = large(tmp_path)
    start = time.monotonic()
    import_graph([vertices], [edges], GraphSets(tmp_path / "whole", ""))
    took = time.monotonic() - start
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)]
    for number in range(12):
        process = subprocess.Popen(command)
        time.sleep(1.0 + took * number / 12)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert subprocess.run(command, check=False).returncode == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.parametrize("calls", [1, 3, 7, 15, 30])
def test_a_full_disk_costs_the_unit_in_flight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """Writing fails at some file; the error says so, and the next call ends with the bytes of an undisturbed one."""
    vertices, edges = large(tmp_path)
    import_graph([vertices], [edges], GraphSets(tmp_path / "whole", ""))
    plain, seen = storage.HashingFile.write, []

    def full(self: storage.HashingFile, data: object) -> int:
        seen.append(1)
        if len(seen) > calls:
            raise StorageError(f"{self.path}: the disk is full")
        return plain(self, data)

    sets = GraphSets(tmp_path / "again", "")
    with monkeypatch.context() as patched:
        patched.setattr(storage.HashingFile, "write", full)
        with pytest.raises(StorageError, match="disk is full"):
            import_graph([vertices], [edges], sets)
    import_graph([vertices], [edges], sets)
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


def test_too_many_nodes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids have 31 bits; the largest release so far would not fit, its domains would."""
    monkeypatch.setattr("sitegraph.building.importing.MOST_NODES", 6)
    vertices, edges = files(tmp_path)
    with pytest.raises(InputError, match="7 nodes: a graph has at most 6"):
        import_graph([vertices], [edges], GraphSets(tmp_path / "graph", ""))
