"""Host names and spilled host arcs -> a graph on disk, both levels.

Whatever the links came from (a crawl's link table, Common Crawl's text files, arrays), it ends here: hosts are folded
into registered domains (fold.py), host arcs built range by range, and each finished range is at once folded and
spilled for the domain level, which is built last. Memory: 4 bytes per host for the fold (twice while it is put in the
order of places), 16 where pages are known, 8 per node for in-degrees, what builder.py takes, and some 160 MB for what
is folded at a time and waits for files (store/growing.py).
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.storage import ShardSet, TableWriter, Written
from corpus.url import PLATFORMS, Suffixes
from sitegraph.building.fold import fold
from sitegraph.layout import NODES, GraphSets, Level
from sitegraph.store.builder import ArcBuilder, Forward, Origin
from sitegraph.store.classes import BACKWARD, COLUMNS, FORWARD, OWNER
from sitegraph.store.merging import Lists
from sitegraph.store.names import Names, NamesWriter
from sitegraph.store.numbering import Numbering, rank
from sitegraph.store.spill import Spill
from sitegraph.store.words import Packed, full_gap, next_arc

ROWS = 1 << 18
"""Rows per row group of the node tables."""
SLICE = 1 << 22
"""Arcs folded at a time."""


@dataclass(slots=True, kw_only=True)
class Built:
    """A finished graph: its files, and counts by name."""

    files: list[Written] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """What is known of hosts by id: whether a page of them was read (None: those that link), and how many (None: no
    number is known)."""

    crawled: NDArray[np.bool_] | None = None
    pages: NDArray[np.int64] | None = None


def assemble(out: GraphSets, spill: Spill, hosts: Hosts, work: Path, suffixes: Suffixes = PLATFORMS) -> Built:
    """Build the graph of the host names in `out` and of the spilled arcs between them.

    `work` keeps what is half done: called again after a kill with the same spill, it goes on.
    """
    built = Built()
    names = Names(out.names("host").path(0))
    numbering = Numbering.of_degrees(spill.degrees)
    domain_of, domains = fold_hosts(out, names, suffixes, built)
    domain_of = numbering.by_place(domain_of)
    pages = None if hosts.pages is None else numbering.by_place(hosts.pages)
    with Spill(work / "folded-arcs", len(domains.hosts), counted=spill.counted, relabelled=True) as folded:
        done = folded.restore()
        by_place, by_id = {"domain": domain_of}, {"crawled": hosts.crawled}
        origin, forward = Origin(domains=domain_of, pages=pages), None if done else Folding(domain_of, folded)
        add_level(out, "host", spill, numbering, by_place, by_id, built, origin, forward)
        if not done:
            folded.count_relabelled(domain_of)
            folded.save()
        add_domains(out, folded, domains, domain_of, pages, numbering.sources, built)
    return built


def add_domains(
    out: GraphSets,
    folded: Spill,
    domains: "Domains",
    domain_of: NDArray[np.int32],
    pages: NDArray[np.int64] | None,
    linking: int,
    built: Built,
) -> None:
    """Build the level of registered domains from arcs between hosts and domains.

    domain_of, pages: per place of a host, of which the first `linking` link; in domain_of places follow on ids.
    """
    numbering = Numbering.of_degrees(folded.degrees)
    total = None
    if pages is not None:
        total = numbering.by_place(totals(pages, linking, domain_of, len(domains.hosts)))
    for start in range(0, len(domain_of), ROWS):
        domain_of[start : start + ROWS] = numbering.places(domain_of[start : start + ROWS])
    by_id = {"hosts": domains.hosts, "platform": domains.platform}
    add_level(out, "domain", folded, numbering, {}, by_id, built, Origin(relabel=domain_of, pages=total))


def add_level(
    out: GraphSets,
    level: Level,
    spill: Spill,
    numbering: Numbering,
    by_place: Mapping[str, NDArray[Any]],
    by_id: Mapping[str, NDArray[Any] | None],
    built: Built,
    origin: Origin | None = None,
    forward: Forward | None = None,
) -> None:
    """Build the arcs of a level, write its nodes, and add both to what was built.

    by_place, by_id: columns of the nodes, besides those that follow from the arcs; None stands for the hosts that link.
    """
    arcs = ArcBuilder(
        spill=spill,
        arcs=out.arcs(level),
        classes=out.classes(level),
        numbering=numbering,
        origin=origin or Origin(),
        forward=forward,
    ).build()
    written = write_nodes(out, level, {**by_place, "in_domains": arcs.in_domains}, by_id, numbering)
    built.files += [*arcs.files, written]
    built.counts |= {f"{level}_arcs": arcs.arcs, f"{level}_arcs_to_dangling": arcs.tail_arcs}
    built.counts |= {f"{level}s": numbering.nodes, f"{level}s_linking": numbering.sources}


@dataclass(frozen=True, slots=True)
class Domains:
    """Registered domains by id: hosts in each (int64), and whether it is a platform or public suffix (bool)."""

    hosts: NDArray[np.int64]
    platform: NDArray[np.bool_]


def fold_hosts(out: GraphSets, names: Names, suffixes: Suffixes, built: Built) -> tuple[NDArray[np.int32], Domains]:
    """Write the names of the registered domains; return the domain of each host (int32), and the domains."""
    hosts: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    platform: list[NDArray[np.bool_]] = [np.zeros(0, np.bool_)]
    with NamesWriter(out.names("domain")) as writer:

        def take(table: pa.Table) -> None:
            writer.add(table["reversed"].combine_chunks())
            hosts.append(table["hosts"].to_numpy())
            platform.append(table["platform"].to_numpy(zero_copy_only=False))

        domain_of = fold(names.tables(), len(names), take, suffixes)
    built.files += [written_names(out.names("host"), names), writer.written]
    return domain_of, Domains(np.concatenate(hosts), np.concatenate(platform))


def written_names(shard_set: ShardSet, names: Names) -> Written:
    """Return the entry of a names file that is already there."""
    path = shard_set.path(0)
    digest, size = sha256(path)
    return Written(path.relative_to(shard_set.root).as_posix(), len(names), size, digest)


def sha256(path: Path) -> tuple[str, int]:
    """Return the SHA-256 (hex) and size of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest(), path.stat().st_size


