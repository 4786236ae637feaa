"""Hosting platforms learned from a graph: registered domains whose hosts are sites of independent owners.

The Public Suffix List and the list of corpus/platforms.txt know the platforms that somebody has told them of. A graph
shows others. A platform has many hosts that others link to; they seldom link one another, for their owners are
strangers; and who links to one of them links to hardly any other, for what they say is unrelated. Departments of a
university or subsidiaries of a company are many as well, but they link one another, and their friends link to several.
The hosts of a link farm link to few others or to themselves, and a farm's other domains link to all of them.

    inside     of the arcs that leave the hosts, the share that stay within the domain. Arcs to its head are left out on
               both sides of the division: the host that most of them link to, the platform's own site as a rule.
    overlap    a domain that links to one of the hosts links to this share of the others, on average over such links:
               sum over linking domains of c (c - 1) / (links (hosts - 1)), c of the hosts being linked by a domain, and
               links the sum of all c. It does not depend on how many hosts there are; with independent neighbourhoods
               it is nearly 0.

Two passes over the arcs, in any order that keeps those of a target together. The first counts, exactly. The second
takes a sample of the hosts, and of the linking domains, of those domains that are still in question: both by a hash of
the id, so every run takes the same. Memory: 8 bytes per domain of the graph, and about 40 for each of `pairs`.

What is proposed is for a person to look at: where a farm is taken for a platform, each of its hosts becomes a site that
can vote. `write_list` stores the names with their evidence; `read_list` reads such a file for Suffixes(extra=...).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.schema import column
from corpus.settings import require
from corpus.storage import write_text
from corpus.url import node_form
from sitegraph.hosts import reverse
from sitegraph.layout import Level
from sitegraph.sites.seedfiles import lines_of, wrong
from sitegraph.store.classes import technical
from sitegraph.store.opened import Graph

Ids = NDArray[Any]
Arcs = Callable[[], Iterable[tuple[Ids, Ids]]]
"""A function that reads the arcs between hosts once more: chunks of (source ids, target ids), a target's together."""

