"""Build and rank a generated graph: seconds, rows per second, bytes and peak memory.

    python benchmarks/graph.py [--hosts 1000000] [--links 10000000] [--files 16] [--memory 2]

Hosts link with the skew of the web: sources and targets are drawn from power laws (exponents 0.8 and 1.0 over the
host's number, which differ, so hubs are not authorities), 5 % of the links carry a rel flag, 2 % are same-owner ones. A
fifth of the hosts is written with `www.`. Each step runs in its own process, so its peak memory is its own.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.schema import LINKS
from corpus.storage import ShardSet, TableWriter
from sitegraph.engine import Engine
from sitegraph.layout import GraphSets
from sitegraph.stages import BuildGraph, RankSites

TOP_DOMAINS = ("com", "org", "net", "de", "co.uk", "ru", "com.br", "info", "github.io", "jp")


def host(number: int) -> str:
    """Return the name of host `number`: three hosts in ten share a domain with others."""
    suffix = TOP_DOMAINS[number * 7 % len(TOP_DOMAINS)]
    if number % 10 < 3:
        return f"h{number}.shared{number % 5003}.{suffix}"
    return f"www.site{number}.{suffix}" if number % 5 == 4 else f"site{number}.{suffix}"


def skewed(random: np.random.Generator, count: int, hosts: int, exponent: float) -> np.ndarray:
    """Draw host numbers with probability proportional to number ** -exponent."""
    u = random.random(count)
    if exponent == 1.0:
        return np.minimum(np.exp(u * np.log(hosts)).astype(np.int64), hosts) - 1
    return np.minimum((u * hosts ** (1 - exponent)) ** (1 / (1 - exponent)), hosts - 1).astype(np.int64)


def generate(root: Path, hosts: int, links: int, files: int) -> None:
    """Write link part files."""
    names = np.array([host(number) for number in range(hosts)], dtype=object)
    shuffled = np.random.default_rng(1).permutation(hosts)
    for part in range(files):
        random = np.random.default_rng([2, part])
        count = links // files
        kind = random.random(count)
        flags = np.select([kind < 0.05, kind < 0.07], [1, 8], 0)
        table = pa.table(
            [
                pa.array(names[shuffled[skewed(random, count, hosts, 0.8)]]),
                pa.array(names[skewed(random, count, hosts, 1.0)]),
                pa.array(flags, pa.uint8()),
                pa.array(random.geometric(0.3, count), pa.uint32()),
                pa.array(np.zeros(count), pa.uint32()),
            ],
            schema=LINKS,
        )
        with TableWriter(ShardSet(root, "links"), part, LINKS) as out:
            out.write(table, 1 << 18)


def step(name: str, work: Callable[[], Any], results: Any) -> None:
    """Do one step; put its name, seconds, peak memory and what it returned into `results`."""
    start = time.perf_counter()
    value = work()
    seconds = time.perf_counter() - start
    results.put((name, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, value))


def apart(name: str, work: Callable[[], Any]) -> Any:
    """Run a step in a process of its own and print what it took."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=step, args=(name, work, results))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{name} failed")
    name, seconds, peak, value = results.get()
    print(f"{name:10} {seconds:8.1f} s   peak {peak / 2**30:5.2f} GiB", flush=True)
    return value


def main() -> None:
    """Generate, build, rank, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=1_000_000)
    parser.add_argument("--links", type=int, default=10_000_000)
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--memory", type=float, default=2.0, help="GiB for joins and sorts")
    options = parser.parse_args()
    engine = Engine(memory=int(options.memory * 2**30))
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix="bench-graph-", suffix=".tmp") as folder:
        root = Path(folder)
        graph = GraphSets(root)
        apart("generate", lambda: generate(root, options.hosts, options.links, options.files))
        stage = BuildGraph(links=ShardSet(root, "links"), graph=graph, engine=engine)
        counts = apart("build", lambda: stage.run(0).counts)
        print("          ", ", ".join(f"{name} {value:,}" for name, value in counts.items()))
        size = sum(path.stat().st_size for shard_set in graph.all for path in shard_set.paths())
        print(
            f"           graph {size / 2**20:,.1f} MiB, {8 * size / max(counts['host_arcs'], 1):.1f} bits per host arc"
        )
        ranks = RankSites(graph=graph, authority=ShardSet(root, "authority"))
        counts = apart("rank", lambda: ranks.run(0).counts)
        print("          ", ", ".join(f"{name} {value:,}" for name, value in counts.items()))


if __name__ == "__main__":
    main()
