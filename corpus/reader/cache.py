"""A bounded folder of fetched bytes, named by the checksum of what they hold, shared by the ranks of a machine.

Files come whole, by a rename, and are only ever removed, so no lock is needed: two ranks that fetch the same write the
same. Reading a file marks it as used; when the folder is too large, those that were not used for longest go. What is in
a file is checked by whoever reads it, and dropped if it is wrong.
"""

import contextlib
import mmap
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SPARED: Final = 0.9
"""Part of the limit that is left when files are removed, so that it is not done for each."""
STALE: Final = 3600.0
"""Seconds after which a file that a killed process did not finish is removed."""
UNFINISHED: Final = ".part"


class Cache:
    """At most about `limit` bytes in `folder`: other ranks are seen when this one has added a tenth of it."""

    def __init__(self, folder: str | Path, limit: int) -> None:
        self.folder, self.limit = Path(folder), limit
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._bytes = self._room = 0
        self._tidy()

    def get(self, name: str) -> bytes | None:
        """Return what is kept under a name."""
        path = self._path(name)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return content

    def mapped(self, name: str) -> mmap.mmap | None:
        """Return what is kept under a name without reading it; it stays readable when the file is removed."""
        try:
            with self._path(name).open("rb") as file:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            return None

    def put(self, name: str, content: bytes) -> None:
        """Keep bytes under a name, unless they alone are beyond the limit; a full disk is no error."""
        if len(content) > self.limit:
            return
        path = self._path(name)
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}{UNFINISHED}")
        try:
            path.parent.mkdir(exist_ok=True)
            part.write_bytes(content)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            return
        with self._lock:
            self._bytes += len(content)
            self._room -= len(content)
            if self._room < 0:
                self._tidy()

    def drop(self, name: str) -> None:
        """Forget a name."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Yield (last use, bytes, path) of every file."""
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(OSError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path

    def _tidy(self) -> None:
        """Count what there is; remove what was not used for longest if it is too much."""
        files = sorted(self._files())
        self._bytes = sum(size for _, size, _ in files)
        old = time.time() - STALE
        for used, size, path in files:
            stale = path.name.endswith(UNFINISHED) and used < old
            if stale or (self._bytes > self.limit * SPARED and not path.name.endswith(UNFINISHED)):
                path.unlink(missing_ok=True)
                self._bytes -= size
        self._room = min(self.limit - self._bytes, max(1, self.limit // 10))
