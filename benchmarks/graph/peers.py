"""Ours beside networkx, igraph, networkit and a loop of scipy's sparse products, on one graph that fits them all.

From the same integer arrays to the same PageRank: ours by way of files, compressed and synced, as for any graph. Each
in a process of its own, in turn, on one core; networkit, which can use more, and ours on all cores as well. All stop
by a rule that leaves at most 1e-6 of L1 error (peer_side.py); what they give is held against ours and against a
solution to 1e-15. Peers live in an environment of their own, made from benchmarks/graph_peers.txt.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.graph.apart import StepError, apart
from benchmarks.graph.generator import Web
from benchmarks.graph.lab import build_arcs, open_arcs, opened
from benchmarks.graph.peer_side import arrays, measured
from benchmarks.graph.series import rank_warm, solved, transposed
from benchmarks.suite.environment import listed_environment
from benchmarks.suite.machine import versions
from benchmarks.suite.side import REPOSITORY
from sitegraph.ranks.pagerank import PageRank, pageranks
from sitegraph.store.spill import Spill

LIST: Final = REPOSITORY / "benchmarks" / "graph_peers.txt"
PEERS: Final = ("networkx", "igraph", "networkit", "scipy")
MODULE: Final = "benchmarks.graph.peers"
SIDES: Final = "benchmarks.graph.peer_side"
TOLERANCE: Final = 1e-6


def make_environment(cache: Path) -> tuple[str, dict[str, str]]:
    """Return the peers' Python, and which packages of the list could not be installed, with pip's last words."""
    return listed_environment(cache / "graph-peers", LIST)


def write(folder: str, hosts: int, arcs: int) -> dict[str, Any]:
    """Write a generated graph as arrays, in order of source, and its rank to 1e-15 by scipy."""
    root, web = Path(folder), Web(hosts=hosts, arcs=arcs)
    source, target = (np.concatenate(parts).astype(np.int32) for parts in zip(*web.chunks(), strict=True))
    np.save(root / "source.npy", source)
    np.save(root / "target.npy", target)
    np.save(root / "hosts.npy", web.hosts)
    with Spill(root / "exact" / "spill", web.hosts) as spill:
        spill.add(source.astype(np.uint32), target.astype(np.uint32))
    build_arcs(root / "exact", spill)
    graph = open_arcs(root / "exact")
    values = solved(transposed(graph), np.full(graph.n, 1.0 / graph.n))
    np.save(root / "exact.npy", graph.numbering.by_id(values, 0, graph.n))
    return {"hosts": web.hosts, "arcs": len(source)}


def headwater(folder: str, tolerance: float, name: str) -> dict[str, Any]:
    """Arrays to files to ranks."""
    root = Path(folder) / name
    shutil.rmtree(root, ignore_errors=True)  # a build would go on where the last one ended
    threads = len(os.sched_getaffinity(0))
    rank_warm(root, 0, threads)
    source, target, n = arrays(folder)

    def build() -> None:
        with Spill(root / "spill", n) as spill:
            step = 1 << 22
            for at in range(0, len(source), step):
                spill.add(source[at : at + step].view(np.uint32), target[at : at + step].view(np.uint32))
        build_arcs(root, spill)

    def rank(_: Any) -> np.ndarray:
        with opened(root, threads) as passes:
            (found,) = pageranks(passes, [None], PageRank(tolerance=tolerance))
            return found.by_id(passes.graph.numbering)

    return measured(folder, name, build, rank)


def differences(folder: Path, name: str) -> dict[str, float]:
    """Hold a peer's ranks against ours of the same round, and against the exact ones."""
    ours, exact = np.load(folder / "ranks-headwater.npy"), np.load(folder / "exact.npy")
    found = np.load(folder / f"ranks-{name}.npy")
    return {
        "l1": float(np.abs(found - ours).sum()),
        "largest": float(np.abs(found - ours).max()),
        "error": float(np.abs(found - exact).sum()),
    }


def run(folder: Path, options: dict[str, Any], say: Any) -> dict[str, Any]:
    """Make the environment and the graph, and measure in rounds."""
    say("peers: environment")
    python, failed = make_environment(options["cache"])
    say("peers: graph")
    found: dict[str, Any] = {
        "graph": apart(f"{MODULE}:write", folder=folder, hosts=options["hosts"], arcs=options["arcs"])["value"],
        "versions": versions(python, PEERS),
        "failed": failed,
        "rounds": [],
    }
    cores = sorted(os.sched_getaffinity(0))
    for number in range(options["rounds"]):
        one: dict[str, Any] = {}
        for name, chosen in sides(options["peers"], failed, cores):
            say(f"peers: round {number + 1}, {name}")
            one[name] = side(folder, python, name, chosen)
        found["rounds"].append(one)
    return found


def sides(peers: Sequence[str], failed: dict[str, str], cores: list[int]) -> list[tuple[str, list[int]]]:
    """Return who runs on which cores."""
    one = [(name, cores[-1:]) for name in ("headwater", *peers) if name not in failed]
    every = [(f"{name}, {len(cores)} cores", cores) for name in ("headwater", "networkit") if len(cores) > 1]
    return one + [(name, chosen) for name, chosen in every if name.partition(",")[0] in ("headwater", *peers)]


def side(folder: Path, python: str, name: str, cores: list[int]) -> dict[str, Any]:
    """Run one side; return its figures, or why it has none."""
    kind = name.partition(",")[0]
    options: dict[str, Any] = {"folder": folder, "tolerance": TOLERANCE, "cores": cores}
    try:
        if kind == "headwater":
            took = apart(f"{MODULE}:headwater", name=kind, **options)
        else:
            took = apart(f"{SIDES}:{kind}", python=python, **options)
    except StepError as error:
        if kind == "headwater":
            raise
        return {"failed": str(error).splitlines()[-1]}
    return {**took, "differences": differences(folder, kind)}
