"""A loader's ranks as a launcher starts them: a process each, all at a time, told of each other by the environment.

world    batches of two ranks, joined, are those of one: the same order, or the same sequences in each batch
chain    the same of a run that is resumed with other numbers of ranks, each from the state of the rank with its number

`segment` runs in each rank's process, in the loader's environment; the rest runs in ours.
"""

import functools
import itertools
import os
import pickle
import re
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol

from benchmarks.graph.apart import StepError, apart
from benchmarks.reader.features import STOP, digested
from benchmarks.reader.steps import loader

CHAIN: Final = (2, 4, 1)
"""Numbers of ranks, in turn."""
LIMIT: Final = 300.0
"""Seconds after which a rank is taken to hang."""
RAISED: Final = re.compile(r"(?:\w+\.)*(\w*(?:Error|Exception|Exit|Interrupt))(?::|$)")
"""The line of a traceback that names what was raised."""
STEP: Final = "benchmarks.reader.ranks:segment"


class Read(Protocol):
    """Reads some batches as one of several ranks."""

    def __call__(self, *, rank: int, world: int, port: int, steps: int | None, load: Path | None, save: Path) -> Any:
        """Return a digest of each sequence, by batch, of `steps` batches, with the state behind them kept in `save`;
        of an epoch where steps is None."""
        ...


def segment(
    name: str, folder: str, batch: int, rank: int, world: int, port: int, steps: int | None, load: str | None,
    save: str, **options: Any,
) -> list[list[str]]:  # fmt: skip
    """Do as `Read` says, in this process; the environment is set as torchrun sets it."""
    numbers = {"RANK": rank, "WORLD_SIZE": world, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": world, "MASTER_PORT": port}
    os.environ.update({key: str(value) for key, value in numbers.items()}, MASTER_ADDR="127.0.0.1")
    state = pickle.loads(Path(load).read_bytes()) if load else None  # noqa: S301 - what a segment before wrote
    opened = loader(name)(folder, batch, rank, world, state, **options)
    found = digested(itertools.islice(opened.batches, steps))
    if steps is not None:  # otherwise nobody goes on from there, and not every loader has a state at its end
        Path(save).write_bytes(pickle.dumps(opened.state()))
    return found


def reading(place: str, common: dict[str, Any]) -> Read:
    """Return a `Read` by a process of the Python `place`; common: arguments of `segment` that are always the same."""

    def read(**given: Any) -> Any:
        return apart(STEP, python=place, limit=LIMIT, **common, **given)["value"]

    return read


def together(read: Callable[[int], list[list[str]]], world: int) -> list[list[str]]:
    """Have all ranks read at a time; return the batches that they have together."""
    with ThreadPoolExecutor(world) as pool:
        return joined(list(pool.map(read, range(world))))


def joined(parts: Sequence[list[list[str]]]) -> list[list[str]]:
    """Return the batches that ranks have together."""
    return [list(itertools.chain(*step)) for step in zip(*parts, strict=False)]


def compared(batches: list[list[str]], whole: list[list[str]]) -> str:
    """Say whether batches are those of one rank: `same order`, `same batches`, or `other batches`."""
    if batches == whole:
        return "same order"
    same = len(batches) == len(whole) and all(sorted(a) == sorted(b) for a, b in zip(batches, whole, strict=True))
    return "same batches" if same else "other batches"


def both(read: Read, whole: list[list[str]], folder: Path) -> dict[str, str]:
    """Return what `compared` says of two ranks and of ranks that change, or which error ended either."""
    return {"world": in_turn(read, (2,), None, whole, folder), "chain": chain(read, whole, folder)}


def chain(read: Read, whole: list[list[str]], folder: Path) -> str:
    """Say it of a run whose number of ranks changes."""
    return in_turn(read, CHAIN, STOP, whole[: STOP * len(CHAIN)], folder)


def in_turn(read: Read, worlds: Sequence[int], steps: int | None, whole: list[list[str]], folder: Path) -> str:
    """Say it of some numbers of ranks in turn, of so many batches each."""
    states: list[Path] = []
    batches: list[list[str]] = []
    for turn, world in enumerate(worlds):
        saved = [folder / f"state-{turn}-{rank}" for rank in range(world)]
        given = functools.partial(at_rank, read, world=world, port=free_port(), steps=steps, states=states, saved=saved)
        try:
            batches += together(given, world)
        except Exception as error:  # an answer too, and a better one than other batches
            return f"{named(error)} with {world} {'rank' if world == 1 else 'ranks'}"
        states = saved
    return compared(batches, whole)


def at_rank(
    read: Read, rank: int, *, world: int, port: int, steps: int | None, states: list[Path], saved: list[Path]
) -> Any:
    """Read as one rank, from the state of the rank with its number."""
    load = states[rank % len(states)] if states else None
    return read(rank=rank, world=world, port=port, steps=steps, load=load, save=saved[rank])


def named(error: Exception) -> str:
    """Return the name of an error, that of a step's process where it ended one."""
    if not isinstance(error, StepError):
        return type(error).__name__
    lines = str(error).strip().splitlines()
    names = [found.group(1) for found in map(RAISED.match, lines) if found]
    return names[-1] if names else lines[0]


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
