"""Run the reader's benchmark: see the package's first lines for the parts."""

import argparse
import datetime
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from benchmarks.reader import checking, data, encodings, peers, report, tokenizer
from benchmarks.suite.machine import describe, versions
from benchmarks.suite.report import publish
from benchmarks.suite.side import REPOSITORY

PACKAGES: Final = ("headwater", "numba", "numpy", "pyarrow", "tokenizers")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Return the command line."""
    cache = REPOSITORY / "build" / "bench"
    parser = argparse.ArgumentParser(prog="benchmarks.reader", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"{', '.join(RUNS)}; all when none is named")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=float, default=64e6, help="that the loaders read in an epoch, at least")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="of the sides that have one")
    parser.add_argument("--flips", type=int, default=20, help="bits that are flipped, one at a time, in each format")
    parser.add_argument("--text", type=Path, default=tokenizer.TEXT, help="what the tokenizer is measured on")
    parser.add_argument("--cache", type=Path, default=cache, help="crawls, the peers' environment, the results")
    parser.add_argument("--results", default="reader", help="name of the results file; what it has already is kept")
    parser.add_argument("--docs", type=Path, help="page to put the tables into, such as docs/reader-performance.md")
    found = parser.parse_args(given)
    unknown = set(found.parts) - set(RUNS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: parts are {', '.join(RUNS)}")
    return found


def say(line: str) -> None:
    """Tell how far it is."""
    print(f"  {datetime.datetime.now(tz=datetime.UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def inside(given: argparse.Namespace, measure: Callable[[Path], Any]) -> Any:
    """Return measure(folder) of a new folder, removed afterwards."""
    with tempfile.TemporaryDirectory(dir=given.cache, prefix="reader-", suffix=".tmp") as folder:
        return measure(Path(folder))


def largest(given: argparse.Namespace) -> data.Tokens:
    """Return the tokens of the documentation crawl, or of the sample where there is none."""
    name, crawl = next(iter(data.crawls(given.cache).items()))
    return data.tokens_of(name, crawl, given.cache)


def run_tokenizer(given: argparse.Namespace) -> Any:
    """Measure the tokenizer."""
    return tokenizer.measure(given.text, given.rounds)


def run_encodings(given: argparse.Namespace) -> Any:
    """Measure encodings on every corpus."""
    found = {}
    for name, crawl in data.crawls(given.cache).items():
        tokens = data.tokens_of(name, crawl, given.cache)
        found[name] = inside(given, lambda work, tokens=tokens: encodings.measure(tokens, work, given.rounds, say))
    return found


def run_peers(given: argparse.Namespace) -> Any:
    """Measure ours and the peers."""
    options = {"tokens": int(given.tokens), "rounds": given.rounds, "core": [given.core], "cache": given.cache}
    return inside(given, lambda folder: peers.run(largest(given), folder, options, say))


def run_features(given: argparse.Namespace) -> Any:
    """Run all loaders through the checks."""
    python, _ = peers.make_environment(given.cache)
    return inside(given, lambda folder: checking.run(largest(given), folder, python, given.flips, say))


RUNS: Final = {"tokenizer": run_tokenizer, "encodings": run_encodings, "peers": run_peers, "features": run_features}


def main(arguments_given: list[str] | None = None) -> int:
    """Measure what was asked for, keep the results, print the tables."""
    given = arguments(arguments_given)
    given.cache.mkdir(parents=True, exist_ok=True)
    path = given.cache / f"{given.results}.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    results |= {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "machine": describe(sys.executable, sys.executable) | {"ours": versions(sys.executable, PACKAGES)},
    }
    for part in given.parts or RUNS:
        results[part] = RUNS[part](given)
        path.write_text(json.dumps(results, indent=1))
    publish(report.sections(results), path, given.docs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
