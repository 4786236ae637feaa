"""What a full release takes: worked out from what was measured, never run.

A release of 6.32 G arcs, and the largest that was published (13.43 G), on two workers. Rates come from the slice where
they depend on the size of the vectors, from the largest graph of the series elsewhere, from text for the import; every
assumption is printed beside the figures.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.graph.figures import Results, rates, reached
from benchmarks.suite.tables import number, table
from sitegraph.building.assemble import SLICE
from sitegraph.ranks.contributions import FELT, NARROW
from sitegraph.ranks.pagerank import PageRank, bound
from sitegraph.store.growing import ENOUGH
from sitegraph.store.spill import RANGES, range_bits


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release: its hosts, arcs, the share of hosts that link, and the arcs of its domain graph."""

    name: str
    hosts: int
    arcs: int
    linking: float
    domain_arcs: int


RELEASES: Final = (
    Release(name="2026 apr-may-jun", hosts=247_300_000, arcs=6_320_000_000, linking=0.26, domain_arcs=3_900_000_000),
    Release(
        name="2025-26 nov-dec-jan", hosts=279_400_000, arcs=13_430_000_000, linking=0.24, domain_arcs=6_110_000_000
    ),
)
"""cc-webgraph-statistics, docs/host.tsv and domain.tsv."""
PROCESS: Final = 0.25e9
"""Bytes of a process with all it has loaded."""


def digits(n: int) -> float:
    """Return the mean number of decimal digits of 0 ... n - 1."""
    total, low, places = 0, 0, 1
    while low < n:
        high = min(10**places, n)
        total += (high - low) * places
        low, places = high, places + 1
    return total / n


@dataclass(frozen=True)
class Measured:
    """The figures that a plan rests on, taken from results. `wall` seconds throughout."""

    found: Results

    @property
    def largest(self) -> Results:
        """The largest graph of the series."""
        return max(self.found["series"], key=lambda one: one["spill"]["value"]["arcs"])

    @property
    def threads(self) -> int:
        """The threads that rates are taken of."""
        return max(int(name.split()[2]) for name in self.found["slice"] if name.startswith("loop"))

    def sweep_rate(self, vectors: int, part: str = "loop", threads: int = 0) -> float:
        """Return arcs per second of the slice."""
        step = self.found["slice"][f"{part} {vectors} {threads or self.threads}"]["value"]
        return 1e6 * rates(step, "sweep", "seconds").median

    @property
    def tail(self) -> float:
        """Share of arcs into dangling hosts."""
        return float(self.found["slice"]["figures"]["value"]["shape"]["tail_share"])

    def bytes(self, part: str) -> float:
        """Return bytes per arc of the slice."""
        return float(self.found["slice"]["figures"]["value"]["bytes"][part])

    def sweeps(self, personalised: int, tolerance: float) -> int:
        """Return the sweeps that the largest graph took."""
        found = reached(self.largest[f"ranks {personalised}"]["value"]["trace"], tolerance)
        if found is None:
            raise ValueError(f"the series did not reach {tolerance:g}")
        return found[0]

    def narrow(self, personalised: int) -> int:
        """Return how many of them were with narrow contributions: until rounding was felt, with the default damping."""
        return self.sweeps(personalised, bound(FELT, 1.0, PageRank())) if personalised < NARROW else 0

    def update(self, personalised: int) -> float:
        """Return seconds per source and sweep besides reading arcs: the new values, and their change.

        From the sweeps with wide contributions, beside which sweeps over arcs alone were measured.
        """
        trace, few = self.largest[f"ranks {personalised}"]["value"]["trace"], self.narrow(personalised)
        sources = self.linking(self.largest)
        sweep = (trace[-1][0] - (trace[few - 1][0] if few else 0.0)) / (len(trace) - few)
        step = self.largest[f"sweeps {personalised + 1} {self.threads}"]["value"]
        pulled = step["arcs"] / (1e6 * rates(step, "sweep", "seconds").median)
        return max(sweep - pulled, 0.0) / sources

    def linking(self, one: Results) -> float:
        """Return the sources of a graph of the series."""
        return float(one["spill"]["value"]["hosts"]) * 0.26

    def import_rates(self) -> dict[str, float]:
        """Return bytes of text per second of both readers, and seconds per arc of all that an import does besides."""
        read, wrote = self.found["text"]["read"]["value"], self.found["text"]["write"]["value"]
        whole = self.found["text"]["whole"]["value"]
        took = {
            kind: sorted(one["seconds"] for one in read[f"{kind}: gunzip and parse"])[0]
            for kind in ("edges", "vertices")
        }
        rest = max(whole["seconds"] - sum(took.values()), 0.0) / whole["counts"]["edges"]
        return {kind: wrote[kind]["text"] / seconds for kind, seconds in took.items()} | {"rest": rest}


