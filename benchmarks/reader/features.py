"""Loaders through the checks of a loader that resumes, by running them: kill and resume, coverage, damage.

kill     SIGKILL after some batches, the state of the last one saved; a new process goes on with the very next
once     an epoch hands out no sequence twice, and leaves out less than a batch of each lane
damage   bits flipped one at a time in the files of tokens: an error, or the same sequences as before, is well;
         other sequences without an error is silent damage

Several ranks are in ranks.py.
"""

import hashlib
import itertools
import os
import pickle
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reader.steps import LENGTH, loader

STOP = 5
"""Batches before the kill, and before each change of ranks."""


def digests(name: str, folder: str, batch: int, **options: Any) -> list[list[str]]:
    """Return a digest of each sequence of one rank, by batch."""
    return digested(loader(name)(folder, batch, 0, 1, options.pop("state", None), **options).batches)


def digested(batches: Iterable[tuple[Any, Any]]) -> list[list[str]]:
    """Return a digest of each sequence, by batch."""
    return [[digest(row) for row in np.asarray(ids)] for ids, _ in batches]


def digest(row: np.ndarray) -> str:
    """Return a digest of a sequence's inputs."""
    return hashlib.blake2b(np.ascontiguousarray(row, np.int64).tobytes(), digest_size=8).hexdigest()


def killed(name: str, folder: str, batch: int, save: str, **options: Any) -> None:
    """Read some batches, save the state, and be killed."""
    opened = loader(name)(folder, batch, 0, 1, None, **options)
    for _ in itertools.islice(opened.batches, STOP):
        pass
    Path(save).write_bytes(pickle.dumps(opened.state()))
    os.kill(os.getpid(), signal.SIGKILL)


def checks(name: str, folder: str, batch: int, save: str, filled: int, flips: int, **options: Any) -> dict[str, Any]:
    """Return what each check found, and the digests of an epoch; filled: sequences that the tokens fill."""
    whole = digests(name, folder, batch, **options)
    state = pickle.loads(Path(save).read_bytes())  # noqa: S301 - what `killed` wrote
    rest = digests(name, folder, batch, state=state, **options)
    flat = [one for many in whole for one in many]
    return {
        "kill": rest == whole[STOP:],
        "twice": len(flat) - len(set(flat)),
        "left": filled - len(flat),
        "damage": damage(name, folder, batch, whole, flips, options),
        "whole": whole,
    }


def damage(
    name: str, folder: str, batch: int, whole: list[list[str]], flips: int, options: dict[str, Any]
) -> dict[str, int]:
    """Flip bits of the files of tokens one at a time; count errors, reads that stayed the same, and silent changes."""
    random = np.random.default_rng(0)
    suffixes = {".bin", ".mds", ".parquet", ".array_record"}
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix in suffixes and "manifest" not in path.name)
    found = {"error": 0, "same": 0, "silent": 0}
    for _ in range(flips):
        path = files[int(random.integers(len(files)))]
        clean = path.read_bytes()
        bad = bytearray(clean)
        bad[int(random.integers(len(bad) // 10, len(bad) * 9 // 10))] ^= 1 << int(random.integers(8))
        path.write_bytes(bad)
        try:
            found["same" if digests(name, folder, batch, **options) == whole else "silent"] += 1
        except Exception:  # whatever a loader raises is a loud answer
            found["error"] += 1
        path.write_bytes(clean)
    return found


def sequences(tokens: int) -> int:
    """Return how many sequences tokens fill."""
    return tokens // (LENGTH + 1)
