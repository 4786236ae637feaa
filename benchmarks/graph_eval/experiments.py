"""What is varied, one thing at a time; every experiment returns rows, one dict each, ready for a table.

    spam        farms of each kind and share, under every rank: the main table
    growth      where one money site stands among good sites as its farm grows
    hijacked    the same as the number of good sites that link to it grows
    leaks       how much good sites link to spam
    webs        free choices in the web of good sites
    caps        what the robust and the truncated rank stand for
    truncation  how many links the truncated rank leaves out
    ablations   weights, rel, templates, owners, suffixes, damping, cap

Two webs are used: the sparse one, like the host graphs of Common Crawl, where most nodes link nowhere and have one
link; and the dense one, like a crawl that follows what it finds (calibration.py).
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from benchmarks.graph_eval.calibration import UK_SHARE
from benchmarks.graph_eval.farms import KINDS, Leaks, Planter
from benchmarks.graph_eval.lab import CAMOUFLAGE, MIXED, TRUSTING, Lab, Rows, mean_of
from benchmarks.graph_eval.metrics import auc, judged, percentile, spam_share, turned
from benchmarks.graph_eval.planted import PlantedGraph, Sketch, folded
from benchmarks.graph_eval.rankers import Ranks, plain, weights
from benchmarks.graph_eval.web import dense, good_web
from corpus.url import Suffixes

SHARES: Final = (0.01, 0.05, 0.10, 0.30)
GROWN: Final = ("star", "clique", "pyramid", "tenants", "subdomains")
SIZES: Final = (0, 10, 100, 1_000, 10_000)
HIJACKED: Final = (0, 1, 3, 10, 30, 100)


def spam(lab: Lab, kinds: Sequence[str] = (*KINDS, MIXED), shares: Sequence[float] = SHARES) -> Rows:
    """Return every rank's measures for each kind of farm and share of spam; in the dense web for one share."""
    rows: Rows = []
    for draw in lab.draws():
        for title, web, some in (("sparse", draw.web, shares), ("dense", dense(draw.web), (0.10,))):
            good = good_web(web)
            for kind, share in itertools.product(kinds, some):
                graph = replace(draw, web=web).planted(kind, share, web=good)
                for name, score in draw.scores(graph).items():
                    rows.append({"web": title, "farms": kind, "share": share, "rank": name} | judged(graph, score))
    return mean_of(rows, ("web", "farms", "share", "rank"))


def grown(lab: Lab, web: Sketch, kind: str, members: int, leaks: Leaks, seeds: Sequence[str]) -> dict[str, float]:
    """Return the percentile of a money site among good sites, by rank; seeds are given by name."""
    sketch = web.copy()
    Planter(sketch, lab.web.seed, leaks).farm(kind, members)
    graph = sketch.finish()
    number = {name: i for i, name in enumerate(graph.names)}
    graph = graph.with_seeds(np.array([number[name] for name in seeds]))
    good = graph.judged & ~graph.spam
    money = np.flatnonzero(graph.money)
    scores = lab.scores(graph, Ranks(only=(*TRUSTING, "harmonic")))
    return {name: float(percentile(score, money, good)[0]) for name, score in scores.items()}


def named_seeds(lab: Lab, web: Sketch) -> list[str]:
    """Return the names of seeds chosen on a web without spam."""
    graph = lab.told_of(web.finish())
    return [str(name) for name in graph.names[graph.seeds]]


def growth(lab: Lab, kinds: Sequence[str] = GROWN, sizes: Sequence[int] = SIZES) -> Rows:
    """Return where a money site stands as its farm grows, its links from good sites being the same.

    `leaking`: also members get links from forums and directories, in proportion to their number.
    """
    rows: Rows = []
    quiet = Leaks(hijacked=3, comments=10, listed=0.0, member_comments=0.0, exact=True)
    for draw in lab.draws():
        web = good_web(draw.web)
        seeds = named_seeds(draw, web)
        for kind in kinds:
            for members in sizes:
                for leaking in (False, True):
                    leaks = replace(quiet, listed=0.01, member_comments=0.02) if leaking else quiet
                    found = grown(draw, web, kind, members, leaks, seeds)
                    rows.append({"farm": kind, "leaking": leaking, "members": members} | found)
    return mean_of(rows, ("farm", "leaking", "members"))


