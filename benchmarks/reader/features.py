"""Loaders through the checks of a loader that resumes, by running them: kill and resume, world size, coverage, damage.

kill     SIGKILL after some batches, the state of the last one saved; a new process goes on with the very next
world    batches of two ranks, joined, are those of one: the same order, or the same sequences in each batch
chain    the same of a run that is resumed with other numbers of ranks, each from the state of the rank with its number
once     an epoch hands out no sequence twice, and leaves out less than a batch of each lane
damage   bits flipped one at a time in the files of tokens: an error, or the same sequences as before, is well;
         other sequences without an error is silent damage
"""

import hashlib
import itertools
import os
import pickle
import signal
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reader.steps import LENGTH, loader

STOP = 5
"""Batches before the kill, and before each change of ranks."""
CHAIN = (2, 4, 1)
"""Numbers of ranks, in turn."""


def digests(name: str, folder: str, batch: int, rank: int = 0, world: int = 1, **options: Any) -> list[list[str]]:
    """Return a digest of each sequence, by batch."""
    opened = loader(name)(folder, batch, rank, world, options.pop("state", None), **options)
    return [[digest(row) for row in np.asarray(ids)] for ids, _ in opened.batches]


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


def checks(
    name: str, folder: str, batch: int, save: str, places: int, flips: int, ranks: bool, **options: Any
) -> dict[str, Any]:
    """Return what each check found; places: sequences that the tokens fill."""
    whole = digests(name, folder, batch, **options)
    state = pickle.loads(Path(save).read_bytes())  # noqa: S301 - what `killed` wrote
    rest = digests(name, folder, batch, state=state, **options)
    found: dict[str, Any] = {"kill": rest == whole[STOP:], "world": "not run", "chain": "not run"}
    if ranks:
        parts = [digests(name, folder, batch, rank, 2, **options) for rank in (0, 1)]
        found["world"] = compared(joined(parts), whole)
        found["chain"] = chain(name, folder, batch, whole, options)
    flat = [one for many in whole for one in many]
    found["twice"], found["left"] = len(flat) - len(set(flat)), places - len(flat)
    found["damage"] = damage(name, folder, batch, whole, flips, options)
    return found


def joined(parts: list[list[list[str]]]) -> list[list[str]]:
    """Return the batches that ranks have together."""
    return [list(itertools.chain(*step)) for step in zip(*parts, strict=False)]


def compared(batches: list[list[str]], whole: list[list[str]]) -> str:
    """Say whether batches are those of one rank: `same order`, `same batches`, or `other batches`."""
    if batches == whole:
        return "same order"
    same = len(batches) == len(whole) and all(sorted(a) == sorted(b) for a, b in zip(batches, whole, strict=True))
    return "same batches" if same else "other batches"


def chain(name: str, folder: str, batch: int, whole: list[list[str]], options: dict[str, Any]) -> str:
    """Say what `compared` says of a run whose number of ranks changes, or which error ended it."""
    states: list[Any] = [None]
    batches: list[list[str]] = []
    try:
        for world in CHAIN:
            ranks = [
                loader(name)(folder, batch, rank, world, states[rank % len(states)], **options) for rank in range(world)
            ]
            parts = [
                [[digest(row) for row in np.asarray(ids)] for ids, _ in itertools.islice(one.batches, STOP)]
                for one in ranks
            ]
            batches += joined(parts)
            states = [one.state() for one in ranks]
    except Exception as error:  # an answer too, and a better one than other batches
        return f"{type(error).__name__} with {world} ranks"
    return compared(batches, whole[: STOP * len(CHAIN)])


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
