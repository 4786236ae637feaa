"""Builds that were killed, or met a full disk, come to the bytes of those that were not."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stopped_builds
from stopped_builds import build, finished, prepare, small_ranges, stopping, undisturbed

import corpus.storage
import sitegraph.store.builder
import sitegraph.store.growing
from corpus.errors import StorageError
from sitegraph.store.spill import Spill

Whole = dict[bool, tuple[dict[str, bytes], int]]
SEED = 4


class StoppedError(Exception):
    """What a test stops a build with."""


def raising() -> None:
    """Stop by an exception."""
    raise StoppedError


@pytest.fixture(autouse=True)
def narrow() -> Iterator[None]:
    """Small graphs in several ranges."""
    with small_ranges():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The files of undisturbed builds without and with counts, and how many steps each takes."""
    found = {}
    with small_ranges():
        for counted in (False, True):
            folder = tmp_path_factory.mktemp("whole")
            prepare(folder, SEED, counted)
            with stopping(0, raising) as steps:
                build(folder, counted)
            found[counted] = finished(folder), steps[0]
    return found


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("tenth", range(10))
def test_goes_on_behind_every_step(tmp_path: Path, whole: Whole, counted: bool, tenth: int) -> None:
    """Stopped before or within any step, then called again: the same bytes. A tenth of all steps each."""
    files, steps = whole[counted]
    for step in range(tenth + 1, steps + 1, 10 if not counted else 20):
        folder = tmp_path / str(step)
        prepare(folder, SEED, counted)
        with pytest.raises(StoppedError), stopping(step, raising):
            build(folder, counted)
        build(folder, counted)
        assert finished(folder) == files


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("stride", [7, 29])
def test_goes_on_when_stopped_again_and_again(tmp_path: Path, whole: Whole, counted: bool, stride: int) -> None:
    """Every few steps, until a call gets through."""
    prepare(tmp_path, SEED, counted)
    stops = 0
    for stop in range(stride, 100_000, stride):
        try:
            with stopping(stop, raising):
                build(tmp_path, counted)
        except StoppedError:
            stops += 1
            continue
        break
    assert stops >= 2
    assert finished(tmp_path) == whole[counted][0]


def test_goes_on_after_kills(tmp_path: Path) -> None:
    """SIGKILL at steps drawn by lot, in one process after the other: six builds, and the same bytes each time."""
    support = Path(stopped_builds.__file__)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(support.parent), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, str(support), str(tmp_path), "3"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    killed = [int(line) for line in done.stdout.split()]
    assert len(killed) == 6
    assert sum(killed) > 6


def test_a_finished_build_called_again_changes_nothing(tmp_path: Path, whole: Whole) -> None:
    """Killed behind its last step, before whoever called it had taken notice."""
    for counted in (False, True):
        prepare(tmp_path / str(counted), SEED, counted)
        build(tmp_path / str(counted), counted)
        build(tmp_path / str(counted), counted)
        assert finished(tmp_path / str(counted)) == whole[counted][0]


def test_other_seeds(tmp_path: Path) -> None:
    """A second graph, stopped in the middle of the fold."""
    for seed in (5, 6):
        files = undisturbed(tmp_path / f"{seed}-whole", seed, True)
        prepare(tmp_path / str(seed), seed, True)
        for step in (40, 25, 10, 5):
            with pytest.raises(StoppedError), stopping(step, raising):
                build(tmp_path / str(seed), True)
        build(tmp_path / str(seed), True)
        assert finished(tmp_path / str(seed)) == files


def test_arcs_that_were_lost_are_missed(tmp_path: Path) -> None:
    """A spill that is shorter than was written down is an error that names the file, not a smaller graph."""
    prepare(tmp_path, SEED, False)
    path = max((tmp_path / "work" / "host-arcs").glob("*.words"), key=lambda path: path.stat().st_size)
    os.truncate(path, path.stat().st_size - 8)
    with pytest.raises(StorageError, match=rf"{path.name}: shorter than it was"):
        build(tmp_path, False)