def minutes(seconds: float) -> str:
    """Return seconds, minutes or hours."""
    if seconds < 120:
        return f"{number(seconds)} s"
    return f"{number(seconds / 60)} min" if seconds < 2 * 3600 else f"{number(seconds / 3600)} h"


def gigabytes(size: float) -> str:
    """Return GB (10**9 bytes)."""
    return f"{number(size / 1e9)} GB"


def rank_seconds(m: Measured, release: Release, personalised: int, tolerance: float) -> float:
    """Return seconds of a rank: out-weights, sweeps, and the last pass."""
    many = m.sweeps(personalised, tolerance)
    narrow = min(m.narrow(personalised), many)
    parts = {"narrow": narrow, "loop": many - narrow}
    arcs = sum(count * sweep_seconds(m, release, personalised + 1, part) for part, count in parts.items() if count)
    updates = many * release.hosts * release.linking * m.update(personalised)
    weights = m.largest["ranks 0"]["value"]["weights"]["seconds"] / m.largest["spill"]["value"]["arcs"] * release.arcs
    return weights + arcs + updates + last_pass(m, release, personalised)


def sweep_seconds(m: Measured, release: Release, vectors: int, part: str = "loop") -> float:
    """Return seconds of a sweep over arcs alone; part: of the slice."""
    return release.arcs * (1 - m.tail) / m.sweep_rate(vectors, part)


def last_pass(m: Measured, release: Release, personalised: int) -> float:
    """Return seconds of the pass over dangling targets, and of scaling: the larger of two ways to work it out."""
    one = m.largest
    scaled = one[f"ranks {personalised}"]["value"]["tail"] / one["spill"]["value"]["hosts"] * release.hosts
    return max(scaled, release.arcs * m.tail / m.sweep_rate(personalised + 1, "tail"))


def inverse_seconds(m: Measured, release: Release) -> tuple[float, int]:
    """Return seconds and sweeps of an inverse rank to 1e-6."""
    ended = [reached(one["inverse"]["value"]["trace"], 1e-6) for one in m.found["series"]]
    many = [one for one in ended if one][-1][0]
    trace = m.largest["inverse"]["value"]["trace"]
    start, loop = trace[0][0], m.largest["sweeps 1 1"]["value"]["arcs"]
    each = (trace[-1][0] - start) / max(len(trace) - 1, 1)
    slower = rates(m.largest[f"sweeps 1 {m.threads}"]["value"], "sweep", "seconds").median * 1e6 / m.sweep_rate(1)
    return (start + many * each) / loop * release.arcs * (1 - m.tail) * max(slower, 1.0), many


def import_parts(m: Measured, release: Release) -> dict[str, float]:
    """Return seconds of reading vertices, reading edges, and all else of an import."""
    per, wrote = m.import_rates(), m.found["text"]["write"]["value"]
    edges = release.arcs * 2 * (digits(release.hosts) + 1)
    vertices = release.hosts * (
        wrote["vertices"]["text"] / wrote["hosts"] - digits(wrote["hosts"]) + digits(release.hosts)
    )
    return {
        "vertices": vertices / per["vertices"],
        "edges": edges / per["edges"],
        "rest": release.arcs * per["rest"],
    }