EVIDENCE = pa.schema(
    [
        column("domain", pa.int64(), "id of the registered domain"),
        column("hosts", pa.int64(), "hosts of the graph in it"),
        column("linked", pa.int64(), "those of them that another domain links to"),
        column("arcs", pa.int64(), "arcs that leave its hosts, without those to its head"),
        column("inside", pa.float64(), "share of these that stay within the domain", True),
        column("in_domains", pa.int64(), "distinct domains that link to it"),
        column("links", pa.int64(), "distinct domains that link to each of its hosts, added up"),
        column("overlap", pa.float64(), "share of its hosts that a domain linking to one of them links to", True),
        column("proposed", pa.bool_(), "taken for a platform by the settings"),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """When a registered domain is taken for a hosting platform.

    hosts, linked     it has at least so many hosts, and other domains link to at least so many of them
    arcs              at least so many arcs leave its hosts, or nothing is known of how they link
    inside, overlap   the most of each, see the module
    sample, pairs     for the overlap: hosts that are looked at per domain, and (domain, linking domain) pairs in all
    """

    hosts: int = 100
    linked: int = 50
    arcs: int = 100
    inside: float = 0.2
    overlap: float = 0.05
    sample: int = 256
    pairs: int = 1 << 24

    def __post_init__(self) -> None:
        for name in ("hosts", "linked", "sample"):
            require(getattr(self, name) >= 2, self, name, "a number of hosts, at least 2")
        require(self.arcs >= 1, self, "arcs", "a number of arcs, at least 1")
        require(0 <= self.inside <= 1, self, "inside", "a share from 0 to 1")
        require(0 <= self.overlap <= 1, self, "overlap", "a share from 0 to 1")
        require(self.pairs >= 1000, self, "pairs", "a number of pairs, at least 1,000")


class Named(Protocol):
    """Names of domains by id, reversed."""

    def __getitem__(self, node: int, /) -> str: ...


def learn(graph: Mapping[Level, Graph], settings: Detection | None = None) -> pa.Table:
    """Return rows of EVIDENCE for the domains of a graph; technical links, which a platform sets for all, are none."""
    hosts = graph["host"]
    counted = ~technical(hosts.classes)

    def arcs() -> Iterator[tuple[Ids, Ids]]:
        for source, target, codes in hosts.chunks():
            kept = counted[codes]
            yield source[kept], target[kept]

    return evidence(hosts.column("domain"), graph["domain"].column("in_domains"), arcs, settings or Detection())


def evidence(domain: NDArray[np.int32], in_domains: Ids, arcs: Arcs, settings: Detection) -> pa.Table:
    """Return rows of EVIDENCE for every domain with enough hosts, those with the most hosts first.

    domain: the domain of each host. in_domains: per domain, how many others link to it.
    """
    sizes = np.bincount(domain, minlength=len(in_domains))
    chosen = np.flatnonzero(sizes >= settings.hosts)
    sums = counted(domain, index_of(chosen, len(sizes)), len(chosen), arcs)
    left = sums["arcs"] - sums["head"]
    inside = shares(sums["inside"] - sums["head"], left)
    asked = (sums["linked"] >= settings.linked) & (left >= settings.arcs) & (inside <= settings.inside)
    overlap = np.full(len(chosen), np.nan)
    overlap[asked] = overlaps(domain, chosen[asked], {k: v[asked] for k, v in sums.items()}, arcs, settings)
    rows = {
        "domain": chosen,
        "hosts": sizes[chosen],
        "linked": sums["linked"],
        "arcs": left,
        "inside": pa.array(inside, from_pandas=True),
        "in_domains": np.asarray(in_domains, np.int64)[chosen],
        "links": sums["links"],
        "overlap": pa.array(overlap, from_pandas=True),
        "proposed": asked & (overlap <= settings.overlap),
    }
    return pa.table(rows, schema=EVIDENCE).sort_by([("hosts", "descending"), ("domain", "ascending")])


def shares(part: Ids, whole: Ids) -> NDArray[np.float64]:
    """Return part / whole, NaN where there is nothing to divide by."""
    result: NDArray[np.float64] = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return result


def index_of(chosen: Ids, domains: int) -> NDArray[np.int32]:
    """Return for each domain its place among the chosen ones, or -1."""
    index = np.full(domains, -1, np.int32)
    index[chosen] = np.arange(len(chosen))
    return index


def counted(domain: NDArray[np.int32], index: NDArray[np.int32], chosen: int, arcs: Arcs) -> dict[str, Ids]:
    """Return, by chosen domain: arcs that leave it and stay inside, those to its head, linked hosts, and links."""
    sums = np.zeros((5, chosen), np.int64)
    stamp = np.zeros(len(index), np.uint32)
    state = np.zeros(3, np.int64)
    state[0] = -1
    for source, target in arcs():
        count_arcs(source, target, domain, index, stamp, state, sums)
    finish_target(state, domain, index, sums)
    return dict(zip(("arcs", "inside", "head", "linked", "links"), sums, strict=True))


@kernel
def count_arcs(source: Any, target: Any, domain: Any, index: Any, stamp: Any, state: Any, sums: Any) -> None:
    """Count arcs, a target's together. source, target: ids; sums: see counted; state int64[3]: see finish_target.

    stamp uint32[domains]: 1 + the last target that a domain was seen to link to.
    """
    for i in range(len(source)):
        s, t = source[i], target[i]
        if t != state[0]:
            finish_target(state, domain, index, sums)
            state[0] = t
        leaving, reached = domain[s], domain[t]
        place = index[leaving]
        if place >= 0:
            sums[0, place] += 1
        if leaving == reached:
            if place >= 0 and s != t:
                sums[1, place] += 1
                state[1] += 1
        elif index[reached] >= 0 and stamp[leaving] != np.uint32(t + 1):
            stamp[leaving] = t + 1
            sums[4, index[reached]] += 1
            state[2] += 1


@kernel
def finish_target(state: Any, domain: Any, index: Any, sums: Any) -> None:
    """Settle the target state[0]: state[1] arcs come from its own domain, state[2] other domains link to it."""
    place = index[domain[state[0]]] if state[0] >= 0 else -1
    if place >= 0:
        sums[2, place] = max(sums[2, place], state[1])
        sums[3, place] += state[2] > 0
    state[1] = 0
    state[2] = 0


def overlaps(
    domain: NDArray[np.int32], chosen: Ids, sums: dict[str, Ids], arcs: Arcs, settings: Detection
) -> NDArray[np.float64]:
    """Return the overlap of each chosen domain, from a sample; NaN where fewer than two sampled hosts are linked."""
    if not len(chosen):
        return np.zeros(0)
    index = index_of(chosen, int(domain.max()) + 1)
    of_hosts = np.minimum(settings.sample / np.maximum(sums["linked"], 1), 1.0)
    expected = of_hosts * sums["links"]
    of_domains = np.minimum(budget(expected, settings.pairs) / np.maximum(expected, 1.0), 1.0)
    hosts = np.zeros(len(chosen), np.int64)
    pairs, counts = distinct(sampled_pairs(domain, index, of_hosts, of_domains, hosts, arcs), settings.pairs)
    place = (pairs >> np.uint64(32)).astype(np.int64)
    shared = np.bincount(place, weights=counts * (counts - 1.0), minlength=len(chosen))
    links = np.bincount(place, weights=counts, minlength=len(chosen))
    return shares(shared, links * np.maximum(hosts - 1, 0))


def budget(expected: NDArray[np.float64], pairs: int) -> float:
    """Return the most pairs a domain may have, so that all together have at most `pairs`: the largest give way."""
    ordered = np.sort(expected)
    before = np.concatenate([[0.0], np.cumsum(ordered)[:-1]])
    room = (pairs - before) / np.arange(len(ordered), 0, -1)
    short = np.flatnonzero(room < ordered)
    return float(max(room[short[0]], 1.0)) if len(short) else float(pairs)


def sampled_pairs(
    domain: NDArray[np.int32], index: Ids, of_hosts: Ids, of_domains: Ids, hosts: Ids, arcs: Arcs
) -> Iterator[NDArray[np.uint64]]:
    """Yield a number per sampled host and domain that links to it: place of its domain << 32 | linking domain.

    hosts[place] becomes how many hosts of a domain were sampled.
    """
    whole = float(2**64 - 2**11)
    rates = [np.minimum(np.asarray(r) * 2.0**64, whole).astype(np.uint64) for r in (of_hosts, of_domains)]
    stamp = np.zeros(int(domain.max()) + 1, np.uint32)
    last = np.full(1, -1, np.int64)
    for source, target in arcs():
        found = np.empty(len(source), np.uint64)
        yield found[: sample_arcs(source, target, domain, index, stamp, rates[0], rates[1], last, hosts, found)]


@kernel
def mixed(number: Any) -> Any:
    """Return the hash of a number: the finaliser of SplitMix64 (Steele, Lea, Flood, 2014), uint64."""
    z = np.uint64(number) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def sample_arcs(
    source: Any,
    target: Any,
    domain: Any,
    index: Any,
    stamp: Any,
    of_hosts: Any,
    of_domains: Any,
    last: Any,
    hosts: Any,
    found: Any,
) -> int:
    """Put the sampled pairs of a chunk into found uint64[arcs]; return how many. last int64[1]: last target counted."""
    count = 0
    for i in range(len(source)):
        t = target[i]
        leaving, place = domain[source[i]], index[domain[t]]
        if place < 0 or leaving == domain[t] or mixed(t) > of_hosts[place]:
            continue
        if last[0] != t:
            last[0] = t
            hosts[place] += 1
        if stamp[leaving] != np.uint32(t + 1):
            stamp[leaving] = t + 1
            if mixed(leaving) <= of_domains[place]:
                found[count] = (np.uint64(place) << np.uint64(32)) | np.uint64(leaving)
                count += 1
    return count


def distinct(pairs: Iterator[NDArray[np.uint64]], most: int) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Return the distinct numbers of a stream and how often each occurs; at most `most` wait to be added up."""
    values, counts = np.zeros(0, np.uint64), np.zeros(0)
    waiting: list[NDArray[np.uint64]] = []
    held = 0
    for chunk in pairs:
        waiting.append(chunk.copy())
        held += len(chunk)
        if held >= most:
            values, counts = merged(values, counts, waiting)
            waiting, held = [], 0
    return merged(values, counts, waiting)


def merged(values: Ids, counts: Ids, more: list[NDArray[np.uint64]]) -> tuple[Ids, Ids]:
    """Return distinct values and their counts with more values added."""
    found, times = np.unique(np.concatenate([np.zeros(0, np.uint64), *more]), return_counts=True)
    both, where = np.unique(np.concatenate([values, found]), return_inverse=True)
    return both, np.bincount(where, weights=np.concatenate([counts, times]), minlength=len(both))


def write_list(path: Path, found: pa.Table, names: Named) -> int:
    """Write the proposed domains of EVIDENCE rows as a list of platforms, the evidence as comments; return how many."""
    rows = [row for row in found.to_pylist() if row["proposed"]]
    lines = [
        f"{reverse(names[row['domain']])}  # {row['hosts']:,} hosts, {row['linked']:,} linked by {row['in_domains']:,} "
        f"domains, inside {row['inside']:.3f}, overlap {row['overlap']:.4f}"
        for row in rows
    ]
    write_text(path, "".join(f"{line}\n" for line in ["# Hosting platforms proposed from a graph", *lines]))
    return len(rows)


def read_list(path: Path) -> frozenset[str]:
    """Return the names of a list of platforms, one per line; `#` begins a comment.

    Raises InputError when a line is no domain, or the file cannot be read.
    """
    found = set()
    for number, text in lines_of(path):
        name = node_form(text)
        if name is None:
            raise wrong(path, number, f"{text[:80]!a} is no domain; one name a line, # comments")
        found.add(name)
    return frozenset(found)