def test_a_finished_range_that_vanished_is_missed(tmp_path: Path) -> None:
    """Its arcs are gone, so it cannot be built again."""
    prepare(tmp_path, SEED, False)
    build(tmp_path, False)
    (tmp_path / "host-arcs" / "part-00000.arcs").unlink()
    with pytest.raises(StorageError, match=r"00000\.words: shorter than it was"):
        build(tmp_path, False)


# A full disk


class Disk:
    """Files on a disk of so many bytes."""

    def __init__(self, size: int) -> None:
        self.left = size

    def open(self, *arguments: Any, **options: Any) -> Any:
        """Open a file whose writes count."""
        return _File(open(*arguments, **options), self)

    def take(self, size: int) -> None:
        """Use up some bytes, or say that there are none."""
        if size > self.left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.left -= size


class _File:
    """A file whose writes count."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self.file, self.disk = file, disk

    def write(self, data: Any) -> int:
        self.disk.take(memoryview(data).nbytes)
        return int(self.file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def full_after(monkeypatch: pytest.MonkeyPatch, size: int) -> Disk:
    """Have the disk full after so many bytes."""
    disk = Disk(size)
    for module in (corpus.storage, sitegraph.store.growing, sitegraph.store.builder):
        monkeypatch.setattr(module, "open", disk.open, raising=False)
    save = np.save

    def saved(path: Any, array: Any) -> None:
        disk.take(array.nbytes)
        save(path, array)

    monkeypatch.setattr(np, "save", saved)
    return disk


@pytest.mark.parametrize("counted", [False, True])
def test_a_full_disk_is_told_and_got_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Whole, counted: bool
) -> None:
    """After any number of bytes: a StorageError that names a path and what to do, and nothing half written in place.

    With some space freed, the build goes on to the same bytes.
    """
    with monkeypatch.context() as patch:
        folder = tmp_path / "measured"
        prepare(folder, SEED, counted)
        disk = full_after(patch, 1 << 40)
        build(folder, counted)
        needed = (1 << 40) - disk.left
        assert finished(folder) == whole[counted][0]
    for size in np.linspace(0, needed - 1, 12).astype(int).tolist():
        folder = tmp_path / str(size)
        prepare(folder, SEED, counted)
        with monkeypatch.context() as patch:
            full_after(patch, size)
            with pytest.raises(StorageError, match=rf"{folder}.*the disk is full \([\d,]+ bytes free\)"):
                build(folder, counted)
        assert not [path for path in folder.rglob("*.tmp") if "work" not in path.parts]
        build(folder, counted)
        assert finished(folder) == whole[counted][0]


@pytest.mark.parametrize("size", [0, 1, 7, 8, 100, 1500, 3000, 8000])
def test_arcs_are_added_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """With 64 bytes that may wait: what a full disk refused of a call is not there when the call is made again, and
    what had waited before is not lost."""
    monkeypatch.setattr(sitegraph.store.growing, "ENOUGH", 64)
    random = np.random.default_rng(1)
    source, target = (random.integers(0, 200, 200).astype(np.uint32) for _ in range(2))
    counts = random.integers(1, 9, (200, 7))
    with Spill(tmp_path / "expected", 200, counted=True) as expected:
        for _ in range(2):
            expected.add(source, target, counts)
    with Spill(tmp_path / "spill", 200, counted=True) as spill:
        spill.add(source, target, counts)
        with monkeypatch.context() as patch:
            full_after(patch, size)
            with pytest.raises(StorageError, match="the disk is full"):
                spill.add(source, target, counts)
        assert spill.arcs == 200
        spill.add(source, target, counts)
    assert spill.arcs == 400
    for number in range(spill.ranges):
        (found, found_counts), (wanted, wanted_counts) = spill.read(number), expected.read(number)
        assert np.array_equal(found.keys(spill.nodes), wanted.keys(spill.nodes))
        assert np.array_equal(found_counts, wanted_counts)


def test_what_another_process_left_does_not_count(tmp_path: Path) -> None:
    """A new spill in the folder of one that was killed begins with nothing."""
    arcs = np.array([1, 2], np.uint32), np.array([3, 4], np.uint32)
    with Spill(tmp_path, 10) as killed:
        killed.add(*arcs)
    with Spill(tmp_path, 10) as spill:
        spill.add(*arcs)
    assert len(spill.read(0)[0].keys(spill.nodes)) == spill.arcs == 2
