"""A text file, plain or gzip, as blocks of whole lines: the ground under all readers of this package.

A web graph's edges are 120 GB of text in 45 GB of gzip, so two things decide how long a read takes. isal inflates a
member at about 450 MB/s of text where zlib does 120 (benchmarks/graph_text.py), and blocks are made in a thread of
their own, one block ahead of what parses them, which releases the interpreter as inflating does. `igzip_threaded`
would do the same in pieces of 1 MiB, to be put together and cut at line ends in the thread that parses.

gzip is told by its first bytes (RFC 1952). A file may have any number of members. What ends early, fails its checksum
or goes on with something else behind the last member is an error that names the line it happened after. So is a file
that goes on with zeros to its end, which `gzip` passes over: a lost piece of a file reads as zeros, and may have held
members. A NUL in the text is named with its line for the same reason. Lines are bounded, so memory is.
"""

import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar, cast

import numpy as np
from isal import igzip, isal_zlib
from numpy.typing import NDArray

from corpus.errors import InputError
from corpus.kernels import kernel

BLOCK: Final = 4 << 20
MAX_LINE: Final = 1 << 16
_SECTOR: Final = 512
_NEWLINE: Final = 10
_RUN: Final = 128  # newlines in as many bytes fit a byte
_DAMAGE: Final = (OSError, EOFError, zlib.error, cast("type[Exception]", isal_zlib.error))
Text = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Whole lines of a file, each ended by a newline; `first` is the number of the first, from 1."""

    path: Path
    first: int
    lines: int
    data: Text

    def place(self, start: int) -> str:
        """Return file and line of the line that begins at data[start]."""
        return f"{self.path}, line {self.first + newlines(self.data[:start]):,}"

    def fault(self, start: int, reason: str) -> InputError:
        """Return the error for the line that begins at data[start]."""
        return InputError(f"{self.place(start)}: {reason}; fetch the file again or mend the line")

    def line_at(self, start: int) -> bytes:
        """Return the line that begins at data[start], without its newline."""
        return self.data[start:].tobytes().partition(b"\n")[0]


class TextFile:
    """A text file being read: `with TextFile(path, "ranks") as file: for block in file.blocks(): ...`

    kind: what the file should hold, for the errors. block: bytes of text per block, more or less.
    """

    def __init__(self, path: Path, kind: str, block: int = BLOCK) -> None:
        self.path, self.kind, self.block = path, kind, block
        self.lines = 0

    def __enter__(self) -> "TextFile":
        try:
            self._raw = open(self.path, "rb")  # closed by __exit__
        except OSError as error:
            raise InputError(f"{self.path}: cannot read the {self.kind} ({error.strerror}); check the path") from error
        self._zipped = self._raw.peek(2)[:2] == b"\x1f\x8b"
        self._stream = cast("BinaryIO", cast("Any", igzip).open(self._raw) if self._zipped else self._raw)
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def line(self) -> bytes:
        """Return the next line, at most MAX_LINE bytes of it; only before the blocks are asked for."""
        self.lines += 1
        return self._guarded(lambda: self._stream.readline(MAX_LINE))

    def blocks(self) -> Iterator[TextBlock]:
        """Yield the lines behind those that were read; the last gets a newline when it has none."""
        while data := self._guarded(lambda: self._stream.read(self.block)):
            first = self.lines + 1
            self._refuse_nul(data)
            self.lines += newlines(np.frombuffer(data, np.uint8))
            if not data.endswith(b"\n"):
                data += self._line_end()
            yield TextBlock(self.path, first, self.lines - first + 1, np.frombuffer(data, np.uint8))
        self._guarded(self._check_end)

    def _line_end(self) -> bytes:
        """Return the rest of a line that was begun, ended by a newline."""
        rest = self._guarded(lambda: self._stream.readline(MAX_LINE))
        self._refuse_nul(rest)
        ended = rest.endswith(b"\n")
        if not ended and len(rest) == MAX_LINE:
            raise self._endless()
        self.lines += 1
        return rest if ended else rest + b"\n"

    def _refuse_nul(self, text: bytes) -> None:
        if b"\0" in text:
            line = self.lines + 1 + text[: text.index(b"\0")].count(b"\n")
            raise InputError(f"{self.path}, line {line:,}: a NUL byte, which no text has; fetch the file again")

    def _endless(self) -> InputError:
        line, an = self.lines + 1, "an" if self.kind[0] in "aeiou" else "a"
        return InputError(f"{self.path}, line {line:,}: longer than {MAX_LINE:,} bytes; not {an} {self.kind} file")

    def _check_end(self) -> None:
        """Raise when a gzip file ends in a sector of zeros."""
        size = os.fstat(self._raw.fileno()).st_size
        if self._zipped and size > _SECTOR:
            self._raw.seek(size - _SECTOR)
            if not self._raw.read(_SECTOR).strip(b"\0"):
                raise EOFError("it ends in zeros, where members may be lost")

    def _guarded(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except _DAMAGE as error:
            where = f"{self.path}, after line {self.lines:,}"
            raise InputError(f"{where}: damaged or cut short ({error}); fetch the file again") from error


@kernel
def newlines(text: Any) -> Any:
    """Return the number of newlines in a text (uint8[n]).

    Counted in bytes over runs short enough for them, which the compiler turns into vector instructions: 12 GB/s, where
    a count in integers makes 2.8.
    """
    found, whole = 0, len(text) - len(text) % _RUN
    for start in range(0, whole, _RUN):
        some: Any = np.uint8(0)
        for i in range(_RUN):
            some = np.uint8(some + np.uint8(text[start + i] == _NEWLINE))
        found += some
    for i in range(whole, len(text)):
        found += text[i] == _NEWLINE
    return found


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield what an iterator gives, the next item being made in a thread while the last is used; None ends it."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


def shown(cell: bytes) -> str:
    """Return a cell to be printed: ASCII, short."""
    return ascii(cell[:40].decode("utf-8", "replace"))


def text_blocks(path: Path, kind: str, block: int = BLOCK) -> Iterator[TextBlock]:
    """Yield the lines of a file in blocks, inflated in a thread of their own.

    Raises InputError with file and line when the file cannot be read to its end as text lines.
    """
    with TextFile(path, kind, block) as file:
        yield from ahead(file.blocks())


def parts_of(path: Path, kind: str) -> list[Path]:
    """Return the files that a path stands for: itself, or those of a folder by name, hidden and `_SUCCESS` ones not.

    Raises InputError when there is none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(part for part in path.iterdir() if part.is_file() and part.name[0] not in "._")
    if not found:
        raise InputError(f"{path}: a folder without {kind} files; check the path")
    return found
