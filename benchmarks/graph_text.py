"""Read and write web graph text files: inflating alone, and inflating with all that comes after it, side by side.

    python benchmarks/graph_text.py [--arcs 20000000] [--nodes 250000000] [--names 3000000] [--rounds 5]

Edges are as a release has them: ids of nine digits, out-degrees with a heavy tail, of the targets three in five near
the source (logarithmically uniform distances) and the rest drawn from a few popular nodes. They are compressed by zlib
at its level 6, as `gzip` does it, in members of 16 MiB of text. Each way of reading is timed once a round, in turn; the
table has the best and the median wall time of the rounds, and the CPU time of all threads. Rates are those of the best
round, of text, not of gzip; `x` is its wall time over that of inflating with isal in the same run.
"""

import argparse
import gzip
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from isal import igzip, igzip_threaded

from sitegraph.cc.edges import read_edges
from sitegraph.cc.textblocks import BLOCK, text_blocks
from sitegraph.cc.textout import write_edges, write_vertices
from sitegraph.cc.vertices import read_vertices

MEMBER = 16 << 20


def arcs(count: int, nodes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return about `count` arcs in order."""
    random = np.random.default_rng(seed)
    degrees = np.minimum(random.zipf(1.6, count // 6), 100_000)
    degrees = degrees[: int(np.searchsorted(np.cumsum(degrees), count)) + 1]
    linking = np.sort(random.choice(nodes, len(degrees), replace=False, shuffle=False))
    source = np.repeat(linking, degrees)
    distance = np.exp(random.random(len(source)) * np.log(1 << 20)).astype(np.int64)
    popular = np.exp(random.random(len(source)) * np.log(1 << 22)).astype(np.int64) * 104_729 % nodes
    near = source + np.where(random.random(len(source)) < 0.5, -distance, distance)
    target = np.where(random.random(len(source)) < 0.6, near, popular) % nodes
    both = np.unique(source * nodes + target)
    source, target = both // nodes, both % nodes
    kept = source != target
    return source[kept].astype(np.uint32), target[kept].astype(np.uint32)


def names(count: int, seed: int = 1) -> pa.Array:
    """Return about `count` reversed names in order, a third of them with www, some with further hosts."""
    random = np.random.default_rng(seed)
    parts = [
        "shop",
        "news",
        "blog",
        "my",
        "the",
        "tech",
        "online",
        "line",
        "world",
        "and",
        "ti",
        "re",
        "mo",
        "ba",
        "ko",
    ]
    tops = ["com", "org", "net", "de", "uk.co", "ru", "br.com", "info", "io.github", "jp"]
    words = [np.array(parts)[random.integers(0, len(parts), count)].astype(object) for _ in range(3)]
    found = np.array(tops)[random.integers(0, len(tops), count)].astype(object) + "."
    found += words[0] + words[1] + "-" + words[2] + random.integers(0, 1000, count).astype(str).astype(object)
    found += np.array(["", ".www", ".m", ".blog.www"])[random.choice(4, count, p=[0.5, 0.3, 0.1, 0.1])].astype(object)
    return pa.array(np.unique(found.astype(str)), pa.string())


def zipped(text: Path) -> Path:
    """Compress a file as gzip does, in members, on all processors; return the new file."""
    out = text.with_name(text.name + ".gz")
    with open(text, "rb") as source, open(out, "wb") as target, ThreadPoolExecutor() as pool:
        for member in pool.map(lambda part: gzip.compress(part, 6), iter(lambda: source.read(MEMBER), b"")):
            target.write(member)
    return out


def drained(stream: Any) -> None:
    """Read a stream to its end."""
    with stream:
        while stream.read(BLOCK):
            pass


def used(items: Iterable[Any]) -> None:
    """Take all that an iterator gives."""
    for _ in items:
        pass


def timed(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """Return wall and CPU seconds of each way, once a round in turn."""
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            way()
            found[name][0].append(time.perf_counter() - wall)
            found[name][1].append(time.process_time() - cpu)
    return found


def report(title: str, size: int, rows: int, base: str, found: dict[str, tuple[list[float], list[float]]]) -> None:
    """Print a table: seconds, rates, and the factor over `base`."""
    print(f"\n{title:34} {'best s':>7} {'median':>7} {'CPU s':>6} {'MB/s':>7} {'M rows/s':>9} {'x':>6}")
    against = min(found[base][0]) if base else 0.0
    for name, (walls, cpus) in found.items():
        wall = min(walls)
        factor = f"{wall / against:6.2f}" if against else ""
        rates = f"{size / wall / 1e6:7.0f} {rows / wall / 1e6:9.1f}"
        print(f"{name:34} {wall:7.2f} {statistics.median(walls):7.2f} {min(cpus):6.2f} {rates} {factor}", flush=True)


def ways_of(
    path: Path, packed: Path, kind: str, reader: Callable[[Path], Iterable[Any]]
) -> dict[str, Callable[[], Any]]:
    """Return the ways to read a file."""
    return {
        "zlib (gzip)": lambda: drained(gzip.open(packed)),
        "isal": lambda: drained(igzip.open(packed)),
        "isal (igzip_threaded)": lambda: drained(igzip_threaded.open(packed)),
        "isal, blocks of lines, a thread": lambda: used(text_blocks(packed, kind)),
        f"read_{kind}": lambda: used(reader(packed)),
        f"read_{kind}, plain text": lambda: used(reader(path)),
    }


def levels(path: Path) -> None:
    """Print what compressing 32 MiB of a file takes by level."""
    from isal import isal_zlib  # noqa: PLC0415 - of use here alone

    text = path.read_bytes()[: 32 << 20]
    print(f"\n{'compressing':34} {'CPU s':>7} {'MB/s':>7} {'share':>7}")
    for name, packed in (
        *((f"isal {level}", lambda level=level: isal_zlib.compress(text, level)) for level in range(4)),
        *((f"zlib {level}", lambda level=level: zlib.compress(text, level)) for level in (1, 6)),
    ):
        start = time.process_time()
        share = len(packed()) / len(text)
        seconds = time.process_time() - start
        print(f"{name:34} {seconds:7.2f} {len(text) / seconds / 1e6:7.0f} {share:7.3f}", flush=True)


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arcs", type=int, default=20_000_000)
    parser.add_argument("--nodes", type=int, default=250_000_000)
    parser.add_argument("--names", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix="bench-graph-text-", suffix=".tmp") as folder:
        root, n = Path(folder), options.nodes
        source, target = arcs(options.arcs, n)
        hosts = names(options.names)
        path, list_of_names = root / "edges.txt", root / "vertices.txt"
        write_edges(path, [(source, target)], n)
        write_vertices(list_of_names, [hosts])
        for text, kind, reader, rows in (
            (path, "edges", lambda p: read_edges([p], n), len(source)),
            (list_of_names, "vertices", lambda p: read_vertices([p]), len(hosts)),
        ):
            packed, size = zipped(text), text.stat().st_size
            bits = packed.stat().st_size * 8 / rows
            used(reader(text))  # compiled, and in the page cache
            title = f"{kind}: {size / 1e6:.0f} MB, {bits:.0f} bit a row"
            report(title, size, rows, "isal", timed(ways_of(text, packed, kind, reader), options.rounds))
        writing = {
            "write_edges": lambda: write_edges(root / "e.txt.gz", [(source, target)], n),
            "write_edges, plain text": lambda: write_edges(root / "e.txt", [(source, target)], n),
        }
        report("writing edges", path.stat().st_size, len(source), "", timed(writing, options.rounds))
        writing = {
            "write_vertices": lambda: write_vertices(root / "v.txt.gz", [hosts]),
            "write_vertices, plain text": lambda: write_vertices(root / "v.txt", [hosts]),
        }
        report("writing vertices", list_of_names.stat().st_size, len(hosts), "", timed(writing, options.rounds))
        levels(path)


if __name__ == "__main__":
    main()
