"""A file behind http:// or https://, range by range.

Session and event loop are fsspec's; requests are made here, because fsspec's own range reads hide status and ETag,
and take a whole file into memory when a server ignores Range. Such a server is read as a stream.
"""

import asyncio
import ssl

import aiohttp
from fsspec.implementations.http import HTTPFileSystem

from corpus.errors import RemoteError
from corpus.remote.request import CONTENT_RANGE, Known, Loop, RemoteSettings, Transient, copy, refusal, retry_after


class HttpSource:
    """A file behind http:// or https://; with `beside`, over the connections of that source, which closes them."""

    def __init__(self, url: str, settings: RemoteSettings, beside: "HttpSource | None" = None) -> None:
        self.url, self.settings, self._owns = url, settings, beside is None
        self.files: HTTPFileSystem = beside.files if beside else http_files()
        self.loop: Loop = self.files.loop
        self.tls: ssl.SSLContext | bool = beside.tls if beside else ssl_context(settings)
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
        try:
            return response, self._begin(response, start, known)
        except BaseException:
            response.close()
            raise

    def _begin(self, response: aiohttp.ClientResponse, start: int, known: Known) -> int:
        """Take in status and headers; return the offset in the file at which the body begins."""
        if response.status == 416:
            response.release()
            return start
        if response.status not in (200, 206):
            raise refusal(self.url, response.status, retry_after(response.headers.get("Retry-After")))
        found = CONTENT_RANGE.match(response.headers.get("Content-Range", "")) if response.status == 206 else None
        whole = response.headers.get("Content-Length", "*") if response.status == 200 else "*"
        length = found[3] if found else whole
        mark = response.headers.get("ETag") or response.headers.get("Last-Modified")
        known.check(self.url, int(length) if length.isdigit() else None, mark)
        at = int(found[1]) if found else 0 if response.status == 200 else start
        if at > start:
            raise Transient(f"the server answered with bytes from {at} on, not from {start}")
        return at

    async def _drop(self) -> None:
        if self.live:
            self.live[0].close()
        self.live = None

    async def close(self) -> None:
        """See Source."""
        await self._drop()
        if self._owns:
            await (await self.files.set_session()).close()


def http_files() -> HTTPFileSystem:
    """Return a file system with connections of its own."""
    return HTTPFileSystem(skip_instance_cache=True, client_kwargs={"auto_decompress": False, "trust_env": True})


def ssl_context(settings: RemoteSettings) -> ssl.SSLContext | bool:
    """Return the certificates to trust; raises RemoteError when the CA file cannot be used."""
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise RemoteError(f"{settings.ca_file}: cannot be read as PEM certificates ({error}); check ca_file") from error
