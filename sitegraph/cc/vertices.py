"""Vertices: `id<TAB>reversed_name`, in domain files also `<TAB>n_hosts`, as Arrow arrays of names in the order of ids.

An id says nothing but the number of the line: ids are dense from 0, over all parts, and names ascend strictly by their
bytes. That is checked, because edges name nodes by these ids and everything below (ranks, look-ups by binary search)
relies on the order. A name has labels of ASCII letters, digits, `-` and `_` with a dot between two, 253 bytes at most
(RFC 1035; the underscore and the length are cc-pyspark's rule too), so a name is safe to print, and non-ASCII names,
which the published files hold as punycode, are refused.

No name becomes a Python string: a kernel copies the names of a block together, which makes them an Arrow array. What a
name has in common with the one before is copied by the word; it needs no test, since that one has passed it. A `\\r`
before the newline is let pass.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel
from corpus.stage import tick
from sitegraph.cc.digits import MOST, NEWLINE, NUMBER, RETURN, TAB, digits_at
from sitegraph.cc.edges import MAX_NODES
from sitegraph.cc.textblocks import BLOCK, TextBlock, ahead, shown, text_blocks
from sitegraph.store.primitives import load_word, store_word

LONGEST_NAME: Final = 253
_DOT: Final = ord(".")
_NAME: Final = re.compile(rb"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_LETTER: Final = re.compile(rb"[A-Za-z0-9_-]")
# Of every byte whether it is of a label (1), a dot (2), or ends the name (0).
_KINDS: Final = np.array([2 * (i == _DOT) or bool(_LETTER.fullmatch(bytes([i]))) for i in range(256)], np.uint8)
_U: Any = np.uint64
_WORD: Final = _U(4)


@dataclass(frozen=True, slots=True)
class VertexBlock:
    """Nodes from id `first` on: reversed names (pa.StringArray) and, of domains, how many hosts each has (int64[m])."""

    first: int
    names: pa.Array
    hosts: NDArray[np.int64] | None


def read_vertices(paths: Sequence[Path], *, block: int = BLOCK) -> Iterator[VertexBlock]:
    """Yield the nodes of vertices files in the order of their ids.

    Raises InputError with file and line when ids are not dense from 0, names do not ascend or are no names, lines are
    not all of one kind, or a file cannot be read.
    """
    for found in ahead(_parsed(paths, block)):
        tick(len(found.names))
        yield found


def _parsed(paths: Sequence[Path], block: int) -> Iterator[VertexBlock]:
    """Yield the nodes of files; asked for in a thread."""
    first, previous, columns = 0, b"", 0
    for path in paths:
        for text in text_blocks(path, "vertices", block):
            columns = columns or (3 if text.line_at(0).count(b"\t") == 2 else 2)
            yield (found := parse(text, first, previous, columns))
            first += text.lines
            previous = found.names[-1].as_py().encode()


def parse(text: TextBlock, first: int, previous: bytes, columns: int) -> VertexBlock:
    """Return the nodes of a block of lines: the first has id `first` and comes behind the name `previous`."""
    names = np.empty(len(previous) + len(text.data), np.uint8)
    names[: len(previous)] = np.frombuffer(previous, np.uint8)
    ends = np.empty(text.lines + 1, np.int32)
    ends[0] = len(previous)
    hosts = np.empty(text.lines if columns == 3 else 0, np.int64)
    bad = parse_vertices(text.data, _U(first), _U(min(first + text.lines, MAX_NODES)), columns == 3, names, ends, hosts)
    if bad < len(text.data):
        raise _fault(text, int(bad), first, previous, columns)
    array = pa.Array.from_buffers(pa.string(), text.lines, [None, pa.py_buffer(ends), pa.py_buffer(names)])
    return VertexBlock(first, array, hosts if columns == 3 else None)


def _fault(text: TextBlock, bad: int, first: int, previous: bytes, columns: int) -> Exception:
    """Return the error for the line that begins at `bad`, all before it being sound."""
    before = text.data[:bad].tobytes().splitlines()
    if before:
        previous = before[-1].split(b"\t")[1]
    reason = vertex_fault(text.line_at(bad), first + len(before), previous, columns)
    return text.fault(bad, reason or "not understood")


@kernel
def parse_vertices(data: Any, first: Any, stop: Any, counted: Any, names: Any, ends: Any, hosts: Any) -> Any:
    """Take the names of whole lines (uint8[k]) together; return where the first wrong line begins, or k.

    The ids of the lines are first, first + 1 and so on below stop. names (uint8) begins with the name before the
    first, of length ends[0], and takes name i at ends[i] : ends[i + 1]; hosts takes the third column, if counted.
    """
    i, row, before, at = _U(0), _U(0), _U(0), _U(ends[0])
    while i < _U(len(data)):
        start = i
        number, i = digits_at(data, start)
        if number != first + row or number >= stop or data[i] != TAB or i - start - _U(1) >= _U(MOST):
            return start
        i += _U(1)
        end, i = name_at(data, i, names, before, at)
        if end == at:
            return start
        before, at = at, end
        if counted:
            if data[i] != TAB:
                return start
            begin = i + _U(1)
            number, i = digits_at(data, begin)
            if i - begin - _U(1) >= _U(MOST):
                return start
            hosts[row] = number
        if data[i] != NEWLINE:
            if data[i] != RETURN or data[i + _U(1)] != NEWLINE:
                return start
            i += _U(1)
        i += _U(1)
        row += _U(1)
        ends[row] = at
    return i


@inlined
def name_at(data: Any, i: Any, names: Any, before: Any, at: Any) -> Any:
    """Copy the name at data[i] to names[at]; return where it ends, in names and in data; the former is `at` for none.

    None is what is no name, and what does not sort behind names[before:at]. What both have in common is sound since it
    is so in that one; of what follows, which is about half of a name, the kinds of all bytes are told without branches.
    """
    end, k = at, before
    while k + _WORD <= at and i + _WORD <= _U(len(data)) and load_word(data, i) == load_word(names, k):
        store_word(names, end, load_word(data, i))
        i, k, end = i + _WORD, k + _WORD, end + _WORD
    while k < at and data[i] == names[k]:
        names[end] = data[i]
        i, k, end = i + _U(1), k + _U(1), end + _U(1)
    behind = k == at or data[i] > names[k]
    fork, repeated = end, _U(0)
    last = _U(_KINDS[_DOT]) if end == at else _U(_KINDS[names[end - _U(1)]])
    kind = _U(_KINDS[data[i]])
    while kind:
        repeated |= kind & last
        last = kind
        names[end] = data[i]
        i, end = i + _U(1), end + _U(1)
        kind = _U(_KINDS[data[i]])
    if (repeated | last) & _U(2) or not behind or end == fork or end - at > _U(LONGEST_NAME):
        end = at
    return end, i


def vertex_fault(line: bytes, number: int, previous: bytes, columns: int) -> str | None:
    """Say what is wrong with the line of node `number`, behind the name `previous`, or None."""
    cells = line.removesuffix(b"\r").split(b"\t")
    if len(cells) != columns:
        return f"{len(cells)} columns, not {columns} (id, reversed name{', n_hosts' * (columns == 3)})"
    if not NUMBER.fullmatch(cells[0]):
        return f"no id: {shown(cells[0])}"
    if int(cells[0]) != number:
        return f"id {int(cells[0]):,} where {number:,} is due; ids number the lines, from 0"
    if number >= MAX_NODES:
        return f"a graph has at most {MAX_NODES:,} nodes"
    if columns == 3 and not NUMBER.fullmatch(cells[2]):
        return f"no number of hosts: {shown(cells[2])}"
    return name_fault(cells[1]) or order_fault(previous, cells[1])


def name_fault(name: bytes) -> str | None:
    """Say why bytes are no reversed name, or None."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return f"the name is not UTF-8: {shown(name)}"
    if not text.isascii():
        return f"the name is not ASCII (punycode is due): {shown(name)}"
    if len(name) > LONGEST_NAME:
        return f"the name has {len(name):,} bytes, over {LONGEST_NAME}: {shown(name)}"
    if not _NAME.fullmatch(name):
        return f"no name (labels of letters, digits, - and _ with a dot between two): {shown(name)}"
    return None


def order_fault(previous: bytes, name: bytes) -> str | None:
    """Say why a name cannot follow another, or None."""
    if name == previous:
        return f"the name {shown(name)} occurs twice"
    if name < previous:
        return f"{shown(name)} behind {shown(previous)}: names ascend by their bytes (LC_ALL=C sort)"
    return None
