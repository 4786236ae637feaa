"""Ranks against published ones, on the link data kept beside the repository.

canadian   the site graph of a crawl of Canadian political sites, 2009, published with a PageRank of each site
           (lintool/warcbase, vis/link-vis): which settings reproduce it
farmed     the first 1,000 hosts of two Common Crawl releases by harmonic centrality: spam in them, by what it can be
           told from a list of names and places, and what folding to sites would do
drift      the first 1,000 domains of 48 releases: how far neighbours agree
"""

import gzip
import json
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from benchmarks.graph_eval.lab import Rows
from benchmarks.graph_eval.planted import Floats
from benchmarks.graph_eval.rankers import plain
from corpus.url import Suffixes
from sitegraph.comparing.agreement import AgreementSettings, kendall, spearman
from sitegraph.comparing.cctables import Lookup, TopTable, read_statistics
from sitegraph.comparing.compare import compare, drift
from sitegraph.comparing.ranktables import RankTable
from sitegraph.hosts import domain_of, reverse

SHARED: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "linkgraph"
GAMBLING: Final = re.compile(
    r"slot|casino|gacor|judi|togel|poker|jackpot|situs|bonus|(?<![a-z])bet(?![a-z])|(?<![a-z])bet\d|bet\d+\b"
)
"""Words of gambling spam in host names, English and Indonesian; `bet` only as a word, or before a number."""


def canadian(folder: Path = SHARED) -> Rows:
    """Return how near each setting comes to the published ranks: L1 of distributions, largest difference, orders."""
    found = json.loads(gzip.decompress((folder / "canadian-politics-2009-host-graph.json.gz").read_bytes()))
    published = np.array([node["pageRank"] for node in found["nodes"]])
    number = {node["domain"]: i for i, node in enumerate(found["nodes"])}
    source, target = (np.array([number[link[end]] for link in found["links"]]) for end in ("src", "dst"))
    pages = np.array([link["count"] for link in found["links"]], np.float64)
    rows = []
    for title, w, dangling in settings(len(number), source, target, pages):
        rank = plain().pagerank(w, 0.85, dangling)
        rows.append({"settings": title} | beside(rank, published))
    return rows


