"""Removals killed at every step that changes the disk: `python killed_removals.py SHARDS SCRATCH in-place|out URL ...`.

A step is a rename, a link, a deletion, a folder made. After each kill the folder is the old dataset, the new one or
none, never another; the same call then finishes. Prints how many kills there were and what the folder was after them.
"""

import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus.errors import ShardError
from corpus.tokens.manifest import load_manifest
from corpus.tokens.removal import remove_in_place, remove_into
from corpus.tokens.takedown import request_of
from corpus.tokens.verify import verify

STEPS = ("replace", "link", "unlink", "mkdir", "rmdir")


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a process that kills itself before its step number `step`; return whether it came to that."""
    child = os.fork()
    if not child:
        left = [step]

        def counting(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **more: Any) -> Any:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
                return real(*arguments, **more)

            return call

        for name in STEPS:
            setattr(os, name, counting(getattr(os, name)))
        work()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return os.WIFSIGNALED(status)


def state(folder: Path, known: dict[str, str]) -> str:
    """Return which dataset a folder holds, by name, and check that it holds it whole."""
    try:
        dataset = load_manifest(folder).dataset
    except ShardError:
        return "none"
    assert verify(folder) == [], verify(folder)
    return known[dataset]


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder but the manifest, which says when."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def main(shards: Path, scratch: Path, into: bool, urls: list[str]) -> None:
    """Kill at the first step, the second, and so on, until a removal gets through."""
    request = request_of(("url", url) for url in urls)
    quiet = scratch / "quiet"
    known = {load_manifest(shards).dataset: "old", remove_into(shards, request, quiet).dataset: "new"}
    after: Counter[str] = Counter()
    step = 0
    while True:
        folder = scratch / f"step-{step}"
        target = folder / "out" if into else folder / "shards"
        shutil.copytree(shards, folder / "shards")

        def work(folder: Path = folder, target: Path = target) -> object:
            shards = folder / "shards"
            return remove_into(shards, request, target) if into else remove_in_place(shards, request)

        killed = killed_at(step, work)
        if not killed:
            break
        after[state(target, known)] += 1
        if not into or state(target, known) != "new" or (target / ".removal").exists():
            work()
        assert state(target, known) == "new", step
        assert files_of(target) == files_of(quiet), step
        shutil.rmtree(folder)
        step += 1
    print(json.dumps({"kills": step, "after": after}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "out", sys.argv[4:])
