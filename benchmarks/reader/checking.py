"""All loaders through the checks of features.py and ranks.py, on a small corpus of real tokens."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.graph.apart import StepError, apart
from benchmarks.reader import ranks
from benchmarks.reader.data import Tokens, write_shards
from benchmarks.reader.features import sequences
from benchmarks.reader.peers import OURS, PEERS
from benchmarks.suite.tables import table

BATCH: Final = 16
TOKENS: Final = 500_000
CHECKS: Final = "benchmarks.reader.features"
LOADERS: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("headwater", OURS, "headwater", {"threads": 0}),
    ("memory map", f"{PEERS}:memmap", "memmap", {}),
    ("grain", f"{PEERS}:grain", "grain", {}),
    ("litdata", f"{PEERS}:litdata", "litdata", {}),
    ("datasets, streaming", f"{PEERS}:datasets", "headwater", {}),
    ("mosaicml-streaming, hashes checked", f"{PEERS}:mosaicml", "mosaicml", {"hashed": True}),
)
"""Title, loader, files, options."""


def run(tokens: Tokens, folder: Path, python: str, flips: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Return what the checks found of each loader, or why they could not be run."""
    some = tokens.repeated(TOKENS)
    ids = some.ids[:TOKENS] if len(some.ids) > 2 * TOKENS else some.ids
    edges = np.cumsum(some.lengths)
    count = int(np.searchsorted(edges, len(ids), side="right"))
    some = Tokens(name=some.name, lengths=some.lengths[:count], ids=some.ids[: edges[count - 1]],
                  tokenizer=some.tokenizer, vocabulary=some.vocabulary)  # fmt: skip
    np.save(folder / "flat.npy", some.ids)
    write_shards(some, folder / "root", 1 << 15).rename(folder / "headwater")
    found: dict[str, Any] = {}
    for title, loader, kind, options in LOADERS:
        say(f"features: {title}")
        try:
            if kind != "headwater":
                files = {"source": str(folder / "flat.npy"), "folder": str(folder / kind)}
                apart(f"{PEERS}:write_{kind}", python=python, **files)
            place = sys.executable if loader == OURS else python
            common = {"name": loader, "folder": str(folder / kind), "batch": BATCH, **options}
            save = str(folder / "state")
            killed(place, common | {"save": save})
            checked = apart(f"{CHECKS}:checks", python=place, filled=sequences(len(some.ids)), flips=flips, save=save,
                            **common)["value"]  # fmt: skip
            whole = checked.pop("whole")
            found[title] = checked | ranks.both(ranks.reading(place, common), whole, folder)
        except StepError as error:
            found[title] = {"failed": str(error).strip().splitlines()[-1]}
    return found


def killed(python: str, common: dict[str, Any]) -> None:
    """Have a loader's process killed; StepError when it ended otherwise."""
    try:
        apart(f"{CHECKS}:killed", python=python, **common)
    except StepError as error:
        if "ended with -9" not in str(error):
            raise


def report(found: dict[str, Any]) -> str:
    """Return who passes which check."""
    rows = []
    for title, one in found.items():
        if "failed" in one:
            rows.append([title, f"did not run: {one['failed']}", "", "", "", ""])
            continue
        flips = one["damage"]
        told = f"{flips['silent']} of {sum(flips.values())} silent; {flips['error']} errors, {flips['same']} harmless"
        once = f"{one['twice']} twice, {one['left']} left out"
        rows.append([title, "yes" if one["kill"] else "no", one["world"], one["chain"], once, told])
    head = ["loader", "goes on after SIGKILL, token for token", "two ranks for one", "2, 4, 1 ranks in turn",
            "sequences in an epoch", "flipped bits"]  # fmt: skip
    return table(head, rows)
