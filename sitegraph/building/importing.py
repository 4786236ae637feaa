"""Common Crawl's text files -> a graph on disk: `vertices` and `edges` of a host or a domain release.

A release has hundreds of millions of nodes and billions of arcs, and takes long; what is done of it is kept in the
folder `.import` of the graph, and a call with the same files goes on there after a kill: the names (one unit), the arcs
set down by ranges (one), each sorted range, each level. Files are told apart by name, size and time of change.

Vertices of three columns are those of a domain release: the graph then has the domain level alone. A host release is
folded to registered domains as well (fold.py), by the suffixes given: Suffixes("icann") gives Common Crawl's domains.
"""

import json
import shutil
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.errors import InputError
from corpus.storage import remove_leftovers, write_text
from corpus.url import PLATFORMS, Suffixes
from sitegraph.building.assemble import Built, Hosts, assemble, finish, write_nodes, written_names
from sitegraph.cc.edges import EdgeCounts, read_edges
from sitegraph.cc.vertices import read_vertices
from sitegraph.hosts import reverse
from sitegraph.layout import GraphSets, Level
from sitegraph.store.builder import ArcBuilder
from sitegraph.store.names import Names, NamesWriter
from sitegraph.store.numbering import Numbering
from sitegraph.store.spill import Spill

VERSION: Final = 2
MOST_NODES: Final = 2**31 - 1
"""Ids of domains and the gaps of lists are kept in 32 bits with a sign."""


def import_graph(
    vertices: Sequence[Path],
    edges: Sequence[Path],
    out: GraphSets,
    *,
    level: Level | None = None,
    suffixes: Suffixes = PLATFORMS,
) -> Built:
    """Import a release; `level` is told from the vertices where it is None. Return its files and counts.

    Raises InputError with file and line for what is no vertex or edge, StorageError when the disk is full.
    """
    work = out.folder / ".import"
    resume(out, work, identity(vertices, edges, level, suffixes))
    found, hosts = import_names(vertices, out, work, level)
    names = Names(out.names(found).path(0))
    if len(names) > MOST_NODES:
        raise InputError(f"{len(names):,} nodes: a graph has at most {MOST_NODES:,}; import the domain release")
    spill, counts = spill_edges(edges, len(names), work / f"{found}-arcs")
    if found == "host":
        built = assemble(out, spill, Hosts(), work, suffixes)
    else:
        built = assemble_domains(out, spill, names, hosts, suffixes)
    shutil.rmtree(work)
    return Built(files=built.files, counts=counts | built.counts)


def identity(
    vertices: Sequence[Path], edges: Sequence[Path], level: Level | None, suffixes: Suffixes
) -> dict[str, Any]:
    """Return what tells this import from others."""
    files = []
    for path in (*vertices, *edges):
        try:
            found = path.stat()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
        files.append([path.name, found.st_size, found.st_mtime_ns])
    extra = sorted(suffixes.extra)
    return {"version": VERSION, "files": files, "level": level, "suffixes": [suffixes.level, extra]}


def resume(out: GraphSets, work: Path, mark: dict[str, Any]) -> None:
    """Keep what an interrupted import of the same files has done; clear everything of another graph."""
    note = work / "import.json"
    if note.exists() and json.loads(note.read_text()) == json.loads(json.dumps(mark)):
        remove_leftovers(out.folder)
        return
    for folder in (work, *(shard_set.root / shard_set.name for shard_set in out.all)):
        shutil.rmtree(folder, ignore_errors=True)
    write_text(note, json.dumps(mark))


def import_names(
    vertices: Sequence[Path], out: GraphSets, work: Path, level: Level | None
) -> tuple[Level, NDArray[np.int64]]:
    """Write the names, unless that is done; return the level they are of, and hosts per domain (none for hosts)."""
    done, kept = work / "names.json", work / "hosts.npy"
    if not done.exists():
        blocks = read_vertices(vertices)
        first = next(blocks, None)
        found: Level = level or ("host" if first is None or first.hosts is None else "domain")
        hosts = [np.zeros(0, np.int64)]
        with NamesWriter(out.names(found)) as writer:
            for block in chain([first] if first else [], blocks):
                writer.add(block.names)
                hosts.append(np.ones(len(block.names), np.int64) if block.hosts is None else block.hosts)
        np.save(kept, np.concatenate(hosts) if found == "domain" else hosts[0])
        write_text(done, json.dumps(found))
    return json.loads(done.read_text()), np.load(kept)


def spill_edges(edges: Sequence[Path], n: int, folder: Path) -> tuple[Spill, dict[str, int]]:
    """Set the arcs down by ranges, unless that is done; return them, and what was counted in the files."""
    spill = Spill(folder, n)
    note = folder / "counts.json"
    if not spill.restore():
        shutil.rmtree(folder, ignore_errors=True)
        spill, counts = Spill(folder, n), EdgeCounts()
        for block in read_edges(edges, n, counts):
            spill.add(block.source, block.target)
        told = {"edges": counts.lines, "edges_to_self": counts.loops, "edges_doubled": counts.duplicates}
        write_text(note, json.dumps(told))
        spill.save()
    return spill, json.loads(note.read_text())


def assemble_domains(out: GraphSets, spill: Spill, names: Names, hosts: NDArray[np.int64], suffixes: Suffixes) -> Built:
    """Build the graph of a domain release, which has no hosts."""
    numbering = Numbering.of_bits(len(names), spill.links)
    arcs = ArcBuilder(spill=spill, arcs=out.arcs("domain"), classes=out.classes("domain"), numbering=numbering).build()
    built = Built(files=[written_names(out.names("domain"), names)])
    finish(out, "domain", arcs, built)
    columns = {"hosts": hosts, "in_domains": arcs.in_domains, "platform": platforms(names, suffixes)}
    write_nodes(out, "domain", columns, numbering, built)
    return built


def platforms(names: Names, suffixes: Suffixes) -> NDArray[np.bool_]:
    """Return which of the domains are public suffixes or hosting platforms."""
    found = np.zeros(len(names), np.bool_)
    listed = [*suffixes.platforms, *(rule for rule in suffixes.rules if rule[0] not in "*!")]
    ids = names.find([reverse(name) for name in listed])
    found[ids[ids >= 0]] = True
    return found
