"""What is measured of a loader, in a process of its own: an epoch, and a resume.

Runs in our environment and in the peers', so it imports nothing of either. A loader is a function

    opened(folder, batch, rank, world, state, **options) -> Opened

in a module named as `module:function`; state is what Opened.state gave at an earlier batch, or None.
"""

import importlib
import os
import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LENGTH = 2048
"""Tokens of a sequence."""


@dataclass
class Opened:
    """Batches, as (input_ids, labels) of int64; the state after the last one that was handed out."""

    batches: Iterator[tuple[Any, Any]]
    state: Callable[[], Any]


def loader(name: str) -> Callable[..., Opened]:
    """Return the function named `module:function`."""
    module, _, function = name.partition(":")
    found = importlib.import_module(module)
    if hasattr(found, "imports"):  # what a loader imports is not on its clock
        found.imports(function)
    opened: Callable[..., Opened] = getattr(found, function)
    return opened


def drop(folder: str) -> None:
    """Have the system forget the pages of all files below a folder."""
    for path in (path for path in Path(folder).rglob("*") if path.is_file()):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def warm(folder: str) -> None:
    """Read all files below a folder."""
    for path in (path for path in Path(folder).rglob("*") if path.is_file()):
        with open(path, "rb") as file:
            while file.read(1 << 22):
                pass


def percentile(values: list[float], share: float) -> float:
    """Return the least value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1e6) * len(ordered) // 1_000_000) - 1)]


def epoch(name: str, folder: str, batch: int, cold: bool, save: str, half: int, **options: Any) -> Any:
    """Read an epoch; keep the state of its middle in the file `save`."""
    make = loader(name)
    (drop if cold else warm)(folder)
    start, cpu = time.perf_counter(), time.process_time()
    opened = make(folder, batch, 0, 1, None, **options)
    took, tokens, last = [], 0, start
    for number, (ids, labels) in enumerate(opened.batches, 1):
        if ids.shape != labels.shape or ids.shape[1] != LENGTH:
            raise ValueError(f"{name}: a batch of {ids.shape} and {labels.shape}")
        now = time.perf_counter()
        took.append(now - last)
        tokens += ids.shape[0] * ids.shape[1]
        if number == half:
            Path(save).write_bytes(pickle.dumps(opened.state()))
        last = time.perf_counter()
    seconds, used = time.perf_counter() - start, time.process_time() - cpu
    rest = took[1:] or took
    return {"tokens": tokens, "seconds": seconds, "cpu": used, "batches": len(took), "first": took[0],
            "p50": percentile(rest, 0.5), "p99": percentile(rest, 0.99), "worst": max(rest)}  # fmt: skip


def resume(name: str, folder: str, batch: int, cold: bool, save: str, **options: Any) -> Any:
    """Return the seconds from a saved state to the first batch; imports are not counted."""
    make = loader(name)
    (drop if cold else warm)(folder)
    state = pickle.loads(Path(save).read_bytes())  # noqa: S301 - what `epoch` wrote
    start = time.perf_counter()
    next(iter(make(folder, batch, 0, 1, state, **options).batches))
    return time.perf_counter() - start