def disk(m: Measured, release: Release) -> dict[str, float]:
    """Return bytes of temporary and of finished files."""
    sizes, counts = m.found["text"]["whole"]["value"]["sizes"], m.found["text"]["whole"]["value"]["counts"]
    grown = m.bytes("files") / (sizes["host-arcs"] / counts["host_arcs"])
    hosts = sum(size for name, size in sizes.items() if not name.endswith("-arcs")) / counts["hosts"]
    return {
        "temporary": 8.0 * release.arcs,
        "host arcs": m.bytes("files") * release.arcs,
        "domain arcs": sizes["domain-arcs"] / counts["domain_arcs"] * grown * release.domain_arcs,
        "names and nodes": hosts * release.hosts,
    }


def ram(release: Release, vectors: int) -> float:
    """Return bytes of a rank: contributions, out-weights, a group's sums, the numbering, and the finished ranks."""
    sources = release.hosts * release.linking
    group = min(1 << range_bits(release.hosts), release.hosts) * 8 * vectors
    return PROCESS + sources * 8 * (vectors + 1) + group + release.hosts / 4 + release.hosts * 8 * vectors


def import_ram(m: Measured, release: Release) -> float:
    """Return bytes of a build: domain, in-degree, out-degree and numbering of each host, slots of those that link, what
    waits for the files of the domain level and is folded at a time (24 bytes an arc), and the largest range, sorted.

    The largest range holds the host that most link to (8 % of all), and three times the mean besides. Sorted, it takes
    up to 20 bytes an arc (store/sorting.py; as much where arcs come in no order).
    """
    waiting = RANGES * ENOUGH + 24 * SLICE
    largest = release.arcs / RANGES * 3 + 0.08 * release.hosts
    return PROCESS + release.hosts * (4 + 8 + 2 + 1 / 4 + 4 * release.linking) + largest * 20 + waiting


def rows(m: Measured) -> list[list[str]]:
    """Return what is planned, a row each, a column for each release."""
    spilled, built = m.largest["spill"]["value"], m.largest["build"]["value"]
    spill = spilled["spill"]["seconds"] / spilled["arcs"]
    encode = built["seconds"] / built["arcs"]
    planned: list[tuple[str, Callable[[Release], str]]] = [
        ("hosts, arcs", lambda r: f"{r.hosts / 1e6:.1f} M, {r.arcs / 1e9:.2f} G"),
        ("temporary files, at most", lambda r: gigabytes(disk(m, r)["temporary"])),
        ("host arcs", lambda r: gigabytes(disk(m, r)["host arcs"])),
        ("domain arcs", lambda r: gigabytes(disk(m, r)["domain arcs"])),
        ("names and nodes", lambda r: gigabytes(disk(m, r)["names and nodes"])),
        ("memory of the build", lambda r: gigabytes(import_ram(m, r))),
        ("memory of PageRank", lambda r: gigabytes(ram(r, 1))),
        ("memory of PageRank + 3 personalised", lambda r: gigabytes(ram(r, 4))),
        ("import: reading vertices", lambda r: minutes(import_parts(m, r)["vertices"])),
        ("import: reading edges", lambda r: minutes(import_parts(m, r)["edges"])),
        ("import: all else, both levels", lambda r: minutes(import_parts(m, r)["rest"])),
        ("import in all", lambda r: minutes(sum(import_parts(m, r).values()))),
        ("host level from sorted arrays: spill, sort, encode", lambda r: minutes((spill + encode) * r.arcs)),
        ("a sweep, one vector, narrow", lambda r: minutes(sweep_seconds(m, r, 1, "narrow"))),
        ("a sweep, one vector", lambda r: minutes(sweep_seconds(m, r, 1))),
        ("a sweep, four vectors", lambda r: minutes(sweep_seconds(m, r, 4))),
    ]
    for personalised, name in ((0, "PageRank"), (3, "PageRank + 3 personalised")):
        for tolerance in (1e-6, 1e-9):

            def took(r: Release, p: int = personalised, t: float = tolerance) -> str:
                return minutes(rank_seconds(m, r, p, t))

            planned.append((f"{name} to {tolerance:g} ({m.sweeps(personalised, tolerance)} sweeps)", took))
        planned.append((f"{name}: last pass", lambda r, p=personalised: minutes(last_pass(m, r, p))))
    planned.append((
        f"inverse rank to 1e-6 ({inverse_seconds(m, RELEASES[0])[1]} sweeps)",
        lambda r: minutes(inverse_seconds(m, r)[0]),
    ))  # fmt: skip
    return [[name, *(value(release) for release in RELEASES)] for name, value in planned]


