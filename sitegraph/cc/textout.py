"""Vertices and edges written as they are published: what is read and written again is the same text.

Kernels format numbers and lines; a path that ends in .gz is compressed by isal in a thread, at its level 3: files as
small as those of zlib's level 6 in a tenth of the time (benchmarks/graph_text.py). Times and names are left out of the
gzip header, so equal graphs give equal files on one machine.

Every block is parsed before it is written. A graph that the readers would refuse (names out of order, an arc twice)
is an error here, where it was made, and no file of it is left.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from isal import isal_zlib
from numpy.typing import NDArray

from corpus.errors import InputError, StorageError
from corpus.kernels import kernel
from corpus.stage import tick
from corpus.storage import HashingFile, Written, whole_file
from sitegraph.cc import edges, vertices
from sitegraph.cc.digits import NEWLINE, TAB, put_number
from sitegraph.cc.edges import Ids
from sitegraph.cc.textblocks import Text, TextBlock

ROWS: Final = 1 << 18
"""Lines formatted at a time."""
LEVEL: Final = 3
_GZIP: Final = 31  # window of 32 KiB, gzip header and trailer
_NUMBER: Final = 10  # bytes of the longest id
_U: Any = np.uint64


class TextOut:
    """A text file being written: texts handed over are compressed in a thread, in order, while the next is made.

    lines: handed over so far. written: the finished file, by its name, once the block of `text_out` has ended.
    """

    written: Written

    def __init__(self, path: Path, file: HashingFile, pool: ThreadPoolExecutor) -> None:
        self.path, self.lines = path, 0
        self._file, self._pool = file, pool
        self._compressor = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, _GZIP) if path.suffix == ".gz" else None
        self._busy: Future[None] | None = None

    def write(self, text: Text, lines: int) -> None:
        """Append a text of so many lines; it must not be changed afterwards."""
        self.settle()
        self._busy = self._pool.submit(self._write, text)
        self.lines += lines

    def _write(self, text: Text) -> None:
        self._file.write(self._compressor.compress(text) if self._compressor else text)

    def settle(self) -> None:
        """Wait until all is written; raise what went wrong."""
        if self._busy:
            self._busy.result()

    def finish(self) -> None:
        """End the file."""
        self.settle()
        if self._compressor:
            self._file.write(self._compressor.flush())
        self.written = Written(self.path.name, self.lines, self._file.bytes, self._file.hash.hexdigest())


@contextmanager
def text_out(path: Path) -> Iterator[TextOut]:
    """Open a text file that is written whole or not at all."""
    with whole_file(path) as file, ThreadPoolExecutor(1) as pool:
        out = TextOut(path, file, pool)
        yield out
        out.finish()


def write_edges(path: Path, arcs: Iterable[tuple[Ids, Ids]], n: int) -> Written:
    """Write arcs (source and target ids, uint32, ascending strictly by both) between n nodes, `from<TAB>to`.

    Raises StorageError when they do not ascend, lead from a node to itself or to none, or cannot be written.
    """
    last = (0, 0)
    with text_out(path) as out:
        for source, target in _sliced(arcs):
            text = np.empty(len(source) * (2 * _NUMBER + 2), np.uint8)
            text = text[: format_edges(source, target, text)]
            block = TextBlock(path, out.lines + 1, len(source), text)
            found, last = _sound(path, edges.parse, block, n, last)
            if len(found.source) < len(source) or not found.in_order:
                raise StorageError(f"{path}: not written, as its arcs do not ascend or one leads to its own node")
            out.write(text, len(source))
            tick(len(source))
    return out.written


def _sliced(arcs: Iterable[tuple[Ids, Ids]]) -> Iterator[tuple[Ids, Ids]]:
    """Yield arcs in blocks of at most ROWS."""
    for source, target in arcs:
        for start in range(0, len(source), ROWS):
            yield source[start : start + ROWS], target[start : start + ROWS]


def write_vertices(path: Path, names: Iterable[pa.Array], hosts: NDArray[np.int64] | None = None) -> Written:
    """Write nodes by id, `id<TAB>reversed_name`, and `<TAB>n_hosts` when `hosts` says how many each has (by id).

    Raises StorageError when names do not ascend strictly by their bytes, are no names, or cannot be written.
    """
    previous, columns = b"", 2 if hosts is None else 3
    with text_out(path) as out:
        for data, ends in name_blocks(path, names):
            rows = len(ends) - 1
            counts = np.empty(0, np.int64) if hosts is None else hosts[out.lines : out.lines + rows]
            if hosts is not None and len(counts) < rows:
                raise StorageError(f"{path}: not written, as there are {len(hosts):,} numbers of hosts and more names")
            text = np.empty(ends[-1] - ends[0] + rows * (2 * _NUMBER + 3), np.uint8)
            text = text[: format_vertices(_U(out.lines), data, ends, counts.astype(np.uint64), text)]
            block = TextBlock(path, out.lines + 1, rows, text)
            found = _sound(path, vertices.parse, block, out.lines, previous, columns)
            previous = found.names[-1].as_py().encode()
            out.write(text, rows)
            tick(rows)
    return out.written


def name_blocks(path: Path, names: Iterable[pa.Array]) -> Iterator[tuple[Text, NDArray[np.int64]]]:
    """Yield names in blocks of at most ROWS: their bytes, and the places in these between which each lies.

    names: Arrow arrays, chunked or not. A name that would not stay in its column is an error about `path`.
    """
    for array in names:
        for chunk in array.chunks if isinstance(array, pa.ChunkedArray) else [array]:
            for start in range(0, len(chunk), ROWS):
                part = chunk.slice(start, ROWS).cast(pa.large_string())
                _, ends, data = part.buffers()
                places = np.frombuffer(ends, np.int64)[part.offset : part.offset + len(part) + 1]
                text = np.frombuffer(data or b"", np.uint8)
                if np.diff(places).min() == 0 or text[places[0] : places[-1]].min() <= ord(" "):
                    raise StorageError(f"{path}: not written, as a name is empty or has blanks")
                yield text, places


def _sound(path: Path, parse: Callable[..., Any], *given: Any) -> Any:
    """Return what parsing gives; a text that would not be read is an error of the writer."""
    try:
        return parse(*given)
    except InputError as error:
        cause = str(error).removeprefix(f"{path}, ").partition("; fetch")[0]
        raise StorageError(f"{path}: not written, as it could not be read again ({cause})") from error


@kernel
def format_edges(source: Any, target: Any, text: Any) -> Any:
    """Write arcs (uint32[m] each) as lines into text (uint8); return how long they are."""
    at = _U(0)
    for k in range(len(source)):
        at = put_number(_U(source[k]), text, at)
        text[at] = TAB
        at = put_number(_U(target[k]), text, at + _U(1))
        text[at] = NEWLINE
        at += _U(1)
    return at


@kernel
def format_vertices(first: Any, data: Any, ends: Any, hosts: Any, text: Any) -> Any:
    """Write nodes from id `first` on as lines into text (uint8); return how long they are.

    Name k is data[ends[k] : ends[k + 1]] (uint8, int64[m + 1]); hosts is uint64[m], or empty.
    """
    at = _U(0)
    for k in range(len(ends) - 1):
        at = put_number(first + _U(k), text, at)
        text[at] = TAB
        at += _U(1)
        for i in range(ends[k], ends[k + 1]):
            text[at] = data[i]
            at += _U(1)
        if len(hosts):
            text[at] = TAB
            at = put_number(hosts[k], text, at + _U(1))
        text[at] = NEWLINE
        at += _U(1)
    return at
