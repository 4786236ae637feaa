"""What tests of the graph builder compare: drawn arcs with counts, graphs as sets and dictionaries, files as bytes."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sitegraph.hosts import domain_of, reverse
from sitegraph.layout import GraphSets, Level
from sitegraph.store.opened import Graph

Arc = tuple[str, str]
Row = tuple[int, ...]
BACKWARD = 2


def files_of(sets: GraphSets) -> dict[str, bytes]:
    """Return every file below the graph's folder by its path in it."""
    return {
        path.relative_to(sets.folder).as_posix(): path.read_bytes()
        for path in sorted(sets.folder.rglob("*.*"))
        if path.is_file()
    }


def nodes_of(sets: GraphSets, level: Level, column: str) -> dict[str, Any]:
    """Return a column of the nodes by name."""
    graph = Graph(sets, level)
    return dict(zip((reverse(name) for name in graph.names), graph.column(column).tolist(), strict=True))


def draw_hosts(seed: int, domains: int, hosts: int) -> list[str]:
    """Draw host names: domains with up to several hosts, hyphens and platforms among them."""
    random = np.random.default_rng(seed)
    roots = [f"d{i}{'-x' * (i % 3 == 0)}.{('com', 'co.uk', 'org')[i % 3]}" for i in range(domains)]
    names = {*roots, "a.github.io", "b.github.io", "github.io"}
    while len(names) < hosts:
        names.add(f"h{random.integers(0, 1000)}.{roots[random.integers(0, domains)]}")
    return sorted(names, key=lambda name: name[::-1])


def draw_arcs(
    seed: int, names: Sequence[str], m: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw arcs with counts: repeated ones, ones to itself, some that only mark an owner, in any order."""
    random = np.random.default_rng(seed)
    n = len(names)
    source, target = random.integers(0, max(1, n // 2), m), random.integers(0, n, m) * random.integers(0, 2, m) % n
    counts = np.zeros((m, 7), np.int64)
    counts[:, 0] = random.integers(1, 5, m)
    counts[:, 1:3] = random.integers(0, 3, (m, 2)) * (random.random((m, 2)) < 0.2)
    counts[:, 0] *= random.random(m) < 0.8
    counts[:, 5] = random.integers(0, 4, m) * (random.random(m) < 0.1)
    counts[:, 5] |= (counts[:, :3].sum(axis=1) == 0) * random.integers(1, 3, m)
    counts[:, 3] = counts[:, :3].sum(axis=1) > 0
    counts[:, 4] = random.random(m) < 0.02
    counts[:, 5] *= (counts[:, 4] == 0) | (random.random(m) < 0.3)  # some arcs are technical and nothing else
    return source, target, counts


def plain_hosts(names: Sequence[str], source: Any, target: Any, counts: Any) -> dict[Arc, list[int]]:
    """Return what the host level holds: equal arcs added up, owner bits joined, those that only mark an owner out."""
    found: dict[Arc, list[int]] = {}
    for s, t, row in zip(source.tolist(), target.tolist(), counts.tolist(), strict=True):
        if s != t:
            held = found.setdefault((names[s], names[t]), [0] * 7)
            held[:3] = [a + b for a, b in zip(held, row[:3], strict=False)]
            held[3], held[4], held[5] = max(held[3], row[3]), held[4] + row[4], held[5] | row[5]
    return {arc: row for arc, row in found.items() if any(row[:5]) or row[5] != BACKWARD}


def plain_domains(hosts: dict[Arc, list[int]]) -> dict[Arc, list[int]]:
    """Return what the level of domains holds, from that of hosts: endorsing hosts counted, owners marked both ways."""
    found: dict[Arc, list[int]] = defaultdict(lambda: [0] * 7)
    endorsing: dict[Arc, set[str]] = defaultdict(set)
    for (source, target), row in hosts.items():
        arc = domain_of(source), domain_of(target)
        if arc[0] != arc[1]:
            found[arc][:3] = [a + b for a, b in zip(found[arc], row[:3], strict=False)]
            found[arc][4] += row[4]
            found[arc][5] |= row[5]
            if any(row[:3]):
                endorsing[arc].add(source)
            if row[5] & 1:
                found[arc[::-1]][5] |= BACKWARD
    for arc, some in endorsing.items():
        found[arc][3] = len(some)
    return {arc: row for arc, row in found.items() if any(row[:5]) or row[5] != BACKWARD}


def linking_domains(hosts: dict[Arc, list[int]], names: Sequence[str], level: Level) -> dict[str, int]:
    """Return per node how many domains, other than its own, link to it with an endorsing link."""
    name_of = domain_of if level == "domain" else str
    found: dict[str, set[str]] = {name_of(name): set() for name in names}
    for (source, target), row in hosts.items():
        if any(row[:3]) and domain_of(source) != domain_of(target):
            found[name_of(target)].add(domain_of(source))
    return {name: len(some) for name, some in found.items()}
