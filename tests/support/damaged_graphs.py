"""Graphs with damaged files: what opening and a full sweep make of each, tried in a process that may crash.

Run as a program it prints, as JSON, what became of every trial: `python damaged_graphs.py FOLDER TRIALS CUTS`.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from built_graphs import draw_arcs, draw_hosts
from stopped_builds import small_ranges

from corpus.errors import StorageError
from sitegraph.building.small import graph_of
from sitegraph.layout import NODES, GraphSets
from sitegraph.ranks.pagerank import PageRank, pageranks
from sitegraph.ranks.passes import Passes
from sitegraph.store.classes import Weights
from sitegraph.store.opened import Graph

KINDS = ("arcs", "names", "nodes", "classes")


def make(folder: Path) -> GraphSets:
    """Build a graph of several ranges, blocks and classes."""
    names = draw_hosts(1, 60, 250)
    with small_ranges():
        return graph_of(folder, names, *draw_arcs(1, names, 4000))


def file_of(sets: GraphSets, kind: str) -> Path:
    """Return the file of a kind that is damaged: the second of several."""
    found: list[Path] = getattr(sets, kind)("host").paths()
    return found[min(1, len(found) - 1)]


def everything(sets: GraphSets) -> str:
    """Return a digest of all there is of a graph: names, columns of nodes, arcs, and a rank after a sweep or two."""
    graph = Graph(sets, "host")
    digest = hashlib.sha256("\n".join(name for table in graph.names.tables() for name in table.to_pylist()).encode())
    for name in NODES["host"].names:
        digest.update(graph.column(name).tobytes())
    csr = graph.csr()
    digest.update(csr.offsets.tobytes() + csr.sources.tobytes() + csr.codes.tobytes())
    with Passes(graph, Weights().of(graph.classes), 1) as passes:
        out = passes.out_weights()
        ranked = pageranks(passes, [None], PageRank(tolerance=1.0), out=out)[0]
    digest.update(ranked.values.tobytes() + out.tobytes())
    return digest.hexdigest()


def outcome(sets: GraphSets) -> str:
    """Return the digest of a graph, or the error that it is."""
    try:
        return everything(sets)
    except StorageError as error:
        return f"StorageError: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def damaged(body: bytes, flips: int, cuts: int) -> Iterator[tuple[str, bytes]]:
    """Yield what was done to a file, and what it holds then: a byte changed, or all from a place on cut off."""
    random = np.random.default_rng(len(body))
    for place in random.integers(0, len(body), flips).tolist():
        value = body[place] ^ int(random.integers(1, 256))
        yield f"byte {place} is {value}", body[:place] + bytes([value]) + body[place + 1 :]
    for length in {0, 1, len(body) - 1, *random.integers(0, len(body), cuts - 3).tolist()}:
        yield f"cut to {length}", body[:length]


def main(folder: Path, flips: int, cuts: int) -> None:
    """Try each kind of file."""
    os.fsync = lambda _: None  # type: ignore[assignment]
    sets = make(folder)
    found: dict[str, list[tuple[str, str]]] = {"whole": [("", everything(sets))]}
    for kind in KINDS:
        path = file_of(sets, kind)
        body = path.read_bytes()
        found[kind] = []
        for what, bad in damaged(body, flips, cuts):
            path.unlink()  # the old one may still be mapped
            path.write_bytes(bad)
            found[kind].append((what, outcome(sets)))
        path.unlink()
        path.write_bytes(body)
        found["whole"].append((kind, outcome(sets)))
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