def hijacked(lab: Lab, counts: Sequence[int] = HIJACKED, members: int = 1_000, kind: str = "star") -> Rows:
    """Return where a money site stands as more good sites link to it, with a farm and without."""
    rows: Rows = []
    for draw in lab.draws():
        web = good_web(draw.web)
        seeds = named_seeds(draw, web)
        for size in (0, members):
            for count in counts:
                leaks = Leaks(hijacked=count, comments=0, listed=0.0, member_comments=0.0, exact=True)
                rows.append({"members": size, "hijacked": count} | grown(draw, web, kind, size, leaks, seeds))
    return mean_of(rows, ("members", "hijacked"))


def leak_range(lab: Lab, factors: Sequence[float] = (0.0, 0.25, 1.0, 4.0, 16.0), share: float = 0.10) -> Rows:
    """Return every rank's measures as good sites link more to spam: all ways of leaking times a factor."""
    rows: Rows = []
    usual = Leaks()
    for draw in lab.draws():
        web = good_web(draw.web)
        for factor in factors:
            names = ("hijacked", "comments", "listed", "member_comments")
            leaks = replace(usual, **{name: min(getattr(usual, name) * factor, 1.0) for name in names})
            graph = draw.planted(MIXED, share, leaks, web)
            told: dict[str, Any] = {"leaks": factor} | leaked(graph)
            for name, score in draw.scores(graph, Ranks(only=TRUSTING)).items():
                rows.append(told | {"rank": name} | judged(graph, score))
    return mean_of(rows, ("leaks", "rank"))


def leaked(graph: PlantedGraph) -> dict[str, float]:
    """Return how much good sites link to spam."""
    crossing = ~graph.spam[graph.source] & graph.spam[graph.target]
    into = int(graph.spam[graph.target].sum())
    linking = int((graph.links & ~graph.spam).sum())
    return {
        "of links to spam from good": float(crossing.sum()) / max(into, 1),
        "of linking good sites with one": len(np.unique(graph.source[crossing])) / max(linking, 1),
    }


def web_range(lab: Lab, share: float = 0.10) -> Rows:
    """Return trust and PageRank for other webs of good sites, one choice changed at a time."""
    choices: list[tuple[str, dict[str, Any]]] = [
        ("as it is", {}),
        *((f"dangling {x:g}", {"dangling": x}) for x in (0.0, 0.4, 0.9)),
        *((f"in-degree exponent {x:g}", {"in_exponent": x}) for x in (1.7, 1.85, 2.3)),
        *((f"popular sites link more: {x:g}", {"size": x}) for x in (0.0, 0.3, 0.9)),
        *((f"taste {x:g}", {"taste": x}) for x in (0.0, 1.0)),
        *((f"merit {x:g}", {"merit": x}) for x in (0.0, 0.8)),
        *((f"within language {x:g}", {"within": x}) for x in (0.6, 0.97)),
        *((f"forums {x:g}", {"forums": x}) for x in (0.005, 0.08)),
    ]
    rows: Rows = []
    for draw in lab.draws():
        for title, changed in choices:
            other = replace(draw, web=replace(draw.web, **changed))
            graph = other.planted(MIXED, share)
            scores = other.scores(graph, Ranks(only=TRUSTING))
            row: dict[str, Any] = {"web": title, "arcs per node": graph.m / graph.n}
            for name, score in scores.items():
                found = judged(graph, score)
                row |= {f"{name}: auc": found["auc"], f"{name}: known": found["auc of known"]}
                row |= {f"{name}: top 5%": found["spam in top 5%"]}
            rows.append(row)
    return mean_of(rows, ("web",))


