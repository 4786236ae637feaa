"""Run the graph's benchmark: see the package's first lines for the parts."""

import argparse
import datetime
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.graph import peers, report, series, text
from benchmarks.graph import slice as full
from benchmarks.suite.machine import describe, versions
from benchmarks.suite.report import publish
from benchmarks.suite.side import REPOSITORY

PARTS: Final = ("series", "slice", "text", "peers", "plan")
PACKAGES: Final = ("headwater", "numba", "numpy", "pyarrow", "isal", "scipy")
SIZES: Final = "250e3:6e6,2.5e6:60e6,25e6:600e6"
QUICK: Final = {
    "sizes": "100e3:2e6", "slice_hosts": 200e3, "slice_arcs": 4e6, "text_hosts": 20e3, "text_arcs": 0.4e6,
    "peer_hosts": 8e3, "peer_arcs": 0.2e6, "rounds": 3, "peer_rounds": 1, "vectors": [1, 4],
}  # fmt: skip


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Return the command line."""
    cache = REPOSITORY / "build" / "bench"
    parser = argparse.ArgumentParser(prog="benchmarks.graph", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="sizes for a check in about a minute")
    parser.add_argument("--sizes", default=SIZES, help="hosts:arcs of the series, apart by commas")
    parser.add_argument("--vectors", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9, help="sweeps that are timed, after one that is not")
    parser.add_argument("--gather", type=float, default=2**28, help="slots that a gather reads at most (4 bytes each)")
    parser.add_argument(
        "--inverse-whole", type=float, default=1e8, help="arcs up to which inverse ranks run to the end"
    )
    parser.add_argument("--slice-hosts", type=float, default=247.3e6)
    parser.add_argument("--slice-arcs", type=float, default=6.32e9)
    parser.add_argument("--share", type=float, default=0.1, help="of the ranges of hosts that the slice has")
    parser.add_argument("--text-hosts", type=float, default=2.5e6)
    parser.add_argument("--text-arcs", type=float, default=60e6)
    parser.add_argument("--peer-hosts", type=float, default=400e3)
    parser.add_argument("--peer-arcs", type=float, default=10e6)
    parser.add_argument("--peer-rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=list(peers.PEERS), help="; none: ours alone")
    parser.add_argument("--clock", choices=("seconds", "cpu"), default="seconds", help="wall or CPU time, for rates")
    parser.add_argument("--cache", type=Path, default=cache, help="the peers' environment and the results")
    parser.add_argument("--work", type=Path, default=cache, help="where temporary files go")
    parser.add_argument("--results", default="graph", help="name of the results file; what it has already is kept")
    parser.add_argument("--docs", type=Path, help="page to put the tables into, such as docs/graph-performance.md")
    if "--quick" in (sys.argv[1:] if given is None else given):
        parser.set_defaults(**QUICK, results="graph-quick")
    found = parser.parse_args(given)
    unknown = set(found.parts) - set(PARTS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: parts are {', '.join(PARTS)}")
    return found


def say(line: str) -> None:
    """Tell how far it is."""
    print(f"  {datetime.datetime.now(tz=datetime.UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def inside(work: Path, needed: float, measure: Callable[[Path], Any]) -> Any:
    """Return measure(folder) of a new folder, removed afterwards; end at once where the disk lacks the bytes."""
    work.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(work).free
    if free < 1.2 * needed:
        raise SystemExit(f"{work}: {free / 1e9:.1f} GB free, {1.2 * needed / 1e9:.1f} needed; name another with --work")
    with tempfile.TemporaryDirectory(dir=work, prefix="graph-", suffix=".tmp") as folder:
        return measure(Path(folder))


def sizes(given: argparse.Namespace) -> list[tuple[int, int]]:
    """Return hosts and arcs of the series, ascending."""
    pairs = [pair.split(":") for pair in given.sizes.split(",")]
    return sorted((int(float(hosts)), int(float(arcs))) for hosts, arcs in pairs)


def run_series(given: argparse.Namespace) -> list[Any]:
    """Measure the series."""
    options = {
        "threads": given.threads,
        "vectors": given.vectors,
        "rounds": given.rounds,
        "gather": int(given.gather),
        "smallest": sizes(given)[0][0],
        "inverse_whole": given.inverse_whole,
        "inverse_sweeps": 3,
    }

    def one(hosts: int, arcs: int) -> Any:
        return inside(given.work, 11 * arcs, lambda folder: series.size(folder, hosts, arcs, options, say))

    return [one(hosts, arcs) for hosts, arcs in sizes(given)]


def run_slice(given: argparse.Namespace) -> Any:
    """Measure the slice."""
    options = {
        "hosts": int(given.slice_hosts),
        "arcs": int(given.slice_arcs),
        "share": given.share,
        "vectors": [one for one in given.vectors if one != 2],
        "threads": given.threads,
        "rounds": given.rounds,
        "gather": int(given.gather),
    }
    return inside(given.work, 11 * given.slice_arcs * given.share, lambda folder: full.run(folder, options, say))


def run_text(given: argparse.Namespace) -> Any:
    """Measure text."""
    options = {"hosts": int(given.text_hosts), "arcs": int(given.text_arcs), "rounds": min(given.rounds, 5)}
    return inside(given.work, 40 * given.text_arcs, lambda folder: text.run(folder, options, say))


def run_peers(given: argparse.Namespace) -> Any:
    """Measure ours and the peers."""
    options = {
        "hosts": int(given.peer_hosts),
        "arcs": int(given.peer_arcs),
        "rounds": given.peer_rounds,
        "peers": given.peers,
        "cache": given.cache,
    }
    return inside(given.work, 40 * given.peer_arcs, lambda folder: peers.run(folder, options, say))


RUNS: Final = {"series": run_series, "slice": run_slice, "text": run_text, "peers": run_peers}


def main(arguments_given: list[str] | None = None) -> int:
    """Measure what was asked for, keep the results, print the tables."""
    given = arguments(arguments_given)
    given.cache.mkdir(parents=True, exist_ok=True)
    path = given.cache / f"{given.results}.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    results |= {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "clock": given.clock,
        "cores": len(os.sched_getaffinity(0)),
        "machine": describe(sys.executable, sys.executable) | {"ours": versions(sys.executable, PACKAGES)},
    }
    for part in given.parts or PARTS:
        if part in RUNS:
            results[part] = RUNS[part](given)
            path.write_text(json.dumps(results, indent=1))
    publish(report.sections(results), path, given.docs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
