"""What a run reads: paths, globs, folders, s3:// and https:// URLs, and listings of them, made into one sorted list.

Each input carries a mark that tells cheaply whether its content changed since the last run: size and modification
time of a local file, the ETag of a remote one. Crawls list more remote files than anyone wants to ask about one by
one (90,000 in a Common Crawl month), so above `RemoteSettings.probe_limit` remote inputs go unmarked.
"""

import glob
import gzip
import os
import re
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote_to_bytes, urlsplit

from corpus.errors import InputError
from corpus.remote import RemoteSettings, is_remote, list_s3, open_remote, probe

ARCHIVE: Final = re.compile(r"\.(?:warc|arc|wet|wat)(?:\.|$)|\.(?:gz|zst)$", re.IGNORECASE)
"""A file of a folder whose name has this is taken as an archive."""
OTHER: Final = re.compile(
    r"^\.|\.(?:tmp|part|crdownload|cdxj?|idx|md5|sha\d+|md|csv|jsonl?|parquet|tar|tgz|xml|html?)(?:\.gz|\.zst)?$",
    re.IGNORECASE,
)
"""A file of a folder whose name has this is never taken."""
LISTING: Final = re.compile(r"\.(?:paths|txt|list|lst)(?:\.gz)?$", re.IGNORECASE)
"""An input of this name lists others, one per line."""
LONGEST_LINE: Final = 16 << 10
MOST_LINES: Final = 10_000_000
PROBES: Final = 16
"""Remote inputs asked about at a time."""


@dataclass(frozen=True, slots=True, order=True)
class Input:
    """One archive: absolute path or URL, size in bytes (None: not known), and a mark of its content ("": unmarked)."""

    url: str
    size: int | None = None
    mark: str = ""


def resolve(inputs: Sequence[str], prefix: str | None = None, settings: RemoteSettings | None = None) -> list[Input]:
    """Return every archive that `inputs` name, sorted by URL, none twice.

    `prefix` is set before the relative entries of listings (as "https://data.commoncrawl.org/"). Without it they are
    relative to the folder of a local listing, or to the root of the server or bucket of a remote one.
    A file that cannot be read stays in the list, unmarked, as long as there is one that can: whoever reads it is told,
    and the others are not held up. Raises InputError (RemoteError for remote ones) naming a folder, glob or listing
    that cannot be read or holds no archive, and the first file when none of the first ones can be read.
    """
    settings = settings or RemoteSettings()
    if not inputs:
        raise InputError("no input given; name archives, folders, URLs or a listing of them")
    urls = sorted({url for given in inputs for url in expand(given, prefix, settings)})
    if sum(map(is_remote, urls)) > settings.probe_limit:
        settings = replace(settings, probe_limit=0)
    with ThreadPoolExecutor(PROBES) as pool:
        first = list(pool.map(lambda url: ask(url, settings), urls[:PROBES]))
        errors = [error for _, error in first if error]
        if len(errors) == len(first):
            raise errors[0]
        return [item for item, _ in [*first, *pool.map(lambda url: ask(url, settings), urls[PROBES:])]]


def ask(url: str, settings: RemoteSettings) -> tuple[Input, InputError | None]:
    """Return the input behind a path or URL, and why no more can be known of it. A probe limit of 0 asks no server."""
    try:
        if not is_remote(url):
            return local_input(url), None
        return probed(Input(url), settings) if settings.probe_limit else Input(url), None
    except InputError as error:
        return Input(url), error


def open_input(url: str, settings: RemoteSettings | None = None) -> BinaryIO:
    """Open an input for reading; raises InputError. A remote one retries and resumes, see corpus/remote.py."""
    if is_remote(url):
        return open_remote(url, settings)
    local_input(url)
    try:
        return open(local_path(url), "rb")
    except OSError as error:
        raise InputError(f"{url}: cannot be read ({error.strerror})") from error


def expand(given: str, prefix: str | None, settings: RemoteSettings) -> Iterator[str]:
    """Yield the archives that one input names: absolute paths and URLs."""
    if LISTING.search(given):
        yield from read_listing(given, prefix, settings)
    elif is_remote(given):
        yield from expand_remote(given, settings)
    elif "://" in given and not given.startswith("file://"):
        raise InputError(f"{given}: only s3://, https:// and http:// URLs can be read")
    else:
        yield from expand_local(str(local_path(given)))


def expand_remote(url: str, settings: RemoteSettings) -> Iterator[str]:
    """Yield the archives under a remote URL; only S3 can list folders and match globs."""
    if url.startswith("s3://") and (url.endswith("/") or any(c in url for c in "*?[")):
        found = [name for name in list_s3(url, settings) if is_archive(name)]
        if not found:
            raise InputError(f"{url}: no archive found there")
        yield from found
    elif url.endswith("/"):
        raise InputError(f"{url}: a folder on a web server cannot be listed; name its files or a listing of them")
    else:
        yield url


