"""Edges: `from<TAB>to`, one arc per line, in one file or in parts, as arrays of ids.

A kernel parses a block of lines at a time, faster than isal inflates them in another thread (benchmarks/graph_text.py),
so an import takes as long as inflating does. Everything is checked: two canonical numbers below the number of nodes,
a tab between and nothing else on the line. A `\\r` before the newline is let pass, as text that went through another
system has it and no arc changes by it; an empty line is not, as no published file has one and an arc may have been
there.

An arc from a node to itself is left out and counted: the published graphs have none. An arc equal to the one before it
is left out and counted too. Published parts are sorted by (from, to), each by itself. Whether all arcs came in that
order is told at the end; where they did, none occurs twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.errors import InputError
from corpus.kernels import kernel
from corpus.stage import tick
from sitegraph.cc.digits import MOST, NEWLINE, NUMBER, RETURN, TAB, digits_at
from sitegraph.cc.textblocks import BLOCK, TextBlock, ahead, shown, text_blocks

Ids = NDArray[np.uint32]
MAX_NODES: Final = 2**32 - 1
"""Ids have 32 bits, and one value is kept for "none". The largest release had 5.1 G hosts (2017, spam), the others
have up to 0.7 G.
"""
_U: Any = np.uint64


@dataclass(slots=True)
class EdgeCounts:
    """What was met so far.

    lines: all. arcs: those given on. loops: arcs from a node to itself. duplicates: arcs equal to the one before.
    in_order: whether the arcs given on ascend strictly by (from, to).
    """

    lines: int = 0
    arcs: int = 0
    loops: int = 0
    duplicates: int = 0
    in_order: bool = True

    def add(self, block: "EdgeBlock") -> None:
        """Count a block that is given on."""
        self.lines += len(block.source) + block.loops + block.duplicates
        self.arcs += len(block.source)
        self.loops += block.loops
        self.duplicates += block.duplicates
        self.in_order &= block.in_order


@dataclass(frozen=True, slots=True)
class EdgeBlock:
    """Arcs: source and target ids, uint32[m]; and what EdgeCounts says, for the lines of the block."""

    source: Ids
    target: Ids
    loops: int
    duplicates: int
    in_order: bool


def read_edges(
    paths: Sequence[Path], n: int, counts: EdgeCounts | None = None, *, block: int = BLOCK
) -> Iterator[EdgeBlock]:
    """Yield the arcs of edges files, in their order, between n nodes; `counts` is kept up to date.

    Raises InputError with file and line when a line is no arc between these nodes, or a file cannot be read.
    """
    if not 0 <= n <= MAX_NODES:
        raise InputError(f"{n:,} nodes: a graph has at most {MAX_NODES:,}; take the domain graph")
    counts = EdgeCounts() if counts is None else counts
    for arcs in ahead(_parsed(paths, n, block)):
        counts.add(arcs)
        tick(len(arcs.source))
        yield arcs


def _parsed(paths: Sequence[Path], n: int, block: int) -> Iterator[EdgeBlock]:
    """Yield the arcs of files; asked for in a thread."""
    last = (0, 0)  # as this would be a loop, no arc equals it and all come behind it
    for path in paths:
        for text in text_blocks(path, "edges", block):
            arcs, last = parse(text, n, last)
            yield arcs


def parse(text: TextBlock, n: int, last: tuple[int, int]) -> tuple[EdgeBlock, tuple[int, int]]:
    """Return the arcs of a block of lines, and the last of them; `last` is the arc given on before it."""
    source, target = np.empty(text.lines, np.uint32), np.empty(text.lines, np.uint32)
    m, bad, loops, duplicates, disorders, *end = parse_edges(text.data, _U(n), _U(last[0]), _U(last[1]), source, target)
    if bad < len(text.data):
        raise text.fault(bad, edge_fault(text.line_at(bad), n) or "not understood")
    return EdgeBlock(source[:m], target[:m], loops, duplicates, disorders == 0), (int(end[0]), int(end[1]))


@kernel
def parse_edges(data: Any, n: Any, last_source: Any, last_target: Any, source: Any, target: Any) -> Any:
    """Fill source and target with the arcs of whole lines (uint8[k]); ids are below n, unsigned as all numbers here.

    Returns how many they are, where the first line that is no arc begins (or k), loops, duplicates, arcs that come
    before their predecessor, and the last arc.
    """
    i, m, loops, duplicates, disorders = _U(0), _U(0), 0, 0, 0
    while i < _U(len(data)):
        start = i
        one, i = digits_at(data, start)
        if data[i] != TAB or one >= n or i - start - _U(1) >= _U(MOST):
            return m, start, loops, duplicates, disorders, last_source, last_target
        begin = i + _U(1)
        two, i = digits_at(data, begin)
        if two >= n or i - begin - _U(1) >= _U(MOST):
            return m, start, loops, duplicates, disorders, last_source, last_target
        if data[i] != NEWLINE:  # nested, so that no byte waits for whether there is a return
            if data[i] != RETURN or data[i + _U(1)] != NEWLINE:
                return m, start, loops, duplicates, disorders, last_source, last_target
            i += _U(1)
        i += _U(1)
        if one == two:
            loops += 1
            continue
        if one <= last_source:
            if one < last_source or two < last_target:
                disorders += 1
            elif two == last_target:
                duplicates += 1
                continue
        source[m], target[m] = one, two
        last_source, last_target = one, two
        m += _U(1)
    return m, i, loops, duplicates, disorders, last_source, last_target


def edge_fault(line: bytes, n: int) -> str | None:
    """Say what is wrong with a line of an edges file, or None."""
    cells = line.removesuffix(b"\r").split(b"\t")
    if len(cells) != 2:
        return f"{len(cells)} columns, not 2 (from, to)"
    for cell in cells:
        if not NUMBER.fullmatch(cell):
            return f"no id: {shown(cell)}"
        if int(cell) >= n:
            return f"id {int(cell):,} is not below {n:,}, the number of vertices"
    return None