def ablations(lab: Lab, share: float = 0.10) -> Rows:
    """Return the measures of each rank as one setting changes."""
    base = Ranks(only=TRUSTING)
    settings: list[tuple[str, Ranks, Suffixes | None]] = [
        ("default", base, None),
        ("weights distinct-hosts", replace(base, preset="distinct-hosts"), None),
        ("weights cc", replace(base, preset="cc"), None),
        ("nofollow 0", replace(base, nofollow=0.0), None),
        ("nofollow 1", replace(base, nofollow=1.0), None),
        ("sponsored 1", replace(base, sponsored=1.0), None),
        ("templates count by page", replace(base, collapse=False), None),
        ("links of one owner endorse", replace(base, owners=True), None),
        ("suffixes icann", base, Suffixes(level="icann")),
        ("suffixes private", base, Suffixes(level="private")),
        *((f"damping {x:g}", replace(base, damping=x), None) for x in (0.5, 0.7, 0.95)),
        *((f"trust damping {x:g}", replace(base, trust_damping=x), None) for x in (0.15, 0.3, 0.7, 0.85)),
        *((f"cap {x:g}", replace(base, cap=x), None) for x in (0.001, 0.05, 0.2)),
        *((f"levels {x}", replace(base, levels=x), None) for x in (1, 2, 3, 6)),
    ]
    rows: Rows = []
    for draw in lab.draws():
        graph = draw.planted(MIXED, share)
        for title, ranks, suffixes in settings:
            for name, score in draw.scores(graph, ranks, suffixes).items():
                word = title.split()[0]
                about = {"cap": "robust", "levels": "truncated", "trust": "trust"}.get(word, name)
                if name == about and (word, name) != ("damping", "trust"):  # trust has a damping of its own
                    rows.append({"setting": title, "rank": name} | judged(graph, score))
        hosts = draw.ranker(base)(graph)
        for name, score in turned(hosts).items():
            rows.append({"setting": "hosts, not domains", "rank": name} | judged(graph, score))
    return mean_of(rows, ("setting", "rank"))


def caps(lab: Lab, share: float = 0.10, kinds: Sequence[str] = ("star", "clique", "network", MIXED)) -> Rows:
    """Return the robust rank with direct supporters and with all of them, and the truncated rank, in a small dense web.

    With all supporters it needs the inverse of a dense matrix: an oracle for what the others stand for.
    """
    rows: Rows = []
    for draw in lab.draws():
        small = replace(draw, web=dense(replace(draw.web, sites=min(draw.web.sites, 9_000))))
        for kind in kinds:
            leaks = Leaks(camouflage=CAMOUFLAGE) if kind == MIXED else None
            graph = small.planted(kind, share, leaks)
            sites, site = folded(graph)
            w = plain().matrix(sites.n, sites.source, sites.target, weights(sites, Ranks()))
            made = {"pagerank": plain().pagerank(w)}
            made |= {f"direct supporters, cap {x:g}": plain().robust(w, sites.group, x) for x in (0.1, 0.01, 0.001)}
            made |= {f"all supporters, cap {x:g}": plain().robust_by_all(w, x) for x in (0.01, 0.001)}
            made |= {f"truncated, levels {x}": plain().truncated(w, x) for x in (2, 3, 4)}
            for name, score in made.items():
                rows.append({"farms": kind, "rank": name} | judged(graph, score[site]))
    return mean_of(rows, ("farms", "rank"))


def truncation(lab: Lab, links: Sequence[int] = (1, 2, 3, 4, 6, 8)) -> Rows:
    """Return how well the truncated rank, and its share of PageRank, do by how many links they leave out.

    In the dense web that is compared with UK2006, over linking hosts, as there. One link leaves the order of PageRank:
    what is taken away is the same for all.
    """
    rows: Rows = []
    for draw in lab.draws():
        web = replace(draw, web=dense(draw.web))
        graph = web.planted(MIXED, UK_SHARE, Leaks(camouflage=CAMOUFLAGE))
        among = graph.judged & graph.links
        for count in links:
            scores = web.scores(graph, Ranks(levels=count, only=("pagerank", "truncated")))
            row: dict[str, Any] = {"links": count}
            share = scores["truncated"] / scores["pagerank"]
            for name, score in (("truncated", scores["truncated"]), ("truncated / pagerank", share)):
                row[f"auc of {name}"] = auc(score, graph.spam, among)
                row |= {f"top {top:.0%} by {name}": spam_share(score, graph.spam, top, among) for top in (0.05, 0.25)}
            rows.append(row)
    return mean_of(rows, ("links",))
