"""Common Crawl's text files -> a graph on disk: `vertices` and `edges` of a host or a domain release.

A release has hundreds of millions of nodes and billions of arcs, and takes long; what is done of it is kept in the
folder `.import` of the graph, and a call with the same files goes on there after a kill: the names (one unit), the arcs
set down by ranges (one), each sorted range, each level. Files are told apart by name, size and time of change.

Vertices of three columns are those of a domain release: the graph then has the domain level alone. A host release is
folded to registered domains as well (fold.py), by the suffixes given: Suffixes("icann") gives Common Crawl's domains.
Before that its www forms become the hosts without `www.` (www.py), as they do in a graph of our own crawls, or a site
would be two nodes and what is known of it be looked up at one of them. `keep` leaves the nodes as the files have them.

No line of the edges files is lost silently: edges = edges_to_self + edges_doubled (equal to the line before) +
edges_folded_to_self (between a host and its www form) + edges_merged (equal to another otherwise) + arcs.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpus.errors import InputError
from corpus.storage import ShardSet, as_storage_error, remove_leftovers, write_text
from corpus.url import PLATFORMS, Suffixes
from sitegraph.building.assemble import Built, Hosts, add_level, assemble, written_names
from sitegraph.building.www import Www, fold_www, map_arcs
from sitegraph.cc.edges import EdgeCounts, read_edges
from sitegraph.cc.vertices import read_vertices
from sitegraph.hosts import reverse
from sitegraph.layout import GraphSets, Level
from sitegraph.store.names import Names, NamesWriter
from sitegraph.store.numbering import Numbering
from sitegraph.store.spill import Spill

VERSION: Final = 5
MOST_NODES: Final = 2**31 - 1
"""Ids of domains and the gaps of lists are kept in 32 bits with a sign."""


def import_graph(
    vertices: Sequence[Path],
    edges: Sequence[Path],
    out: GraphSets,
    *,
    level: Level | None = None,
    suffixes: Suffixes = PLATFORMS,
    www: Www = "fold",
) -> Built:
    """Import a release; `level` is told from the vertices where it is None. Return its files and counts.

    Raises InputError with file and line for what is no vertex or edge, StorageError when the disk is full.
    """
    work = out.folder / ".import"
    resume(out, work, identity(vertices, edges, level, suffixes, www))
    nodes = import_names(vertices, out, work, level, www)
    names = Names(out.names(nodes.level).path(0))
    spill, counts = spill_edges(edges, nodes, len(names), work / f"{nodes.level}-arcs")
    if nodes.level == "host":
        built = assemble(out, spill, Hosts(), work, suffixes)
    else:
        built = assemble_domains(out, spill, names, nodes.hosts, suffixes)
    shutil.rmtree(work)
    merged = {"edges_merged": spill.arcs - built.counts[f"{nodes.level}_arcs"]}
    return Built(files=built.files, counts=nodes.counts | counts | merged | built.counts)


def identity(
    vertices: Sequence[Path], edges: Sequence[Path], level: Level | None, suffixes: Suffixes, www: Www
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
    return {"version": VERSION, "files": files, "level": level, "suffixes": [suffixes.level, extra], "www": www}


def resume(out: GraphSets, work: Path, mark: dict[str, Any]) -> None:
    """Keep what an interrupted import of the same files has done; clear everything of another graph."""
    note = work / "import.json"
    if note.exists() and json.loads(note.read_text()) == json.loads(json.dumps(mark)):
        remove_leftovers(out.folder)
        return
    for folder in (work, *(shard_set.root / shard_set.name for shard_set in out.all)):
        shutil.rmtree(folder, ignore_errors=True)
    write_text(note, json.dumps(mark))


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """The nodes of the vertices files: what they are, and how many; counts by name.

    hosts: int64 per domain, its hosts; empty for hosts. ids: int32 per node of the files, its id in the graph; None
    where that is the same.
    """

    level: Level
    vertices: int
    counts: dict[str, int]
    hosts: NDArray[np.int64]
    ids: NDArray[np.int32] | None


def import_names(vertices: Sequence[Path], out: GraphSets, work: Path, level: Level | None, www: Www) -> Nodes:
    """Write the names, unless that is done, and return what is known of the nodes."""
    done, hosts, ids = work / "names.json", work / "hosts.npy", work / "ids.npy"
    if not done.exists():
        read = ShardSet(work, "vertices", ".names")  # a set of its own: a name may move far when it is folded
        found, total, per_domain, forms = read_names(vertices, read, level)
        if total > MOST_NODES:
            raise InputError(f"{total:,} nodes: a graph has at most {MOST_NODES:,}; import the domain release")
        with as_storage_error(hosts):
            np.save(hosts, per_domain)
        ids.unlink(missing_ok=True)
        counts: dict[str, int] = {}
        if found == "host" and www == "fold" and forms:
            folded = fold_www(Names(read.path(0)), out.names(found), work)
            with as_storage_error(ids):
                np.save(ids, folded.ids)
            counts = {"www_joined": folded.joined, "www_renamed": folded.renamed}
            read.path(0).unlink()
        else:
            place = out.names(found).path(0)
            place.parent.mkdir(parents=True, exist_ok=True)
            read.path(0).replace(place)
        write_text(done, json.dumps({"level": found, "vertices": total, "counts": counts}))
    return Nodes(**json.loads(done.read_text()), hosts=np.load(hosts), ids=np.load(ids) if ids.exists() else None)


def read_names(
    vertices: Sequence[Path], names: ShardSet, level: Level | None
) -> tuple[Level, int, NDArray[np.int64], bool]:
    """Write the names of vertices files; return what they are, how many, hosts per domain (none for hosts), and
    whether there are www forms."""
    blocks = read_vertices(vertices)
    first = next(blocks, None)
    found: Level = level or ("host" if first is None or first.hosts is None else "domain")
    hosts, forms = [np.zeros(0, np.int64)], False
    with NamesWriter(names) as writer:
        for block in chain([first] if first else [], blocks):
            writer.add(block.names)
            if found == "domain":
                hosts.append(np.ones(len(block.names), np.int64) if block.hosts is None else block.hosts)
            elif not forms:
                forms = bool(pc.any(pc.match_like(block.names, "%.%.www")).as_py())
    return found, writer.names, np.concatenate(hosts), forms


def spill_edges(edges: Sequence[Path], nodes: Nodes, n: int, folder: Path) -> tuple[Spill, dict[str, int]]:
    """Set the arcs down by ranges, unless that is done; return them, and what was counted in the files."""
    spill = Spill(folder, n)
    note = folder / "counts.json"
    if not spill.restore():
        shutil.rmtree(folder, ignore_errors=True)
        counts, inside = EdgeCounts(), 0
        with Spill(folder, n) as spill:
            for block in read_edges(edges, nodes.vertices, counts):
                left = len(block.source) if nodes.ids is None else int(map_arcs(block.source, block.target, nodes.ids))
                spill.add(block.source[:left], block.target[:left])
                inside += len(block.source) - left
        told = {"edges": counts.lines, "edges_to_self": counts.loops, "edges_doubled": counts.duplicates}
        write_text(note, json.dumps(told | {"edges_folded_to_self": inside}))
        spill.save()
    return spill, json.loads(note.read_text())


def assemble_domains(out: GraphSets, spill: Spill, names: Names, hosts: NDArray[np.int64], suffixes: Suffixes) -> Built:
    """Build the graph of a domain release, which has no hosts."""
    numbering = Numbering.of_degrees(spill.degrees)
    built = Built(files=[written_names(out.names("domain"), names)])
    add_level(out, "domain", spill, numbering, {}, {"hosts": hosts, "platform": platforms(names, suffixes)}, built)
    return built


def platforms(names: Names, suffixes: Suffixes) -> NDArray[np.bool_]:
    """Return which of the domains are public suffixes or hosting platforms."""
    found = np.zeros(len(names), np.bool_)
    listed = [*suffixes.platforms, *(rule for rule in suffixes.rules if rule[0] not in "*!")]
    ids = names.find([reverse(name) for name in listed])
    found[ids[ids >= 0]] = True
    return found
