"""Shards behind s3:// or https://: ranges over shared connections, retried with jitter, each within a deadline.

A range is fetched by the machinery that reads remote archives (corpus/remote): what a failed request gave is kept, the
next asks for the rest, waits grow with jitter, and Retry-After is honoured. On top come second requests for what is
slow to come (hedge.py), a deadline for all attempts together, and errors that name the shard, the range and what is in
it, how long it took and how many requests.

The manifest is read at opening and its tables are held in memory, or mapped from the cache if there is one. Nothing is
listed and no shard is asked for before its first row group is.
"""

import contextlib
import hashlib
import io
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fsspec.asyn
import pyarrow as pa

from corpus.errors import RemoteError, ShardError
from corpus.reader.cache import Cache
from corpus.reader.hedge import Hedge, hedged
from corpus.reader.reading import Counts, ReadingSettings
from corpus.remote.stream import Positioned, RemoteStream, source_of
from corpus.tokens.manifest import ROOT_NAME, Manifest, checked_root


class RemoteFolder:
    """A shard folder behind a URL."""

    remote = True

    def __init__(self, url: str, settings: ReadingSettings, counts: Counts, cache: Cache | None) -> None:
        self.url, self._settings, self._counts, self._cache = url.rstrip("/"), settings, counts, cache
        self._connections = source_of(self.url, settings.remote)
        self._hedge = Hedge(settings.hedge)

    def url_of(self, path: str) -> str:
        """Return the URL of a file; the names of components may hold characters that a URL may not."""
        return f"{self.url}/{path if self.url.startswith('s3://') else quote(path)}"

    def manifest(self) -> Manifest:
        """See Source."""
        root = checked_root(self._whole(ROOT_NAME), self.url_of(ROOT_NAME))
        tables = {name: self._table(root["tables"][name]) for name in ("shards", "row_groups")}
        return Manifest(Path(), root, self.url, tables)

    def check(self, path: str, size: int) -> None:
        """See Source; asking for each of a hundred thousand files would take hours, so sizes are seen when reading."""

    def read(self, path: str, offset: int, size: int, total: int, what: str) -> bytes:
        """See Source."""
        stream = self._stream(path, f"{what}, bytes {offset:,} to {offset + size:,}", total)
        with self._told(stream):
            content = stream.fetch(offset, size)
            if getattr(stream.source, "live", None):
                raise RemoteError(f"{stream.url}: the server does not answer to ranges; copy the folder")
            if len(content) != size:
                raise RemoteError(f"{stream.url}: ends at byte {offset + len(content):,}, the manifest says {total:,}")
        return content

    def open(self, path: str, total: int) -> Any:
        """See Source."""
        return pa.PythonFile(io.BufferedReader(RangedFile(self, path, total), 1 << 16), mode="r")

    def close(self) -> None:
        """See Source."""
        with contextlib.suppress(Exception):  # nothing depends on how a finished connection ends
            fsspec.asyn.sync(self._connections.loop, self._connections.close)
        self._connections = source_of(self.url, self._settings.remote)

    def _table(self, entry: Mapping[str, Any]) -> Any:
        """Return a table of the manifest; what the cache has is looked at first."""
        name = str(entry["sha256"])
        content = self._cache.mapped(name) if self._cache else None
        if content is not None and hashlib.sha256(content).hexdigest() == name:
            return content
        fetched = self._whole(entry["path"])
        if self._cache and hashlib.sha256(fetched).hexdigest() == name:
            self._cache.put(name, fetched)
        return fetched

    def _whole(self, path: str) -> bytes:
        stream = self._stream(path, "the manifest", None, Counts())
        with self._told(stream):
            return stream.readall() or b""

    def _stream(self, path: str, what: str, total: int | None, counts: Counts | None = None) -> "Ranges":
        beside = self._connections, self._hedge
        stream = Ranges(self.url_of(path), self._settings, counts or self._counts, what, beside)
        stream.known.size = total
        return stream

    @contextlib.contextmanager
    def _told(self, stream: "Ranges") -> Iterator[None]:
        try:
            yield
        except RemoteError as error:
            asked = f"{stream.requests} request{'s' * (stream.requests != 1)} in {stream.seconds:.1f} s"
            raise ShardError(f"{error} (wanted: {stream.what}; {asked})") from error
        finally:
            stream.close()


class Ranges(RemoteStream):
    """A stream that counts what it does, asks again for what is slow to come, and gives up at a deadline for all its
    requests together. beside: whose connections it uses, and the hedge that it shares with others."""

    def __init__(
        self, url: str, settings: ReadingSettings, counts: Counts, what: str, beside: tuple[Any, Hedge]
    ) -> None:
        super().__init__(url, settings.remote, beside[0])
        self.what, self.requests = what, 0
        self._connections, self._hedge = beside
        self._counts, self._deadline, self._begin = counts, settings.deadline, time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._begin

    def _attempt(self, start: int, size: int, got: bytearray) -> None:
        left = self._deadline - self.seconds
        if left <= 0:
            raise RemoteError(f"{self.url}: not all there after {self._deadline:g} s")
        self.source.settings = replace(self.settings, deadline=min(left, self.settings.deadline))
        before = len(got)
        try:
            super()._attempt(start, size, got)
        finally:
            self.requests += 1
            failed = len(got) < self._wanted(start, size)
            self._counts.add(fetched=len(got) - before, requests=1, retries=failed)

    def _get(self, start: int, size: int, got: bytearray) -> None:
        begin, before = time.monotonic(), len(got)
        delay = self._hedge.delay(size)
        if delay is None:
            super()._get(start, size, got)
        else:
            self._run(self._get_hedged(start, size, got, delay))
        if len(got) - before == size:
            self._hedge.took(time.monotonic() - begin)

    async def _get_hedged(self, start: int, size: int, got: bytearray, delay: float) -> None:
        again = source_of(self.url, self.source.settings, self._connections)

        def granted() -> bool:
            sent = self._hedge.granted(size)
            self._counts.add(requests=sent, hedged=sent)
            return sent

        def lost(bytes_: int) -> None:
            self._counts.add(fetched=bytes_)

        first, second = (partial(source.get, start, size, known=self.known) for source in (self.source, again))
        await hedged(first, second, delay, got, granted, lost)


class RangedFile(Positioned):
    """A file of a folder that is read range by range, at any place."""

    def __init__(self, folder: RemoteFolder, path: str, total: int) -> None:
        self._folder, self._path, self._total, self._at = folder, path, total, 0

    def end(self) -> int:
        """Return the size of the file."""
        return self._total

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`, or what there is of the file."""
        size = max(0, min(len(buffer), self._total - self._at))
        if size:
            buffer[:size] = self._folder.read(self._path, self._at, size, self._total, "other columns")
        self._at += size
        return size
