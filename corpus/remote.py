"""Remote inputs as streams: ranges fetched block by block, retried with back-off, resumed at the byte reached.

A web crawl's archives are read over hours from servers that throttle (403, 429, 503), cut connections and stall.
Each request asks for one range and has a deadline; what it gave before it failed is kept, and the next request asks
for the rest. A retry waits exponentially longer, with jitter, and at least as long as Retry-After says. An ETag (or
Last-Modified) that changes between two blocks is an error, since the blocks would be of two different files.

Sessions, S3 signing and the event loop are fsspec's; requests are made here, because fsspec's own range reads hide
status and ETag, and take a whole file into memory when a server ignores Range. Such a server is read as a stream.
s3fs is imported only when an s3:// URL is opened.
"""

import asyncio
import contextlib
import io
import re
import ssl
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, BinaryIO, Final, Protocol, cast

import aiohttp
import fsspec.asyn
import tenacity
from fsspec.implementations.http import HTTPFileSystem

from corpus.errors import MissingError, RemoteError
from corpus.settings import require

MIB: Final = 1 << 20
PROGRESS: Final = 64 << 10
"""A request that gave at least this many bytes before it failed starts the count of attempts anew."""
RETRIED: Final = frozenset({403, 408, 425, 429, *range(500, 600)})
CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
SCHEMES: Final = ("s3://", "https://", "http://")
READ: Final = 256 << 10
Loop = asyncio.AbstractEventLoop


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

    async def get(self, start: int, size: int, into: bytearray, known: Known) -> None:
        """Append bytes `start` to `start + size` to `into` as they come; raises Transient or RemoteError."""

    async def close(self) -> None:
        """Close its connections."""


