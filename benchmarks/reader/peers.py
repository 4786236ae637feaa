"""The reader beside other loaders: one corpus, one machine, page cache cold and warm, each in a process of its own.

All read the same tokens of the documentation crawl, its documents repeated in other orders until there are enough, and
hand out batches of (BATCH, LENGTH) inputs and labels as int64. Sides take turns, round by round. All but ours with its
default threads have one core. Peers live in an environment of their own, made from benchmarks/reader_peers.txt; one
that cannot be installed or run is named with the reason.
"""

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.graph.apart import StepError, apart
from benchmarks.reader.data import Tokens, write_shards
from benchmarks.reader.steps import LENGTH
from benchmarks.suite.environment import listed_environment
from benchmarks.suite.machine import versions
from benchmarks.suite.side import REPOSITORY

LIST: Final = REPOSITORY / "benchmarks" / "reader_peers.txt"
PACKAGES: Final = ("litdata", "mosaicml-streaming", "datasets", "grain", "array-record", "torch", "numpy", "pyarrow")
BATCH: Final = 64
STEPS: Final = "benchmarks.reader.steps"
PEERS: Final = "benchmarks.reader.peer_side"
OURS: Final = "benchmarks.reader.ours:headwater"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One row of the table: who, which loader, over which files, with what options; whole: on all cores."""

    title: str
    loader: str
    data: str
    options: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False

    @property
    def ours(self) -> bool:
        """Whether it runs in our environment."""
        return self.loader == OURS


SIDES: Final = (
    Side(title="headwater, concat", loader=OURS, data="headwater", options={"threads": 0}),
    Side(title="headwater, best_fit", loader=OURS, data="headwater", options={"packing": "best_fit", "threads": 0}),
    Side(title="headwater, concat, ids and labels alone", loader=OURS, data="headwater",
         options={"places": [], "threads": 0}),
    Side(title="headwater, concat, not verified", loader=OURS, data="headwater",
         options={"verify": False, "threads": 0}),
    Side(title="headwater, concat, threads", loader=OURS, data="headwater", whole=True),
    Side(title="headwater, best_fit, threads", loader=OURS, data="headwater", options={"packing": "best_fit"},
         whole=True),
    Side(title="memory map", loader=f"{PEERS}:memmap", data="memmap"),
    Side(title="litdata", loader=f"{PEERS}:litdata", data="litdata"),
    Side(title="mosaicml-streaming", loader=f"{PEERS}:mosaicml", data="mosaicml"),
    Side(title="mosaicml-streaming, hashes checked", loader=f"{PEERS}:mosaicml", data="mosaicml",
         options={"hashed": True}),
    Side(title="datasets, streaming", loader=f"{PEERS}:datasets", data="headwater"),
    Side(title="grain", loader=f"{PEERS}:grain", data="grain"),
)  # fmt: skip


def make_environment(cache: Path) -> tuple[str, dict[str, str]]:
    """Return the peers' Python, and which packages of the list could not be installed, with pip's last words."""
    return listed_environment(cache / "reader-peers", LIST)


def write(tokens: Tokens, folder: Path, python: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Write the corpus for everyone; return bytes by kind, and why some could not be written."""
    source = folder / "flat.npy"
    np.save(source, tokens.ids)
    write_shards(tokens, folder / "root", 1 << 20).rename(folder / "headwater")
    shutil.rmtree(folder / "root")
    found: dict[str, Any] = {"failed": {}}
    for kind in dict.fromkeys(side.data for side in SIDES if not side.ours and side.data != "headwater"):
        say(f"peers: writing for {kind}")
        try:
            apart(f"{PEERS}:write_{kind}", python=python, source=str(source), folder=str(folder / kind))
        except StepError as error:
            found["failed"][kind] = str(error).strip().splitlines()[-1]
    source.unlink()
    for kind in dict.fromkeys(side.data for side in SIDES):
        found[kind] = sum(path.stat().st_size for path in (folder / kind).rglob("*") if path.is_file())
    return found


def run(tokens: Tokens, folder: Path, options: Mapping[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Make the environment and the data, and measure in rounds."""
    say("peers: environment")
    python, failed = make_environment(options["cache"])
    say("peers: data")
    repeated = tokens.repeated(options["tokens"])
    bytes_of = write(repeated, folder, python, say)
    found: dict[str, Any] = {
        "corpus": tokens.name, "tokens": len(repeated.ids), "distinct": len(tokens.ids), "bytes": bytes_of,
        "documents": len(repeated.lengths), "versions": versions(python, PACKAGES), "failed": failed, "rounds": [],
    }  # fmt: skip
    for number in range(options["rounds"]):
        for cold in (True, False):
            for side in SIDES:
                say(f"peers: round {number + 1}, {'cold' if cold else 'warm'}, {side.title}")
                one = measured(side, folder, python, cold, options)
                found["rounds"].append({"title": side.title, "cold": cold, **one})
    return found


def measured(side: Side, folder: Path, python: str, cold: bool, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return an epoch's figures and a resume's, or why there are none."""
    batches = options["tokens"] // (BATCH * LENGTH)
    common = {"name": side.loader, "folder": str(folder / side.data), "batch": BATCH, "cold": cold,
              "save": str(folder / "state.pickle"), **side.options}  # fmt: skip
    place: dict[str, Any] = {"python": sys.executable if side.ours else python}
    place |= {} if side.whole else {"cores": options["core"]}
    half = batches // 2
    try:
        epoch = apart(f"{STEPS}:epoch", **place, half=half, **common)
        resumed = apart(f"{STEPS}:resume", **place, **common)
    except StepError as error:
        return {"failed": str(error).strip().splitlines()[-1]}
    return {**epoch["value"], "resume": resumed["value"], "anonymous": epoch["anonymous"], "peak": epoch["peak"]}
