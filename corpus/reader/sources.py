"""Where the bytes of shards come from: a local folder, or a folder behind s3:// or https:// (remote.py).

A source hands out ranges of files and knows nothing of what is in them.
"""

import os
from pathlib import Path
from typing import Any, Protocol

from corpus.errors import ShardError
from corpus.reader.cache import Cache
from corpus.reader.reading import Counts, ReadingSettings
from corpus.remote.request import is_remote
from corpus.tokens.manifest import Manifest, load_manifest


class Source(Protocol):
    """The files of a shard set; any thread may read."""

    remote: bool

    def manifest(self) -> Manifest:
        """Return the manifest, checked; raises ShardError."""

    def check(self, path: str, size: int) -> None:
        """Raise ShardError when it is seen at once that a file is missing or of another size."""

    def read(self, path: str, offset: int, size: int, total: int, what: str) -> bytes:
        """Return a range of a file of `total` bytes; raises ShardError that names `what` is in it."""

    def open(self, path: str, total: int) -> Any:
        """Return what pyarrow can read a whole file from."""

    def close(self) -> None:
        """Close connections; the source can be used again."""


def source_of(place: str | Path, settings: ReadingSettings, counts: Counts, cache: Cache | None = None) -> Source:
    """Return the source of a folder or URL; only the latter has a use for a cache."""
    if is_remote(str(place)):
        from corpus.reader.remote import RemoteFolder  # noqa: PLC0415 - aiohttp, fsspec: local folders need neither

        return RemoteFolder(str(place), settings, counts, cache)
    return LocalFolder(Path(place), counts)


class LocalFolder:
    """Shards on a file system."""

    remote = False

    def __init__(self, folder: Path, counts: Counts) -> None:
        self._folder, self._counts = folder, counts

    def manifest(self) -> Manifest:
        """See Source."""
        return load_manifest(self._folder)

    def check(self, path: str, size: int) -> None:
        """See Source."""
        try:
            found = os.stat(f"{self._folder}/{path}").st_size  # noqa: PTH116 - a hundred thousand of them
        except OSError as error:
            raise ShardError(f"{self._folder / path}: missing; copy the whole folder again") from error
        if found != size:
            raise ShardError(
                f"{self._folder / path}: {found:,} bytes, the manifest says {size:,}; copy the shard again"
            )

    def read(self, path: str, offset: int, size: int, total: int, what: str) -> bytes:
        """See Source."""
        try:
            with (self._folder / path).open("rb", buffering=0) as file:
                content = os.pread(file.fileno(), size, offset)
        except (OSError, OverflowError, ValueError) as error:
            raise ShardError(f"{self._folder / path}: {what} cannot be read ({error}); copy the shard again") from error
        if len(content) != size:
            raise ShardError(f"{self._folder / path}: {what} is cut short; copy the shard again")
        self._counts.add(fetched=size)
        return content

    def open(self, path: str, total: int) -> Any:
        """See Source."""
        return str(self._folder / path)

    def close(self) -> None:
        """See Source."""
