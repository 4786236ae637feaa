"""A graph from arrays, through the same path as one of billions of arcs: for tests, evaluation and experiments."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.url import PLATFORMS, Suffixes
from sitegraph.building.assemble import Hosts, assemble
from sitegraph.hosts import reverse
from sitegraph.layout import GraphSets
from sitegraph.store.names import NamesWriter
from sitegraph.store.spill import Spill


def graph_of(
    folder: Path,
    names: Sequence[str],
    source: NDArray[Any],
    target: NDArray[Any],
    counts: NDArray[np.int64] | None = None,
    *,
    pages: NDArray[np.int64] | None = None,
    suffixes: Suffixes = PLATFORMS,
) -> GraphSets:
    """Build a graph in `folder` and return it.

    names: distinct host names, in any order. source, target: places in `names`, an arc each; arcs from a host to itself
    are dropped, equal ones merged. counts: int64[arcs, 7] as in classes.COLUMNS (sitewide is worked out from `pages`,
    whatever it says), None where nothing is known of arcs.
    pages: pages read of each host, 0 where unknown.
    """
    reverse_names = np.array([reverse(name).encode() for name in names], object)
    order = np.argsort(reverse_names, kind="stable") if len(names) else np.zeros(0, np.int64)
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    out, work = GraphSets(folder, ""), folder / ".build.tmp"
    shutil.rmtree(work, ignore_errors=True)
    with NamesWriter(out.names("host")) as writer:
        writer.add(pa.array([reverse_names[i].decode() for i in order], pa.string()))
    ids = [place[np.asarray(side, np.int64)].astype(np.uint32) for side in (source, target)]
    kept = ids[0] != ids[1]
    with Spill(work / "host-arcs", len(names), counted=counts is not None) as spill:
        spill.add(ids[0][kept], ids[1][kept], None if counts is None else np.asarray(counts, np.int64)[kept])
    assemble(out, spill, Hosts(pages=None if pages is None else pages[order]), work, suffixes)
    shutil.rmtree(work)
    return out
