"""Hosts -> registered domains, for hundreds of millions of hosts: one pass, 4 bytes per host.

Hosts come in the order of their ids, which is that of their reversed names' bytes. Domains get dense ids in the order
of theirs. Two traps (Common Crawl's HostToDomainGraph.java names them): `-` sorts before `.`, so the hosts of a domain
are parted by those of the domains that extend its name by a hyphen,

    com.example    com.example-shop    com.example-shop.www    com.example.www

and suffixes lie below domains that are none (`compute.amazonaws.com` is a suffix, `amazonaws.com` is not). So a domain
may begin before, or turn up after, domains whose names follow its own.

Runs of hosts of one domain therefore wait in a window until nothing can come before them. All that may still come lies,
for the last host read, at a beginning of its name: hosts to come sort behind it, and a domain that sorts before them is
a beginning of theirs, so what comes between begins with it too. The shortest beginning of the last host's name that a
host below it would have as its domain is the bound: runs whose domain begins with it wait, all others are done. They
are numbered by sorting their distinct names, and written. What waits is one domain and what extends its name: a few
thousand runs mostly, millions at most (all sites of a large platform, until its `www`), 50 bytes each. An external sort
of all domains would need the disk, and the time to sort what is nearly in order.

Hosts that are public suffixes stand for themselves (Common Crawl's tool leaves them out unless it is told otherwise).
With Suffixes("icann") the domains are those of Common Crawl's domain graphs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpus.errors import PipelineError
from corpus.kernels import kernel
from corpus.schema import column
from corpus.url import PLATFORMS, Suffixes
from sitegraph.building.suffixtree import LENGTH, PLATFORM, SETTLED, SUFFIX, Tree, domain_end, suffix_tree

ROWS: Final = 1 << 18
"""Most rows of a table that is written."""
MAX_DOMAINS: Final = 2**31 - 1

FOLDED = pa.schema(
    [
        column("reversed", pa.string(), "registered domain, or a suffix that is a host itself, reversed"),
        column("hosts", pa.int64(), "hosts of the graph in it"),
        column("platform", pa.bool_(), "a public suffix or hosting platform: what lies below is not its own"),
    ]
)
_RUNS = FOLDED.set(0, pa.field("reversed", pa.large_string()))


def fold(
    names: Iterable[pa.Array], hosts: int, write: Callable[[pa.Table], None], suffixes: Suffixes = PLATFORMS
) -> NDArray[np.int32]:
    """Return for each host the id of its domain: int32[hosts].

    names: arrays of reversed names (strings), ascending over all of them, `hosts` in all. write: gets the domains in
    the order of their ids, in tables of FOLDED of at most ROWS rows.

    Raises PipelineError when the names are not ascending, or not as many as was said.
    """
    folding = _Folding(suffix_tree(suffixes), np.empty(hosts, np.int32), write)
    for array in names:
        for chunk in array.chunks if isinstance(array, pa.ChunkedArray) else [array]:
            folding.add(chunk)
    return folding.finish()


@dataclass(slots=True)
class _Folding:
    """A fold under way: `read` hosts were read, `placed` of them have their domain, `domains` were written."""

    tree: Tree
    domain: NDArray[np.int32]
    write: Callable[[pa.Table], None]
    read: int = 0
    placed: int = 0
    domains: int = 0
    held: list[pa.Table] = field(default_factory=list)
    last: bytes = b""

    def add(self, names: pa.Array) -> None:
        """Read hosts."""
        if not len(names):
            return
        offsets, data = parts(names)
        self.read += len(names)
        first = data[offsets[0] : offsets[1]].tobytes()
        starts, ends, wrong = runs(self.tree, offsets, data)
        if wrong or (self.last and first <= self.last) or self.read > len(self.domain):
            raise self.refused(names, wrong)
        self.last = data[offsets[-2] : offsets[-1]].tobytes()
        self.settle(run_table(offsets, data, starts, ends))

    def refused(self, names: pa.Array, wrong: int) -> PipelineError:
        """Return the error for hosts that cannot be folded; names[wrong] is not behind the one before, if not 0."""
        if self.read > len(self.domain):
            return PipelineError(f"more hosts than the {len(self.domain):,} that were said; build the graph again")
        before, name = names[wrong - 1].as_py() if wrong else self.last.decode(), names[wrong].as_py()
        return PipelineError(f"host names are not ascending: {name!a} comes after {before!a}; build the graph again")

    def settle(self, found: pa.Table) -> None:
        """Number and write all runs but those that something may come before."""
        bound = self.last[: bound_of(self.tree, np.frombuffer(self.last, np.uint8))].decode()
        waits = pc.starts_with(found["reversed"], bound) if bound else pa.chunked_array([[False] * found.num_rows])
        done = np.flatnonzero(~waits.to_numpy())
        count = int(done[-1]) + 1 if len(done) else 0
        if count or (self.held and not self.held[0]["reversed"][0].as_py().startswith(bound)):
            self.number(pa.concat_tables([*self.held, found.slice(0, count)]))
            self.held = []
        if count < found.num_rows:
            self.held.append(found.slice(count))

    def number(self, found: pa.Table) -> None:
        """Give the domains of runs their ids, and write them."""
        if not found.num_rows:
            return
        hosts = found["hosts"].to_numpy()
        coded = found["reversed"].combine_chunks().dictionary_encode()
        order = pc.array_sort_indices(coded.dictionary).to_numpy()
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(self.domains, self.domains + len(order), dtype=np.int32)
        which = coded.indices.to_numpy()
        stop = self.placed + int(hosts.sum())
        self.domain[self.placed : stop] = np.repeat(rank[which], hosts)
        platform = np.zeros(len(order), np.bool_)
        platform[which] = found["platform"].to_numpy()
        sums = np.bincount(which, weights=hosts, minlength=len(order)).astype(np.int64)
        self.placed, self.domains = stop, self.domains + len(order)
        for start in range(0, len(order), ROWS):
            part = order[start : start + ROWS]
            names = coded.dictionary.take(pa.array(part)).cast(pa.string())
            self.write(pa.table([names, sums[part], platform[part]], schema=FOLDED))

    def finish(self) -> NDArray[np.int32]:
        """Number what still waits; return the domains of all hosts."""
        if self.held:
            self.number(pa.concat_tables(self.held))
        if self.read < len(self.domain):
            raise PipelineError(
                f"{self.read:,} hosts, not the {len(self.domain):,} that were said; build the graph again"
            )
        return self.domain


def parts(names: pa.Array) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return offsets and bytes of an array of strings."""
    if names.null_count:
        raise PipelineError("a host without a name; build the graph again")
    width = np.int64 if pa.types.is_large_string(names.type) else np.int32
    _, offsets, data = names.buffers()
    held = np.frombuffer(offsets, width)[names.offset : names.offset + len(names) + 1]
    return held, np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)


