"""Workers: how much two do, what one costs to start, and what it holds in memory while it runs."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.suite.crawl import label
from benchmarks.suite.figures import flatness, spread
from benchmarks.suite.serve import descendants, stat_fields
from benchmarks.suite.side import ONE_THREAD, REPOSITORY

INTERVAL: Final = 0.25
"""Seconds between two looks at memory."""
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Memory:
    """Resident bytes of every pool worker, with the page worker that it keeps, over time."""

    start: float = field(default_factory=time.perf_counter)
    samples: dict[int, list[tuple[float, int]]] = field(default_factory=dict)

    def look(self, root: int) -> None:
        """Add a sample for every worker of the run whose process is `root`."""
        now = time.perf_counter() - self.start
        for worker in workers(root):
            held = resident(worker) + sum(resident(child) for child in descendants(worker))
            self.samples.setdefault(worker, []).append((now, held))

    def summary(self) -> dict[str, Any]:
        """Return the peak of any worker in bytes, memory late over early (the worst), and some 40 looks at each."""
        flat = [found for found in map(flatness, self.samples.values()) if found is not None]
        peak = max((size for rows in self.samples.values() for _, size in rows), default=0)
        series = [[size >> 20 for _, size in rows[:: max(1, len(rows) // 40)]] for rows in self.samples.values()]
        return {"peak": peak, "late_over_early": max(flat, default=None), "series_mib": series}


def workers(root: int) -> Iterator[int]:
    """Yield the pool's worker processes: spawned Pythons that are no helper of the pool."""
    for process in descendants(root):
        try:
            words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(b"spawn_main" in word for word in words):
            yield process


def resident(process: int) -> int:
    """Return the resident bytes of a process, 0 when it is gone."""
    fields = stat_fields(process)
    return int(fields[21]) * PAGE if fields else 0


def run_recipe(python: str, root: Path, crawl: Path, extractor: str, count: int, recipe: str) -> dict[str, Any]:
    """Run a recipe with `count` workers on as many cores; returns seconds, documents and memory during ingest."""
    shutil.rmtree(root, ignore_errors=True)
    cores = sorted(os.sched_getaffinity(0))[:count]
    command = ["taskset", "-c", ",".join(map(str, cores)), python, "-m", "corpus", "run", recipe]
    command += ["--root", str(root), "--input", str(crawl), "--workers", str(count), "--set", f"extractor={extractor}"]
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(REPOSITORY)}
    archives = sum(path.is_file() for path in crawl.iterdir())
    memory, start = Memory(), time.perf_counter()
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=said, stderr=said) as process,  # noqa: S603
    ):
        while process.poll() is None:
            if len(list((root / "reports" / "ingest").glob("*.json"))) < archives:
                memory.look(process.pid)
            time.sleep(INTERVAL)
        if process.returncode not in (0, 3):  # 3: some inputs could not be read, as in the sample
            said.seek(0)
            words = said.read()[-2000:].decode("utf-8", "replace")
            raise SystemExit(f"failed with {process.returncode}: {' '.join(command)}\n{words}")
    return {"seconds": time.perf_counter() - start, "documents": documents(root), **memory.summary()}


def documents(root: Path) -> int:
    """Return the documents that ingest counted."""
    reports = (root / "reports" / "ingest").glob("*.json")
    return sum(json.loads(path.read_text())["counts"]["documents"] for path in reports)


def scale(python: str, work: Path, crawl: Path, extractor: str, rounds: int) -> dict[str, Any]:
    """Run ingest, annotate and signatures with one and with two workers in turn; returns every run."""
    counts = [1, 2] if len(os.sched_getaffinity(0)) > 1 else [1]
    found: dict[str, Any] = {str(count): [] for count in counts}
    for number in range(rounds):
        for count in counts if number % 2 == 0 else counts[::-1]:
            root = work / f"scaling-{count}"
            one = run_recipe(python, root, crawl, extractor, count, "benchmarks.suite.recipe:pages")
            shutil.rmtree(root)
            found[str(count)].append(one)
            print(f"  {count} workers: {one['documents']:,} documents in {one['seconds']:.1f} s", file=sys.stderr)
    pairs = zip(*found.values(), strict=True)
    ratio = spread([one[0]["seconds"] / one[-1]["seconds"] for one in pairs])._asdict()
    return {"crawl": label(crawl), "extractor": extractor, "runs": found, "ratio": ratio}


def start_up(python: str, work: Path, crawl: str, rounds: int) -> list[dict[str, float]]:
    """Return, by stage, the seconds that a worker's first unit takes longer than the same unit once more.

    The first of the runs has an empty cache of compiled kernels: what the first run on a machine pays.
    """
    found, cache = [], work / "kernels"
    shutil.rmtree(cache, ignore_errors=True)
    for _ in range(rounds + 1):
        command = ["taskset", "-c", "0", python, "-m", "benchmarks.suite.startup", crawl, str(work / "startup")]
        environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(REPOSITORY), "NUMBA_CACHE_DIR": str(cache)}
        done = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=True)  # noqa: S603
        found.append(json.loads(done.stdout))
    return found


def sizes(root: Path) -> dict[str, Any]:
    """Return the bytes of every shard set of a finished root, and its documents."""
    folders = sorted(path for path in root.iterdir() if path.is_dir() and path.name != "reports")
    found = {folder.name: sum(size_of(folder)) for folder in folders}
    return {"documents": documents(root), "sets": {name: size for name, size in found.items() if size}}


def size_of(folder: Path) -> Sequence[int]:
    """Return the sizes of the files below a folder."""
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
