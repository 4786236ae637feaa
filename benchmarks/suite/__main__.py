"""Run the suite: see the package's first lines, and docs/performance.md for the method."""

import argparse
import datetime
import fnmatch
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.suite import report, scaling
from benchmarks.suite.comparisons import compare
from benchmarks.suite.crawl import as_json, find_crawl, label
from benchmarks.suite.environment import Peers, make_peers
from benchmarks.suite.machine import describe
from benchmarks.suite.plan import Plan, places
from benchmarks.suite.quality import scores
from benchmarks.suite.side import REPOSITORY
from corpus.language.model import find_model


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.suite", description=__doc__)
    cache = REPOSITORY / "build" / "bench"
    parser.add_argument(
        "--crawl", type=Path, help="folder of .warc.gz; default: made beside the repository, else the sample"
    )
    parser.add_argument("--docs-crawl", type=Path, help="folder for workers, memory and sizes; default as above")
    parser.add_argument("--tokenizer", type=Path, help="a larger tokenizer.json; default: one trained on the texts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pages", type=int, help="measure on so many pages only")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core that both sides share")
    parser.add_argument(
        "--clock", choices=("seconds", "cpu"), default="seconds", help="wall or CPU time for the ratios"
    )
    parser.add_argument("--only", nargs="+", default=["*"], metavar="NAME", help="patterns; --list shows the names")
    parser.add_argument("--list", action="store_true", help="print all names and end")
    parser.add_argument("--scaling-extractor", default="resiliparse", help="of the runs with one and two workers")
    parser.add_argument("--cache", type=Path, default=cache, help="environments, crawls and results")
    parser.add_argument("--results", default="results", help="name of the results file; what it has already is kept")
    parser.add_argument("--docs", type=Path, help="page to put the tables into, such as docs/performance.md")
    parser.add_argument("--check", action="store_true", help="one round on 20 pages: do both sides do the same work?")
    parser.add_argument("--tables", action="store_true", help="only write the tables of the last results again")
    return parser.parse_args()


def wanted(name: str, patterns: list[str]) -> bool:
    """Return whether a name is asked for."""
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def extras(given: argparse.Namespace, plan: Plan, results: dict[str, Any]) -> dict[str, Callable[[], None]]:
    """Return what is no comparison, by name; each puts its figures into the results."""
    work, python = plan.work, sys.executable

    def profile(extractor: str) -> None:
        results.setdefault("profiles", {})[extractor] = plan.profile(extractor, given.rounds)

    def scale() -> None:
        docs, rounds = documents(given), min(given.rounds, 3)
        results["scaling"] = scaling.scale(python, work, docs, given.scaling_extractor, rounds)

    def start() -> None:
        results["startup"] = scaling.start_up(python, work, plan.common.warm, given.rounds)

    def sizes() -> None:
        results["sizes"] = {}
        for crawl in {label(plan.crawl): plan.crawl, label(documents(given)): documents(given)}.values():
            root = work / "whole"
            scaling.run_recipe(python, root, crawl, given.scaling_extractor, os.cpu_count() or 1, "web")
            results["sizes"][label(crawl)] = scaling.sizes(root)
            shutil.rmtree(root)

    return {
        "quality": lambda: results.update(quality=scores(plan.places)),
        "extractors": lambda: results.update(extractors=plan.extractors(given.rounds)),
        "profile-resiliparse": lambda: profile("resiliparse"),
        "profile-trafilatura": lambda: profile("trafilatura"),
        "startup": start,
        "scaling": scale,
        "sizes": sizes,
    }


def documents(given: argparse.Namespace) -> Path:
    """Return the crawl of many small pages; with --pages, the sample crawl, which is quick."""
    if given.pages and given.docs_crawl is None:
        return find_crawl(None, given.cache, "absent", "absent")
    return find_crawl(given.docs_crawl, given.cache, "make_docs_crawl.py", "docs")


def main() -> int:
    """Run what is asked for; keep the figures of what is not."""
    given = arguments()
    given.cache.mkdir(parents=True, exist_ok=True)
    if given.check:
        given.rounds, given.pages, given.docs = 1, 20, None
        given.results = "check"
    path = given.cache / f"{given.results}.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() and not given.check else {}
    if not given.tables and not run(given, path, results):
        return 0
    if given.check:
        print(f"{len(results['comparisons'])} comparisons: both sides did the same work")
        return 0
    made = report.sections(results)
    report.publish(made, path, given.docs)
    return 0


def begin(results: dict[str, Any], now: dict[str, Any]) -> None:
    """Drop figures of other pages or by another clock: one table must not mix them. Workers and sizes stay."""
    if any(results.get(name, value) != value for name, value in now.items()):
        for name in ("comparisons", "profiles", "extractors"):
            results.pop(name, None)
    results |= now


def run(given: argparse.Namespace, path: Path, results: dict[str, Any]) -> bool:
    """Measure, and save the results after each part; False when only names were asked for."""
    crawl = find_crawl(given.crawl, given.cache, "make_crawl.py", "pages")
    peers = Peers("", "") if given.list else make_peers(given.cache)
    plan = Plan(
        crawl=crawl.absolute(),
        work=given.cache / "work" / given.results,
        places=places(sys.executable, *peers),
        model=str(find_model()),
        most=given.pages,
        core=given.core,
        tokenizer=given.tokenizer,
    )
    compared, others = plan.comparisons(), extras(given, plan, results)
    if given.list:
        print("\n".join([*compared, *others]))
        return False
    plan.work.mkdir(parents=True, exist_ok=True)
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    begin(results, {"crawl": as_json(plan.common), "clock": given.clock})
    results |= {"date": today, "rounds": given.rounds}
    results["machine"] = describe(sys.executable, peers.python)
    for name, make in compared.items():
        if wanted(name, given.only):
            results.setdefault("comparisons", {})[name] = compare(make(), given.rounds, given.core)
            path.write_text(json.dumps(results, indent=1))
    for name, other in others.items():
        if wanted(name, given.only) and not given.check:
            print(f"  {name}", file=sys.stderr)
            other()
            path.write_text(json.dumps(results, indent=1))
    return True


if __name__ == "__main__":
    sys.exit(main())