class HttpSource:
    """A file behind http:// or https://."""

    def __init__(self, url: str, settings: RemoteSettings) -> None:
        self.url, self.settings = url, settings
        self.files = HTTPFileSystem(
            skip_instance_cache=True, client_kwargs={"auto_decompress": False, "trust_env": True}
        )
        self.loop: Loop = self.files.loop
        self.tls = ssl_context(settings)
        self.live: tuple[aiohttp.ClientResponse, int] | None = None  # a server that ignores Range, and its position

    async def get(self, start: int, size: int, into: bytearray, known: Known) -> None:
        """See Source."""
        try:
            async with asyncio.timeout(self.settings.deadline):
                await self._get(start, size, into, known)
        except TimeoutError as error:
            await self._drop()
            raise Transient(f"no answer within {self.settings.deadline:g} s") from error
        except (aiohttp.ClientConnectorCertificateError, aiohttp.InvalidURL) as error:
            raise RemoteError(f"{self.url}: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            await self._drop()
            raise Transient(f"connection failed ({type(error).__name__}: {error})") from error

    async def _get(self, start: int, size: int, into: bytearray, known: Known) -> None:
        response, at = self.live if self.live and self.live[1] <= start else await self._open(start, size, known)
        if response.status == 416:
            known.check(self.url, start if known.size is None else known.size, None)
            return
        before = len(into)
        try:
            await copy(response.content.read, start - at, size, into)
        except BaseException:
            response.close()
            self.live = None
            raise
        got = len(into) - before
        if response.status == 200 and got < size:
            known.check(self.url, start + got, None)
        if response.status == 200:
            self.live = (response, start + got)
        else:
            response.release()

    async def _open(self, start: int, size: int, known: Known) -> tuple[aiohttp.ClientResponse, int]:
        """Send a request; return the response and the offset in the file at which its body begins."""
        await self._drop()
        session = await self.files.set_session()
        headers = {"Range": f"bytes={start}-{start + size - 1}", "Accept-Encoding": "identity"}
        response = await session.get(self.url, headers=headers, ssl=self.tls)
        if response.status not in (200, 206, 416):
            response.release()
            raise refusal(self.url, response.status, retry_after(response.headers.get("Retry-After")))
        if response.status == 416:
            response.release()
            return response, start
        found = CONTENT_RANGE.match(response.headers.get("Content-Range", "")) if response.status == 206 else None
        at = int(found[1]) if found else 0 if response.status == 200 else start
        length = found[3] if found else response.headers.get("Content-Length", "*") if response.status == 200 else "*"
        mark = response.headers.get("ETag") or response.headers.get("Last-Modified")
        known.check(self.url, int(length) if length.isdigit() else None, mark)
        if at > start:
            response.release()
            raise Transient(f"the server answered with bytes from {at} on, not from {start}")
        return response, at

    async def _drop(self) -> None:
        if self.live:
            self.live[0].close()
        self.live = None

    async def close(self) -> None:
        """See Source."""
        await self._drop()
        await (await self.files.set_session()).close()


class S3Source:
    """An object behind s3://."""

    def __init__(self, url: str, settings: RemoteSettings) -> None:
        self.url, self.settings = url, settings
        self.files = s3_files(settings)
        self.loop: Loop = self.files.loop
        self.bucket, self.key, _ = self.files.split_path(url)

    async def get(self, start: int, size: int, into: bytearray, known: Known) -> None:
        """See Source."""
        try:
            async with asyncio.timeout(self.settings.deadline):
                await self._get(start, size, into, known)
        except (Transient, RemoteError):
            raise
        except TimeoutError as error:
            raise Transient(f"no answer within {self.settings.deadline:g} s") from error
        except Exception as error:
            problem = s3_problem(self.url, error)
            if problem is None:  # the range begins at the end of the object
                known.check(self.url, start if known.size is None else known.size, None)
                return
            raise problem from error

    async def _get(self, start: int, size: int, into: bytearray, known: Known) -> None:
        match = {"IfMatch": known.mark} if known.mark else {}
        asked = {"Bucket": self.bucket, "Key": self.key, "Range": f"bytes={start}-{start + size - 1}", **match}
        answer = await self.files._call_s3("get_object", **asked)
        try:
            found = CONTENT_RANGE.match(answer.get("ContentRange", ""))
            total = int(found[3]) if found and found[3] != "*" else None
            known.check(self.url, answer.get("ContentLength") if found is None else total, answer.get("ETag"))
            await copy(answer["Body"].read, 0 if found else start, size, into)
        finally:
            answer["Body"].close()

    async def close(self) -> None:
        """See Source."""
        client = await self.files.get_s3()
        await client.close()


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


def s3_problem(url: str, error: BaseException) -> Exception | None:
    """Return what to raise for an error of an S3 request; None when the range begins behind the end."""
    botocore = s3_module("botocore.exceptions")
    causes = list(chain_of(error))
    for cause in causes:
        if isinstance(cause, botocore.ClientError):
            status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return None if status == 416 else refusal(url, status)
    for cause in causes:
        if isinstance(cause, (botocore.NoCredentialsError, botocore.PartialCredentialsError)):
            return RemoteError(f"{url}: no S3 credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if isinstance(error, FileNotFoundError):
        return refusal(url, 404)
    passing = (botocore.HTTPClientError, botocore.ResponseStreamingError, botocore.IncompleteReadError)
    if isinstance(error, (*passing, aiohttp.ClientError, OSError)):
        return Transient(f"connection failed ({type(error).__name__}: {error})")
    return RemoteError(f"{url}: {type(error).__name__}: {error}")


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what caused it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def s3_module(name: str) -> ModuleType:
    """Import a module of the extra `s3`; raises MissingError naming the extra."""
    try:
        return __import__(name, fromlist=["_"])
    except ImportError as error:
        raise MissingError("s3:// inputs need the extra `s3`: pip install 'headwater[s3]'") from error


def s3_files(settings: RemoteSettings) -> Any:
    """Return an s3fs file system whose own retries are off, so that attempts are counted in one place."""
    files = s3_module("s3fs").S3FileSystem(
        anon=settings.s3_anonymous,
        endpoint_url=settings.s3_endpoint,
        skip_instance_cache=True,
        client_kwargs={"verify": settings.ca_file} if settings.ca_file else {},
        config_kwargs={
            "retries": {"mode": "standard", "total_max_attempts": 1},
            "connect_timeout": settings.deadline,
            "read_timeout": settings.deadline,
        },
    )
    files.retries = 1
    return files


def ssl_context(settings: RemoteSettings) -> ssl.SSLContext | bool:
    """Return the certificates to trust; raises RemoteError when the CA file cannot be used."""
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise RemoteError(f"{settings.ca_file}: cannot be read as PEM certificates ({error}); check ca_file") from error


def is_remote(url: str) -> bool:
    """Say whether `url` names a remote file."""
    return url.startswith(SCHEMES)


class RemoteStream(io.RawIOBase):
    """A remote file, read forwards in blocks; `seek` is allowed and costs a new request."""

    def __init__(self, url: str, settings: RemoteSettings | None = None) -> None:
        self.url = self.name = url
        self.settings = settings or RemoteSettings()
        self.known = Known()
        self.source: Source = (S3Source if url.startswith("s3://") else HttpSource)(url, self.settings)
        self._at = self._start = 0
        self._block = b""

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
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.known.size}[whence]
        if base is None:
            raise io.UnsupportedOperation(f"{self.url}: its size is not known")
        self._at = max(0, base + offset)
        return self._at

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
            self._run(self.source.get(start + before, wanted - before, got, self.known))
            if len(got) < self._wanted(start, size):
                raise Transient(f"short answer, {len(got) - before} of {wanted - before} bytes")
        except Transient:
            if len(got) - before < PROGRESS:
                raise

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


def open_remote(url: str, settings: RemoteSettings | None = None) -> BinaryIO:
    """Open a remote file for reading. Errors come with the first read: RemoteError in a sentence."""
    return cast("BinaryIO", io.BufferedReader(RemoteStream(url, settings), buffer_size=READ))


def probe(url: str, settings: RemoteSettings | None = None) -> Known:
    """Return size and mark of a remote file by reading its first byte; raises RemoteError."""
    with contextlib.closing(RemoteStream(url, settings)) as stream:
        stream.fetch(0, 1)
        return stream.known


def list_s3(url: str, settings: RemoteSettings | None = None) -> list[str]:
    """Return the URLs of all objects under an s3:// folder, or that match an s3:// glob, sorted."""
    settings = settings or RemoteSettings()
    files = s3_files(settings)
    find = files.glob if any(c in url for c in "*?[") else files.find
    try:
        return sorted(f"s3://{name}" for name in find(url))
    except Exception as error:
        problem = s3_problem(url, error)
        raise (problem if isinstance(problem, RemoteError) else RemoteError(f"{url}: {problem}")) from error