def expand_local(given: str) -> Iterator[str]:
    """Yield the archives of a path, folder or glob; a file that is named is taken whatever its name."""
    path = Path(given)
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
        found = walk(path)
        if not found:
            raise InputError(f"{given}: no archive in this folder (looked for names with .warc, .arc, .wet, .gz, .zst)")
        yield from found
    elif os.path.lexists(path) or not glob.has_magic(given):
        yield absolute(given)
    else:
        matches = sorted(glob.glob(given, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        if not matches:
            raise InputError(f"{given}: no file matches")
        for match in matches:
            yield from walk(Path(match)) if Path(match).is_dir() else [absolute(match)]


def walk(folder: Path) -> list[str]:
    """Return the archives in a folder and its subfolders, sorted."""
    found = []
    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [absolute(Path(place, name)) for name in names if is_archive(name)]
    return sorted(found)


def unreadable(error: OSError) -> None:
    """Raise the InputError for a folder that cannot be listed."""
    raise InputError(f"{error.filename}: cannot be listed ({error.strerror})") from error


def is_archive(name: str) -> bool:
    """Say whether a file found in a folder looks like an archive by its name."""
    name = name.rpartition("/")[2]
    return bool(ARCHIVE.search(name)) and not OTHER.search(name) and not LISTING.search(name)


def read_listing(given: str, prefix: str | None, settings: RemoteSettings) -> Iterator[str]:
    """Yield the archives that a listing names, one per line; blank lines and those that begin with # are passed."""
    base = prefix or listing_base(given)
    count = 0
    with open_input(given, settings) as stream:
        for line in listing_lines(stream, given):
            entry = line.strip()
            if entry and not entry.startswith("#"):
                count += 1
                yield join(base, entry)
    if not count:
        raise InputError(f"{given}: this listing names no archive")


def listing_lines(stream: BinaryIO, given: str) -> Iterator[str]:
    """Yield the lines of a listing, gzip or plain; raises InputError when it cannot be read as text lines."""
    lines = gzip.GzipFile(fileobj=stream) if given.lower().endswith(".gz") else stream
    try:
        for _ in range(MOST_LINES):
            line = lines.readline(LONGEST_LINE)
            if not line:
                return
            if len(line) >= LONGEST_LINE or b"\0" in line:
                break
            yield line.decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{given}: cannot be read as a listing ({error})") from error
    raise InputError(f"{given}: this is no listing of archives (one path or URL per line)")


def listing_base(given: str) -> str:
    """Return what relative entries of a listing are relative to when no prefix is given."""
    if is_remote(given):
        parts = urlsplit(given)
        return f"{parts.scheme}://{parts.netloc}/"
    return str(local_path(given).absolute().parent)


def join(base: str, entry: str) -> str:
    """Return the URL or absolute path of a listing's entry."""
    if is_remote(entry):
        return entry
    if is_remote(base):
        return f"{base.rstrip('/')}/{entry.lstrip('/')}"
    return absolute(Path(local_path(base), local_path(entry)))


def local_path(url: str) -> Path:
    """Return the path that a local input or file:// URL names; only "~/" is the home folder. Raises InputError."""
    try:
        path = os.fsdecode(unquote_to_bytes(urlsplit(url).path)) if url.startswith("file://") else url
    except ValueError as error:
        raise InputError(f"{url}: no valid file:// URL ({error})") from error
    if not path or "\0" in path:
        raise InputError(f"{path!r} is no file name; name archives, folders, URLs or a listing of them")
    return Path(path).expanduser() if path == "~" or path.startswith("~/") else Path(path)


def absolute(path: str | Path) -> str:
    """Return an absolute path with "." and ".." taken out and links left in: a link may carry the archive's name.

    A name that is no valid text, which could not be stored or printed, becomes a file:// URL.
    """
    found = os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links
    return Path(found).as_uri() if any("\ud800" <= c <= "\udfff" for c in found) else found


def local_input(path: str) -> Input:
    """Return the input for a local file; raises InputError when there is none that can be read."""
    try:
        status = local_path(path).stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: is not a file; a folder, pipe or device cannot be read as an archive, save it first")
    if not os.access(local_path(path), os.R_OK):
        raise InputError(f"{path}: cannot be read (permission denied)")
    return Input(path, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")


def probed(item: Input, settings: RemoteSettings) -> Input:
    """Return a remote input with its size and mark."""
    known = probe(item.url, settings)
    return replace(item, size=known.size, mark=known.mark or "")