def totals(pages: NDArray[np.int64], linking: int, domain_of: NDArray[np.int32], domains: int) -> NDArray[np.int64]:
    """Return the pages of each domain; 0, unknown, where one of its hosts that link (the first `linking`) has an
    unknown number."""
    found = np.zeros(domains, np.int64)
    np.add.at(found, domain_of, pages)
    found[domain_of[:linking][pages[:linking] == 0]] = 0
    return found


@kernel
def leaving(offsets: Any, sources: Any, owns: Any, domains: Any, source: Any, target: Any, arcs: Any) -> Any:
    """Fill in the arcs of lists that leave a domain; return how many there are.

    offsets int64[k + 1] from any place on: lists in sources (uint32), into nodes whose domains are owns (int32[k]);
    domains int32 per place. source, target (uint32[m], a domain) and, unless it is empty, arcs (int64[m]: where in
    `sources` each stands) are filled.
    """
    used = np.uint64(0)
    placed = len(arcs) > 0
    for t in range(np.uint64(len(offsets) - 1)):
        own = owns[t]
        for k in range(np.uint64(offsets[t]), np.uint64(offsets[t + np.uint64(1)])):
            host = sources[k]
            source[used], target[used] = host, own
            if placed:
                arcs[used] = k
            used += np.uint64(domains[np.uint64(host)] != own)
    return used


@kernel
def leaving_packed(
    words: Any, bits: Any, at: Any, before: Any, directory: Any, domains: Any, state: Any, source: Any, target: Any
) -> Any:
    """The same of packed arcs whose sources rise and that were checked (store/sorting.py), from words[at] on (uint64;
    `before` is the source before it). Return how many there are, at most as many as source and target (uint32) hold,
    and the `at` and `before` to go on with.

    Domains (int32 per place) are looked up in the order in which they lie. directory: of the numbering. state: uint64
    for each of 1 << bits targets; its domain in the lower half, and in the upper the place of the last source, kept
    here, so that of equal arcs one is left.
    """
    shift, n, most, used = np.uint64(bits), np.uint64(len(words)), np.uint64(len(source)), np.uint64(0)
    full, half, ones = full_gap(shift), np.uint64(32), np.uint64(0xFFFFFFFF)
    while at < n and used < most:
        into, before, at = next_arc(words, at, before, shift, full)
        place, held = np.uint64(rank(before, directory)), state[into]
        own = held & ones
        source[used], target[used] = place, own
        state[into] = place << half | own
        used += np.uint64((held >> half != place) & (np.uint64(domains[place]) != own))
    return used, at, before


