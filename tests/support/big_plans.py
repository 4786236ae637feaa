"""Plans and manifests of 15 T tokens in 15 M row groups, made of numbers alone; how long and how large they are.

    python big_plans.py plan GROUPS PACKING     the plan, from arrays
    python big_plans.py reader FOLDER           a reader over the manifest that `write_big_manifest` made

Run as a program, so that memory is that of one plan. Prints JSON: MB, seconds and milliseconds of the processor (one
thread), so that what else a machine does is left out.
"""

import json
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from coded_roots import block

from corpus.reader import ReaderSettings, TokenReader
from corpus.reader.plan import Plan
from corpus.storage import ShardSet, TableWriter
from corpus.tokens.collect import manifest_root
from corpus.tokens.manifest import (
    ROOT_NAME,
    ROW_GROUPS,
    ROW_GROUPS_NAME,
    SHARDS,
    SHARDS_NAME,
    manifest_text,
    write_bytes,
)

SETTINGS: dict[str, Any] = {"sequence_length": 2048, "batch_size": 1024, "lanes": 64, "seed": 1}
COMPONENTS = ("a", "b", "c", "d")


def peak() -> float:
    """Return the most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sizes(groups: int) -> Any:
    """Return the tokens of each row group: 1 M, but for the last of each shard of 128."""
    found = np.full(groups, 1_000_000, np.int64)
    found[127::128] = 312_345
    return found


def milliseconds(plan: Plan, steps: int, *, draws: int = 200) -> list[float]:
    """Return how long planning all sequences of some random batches takes, in order; for one rank of 8."""
    chosen = random.Random(3)
    found = []
    for _ in range(draws):
        step = chosen.randrange(steps)
        start = time.process_time()
        for lane in plan.lanes_of(chosen.randrange(8), 8):
            for slot in range(plan.per_lane):
                located = plan.locate(lane, step * plan.per_lane + slot)
                for place in located.passed.places(lane, located.within):
                    assert place.start >= 0
            assert located.passed.parts(lane, place.window)
        found.append(1000 * (time.process_time() - start))
    return sorted(found)


def plan_of(groups: int, packing: str) -> dict[str, float]:
    """Make a plan from arrays and ask it for random batches."""
    tokens, of = sizes(groups), np.repeat(np.arange(len(COMPONENTS), dtype=np.int16), -(-groups // 4))[:groups]
    before, start = peak(), time.process_time()
    settings = ReaderSettings(**SETTINGS, packing=packing, epochs=3 if packing == "concat" else 1)
    plan = Plan(settings, "dataset", COMPONENTS, tokens, of)
    built = time.process_time() - start
    return report(plan, built) | {"mb": peak() - before}


def report(plan: Plan, built: float) -> dict[str, float]:
    """Return the figures of a plan that took so many seconds."""
    assert plan.steps is not None
    start = time.process_time()
    for lane in range(plan.lanes):
        plan.locate(lane, 0).passed.windows(lane)
    first = time.process_time() - start
    times = milliseconds(plan, plan.steps_per_epoch)
    sequences = plan.steps * plan.settings.batch_size
    return {
        "seconds": built, "first_pass_seconds": first, "sequences": sequences, "median_ms": times[len(times) // 2],
        "p99_ms": times[len(times) * 99 // 100],
    }  # fmt: skip


def write_big_manifest(root: Path, groups: int) -> Path:
    """Write a manifest of so many row groups, 128 to a shard, without shards: empty files stand in their places."""
    shards, folder = -(-groups // 128), root / "shards"
    tokens = sizes(groups)
    for name in COMPONENTS:
        (folder / name).mkdir(parents=True)
    places = [f"{COMPONENTS[n * len(COMPONENTS) // shards]}/shard-{n:06d}.parquet" for n in range(shards)]
    for place in places:
        (folder / place).touch()
    files = ShardSet(root, "shards")
    fixed = {"bytes": 0, "sha256": "0" * 64, "tokens": 0, "rows": 0, "documents": 0}
    with TableWriter(files, 0, SHARDS, path=folder / SHARDS_NAME) as table:
        rows = [{"path": place, "component": place[0], "row_groups": 128} | fixed for place in places]
        rows[-1]["row_groups"] = groups - 128 * (shards - 1)
        table.write(rows)
    with TableWriter(files, 0, ROW_GROUPS, path=folder / ROW_GROUPS_NAME) as index:
        for at in range(0, groups, 1 << 16):
            index.write(rows_from(at, tokens[at : at + (1 << 16)]))
    totals = dict.fromkeys(("tokens", "rows", "documents", "row_groups", "bytes", "shards"), 0)
    parts = {name: totals | {"merkle_root": ""} for name in COMPONENTS}
    made = manifest_root({"shards": table.written, "row_groups": index.written}, parts, block(), {})
    write_bytes(root, folder / ROOT_NAME, manifest_text(made).encode())
    return folder


def rows_from(first: int, tokens: Any) -> pa.Table:
    """Return rows of the row-groups table from a row group on; checksums are noise."""
    number = np.arange(first, first + len(tokens))
    noise = np.random.default_rng(first).bytes(16 * len(tokens))
    made = {"shard": number // 128, "row_group": number % 128, "tokens": tokens, "rows": tokens // 800}
    made |= {"offset": 4 + number % 128 * 2_100_000, "bytes": tokens * 2}
    columns = [
        pa.array([noise[at : at + 16] for at in range(0, len(noise), 16)], pa.binary(16))
        if field.name == "checksum"
        else pa.array(made.get(field.name, np.zeros(len(tokens), np.int64)).astype(field.type.to_pandas_dtype()))
        for field in ROW_GROUPS
    ]
    return pa.Table.from_arrays(columns, schema=ROW_GROUPS)


def reader_of(folder: Path) -> dict[str, float]:
    """Open a reader over a manifest."""
    start = time.process_time()
    reader = TokenReader(folder, ReaderSettings(**SETTINGS))
    return report(reader.plan, time.process_time() - start) | {"mb": peak()}


def main(what: str, *arguments: str) -> None:
    """Run one of the two."""
    found = plan_of(int(arguments[0]), arguments[1]) if what == "plan" else reader_of(Path(arguments[0]))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
