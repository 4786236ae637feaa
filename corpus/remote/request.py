"""What one request for a range is: its settings, what the server says with its answer, and how it may fail."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

from corpus.errors import RemoteError
from corpus.settings import require

MIB: Final = 1 << 20
RETRIED: Final = frozenset({403, 408, 425, 429, *range(500, 600)})
"""Statuses that may pass."""
CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
READ: Final = 256 << 10
"""Bytes taken from a connection at a time."""
SCHEMES: Final = ("s3://", "https://", "http://")
Loop = asyncio.AbstractEventLoop


def is_remote(url: str) -> bool:
    """Say whether `url` names a remote file."""
    return url.startswith(SCHEMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """How remote inputs are read; none of it changes what is read.

    block_size    bytes asked for per request
    attempts      requests that may fail in a row before the input is given up
    first_wait    seconds before the first retry; doubled for each further one, plus up to as much again by chance
    longest_wait  seconds that a wait may reach; also the most that Retry-After is honoured for
    deadline      seconds a request may take, from connecting to its last byte
    ca_file       certificates (PEM) to trust instead of the system's
    s3_endpoint   URL of an S3-compatible server (else AWS, or AWS_ENDPOINT_URL)
    s3_anonymous  send S3 requests without credentials
    probe_limit   most remote inputs whose size and ETag are asked for before a run
    """

    block_size: int = 8 * MIB
    attempts: int = 8
    first_wait: float = 0.5
    longest_wait: float = 60.0
    deadline: float = 120.0
    ca_file: str | None = None
    s3_endpoint: str | None = None
    s3_anonymous: bool = False
    probe_limit: int = 1000

    def __post_init__(self) -> None:
        require(self.block_size >= 1, self, "block_size", "it must be at least 1 byte")
        require(self.attempts >= 1, self, "attempts", "it must be at least 1")
        require(self.first_wait >= 0, self, "first_wait", "it must not be negative")
        require(self.longest_wait >= self.first_wait, self, "longest_wait", "it must not be below first_wait")
        require(self.deadline > 0, self, "deadline", "it must be above 0 seconds")
        require(self.probe_limit >= 0, self, "probe_limit", "it must not be negative")


class Transient(Exception):  # noqa: N818 - a signal to the retry loop, never seen by callers
    """The request failed in a way that may pass; `after` is Retry-After in seconds."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


@dataclass(slots=True)
class Known:
    """What the server has said of a file: total size in bytes and what identifies its content, where it said so."""

    size: int | None = None
    mark: str | None = None

    def check(self, url: str, size: int | None, mark: str | None) -> None:
        """Take in what a response says; raises RemoteError when it speaks of another content than before."""
        for name, before, now in (("size", self.size, size), ("ETag", self.mark, mark)):
            if None not in (before, now) and before != now:
                raise RemoteError(f"{url}: it changed while it was read ({name} {before}, now {now}); run again")
        self.size, self.mark = size if self.size is None else self.size, mark if self.mark is None else self.mark


class Source(Protocol):
    """One remote file; all its coroutines run on `loop`."""

    loop: Loop
    settings: RemoteSettings

    async def get(self, start: int, size: int, into: bytearray, known: Known) -> None:
        """Append bytes `start` to `start + size` to `into` as they come; raises Transient or RemoteError."""

    async def close(self) -> None:
        """Close its connections."""


async def copy(read: Callable[[int], Coroutine[Any, Any, bytes]], skip: int, size: int, into: bytearray) -> None:
    """Append up to `size` bytes to `into`, after `skip` bytes that are thrown away."""
    while skip > 0:
        data = await read(min(skip, READ))
        if not data:
            return
        skip -= len(data)
    while size > 0:
        data = await read(min(size, READ))
        if not data:
            return
        into += data
        size -= len(data)


def refusal(url: str, status: int, after: float = 0.0) -> Exception:
    """Return what to raise for an HTTP status that is no success."""
    if status in RETRIED:
        return Transient(f"status {status}", after)
    if status == 404:
        return RemoteError(f"{url}: there is no such file (404); check the URL")
    if status == 412:
        return RemoteError(f"{url}: it changed while it was read (412); run again")
    return RemoteError(f"{url}: the server refuses with status {status}; check the URL and the credentials")


def retry_after(value: str | None) -> float:
    """Return the seconds that a Retry-After header asks for; dates are passed over."""
    return float(value) if value and value.isascii() and value.isdigit() and len(value) < 6 else 0.0