def assumptions(m: Measured) -> list[str]:
    """Return what the plan takes for granted."""
    made, figures = m.found["slice"]["make"]["value"], m.found["slice"]["figures"]["value"]
    one = m.largest
    factor = {k: m.sweep_rate(k) / m.sweep_rate(k, threads=1) for k in (1, 4)}
    wrote = m.found["text"]["write"]["value"]
    per = m.import_rates()
    return [
        f"Rates of sweeps and of the last pass, and bytes an arc: the slice ({figures['arcs'] / 1e6:,.0f} M arcs, "
        f"contributions of {made['sources'] / 1e6:.1f} M sources), page cache warm.",
        f"{m.threads} workers: {factor[1]:.2f} times one for one vector, {factor[4]:.2f} for four, as measured.",
        f"{m.tail:.1%} of the arcs lead into dangling hosts, as in the generated graph: no source says how many do.",
        f"Sweeps to a tolerance, seconds per source and sweep besides arcs ({above_noise(m.update(0))} for one vector, "
        f"{above_noise(m.update(3))} for four), out-weights and inverse sweeps: the largest graph of the series "
        f"({one['spill']['value']['arcs'] / 1e6:,.0f} M arcs); sweeps are taken to be as many for larger graphs. The "
        f"first {m.narrow(0)} of one vector are narrow.",
        "Inverse sweeps slow down from there as sweeps do; their number comes from the largest graph where they were "
        "run to the end.",
        f"Import: {per['edges'] / 1e6:,.0f} MB/s of edges as text, {per['vertices'] / 1e6:,.0f} MB/s of vertices, and "
        f"{per['rest'] * 1e9:.0f} ns an arc for all else, from {wrote['hosts'] / 1e6:.2f} M hosts; ids as long as "
        "the release has them; a disk that writes as fast as this one.",
        "Temporary files: 8 bytes an arc; those of hosts, 4 an arc, go range by range while those of domains come, "
        "whose arcs take up to 8. Domain arcs: as many as published, as many bytes each as in the text's graph, and "
        "more as host arcs have; names, nodes and classes: as many bytes a host as there.",
        "Memory by arithmetic: vectors of float64, the finished ranks among them (8 bytes a host each; they can lie in "
        "files); pages of memory-mapped arcs not counted, which the system takes back when it has to.",
        f"Sources: 26 % and 24 % of the hosts (74 and 76 % dangling, published). Largest range: see import_ram; "
        f"{math.ceil(RELEASES[0].hosts / (1 << range_bits(RELEASES[0].hosts)))} ranges.",
    ]


def above_noise(seconds: float) -> str:
    """Return nanoseconds, or that a difference of two measurements came out as nothing."""
    return f"{seconds * 1e9:.1f} ns" if seconds > 0 else "too few to tell from noise"


def ready(found: Results) -> bool:
    """Say whether all that a plan rests on was measured."""
    if not all(found.get(part) for part in ("series", "slice", "text")):
        return False
    m = Measured(found)
    kinds = [f"{vectors} {threads}" for vectors in (1, 4) for threads in (1, m.threads)]
    names = {f"{part} {kind}" for part in ("loop", "tail") for kind in kinds} | {f"narrow 1 {m.threads}"}
    swept = {f"sweeps {kind}" for kind in kinds}
    ended = any(reached(one["inverse"]["value"]["trace"], 1e-6) for one in found["series"])
    return names <= set(found["slice"]) and swept <= set(m.largest) and ended


def plan_tables(found: Results) -> tuple[str, str]:
    """Return the plan as a table, and its assumptions as a list."""
    m = Measured(found)
    head = ["", *(f"release {release.name}" for release in RELEASES)]
    return table(head, rows(m)), "\n".join(f"- {text}" for text in assumptions(m))
