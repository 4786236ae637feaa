"""Seeds of a personalised rank: a text file with one host or registered domain per line, `#` begins a comment.

Every known seed has the same mass. At host level a seed is the host of that name; a registered domain that is no host
of the graph itself shares its mass equally among its hosts. At domain level a seed is its registered domain, and
several seeds of one domain count once. A seed that is neither a host nor a domain of the graph is unknown at both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpus.errors import InputError
from sitegraph.graph import count_nodes, read_nodes
from sitegraph.hosts import domain_of, node_name
from sitegraph.layout import GraphSets, Level

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Preferences:
    """A preference per level (float64, one mass per node, not normalised), and how many seeds there were."""

    by_level: Mapping[Level, Vector]
    seeds: int
    unknown: int


def read_seeds(path: Path) -> list[str]:
    """Return the distinct seeds of a file, sorted; node names where they are some, else as written."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot read the seeds ({error.strerror}); check the path") from error
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return sorted({node_name(line) or line for line in lines if line})


def preferences(graph: GraphSets, path: Path) -> Preferences:
    """Return the preferences that a seeds file asks for.

    Raises InputError when none of its seeds is in the graph.
    """
    seeds = read_seeds(path)
    hosts, domains = find(graph, "host", seeds), find(graph, "domain", seeds)
    known = [seed for seed in seeds if seed in hosts or seed in domains]
    if not known:
        raise InputError(f"{path}: none of its {len(seeds):,} seeds is in the graph; name hosts or domains that are")
    owners = find(graph, "domain", sorted({domain_of(seed) for seed in known}))
    at_domains = np.zeros(count_nodes(graph, "domain"))
    at_domains[list(owners.values())] = 1.0
    spread = [domains[seed] for seed in known if seed not in hosts]
    by_level: dict[Level, Vector] = {"host": at_hosts(graph, list(hosts.values()), spread), "domain": at_domains}
    return Preferences(by_level, len(seeds), len(seeds) - len(known))


def at_hosts(graph: GraphSets, hosts: list[int], domains: list[int]) -> Vector:
    """Return a mass of 1 for each of `hosts`, and of 1 shared by the hosts of each of `domains`."""
    owner = np.concatenate(
        [np.zeros(0, np.int32), *(t["domain"].to_numpy() for t in read_nodes(graph, "host", ["domain"]))]
    )
    mass = np.zeros(count_nodes(graph, "domain"))
    mass[domains] = 1.0
    share = mass / np.maximum(np.bincount(owner, minlength=len(mass)), 1)
    preference: Vector = share[owner]
    preference[hosts] += 1.0
    return preference


def find(graph: GraphSets, level: Level, names: list[str]) -> dict[str, int]:
    """Return the ids of those names that are nodes of a level."""
    wanted = pa.array(names, pa.string())
    found: dict[str, int] = {}
    start = 0
    for table in read_nodes(graph, level, ["name"]):
        index = pc.index_in(table["name"], value_set=wanted).combine_chunks()
        rows = np.flatnonzero(index.is_valid().to_numpy(zero_copy_only=False))
        found.update((names[index[row].as_py()], start + int(row)) for row in rows)
        start += table.num_rows
    return found
