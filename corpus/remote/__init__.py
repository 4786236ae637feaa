"""Remote inputs as streams: ranges fetched block by block, retried with back-off, resumed at the byte reached.

A web crawl's archives are read over hours from servers that throttle (403, 429, 503), cut connections and stall.
Each request asks for one range and has a deadline; what it gave before it failed is kept, and the next request asks
for the rest. A retry waits exponentially longer, with jitter, and at least as long as Retry-After says. An ETag (or
Last-Modified) that changes between two blocks is an error, since the blocks would be of two different files.
"""

from typing import BinaryIO

from corpus.remote.request import Known, RemoteSettings, is_remote

__all__ = ["Known", "RemoteSettings", "is_remote", "list_s3", "open_remote", "probe"]


def open_remote(url: str, settings: RemoteSettings | None = None) -> BinaryIO:
    """Open a remote file for reading. Errors come with the first read: RemoteError in a sentence."""
    from corpus.remote import stream  # noqa: PLC0415 - aiohttp takes 0.2 s and 20 MB, which local inputs need not pay

    return stream.open_remote(url, settings)


def probe(url: str, settings: RemoteSettings | None = None) -> Known:
    """Return size and mark of a remote file by reading its first byte; raises RemoteError."""
    from corpus.remote import stream  # noqa: PLC0415 - see open_remote

    return stream.probe(url, settings)


def list_s3(url: str, settings: RemoteSettings | None = None) -> list[str]:
    """Return the URLs of all objects under an s3:// folder, or that match an s3:// glob, sorted."""
    from corpus.remote import s3  # noqa: PLC0415 - see open_remote

    return s3.list_s3(url, settings)
