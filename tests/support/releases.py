"""Small releases as text files, and what an import makes of them: arcs by name, files as bytes."""

import gzip
from pathlib import Path

from sitegraph.layout import GraphSets
from sitegraph.store.opened import open_graph

NAMES = [
    "com.example",
    "com.example-shop",
    "com.example-shop.www",
    "com.example.blog",
    "com.weebly",
    "com.weebly.alice",
    "org.wiki",
]
EDGES = [(0, 1), (0, 3), (0, 6), (1, 3), (3, 0), (3, 6), (5, 6), (6, 5)]


def written(path: Path, lines: list[str]) -> Path:
    """Write lines, gzipped where the name says so."""
    text = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    return path


def files(folder: Path, names: list[str] = NAMES, edges: list[tuple[int, int]] = EDGES) -> tuple[Path, Path]:
    """Write a release."""
    vertices = written(folder / "vertices.txt.gz", [f"{i}\t{name}" for i, name in enumerate(names)])
    return vertices, written(folder / "edges.txt.gz", [f"{s}\t{t}" for s, t in edges])


def arcs_of(sets: GraphSets, level: str = "host") -> set[tuple[str, str]]:
    """Return the arcs of a level by reversed names."""
    graph = open_graph(sets)[level]  # type: ignore[index]
    names = list(graph.names)
    return {(names[s], names[t]) for block in graph.chunks() for s, t in zip(*block[:2], strict=True)}


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a graph."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