def run_table(offsets: NDArray[Any], data: NDArray[np.uint8], starts: NDArray[Any], ends: NDArray[Any]) -> pa.Table:
    """Return a row of _RUNS per run of hosts with one domain; `starts` are their first hosts, `ends` see runs."""
    lengths = ends >> LENGTH
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    text = gathered(data, offsets[starts].astype(np.int64), bounds)
    names = pa.LargeStringArray.from_buffers(len(starts), pa.py_buffer(bounds), pa.py_buffer(text))
    hosts = np.diff(starts, append=len(offsets) - 1)
    return pa.table([names, hosts, ends & SUFFIX != 0], schema=_RUNS)


@kernel
def runs(tree: Any, offsets: Any, data: Any) -> Any:
    """Return the runs of hosts with one domain: the first host of each (int64), and what domain_end says (int64).

    The third value is the first name that is not behind the one before it, 0 when all are.
    """
    n = len(offsets) - 1
    starts, ends = np.empty(n, np.int64), np.empty(n, np.int64)
    count, length, found = 0, 0, 0
    for i in range(n):
        start, stop = offsets[i], offsets[i + 1]
        same = 0
        if i > 0:
            before = offsets[i - 1]
            shorter = min(stop - start, start - before)
            while same < shorter and data[start + same] == data[before + same]:
                same += 1
            if start + same == stop or (before + same < start and data[start + same] < data[before + same]):
                return starts[:0], ends[:0], i
            if found & SETTLED and same >= length and data[start + length] == 46:
                continue
        found_here = domain_end(tree, data, start, stop)
        if i > 0 and found_here >> LENGTH == length and same >= length:
            found = found_here
            continue
        found, length = found_here, found_here >> LENGTH
        starts[count], ends[count] = i, found
        count += 1
    return starts[:count].copy(), ends[:count].copy(), 0


@kernel
def gathered(data: Any, starts: Any, bounds: Any) -> Any:
    """Return the texts that begin at data[starts[i]] and are bounds[i + 1] - bounds[i] long, one behind the other."""
    text = np.empty(bounds[-1], np.uint8)
    for i in range(len(starts)):
        at = starts[i]
        for k in range(bounds[i], bounds[i + 1]):
            text[k] = data[at]
            at += 1
    return text


@kernel
def bound_of(tree: Any, name: Any) -> int:
    """Return the length of the shortest beginning of a name that hosts behind it may have as their domain, or 0.

    Such a beginning ends where a character up to `.` follows, for the host to come has a `.` there and sorts behind.
    """
    for stop in range(1, len(name) + 1):
        if stop == len(name) or name[stop] <= 46:
            found = domain_end(tree, name, 0, stop)
            if found >> LENGTH == stop and (found & SUFFIX == 0 or found & PLATFORM != 0):
                return stop
    return 0
