"""Shards behind a web server, settings that make retries quick, and a digest of a whole stream."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from httpfaults import Site
from token_roots import Page, run, stages, text_of, write_pages

from corpus.reader import Batch, ReadingSettings
from corpus.remote.request import RemoteSettings

PREFIX = "/data/shards"
QUICK = RemoteSettings(attempts=5, first_wait=0.01, longest_wait=0.05, deadline=5)


def shards_of(root: Path, count: int, components: Sequence[str] = ("all",), **sizes: int) -> Path:
    """Write shards of pages of 1 to 40 words, components in turn; return their folder."""
    made = [
        Page(number=n, text=text_of(n, 1 + n % 40), component=components[n % len(components)]) for n in range(count)
    ]
    write_pages(root, [made[0::2], made[1::2]])
    run(stages(root, **sizes))
    return root / "shards"


def quick(**more: Any) -> ReadingSettings:
    """Return reading settings with short retries, and without hedging, which a slow machine would set off."""
    return ReadingSettings(**({"remote": QUICK, "deadline": 20.0, "hedge": 0.0} | more))


def site_of(folder: Path, **options: Any) -> Site:
    """Return a site that serves a folder at PREFIX."""
    files = [path for path in folder.rglob("*.*") if path.is_file()]
    return Site({f"{PREFIX}/{quote(f.relative_to(folder).as_posix())}": f.read_bytes() for f in files}, **options)


def shard_requests(site: Site) -> list[tuple[str, str]]:
    """Return the requests for shards, the manifest's apart."""
    return [(path, wanted) for path, wanted in site.requests if "/manifest" not in path]


def digest_of(batches: Iterable[Batch]) -> str:
    """Return the SHA-256 of all that some batches hold."""
    found = hashlib.sha256()
    for batch in batches:
        for name in sorted(batch):
            found.update(np.ascontiguousarray(batch[name]).tobytes())
    return found.hexdigest()
