"""Texts that several sides are given: a JSON string per line. Standard library alone."""

import json
from collections.abc import Iterable
from pathlib import Path


def write_texts(path: Path, texts: Iterable[str]) -> int:
    """Write texts; returns how many."""
    count = 0
    with path.open("w") as out:
        for text in texts:
            out.write(json.dumps(text) + "\n")
            count += 1
    return count


def read_texts(path: str, limit: int | None = None) -> list[str]:
    """Return the first `limit` texts (all by default)."""
    with open(path) as lines:
        return [json.loads(line) for _, line in zip(range(limit or 1 << 40), lines, strict=False)]