def settings(n: int, source: Any, target: Any, pages: Floats) -> list[tuple[str, Any, Any]]:
    """Return matrices of weights to try, with the treatment of dangling nodes."""
    from scipy import sparse  # noqa: PLC0415 - only here

    pairs, place = np.unique(source * n + target, return_inverse=True)
    added = np.bincount(place, pages)
    each = sparse.csr_array((np.ones(len(source)), (source, target)), shape=(n, n))
    looped = sparse.csr_array((np.ones(len(pairs)), (pairs // n, pairs % n)), shape=(n, n))
    made = plain().matrix
    return [
        ("every dated row an arc, loops kept, mass of dangling sites lost", each, "pseudo"),
        ("distinct arcs, loops kept", looped, "pseudo"),
        ("cc: distinct arcs, no loops", made(n, pairs // n, pairs % n, np.ones(len(pairs))), "strong"),
        ("log-pages: no loops", made(n, pairs // n, pairs % n, np.log1p(added)), "strong"),
        ("pages: no loops", made(n, pairs // n, pairs % n, added), "strong"),
    ]


def beside(rank: Floats, published: Floats) -> dict[str, float]:
    """Compare a rank with a published one; values are rounded to what was published before orders are compared."""
    a, b = rank / rank.sum(), published / published.sum()
    x, y = a.round(9), b.round(9)
    return {
        "L1": float(np.abs(a - b).sum()),
        "largest, in 1/n": float(np.abs(a - b).max() * len(a)),
        "spearman": spearman(x, y),
        "kendall": kendall(x, y),
    }


def farmed(folder: Path = SHARED) -> Rows:
    """Return what the first 1,000 hosts by harmonic centrality hold, release by release.

    A host is unheard of when its ICANN domain is never among the first 1,000 domains, in no release. The band is the
    run of 900 places by PageRank that holds most of the 1,000: hosts of one farm stand together there.
    """
    tables = sorted((folder / "cc-ranks").glob("host-cc-main-*.json.gz"))
    return [farmed_in(path, set(lookup(folder).domains)) for path in tables]


def lookup(folder: Path) -> Lookup:
    """Return the domains over releases."""
    return cast("Lookup", read_statistics(folder / "cc-ranks" / "domain-lookup.json.gz"))


def farmed_in(path: Path, known: set[str]) -> dict[str, Any]:
    """Return the figures of one table."""
    found = cast("TopTable", read_statistics(path))
    names = [reverse(name) for name in found.table["reversed"].to_pylist()]
    place = found.table["harmonic_position"].to_numpy()
    by_pagerank = found.table["position"].to_numpy()
    icann = [domain_of(name, Suffixes(level="icann")) for name in names]
    sites = [domain_of(name) for name in names]
    unheard = np.array([reverse(domain) not in known for domain in icann])
    gambling = np.array([bool(GAMBLING.search(name)) for name in names])
    start, inside = band(by_pagerank, 900)
    harmonic = found.table["harmonic"].to_numpy()
    tenants = Counter(domain for domain, site in zip(icann, sites, strict=True) if domain != site)
    widest = Counter(sites).most_common(1)[0]
    return {
        "release": path.name.removeprefix("host-").removesuffix(".json.gz"),
        "hosts": len(names),
        "gambling names": int(gambling.sum()),
        "their place by harmonic": median(place[gambling]),
        "their place by pagerank": median(by_pagerank[gambling]),
        "of weebly.com": sum(domain == "weebly.com" for domain in icann),
        "of blogspot.com": tenants["blogspot.com"],
        "unheard of": int(unheard.sum()),
        "their median place by harmonic": median(place[unheard]),
        "their median place by pagerank": median(by_pagerank[unheard]),
        "fullest 900 places by pagerank": f"{start:,} to {start + 899:,}",
        "hosts in them": int(inside.sum()),
        "of them unheard of": int((inside & unheard).sum()),
        "neighbours with equal harmonic, to 2e-7": int((np.abs(np.diff(harmonic)) / harmonic[1:] < 2e-7).sum()),
        "ICANN domains": len(set(icann)),
        "sites with platforms": len(set(sites)),
        "widest site": f"{widest[0]} ({widest[1]})",
    }


def median(values: Any) -> float:
    """Return a median, NaN of nothing."""
    return float(np.median(values)) if len(values) else float("nan")


def band(places: Any, width: int) -> tuple[int, Any]:
    """Return where the run of `width` places beyond the first thousand begins that holds most, and what is in it."""
    beyond = np.sort(places[places > 1_000])
    counts = np.searchsorted(beyond, beyond + width) - np.arange(len(beyond))
    start = int(beyond[counts.argmax()])
    return start, (places >= start) & (places < start + width)


def agreements(folder: Path = SHARED) -> Rows:
    """Return how far the published orders agree: harmonic centrality with PageRank, one release with another."""
    tables = {path.name.removesuffix(".json.gz"): path for path in sorted((folder / "cc-ranks").glob("*-cc-main-*.gz"))}
    rows = []
    for level in ("host", "domain"):
        names = [name for name in tables if name.startswith(level)]
        pairs = [((name, "harmonic"), (name, "pagerank")) for name in names]
        pairs += [((names[0], column), (names[-1], column)) for column in ("harmonic", "pagerank")]
        for (a, x), (b, y) in pairs:
            with tempfile.TemporaryDirectory() as scratch:
                one, two = RankTable(path=tables[a], column=x), RankTable(path=tables[b], column=y)
                how = compare(one, two, Path(scratch), settings=AgreementSettings(depths=(100, 1_000))).agreement
            rows.append(
                {
                    "a": f"{a} {x}",
                    "b": f"{b} {y}",
                    "in both": how.shared,
                    "spearman": how.spearman,
                    "kendall": how.kendall,
                    "RBO": how.rbo,
                    "jaccard of first 100": how.overlaps[0].jaccard,
                }
            )
    return rows


def drifting(folder: Path = SHARED, column: str = "harmonic") -> Rows:
    """Return how far the first 1,000 domains of each release agree with those of the one before; the ends last."""
    known = lookup(folder)
    releases = [name for name in known.releases if known.release(name).num_rows]
    tables = [RankTable(path=known.path, column=column, release=name) for name in releases]
    with tempfile.TemporaryDirectory() as scratch:
        found = drift(tables, Path(scratch), settings=AgreementSettings(depths=(1_000,)))
    return [
        {
            "from": pair.a.title,
            "to": pair.b.title,
            "in both": pair.agreement.shared,
            "spearman": pair.agreement.spearman,
            "kendall": pair.agreement.kendall,
            "RBO": pair.agreement.rbo,
        }
        for pair in (*found.pairs, found.ends)
    ]