@dataclass(slots=True)
class Folding:
    """Fold finished host arcs into arcs from hosts to registered domains, and spill them.

    domain_of: int32 per place of a host, its domain's id.
    """

    domain_of: NDArray[np.int32]
    spill: Spill

    def add(self, places: NDArray[np.int64], lists: Lists) -> None:
        """Spill the arcs of lists, those within a domain left out."""
        for start, stop in slices(lists.offsets, SLICE):
            offsets = lists.offsets[start : stop + 1]
            size = int(offsets[-1] - offsets[0])
            source, target = np.empty(size, np.uint32), np.empty(size, np.uint32)
            arcs = np.empty(size if self.spill.counted else 0, np.int64)
            owns = self.domain_of[places[start:stop]]
            used = leaving(offsets, lists.sources, owns, self.domain_of, source, target, arcs)
            source, target = source[:used], target[:used]
            if not self.spill.counted:
                self.spill.add(source, target)
                continue
            arcs = arcs[:used]
            counts = lists.rows[lists.index[arcs]]
            self.spill.add(source, target, counts)
            owned = counts[:, OWNER] & FORWARD > 0
            hosts = places[start - 1 + np.searchsorted(offsets, arcs[owned], side="right")]
            self._mark_other_way(source[owned], hosts.astype(np.uint32))

    def add_packed(self, packed: Packed, first: int, numbering: Numbering) -> None:
        """Spill the arcs of a range as a spill has them, those within a domain left out, and one of equal ones.

        They were sorted before, and so were checked: sources rise, and there are all of them and of the targets.
        """
        owns = self.domain_of[numbering.places(np.arange(first, first + packed.width))]
        state = np.full(1 << packed.bits, np.uint64(0xFFFFFFFF) << np.uint64(32), np.uint64)
        state[: packed.width] |= owns.astype(np.uint64)
        most = min(SLICE, packed.arcs)
        room = np.empty(most, np.uint32), np.empty(most, np.uint32)
        at = before = 0
        while at < len(packed.words):
            given = packed.words, packed.bits, np.uint64(at), np.uint64(before), numbering.directory
            used, at, before = leaving_packed(*given, self.domain_of, state, *room)
            self.spill.add(room[0][:used], room[1][:used])

    def state(self) -> dict[str, Any]:
        """Return what was spilled so far."""
        return self.spill.state()

    def rewind(self, state: dict[str, Any]) -> None:
        """Forget what was spilled after a state."""
        self.spill.rewind(state)

    def _mark_other_way(self, source: NDArray[np.uint32], target: NDArray[np.uint32]) -> None:
        """Spill the mark that the domains of pairs of hosts of one owner have it in the other direction as well."""
        counts = np.zeros((len(source), len(COLUMNS)), np.int64)
        counts[:, OWNER] = BACKWARD
        self.spill.add(target, self.domain_of[source].astype(np.uint32), counts)


def slices(offsets: NDArray[np.int64], size: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of lists of about `size` arcs, at least one list each."""
    start, last = 0, len(offsets) - 1
    while start < last:
        stop = int(np.searchsorted(offsets, offsets[start] + size, side="right")) - 1
        stop = min(max(stop, start + 1), last)
        yield start, stop
        start = stop


def write_nodes(
    out: GraphSets,
    level: Level,
    by_place: Mapping[str, NDArray[Any]],
    by_id: Mapping[str, NDArray[Any] | None],
    numbering: Numbering,
) -> Written:
    """Write the nodes of a level: columns as in add_level, and `links` and `tier`, which come from the numbering."""
    schema, tier = NODES[level], numbering.tiers()
    with TableWriter(out.nodes(level), 0, schema) as writer:
        for start in range(0, numbering.nodes, ROWS):
            stop = min(start + ROWS, numbering.nodes)
            places, links = numbering.places(np.arange(start, stop)), tier[start:stop] > 0
            rows = {"links": links, "tier": tier[start:stop]}
            rows |= {name: values[places] for name, values in by_place.items()}
            rows |= {name: links if values is None else values[start:stop] for name, values in by_id.items()}
            arrays = [pa.array(rows[field.name], field.type) for field in schema]
            writer.write(pa.table(arrays, schema=schema))
    return writer.written
