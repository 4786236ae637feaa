"""One side of a comparison as a process: started in its environment, pinned to one core, told what to do by line."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

REPOSITORY = Path(__file__).resolve().parent.parent.parent

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
) | {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "PYTHONHASHSEED": "0", "ARROW_NUM_THREADS": "1"}
"""What libraries are told: one thread each, and no network. The core they are pinned to would hold them anyway."""


class SideError(Exception):
    """A side could not do what it was told; the text is its traceback or its last words."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a side runs: a Python, the module that serves its steps, and packages put before its own."""

    python: str
    module: str
    path: tuple[str, ...] = ()
    name: str = field(default="", compare=False)


class Side:
    """A running side: `with Side(place, core=0) as side: side.prepare(...); side.run(...)`."""

    def __init__(self, place: Place, core: int) -> None:
        environment = os.environ | ONE_THREAD
        environment["PYTHONPATH"] = os.pathsep.join([*place.path, str(REPOSITORY)])
        self.place = place
        self._process = subprocess.Popen(  # noqa: S603 - our own modules
            ["taskset", "-c", str(core), place.python, "-m", place.module],  # noqa: S607
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=environment,
        )

    def prepare(self, step: str, options: Mapping[str, Any], warm: Mapping[str, Any] | None = None) -> None:
        """Have a step's inputs loaded, after a small round of it with `warm`, which is not counted."""
        self._ask(
            {
                "do": "prepare",
                "step": step,
                "options": dict(options),
                "warm": None if warm is None else {**options, **warm},
            }
        )

    def run(self, step: str) -> dict[str, Any]:
        """Have one round of a step done; returns its figures."""
        return self._ask({"do": "run", "step": step})

    def _ask(self, command: Mapping[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise SideError("a side without pipes")
        stdin.write(json.dumps(command) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise SideError(f"{self.place.module} ended with {self._process.wait()} at {command}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SideError(f"{self.place.module}: {command['step']}\n{answer['error']}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()  # a side ends when its input does
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
