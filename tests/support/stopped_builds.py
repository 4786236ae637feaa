"""Builds that are stopped at a chosen step, by an exception, a full disk or SIGKILL; and what they should come to.

A step is whatever changes the disk: a write to a spill, an array or file saved, a file renamed or deleted. Run as a
program, it builds a graph in forked processes that kill themselves at steps drawn by lot, goes on until the build is
done, and says whether the files are those of an undisturbed one: `python stopped_builds.py FOLDER SEED`.
"""

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
from built_graphs import draw_arcs, draw_hosts, files_of

import sitegraph.building.assemble
import sitegraph.store.builder
import sitegraph.store.growing
import sitegraph.store.numbering
import sitegraph.store.spill
from corpus.storage import remove_leftovers
from sitegraph.building.assemble import Hosts, assemble
from sitegraph.hosts import reverse
from sitegraph.layout import GraphSets
from sitegraph.store.growing import GrowingFile
from sitegraph.store.names import NamesWriter
from sitegraph.store.spill import Spill


@contextlib.contextmanager
def small_ranges() -> Iterator[None]:
    """Ranges of 64 nodes, blocks of 16, and tiers; 100 arcs are folded at a time, and 256 bytes may wait for a file."""
    with (
        mock.patch.object(sitegraph.building.assemble, "SLICE", 100),
        mock.patch.object(sitegraph.store.growing, "ENOUGH", 256),
        mock.patch.object(sitegraph.store.spill, "NARROWEST", 64),
        mock.patch.object(sitegraph.store.builder, "BLOCK", 16),
        mock.patch.object(sitegraph.store.numbering, "TIERED", 0),
    ):
        yield


def prepare(folder: Path, seed: int, counted: bool) -> None:
    """Write the names, and spill the arcs, as an import does: by source, unless they are counted."""
    names = draw_hosts(seed, 60, 250)
    source, target, counts = draw_arcs(seed, names, 3000)
    names = sorted((reverse(name) for name in names), key=str.encode)
    kept = np.flatnonzero(source != target)
    if not counted:
        kept = kept[np.lexsort((target[kept], source[kept]))]
    with NamesWriter(GraphSets(folder, "").names("host")) as writer:
        writer.add(pa.array(names, pa.string()))
    with Spill(folder / "work" / "host-arcs", len(names), counted=counted) as spill:
        arcs = [side[kept].astype(np.uint32) for side in (source, target)]
        spill.add(arcs[0], arcs[1], counts[kept] if counted else None)
        spill.save()


def build(folder: Path, counted: bool) -> None:
    """Build the graph, or go on with it, as a process does that knows nothing but what is on the disk."""
    out = GraphSets(folder, "")
    hosts = sum(1 for _ in range(250))
    with Spill(folder / "work" / "host-arcs", hosts, counted=counted) as spill:
        assert spill.restore()
        pages = np.arange(hosts) % 9 if counted else None
        assemble(out, spill, Hosts(pages=pages), folder / "work")


def finished(folder: Path) -> dict[str, bytes]:
    """Return the files of a finished graph, without what the build left beside them."""
    remove_leftovers(folder)
    shutil.rmtree(folder / "work")
    return files_of(GraphSets(folder, ""))


def undisturbed(folder: Path, seed: int, counted: bool) -> dict[str, bytes]:
    """Return the files of a build that nothing stopped."""
    prepare(folder, seed, counted)
    build(folder, counted)
    return finished(folder)


@contextlib.contextmanager
def stopping(step: int, stop: Callable[[], None]) -> Iterator[list[int]]:
    """Call `stop` at a step, before it is done, or half done where it is a write to a spill; yield the steps so far."""
    done = [0]

    def counted(function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            done[0] += 1
            if done[0] == step:
                stop()
            return function(*arguments, **options)

        return call

    write = GrowingFile.write

    def half(self: GrowingFile) -> None:
        if self._waiting:
            done[0] += 1
        if self._waiting and done[0] == step:
            self._opened().write(self._held[: self._waiting // 2].tobytes() + b"\1\2\3")
            stop()
        write(self)

    with contextlib.ExitStack() as stack:
        saving = ((np, "save"), (sitegraph.store.builder, "keep"))
        for owner, name in (*saving, (Path, "replace"), (Path, "unlink"), (os, "fsync")):
            stack.enter_context(mock.patch.object(owner, name, counted(getattr(owner, name))))
        stack.enter_context(mock.patch.object(GrowingFile, "write", half))
        yield done


def kill() -> None:
    """End this process as the system does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed_build(folder: Path, seed: int, random: np.random.Generator, counted: bool) -> int:
    """Build in processes that are killed at steps drawn by lot, each going on; return how many were killed."""
    prepare(folder, seed, counted)
    killed = 0
    while True:
        step = int(random.integers(1, 60))
        child = os.fork()
        if not child:
            with stopping(step, kill):
                build(folder, counted)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return killed
        assert os.WTERMSIG(status) == signal.SIGKILL
        killed += 1


def main(folder: Path, seed: int) -> None:
    """Compare builds with and without counts; print how many processes were killed."""
    os.fsync = lambda _: None  # type: ignore[assignment]
    random = np.random.default_rng(seed)
    with small_ranges():
        for counted in (False, True):
            whole = undisturbed(folder / f"whole-{counted}", seed, counted)
            for attempt in range(3):
                killed = killed_build(folder / f"{counted}-{attempt}", seed, random, counted)
                assert finished(folder / f"{counted}-{attempt}") == whole
                print(killed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
