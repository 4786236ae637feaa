"""Run the experiments and write the report: see the package's docstring."""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.graph_eval import calibration, experiments, labelling, real, robustness, technical
from benchmarks.graph_eval.lab import Lab, Rows
from benchmarks.graph_eval.rankers import RANKERS
from benchmarks.graph_eval.report import Section, read, rewrite, write
from benchmarks.graph_eval.seeds import CHOICES
from benchmarks.graph_eval.views import views
from benchmarks.graph_eval.web import Web

PLANTED: Final[dict[str, tuple[Callable[[Lab], Rows], str, str]]] = {
    "shape": (calibration.shape, "The web of good sites beside published figures", "Of the sparse web, without spam."),
    "baselines": (
        calibration.baselines,
        "Simple ranks in the dense web beside WEBSPAM-UK2006",
        "All kinds of farms together, 9.8 % of the hosts; linking hosts only. What has no published figure follows.",
    ),
    "spam": (
        experiments.spam,
        "Every rank, by kind and share of farms",
        "AUC of good above spam: over all hosts; over those that link; over those that three domains or more link to; "
        "and with money sites as the only spam. Then the share of spam among the best.",
    ),
    "goodness": (
        labelling.goodness,
        "The chance that a site is good",
        "200 seeds, and 300 hosts drawn at random and labelled, which are not counted; AUC; 10 % of hosts are spam. "
        "Calibration: mean distance of the chances from the shares of good hosts, over tenths of the hosts.",
    ),
    "answers": (
        labelling.answers,
        "How many sites are labelled",
        "All kinds of farms together, 10 % of the hosts; five draws of labelled hosts for each web. As told: the AUC "
        "that the labelled hosts themselves tell, each by the others.",
    ),
    "unseen": (
        labelling.unseen,
        "Kinds of farms that no labelled site is of",
        "The chance as learned in the same web with all kinds but this one; AUC among good hosts and this kind.",
    ),
    "growth": (
        experiments.growth,
        "A growing farm",
        "Share of good sites at or below the farm's money site. It has three plain links from good sites and ten from "
        "forums throughout; where the farm leaks, its members get links from good sites as well.",
    ),
    "hijacked": (
        experiments.hijacked,
        "More and more good sites link to a farm",
        "The same, without a farm and with one of 1,000 members (star), as plain links from good sites grow.",
    ),
    "seeds": (
        robustness.seed_choices,
        "Which seeds, and how many",
        "All kinds of farms together, 10 % of the hosts.",
    ),
    "robustness": (
        robustness.robustness,
        "Other seeds",
        "Trust of domains beside that from all 200 seeds: Kendall's tau-b, Jaccard index of the best 1 %, AUC.",
    ),
    "leaks": (
        experiments.leak_range,
        "How much good sites link to spam",
        "All ways of leaking times a factor; all kinds of farms together, 10 % of the hosts.",
    ),
    "webs": (
        experiments.web_range,
        "Other webs of good sites",
        "Each free choice of the generator, changed alone; all kinds of farms together, 10 % of the hosts.",
    ),
    "caps": (
        experiments.caps,
        "Which supporters the robust rank caps",
        "A small dense web, 10 % spam; all kinds with links out as in the comparison with UK2006.",
    ),
    "truncation": (
        experiments.truncation,
        "How many links the truncated rank leaves out",
        "The dense web of the comparison with UK2006, linking hosts only; by the rank, and by its share of PageRank.",
    ),
    "ablations": (
        experiments.ablations,
        "Settings of the ranks",
        "Each setting changed alone; all kinds of farms together, 10 % of the hosts.",
    ),
    "technical": (
        technical.technical_links,
        "If technical links counted",
        "20 hosts that sites load scripts and fonts from, and nobody links to; all kinds of farms, 10 % of the hosts.",
    ),
}
REAL: Final[dict[str, tuple[Callable[[], Rows], str, str]]] = {
    "canadian": (real.canadian, "A published PageRank of 1,372 sites", "Canadian political sites, crawled in 2009."),
    "farmed": (
        real.farmed,
        "The first 1,000 hosts by harmonic centrality",
        "Two releases of Common Crawl. Unheard of: the host's ICANN domain is never among the first 1,000 domains.",
    ),
    "agreements": (real.agreements, "Published orders beside each other", "Tables are cut by harmonic centrality."),
    "drift": (real.drifting, "Drift of the first 1,000 domains", "By harmonic centrality; the ends last."),
}


def sections(lab: Lab, only: list[str]) -> list[Section]:
    """Run what was asked for, and say how long each took."""
    jobs: dict[str, tuple[Callable[[], Rows], str, str]] = {
        name: (partial(work, lab), title, text) for name, (work, title, text) in PLANTED.items()
    }
    if real.SHARED.is_dir():
        jobs |= REAL
    else:
        print(f"no link data at {real.SHARED}: the sections on real graphs are left out")
    found = []
    for name, (work, title, text) in jobs.items():
        if not only or name in only:
            start = time.perf_counter()
            rows = work()
            found.append(Section(name, title, text, rows, time.perf_counter() - start))
            print(f"{name:12} {found[-1].seconds:7.1f} s, {len(rows)} rows", flush=True)
    return found


def main() -> None:
    """Read the options, run, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranker", choices=sorted(RANKERS), default="engine")
    parser.add_argument("--sites", type=int, default=30_000, help="good sites of the sparse web")
    parser.add_argument("--rounds", type=int, default=2, help="draws of which the mean is told")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--how", choices=CHOICES, default="inverse")
    parser.add_argument("--only", nargs="*", default=[], choices=[*PLANTED, *REAL])
    parser.add_argument("--out", type=Path, default=Path("graph-eval"))
    parser.add_argument("--docs", type=Path, help="a page whose tables are replaced, docs/graph-evaluation.md")
    parser.add_argument("--again", action="store_true", help="no new run: the page from the JSON file in --out")
    options = parser.parse_args()
    if not options.again:
        run(options)
    if options.docs:
        rewrite(options.docs, views(read(options.out)))
        print(f"tables of {options.docs} are those of {options.out}/graph-eval.json")


def run(options: argparse.Namespace) -> None:
    """Run the experiments and write what they found."""
    lab = Lab(
        ranker=RANKERS[options.ranker],
        web=Web(sites=options.sites),
        rounds=options.rounds,
        seeds=options.seeds,
        how=options.how,
    )
    told: dict[str, Any] = {
        key: value for key, value in vars(options).items() if key not in ("out", "only", "docs", "again")
    }
    write(options.out, sections(lab, options.only), told)
    print(f"written to {options.out}/graph-eval.md and .json")


if __name__ == "__main__":
    main()
