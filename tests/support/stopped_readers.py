"""Readers and writers of shards that are killed at random moments, in forked processes, and go on at where they were.

    python stopped_readers.py read FOLDER SCRATCH KILLS SEED
    python stopped_readers.py write ROOT KILLS SEED

`read` consumes a stream, each time with another number of ranks: after every batch it appends the digest of what it
got to a log and saves its state, as a trainer does. The log of a run that was killed again and again has to be that of
an undisturbed one. `write` makes shards of the parts in ROOT: whenever it was killed there is either no dataset, or a
whole one. Both print what happened as JSON.
"""

import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coded_roots import digests, shards_stage, write_manifest
from coded_streams import digest

from corpus.errors import ShardError
from corpus.reader import ReaderSettings, TokenReader
from corpus.reader.reading import ReadingSettings
from corpus.tokens.manifest import load_manifest, remove_manifest
from corpus.tokens.verify import verify

WORLDS = (1, 2, 3, 4, 6, 8, 12, 24)
SETTINGS = ReaderSettings(
    sequence_length=32, batch_size=24, lanes=24, seed=4, window=2, packing="best_fit", mixture={"a": 2, "b": 1},
    epochs=2, repeat=2,
)  # fmt: skip
SIZES = {"shard_tokens": 4000, "row_group_tokens": 500}


def was_killed(work: Callable[[], None], after: float | None) -> bool:
    """Do some work in a process that is killed after so many seconds, or not at all; say whether it was still at it."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def consume(folder: Path, here: Path, world: int) -> None:
    """Go on with the stream from the saved state to its end, with so many ranks."""
    ranks = [TokenReader(folder, SETTINGS, rank=rank, world_size=world) for rank in range(world)]
    saved = here / "state.json"
    if saved.exists():
        for reader in ranks:
            reader.load_state_dict(json.loads(saved.read_text()))
    with open(here / "log", "ab", buffering=0) as log:
        for step in zip(*ranks, strict=True):
            log.write(f"{ranks[0].step - 1} {digest([step])}\n".encode())
            (here / "state.tmp").write_text(json.dumps(ranks[-1].state_dict()))
            (here / "state.tmp").replace(saved)


@dataclass
class Log:
    """What a run that was killed now and then got: how many batches, and how many of them twice."""

    steps: int
    repeated: int


def checked(here: Path, whole: list[str]) -> Log:
    """Check a log: every batch in order, each as in an undisturbed run; one whose state was not saved comes again."""
    lines = [line.split() for line in (here / "log").read_text().splitlines()]
    steps = [int(step) for step, _ in lines]
    assert [found for _, found in lines] == [whole[step] for step in steps]
    moves = [b - a for a, b in itertools.pairwise(steps)]
    assert set(moves) <= {0, 1}
    assert (steps[0], steps[-1]) == (0, len(whole) - 1)
    return Log(len(whole), moves.count(0))


def read(folder: Path, scratch: Path, kills: int, seed: int) -> dict[str, int]:
    """Kill readers so often; return how many runs, batches and repeated batches that took."""
    draw = random.Random(seed)
    before = digests(folder)
    tempfile.tempdir = str(scratch / "temporary")
    Path(tempfile.tempdir).mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir
    start = time.monotonic()
    whole = [digest([[batch]]) for batch in TokenReader(folder, SETTINGS, reading=ReadingSettings(threads=0))]
    longest = time.monotonic() - start  # of more ranks, which take longer to open, some are killed while they do
    killed = repeated = runs = 0
    while killed < kills:
        here = scratch / str(runs)
        here.mkdir()
        runs += 1
        while killed < kills and was_killed(
            lambda: consume(folder, here, draw.choice(WORLDS)),  # noqa: B023
            draw.uniform(0.01, longest),
        ):
            killed += 1
        was_killed(lambda: consume(folder, here, draw.choice(WORLDS)), None)  # noqa: B023
        repeated += checked(here, whole).repeated
    assert digests(folder) == before
    assert list(Path(tempfile.tempdir).iterdir()) == []
    return {"kills": killed, "runs": runs, "steps": runs * len(whole), "repeated": repeated}


def write(root: Path, kills: int, seed: int) -> dict[str, int]:
    """Kill writers so often; return how many runs that took, and how often a whole dataset was there after a kill."""
    draw = random.Random(seed)
    start = time.monotonic()
    make(root)
    longest = 1.5 * (time.monotonic() - start)  # so that one in three is not killed
    folder, whole = root / "shards", digests(root / "shards")
    killed = there = runs = 0
    while killed < kills:
        runs += 1
        shutil.rmtree(root / "shard_index")
        remove_manifest(folder)
        while was_killed(lambda: make(root), draw.uniform(0, longest)):
            killed += 1
            try:
                load_manifest(folder)
            except ShardError:
                continue
            there += 1
            assert verify(folder) == []
        found = {path: sha256 for path, sha256 in digests(folder).items() if not path.endswith(".tmp")}
        assert found == whole
    return {"kills": killed, "runs": runs, "there": there}


def make(root: Path) -> None:
    """Write all shards and the manifest."""
    stage = shards_stage(root, **SIZES)
    for unit in range(stage.shards()):
        stage.run(unit)
    write_manifest(root)


def main(what: str, *arguments: str) -> None:
    """Run one of the two."""
    *paths, kills, seed = arguments
    done = {"read": read, "write": write}[what](*map(Path, paths), int(kills), int(seed))  # type: ignore[operator]
    print(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])
