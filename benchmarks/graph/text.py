"""A release as text: unpacked, read, and imported whole.

Vertices and edges of a generated graph are written as Common Crawl publishes them, compressed by zlib at its level 6 as
`gzip` does it, in members of 16 MiB of text (benchmarks/graph_text.py, which measures the readers alone, in more ways).
Inflating alone is what no reader can beat; the whole import ends with a graph of both levels that can be ranked.
"""

import gzip
import shutil
from pathlib import Path
from typing import Any, Final

from isal import igzip

from benchmarks.graph.apart import apart
from benchmarks.graph.generator import GROUP, Web
from benchmarks.graph.lab import clocked
from benchmarks.graph.names import names
from benchmarks.graph_text import drained, used, zipped
from sitegraph.building.importing import import_graph
from sitegraph.cc.edges import read_edges
from sitegraph.cc.textout import write_edges, write_vertices
from sitegraph.cc.vertices import read_vertices
from sitegraph.layout import GraphSets

MODULE: Final = "benchmarks.graph.text"


def write(folder: str, hosts: int, arcs: int) -> dict[str, Any]:
    """Write vertices.txt.gz and edges.txt.gz of a generated graph; return their sizes, as text and compressed."""
    root = Path(folder)
    web = Web(hosts=hosts, arcs=arcs)
    write_vertices(root / "vertices.txt", names(web.hosts))
    write_edges(root / "edges.txt", web.chunks(), web.hosts)
    found: dict[str, Any] = {"hosts": web.hosts}
    for kind in ("vertices", "edges"):
        path = root / f"{kind}.txt"
        packed = zipped(path)
        found[kind] = {"text": path.stat().st_size, "gzip": packed.stat().st_size}
        path.unlink()
    return found


def read(folder: str, hosts: int, rounds: int) -> dict[str, Any]:
    """Time inflating (zlib and isal) and reading both files, in turn."""
    edges, vertices = Path(folder) / "edges.txt.gz", Path(folder) / "vertices.txt.gz"
    ways: dict[str, Any] = {}
    for kind, path in (("edges", edges), ("vertices", vertices)):
        ways[f"{kind}: gunzip, zlib"] = lambda path=path: drained(gzip.open(path))  # noqa: SIM115
        ways[f"{kind}: gunzip, isal"] = lambda path=path: drained(igzip.open(path))
    ways["edges: gunzip and parse"] = lambda: used(read_edges([edges], hosts))
    ways["vertices: gunzip and parse"] = lambda: used(read_vertices([vertices]))
    for name in ("edges: gunzip and parse", "vertices: gunzip and parse"):
        first(ways[name])
    return {name: [clocked(way)[1] for _ in range(rounds)] for name, way in ways.items()}


def first(way: Any) -> None:
    """Have kernels compiled and files in the page cache."""
    way()


def whole(folder: str) -> dict[str, Any]:
    """Import the files; return what it took, the counts, and bytes of the graph by kind of file."""
    root = Path(folder)
    tiny(root / "tiny")
    out = GraphSets(root / "imported", "")
    built, took = clocked(lambda: import_graph([root / "vertices.txt.gz"], [root / "edges.txt.gz"], out))
    sizes = {kind.name: sum(path.stat().st_size for path in kind.paths()) for kind in out.all}
    return {**took, "counts": built.counts, "sizes": sizes}


def tiny(folder: Path) -> None:
    """Import a tiny graph, so that kernels are compiled."""
    folder.mkdir()
    web = Web(hosts=100 * GROUP, arcs=20_000)
    write_vertices(folder / "v.txt.gz", names(web.hosts))
    write_edges(folder / "e.txt.gz", web.chunks(), web.hosts)
    import_graph([folder / "v.txt.gz"], [folder / "e.txt.gz"], GraphSets(folder / "graph", ""))
    shutil.rmtree(folder)


def run(folder: Path, options: dict[str, Any], say: Any) -> dict[str, Any]:
    """Write the files, read them, import them."""
    found: dict[str, Any] = {}

    def step(name: str, **more: Any) -> None:
        say(f"text: {name}")
        found[name] = apart(f"{MODULE}:{name}", folder=folder, **more)

    step("write", hosts=options["hosts"], arcs=options["arcs"])
    step("read", hosts=found["write"]["value"]["hosts"], rounds=options["rounds"])
    step("whole")
    return found
