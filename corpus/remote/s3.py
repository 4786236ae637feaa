"""An object behind s3://, range by range; s3fs is imported only when one is opened (extra `s3`)."""

import asyncio
import ssl
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import aiohttp

from corpus.errors import MissingError, RemoteError
from corpus.remote.request import CONTENT_RANGE, Known, Loop, RemoteSettings, Transient, copy, refusal


class S3Source:
    """An object behind s3://; with `beside`, over the connections of that source, which closes them."""

    def __init__(self, url: str, settings: RemoteSettings, beside: "S3Source | None" = None) -> None:
        self.url, self.settings, self._owns = url, settings, beside is None
        self.files: Any = beside.files if beside else s3_files(settings)
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
        if self._owns:
            client = await self.files.get_s3()
            await client.close()


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
        if isinstance(cause, (ssl.SSLCertVerificationError, aiohttp.ClientConnectorCertificateError)):
            return RemoteError(f"{url}: {cause}; set AWS_CA_BUNDLE to the certificates that vouch for the server")
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
