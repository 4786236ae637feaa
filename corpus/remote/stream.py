"""A remote file as a stream: blocks, retries and where to go on."""

import abc
import contextlib
import io
from collections.abc import Callable, Coroutine
from typing import Any, BinaryIO, Final, cast

import fsspec.asyn
import tenacity

from corpus.errors import RemoteError
from corpus.remote.http import HttpSource
from corpus.remote.request import READ, Known, RemoteSettings, Source, Transient
from corpus.remote.s3 import S3Source

PROGRESS: Final = 64 << 10
"""A request that gave at least this many bytes before it failed starts the count of attempts anew."""


class Positioned(io.RawIOBase):
    """A readable file with a place, `_at`, that can be set anywhere; `end` says where it ends, None where unknown."""

    _at = 0

    @abc.abstractmethod
    def end(self) -> int | None:
        """Return the size of the file."""

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset from the start, from here, or from the end (where the size is known)."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.end()}[whence]
        if base is None:
            raise io.UnsupportedOperation(f"{getattr(self, 'name', 'a stream')}: its size is not known")
        self._at = max(0, base + offset)
        return self._at


class RemoteStream(Positioned):
    """A remote file, read forwards in blocks; `seek` is allowed and costs a new request.

    beside: a source of the same kind whose connections are used, and left open.
    """

    def __init__(self, url: str, settings: RemoteSettings | None = None, beside: Source | None = None) -> None:
        self.url = self.name = url
        self.settings = settings or RemoteSettings()
        self.known = Known()
        self.source: Source = source_of(url, self.settings, beside)
        self._at = self._start = 0
        self._block = b""

    def end(self) -> int | None:
        """Return the size of the file, None before the server has said it."""
        return self.known.size

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what is at hand, having fetched a block if nothing is; 0 at the end."""
        if not self._start <= self._at < self._start + len(self._block):
            self._start, self._block = self._at, self.fetch(self._at, self.settings.block_size)
        at = self._at - self._start
        size = min(len(buffer), len(self._block) - at)
        buffer[:size] = self._block[at : at + size]
        self._at += size
        return size

    def fetch(self, start: int, size: int) -> bytes:
        """Return bytes `start` to `start + size` (fewer at the end of the file), however many requests it takes."""
        got = bytearray()
        while len(got) < self._wanted(start, size):
            self._retrying(lambda: self._attempt(start, size, got))
        return bytes(got)

    def _wanted(self, start: int, size: int) -> int:
        return size if self.known.size is None else min(size, max(0, self.known.size - start))

    def _attempt(self, start: int, size: int, got: bytearray) -> None:
        """Ask for what is still wanting; returns after success or enough progress, raises Transient otherwise."""
        before = len(got)
        wanted = self._wanted(start, size)
        try:
            self._get(start + before, wanted - before, got)
            if len(got) < self._wanted(start, size):
                raise Transient(f"short answer, {len(got) - before} of {wanted - before} bytes")
        except Transient:
            if len(got) - before < PROGRESS:
                raise

    def _get(self, start: int, size: int, got: bytearray) -> None:
        """Send a request and wait for it."""
        self._run(self.source.get(start, size, got, self.known))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        fsspec.asyn.sync(self.source.loop, lambda: work)

    def _retrying(self, action: Callable[[], None]) -> None:
        """Run `action` until it does not raise Transient; raises RemoteError when the attempts are used up."""
        try:
            tenacity.Retrying(
                retry=tenacity.retry_if_exception_type(Transient),
                stop=tenacity.stop_after_attempt(self.settings.attempts),
                wait=self._wait,
                reraise=True,
            )(action)
        except Transient as error:
            tries = f"{self.settings.attempts} attempts" if self.settings.attempts > 1 else "1 attempt"
            hint = "; check the credentials and the rate of requests" if "403" in str(error) else ""
            raise RemoteError(f"{self.url}: given up after {tries}, at last: {error}{hint}") from error

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Return the seconds to wait: exponential with jitter, at least what the server asked for."""
        first, longest = self.settings.first_wait, self.settings.longest_wait
        wait = tenacity.wait_exponential(multiplier=first, max=longest) + tenacity.wait_random(0, first)
        error = state.outcome.exception() if state.outcome else None
        return min(longest, max(wait(state), error.after if isinstance(error, Transient) else 0.0))

    def close(self) -> None:
        """Close the connections."""
        if not self.closed:
            with contextlib.suppress(Exception):  # nothing depends on how a finished connection ends
                self._run(self.source.close())
        super().close()


def source_of(url: str, settings: RemoteSettings, beside: Source | None = None) -> Source:
    """Return the source of a URL."""
    if url.startswith("s3://"):
        return S3Source(url, settings, beside if isinstance(beside, S3Source) else None)
    return HttpSource(url, settings, beside if isinstance(beside, HttpSource) else None)


def open_remote(url: str, settings: RemoteSettings | None = None) -> BinaryIO:
    """Open a remote file for reading. Errors come with the first read: RemoteError in a sentence."""
    return cast("BinaryIO", io.BufferedReader(RemoteStream(url, settings), buffer_size=READ))


def probe(url: str, settings: RemoteSettings | None = None) -> Known:
    """Return size and mark of a remote file by reading its first byte; raises RemoteError."""
    with contextlib.closing(RemoteStream(url, settings)) as stream:
        stream.fetch(0, 1)
        return stream.known
