"""Two real stages, small enough to reason about: `count` writes numbers, `double` reads them and writes twice each."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import InputError
from corpus.stage import Result, tick
from corpus.storage import ShardSet, TableWriter

NUMBERS = pa.schema([pa.field("n", pa.int64(), False)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Writes `size` numbers per unit; some units can be told to fail, to kill their worker, or to be left out."""

    root: Path
    units: int = 4
    size: int = 10
    unreadable: tuple[int, ...] = ()
    defect: tuple[int, ...] = ()
    deadly: tuple[int, ...] = ()
    deadly_once: tuple[int, ...] = ()
    name: ClassVar[str] = "count"
    version: ClassVar[int] = 1

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return ()

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (ShardSet(self.root, "numbers"),)

    def settings(self) -> Any:
        return {"size": self.size}

    def shards(self) -> int:
        return self.units

    def sources(self, shard: int) -> tuple[Path, ...]:
        return ()

    def run(self, shard: int) -> Result:
        if shard in self.unreadable:
            raise InputError(f"crawl-{shard}.warc.gz: no such file")
        if shard in self.defect:
            raise ValueError("a defect")
        flag = self.root / f"killed-{shard}"
        if shard in self.deadly or (shard in self.deadly_once and not flag.exists()):
            flag.parent.mkdir(parents=True, exist_ok=True)
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        with TableWriter(self.outputs[0], shard, NUMBERS) as out:
            out.write([{"n": shard * 100 + i} for i in range(self.size)])
        tick(self.size)
        return Result(files=[out.written], counts={"numbers": self.size})


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """Writes twice each number."""

    root: Path
    factor: int = 2
    name: ClassVar[str] = "double"
    version: ClassVar[int] = 1

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return (ShardSet(self.root, "numbers"),)

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (ShardSet(self.root, "doubles"),)

    def settings(self) -> Any:
        return {"factor": self.factor}

    def shards(self) -> int:
        parts = self.inputs[0].parts()
        return max(parts) + 1 if parts else 0

    def sources(self, shard: int) -> tuple[Path, ...]:
        return (self.inputs[0].path(shard),)

    def run(self, shard: int) -> Result:
        numbers = pq.read_table(self.inputs[0].path(shard)).column("n").to_pylist()
        with TableWriter(self.outputs[0], shard, NUMBERS) as out:
            out.write([{"n": n * self.factor} for n in numbers])
        return Result(files=[out.written], counts={"numbers": len(numbers)})


def read(root: Path, name: str) -> list[int]:
    """Return all numbers of a shard set, in order."""
    return [n for path in ShardSet(root, name).paths() for n in pq.read_table(path).column("n").to_pylist()]
