"""Hosts named `www.` become the host without it: names sorted anew, and the new id of each old one.

Our own crawls strip `www.` where two labels remain (corpus.url.www_normalised), and Common Crawl did until its release
2025-26-nov-dec-jan; later ones have `com.example` and `com.example.www` as two nodes. Here the latter becomes the
former; where there is none, it is renamed, which moves it, for all that may lie between the two:

    com.example    com.example-shop    com.example-shop.www    com.example.blog    com.example.www

Read from the last name to the first, this takes no sort. A www form whose place is yet to come sorts behind the name
at hand, and its new name before it, so its new name is a beginning of the name at hand: what waits is a stack of at
most as many names as a name has letters. Names go to temporary files, block by block from the last to the first, and
from there to the names file. Memory: 4 bytes per name for its new id, and a block.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel
from corpus.storage import ShardSet
from sitegraph.store.names import LONGEST, Names, NamesWriter, string_parts

Www = Literal["fold", "keep"]
ROWS: Final = 1 << 18
"""Names in a block."""
DEEPEST: Final = LONGEST + 1
"""Names that may wait at once: the beginnings of a name, and one."""
DOT: Final = ord(".")


@dataclass(frozen=True, slots=True)
class Folded:
    """ids: int32 per old id, the new one. nodes: how many are left. joined: www forms whose host was there; renamed:
    those whose host was not."""

    ids: NDArray[np.int32]
    nodes: int
    joined: int
    renamed: int


@inlined
def is_www(data: Any, start: Any, end: Any) -> Any:
    """Say whether the reversed name data[start:end] ends with `.www`, two labels or more before it."""
    if end - start < 5 or data[end - 4] != DOT:
        return False
    if not (data[end - 3] == data[end - 2] == data[end - 1] == ord("w")):
        return False
    dots = 0
    for j in range(start, end - 4):
        dots += data[j] == DOT
    return dots > 0


@inlined
def order(names: Any, row: Any, size: Any, data: Any, start: Any, end: Any) -> Any:
    """Return a negative number, 0 or a positive one: the order of names[row, :size] and data[start:end], by bytes."""
    for j in range(min(size, end - start)):
        if names[row, j] != data[start + j]:
            return np.int64(names[row, j]) - np.int64(data[start + j])
    return size - (end - start)


@kernel
def fold_down(
    data: Any, offsets: Any, first: Any, names: Any, sizes: Any, olds: Any, depth: Any, given: Any, new: Any, out: Any,
    starts: Any,
) -> Any:  # fmt: skip
    """Fold a block of names, from its last to its first, behind `given` names that were given out.

    data uint8, offsets int64[k + 1]: the names, from the old id `first` on; with first = 0 all that waits is given out
    at the end. names, sizes, olds, depth: see Folding. new int32 per old id: how many names were given out before its
    own. out uint8, starts int64[k + depth + 1]: filled from their ends, so that names ascend there.
    Returns the depth, names given out so far, the place of the first start, www forms met and those joined.
    """
    row, at = len(starts) - 1, len(out)
    starts[row] = at
    forms, joined = 0, 0
    for i in range(len(offsets) - 2, -1, -1):
        start, end = offsets[i], offsets[i + 1]
        www = is_www(data, start, end)
        while depth > 0:
            top = depth - 1
            behind = order(names, top, sizes[top], data, start, end)
            if behind < 0:
                break
            depth = top
            new[olds[top]] = given
            if behind == 0 and not www:  # the name at hand is given out below, for both
                joined += 1
                break
            at -= sizes[top]
            for j in range(sizes[top]):
                out[at + j] = names[top, j]
            row -= 1
            starts[row] = at
            given += 1
        if www:
            for j in range(end - 4 - start):
                names[depth, j] = data[start + j]
            sizes[depth], olds[depth] = end - 4 - start, first + i
            depth += 1
            forms += 1
        else:
            at -= end - start
            for j in range(end - start):
                out[at + j] = data[start + j]
            row -= 1
            starts[row] = at
            new[first + i] = given
            given += 1
    while first == 0 and depth > 0:
        depth -= 1
        at -= sizes[depth]
        for j in range(sizes[depth]):
            out[at + j] = names[depth, j]
        row -= 1
        starts[row] = at
        new[olds[depth]] = given
        given += 1
    return depth, given, row, forms, joined


@kernel
def map_arcs(source: Any, target: Any, new: Any) -> Any:
    """Give arcs (uint32[m] both) their new ids in place; return how many are left, those to themselves left out."""
    used = np.uint64(0)
    for i in range(np.uint64(len(source))):
        s, t = new[np.uint64(source[i])], new[np.uint64(target[i])]
        source[used], target[used] = s, t
        used += np.uint64(s != t)
    return used


def fold_www(names: Names, out: ShardSet, work: Path, rows: int = ROWS) -> Folded:
    """Write the names with their www forms folded as part 0 of `out`, by way of files in `work`."""
    folding = Folding(names, np.empty(len(names), np.int32))
    parts = ShardSet(work, "www-names", ".names")
    firsts = range(0, len(names), rows)
    for part in reversed(range(len(firsts))):
        with NamesWriter(parts, part) as writer:
            writer.add(folding.block(firsts[part], rows))
    with NamesWriter(out) as writer:
        for part in range(len(firsts)):
            for array in Names(parts.path(part)).tables():
                writer.add(array)
            parts.path(part).unlink()
    np.subtract(folding.given - 1, folding.new, out=folding.new)
    return Folded(folding.new, folding.given, folding.joined, folding.forms - folding.joined)


@dataclass(slots=True)
class Folding:
    """Names being folded: `given` were given out, `forms` www forms were met, `joined` of them met their host.

    What waits is a stack: name i is waiting[i, : sizes[i]], of the old id olds[i], for i below `depth`.
    """

    names: Names
    new: NDArray[np.int32]
    waiting: NDArray[np.uint8] = field(default_factory=lambda: np.empty((DEEPEST, LONGEST), np.uint8))
    sizes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(DEEPEST, np.int64))
    olds: NDArray[np.int64] = field(default_factory=lambda: np.empty(DEEPEST, np.int64))
    depth: int = 0
    given: int = 0
    forms: int = 0
    joined: int = 0

    def block(self, first: int, rows: int) -> pa.Array:
        """Fold a block, behind which all were folded; return the names that are done with it, ascending."""
        data, offsets = string_parts(next(self.names.tables(first, first + rows, rows)))
        room = int(offsets[-1] - offsets[0] + self.sizes[: self.depth].sum())
        out, starts = np.empty(room, np.uint8), np.empty(len(offsets) + self.depth, np.int64)
        stack = (self.waiting, self.sizes, self.olds, self.depth)
        found = fold_down(data, offsets, first, *stack, self.given, self.new, out, starts)
        self.depth, self.given, row, forms, joined = (int(number) for number in found)
        self.forms, self.joined = self.forms + forms, self.joined + joined
        bounds = starts[row:]
        text, bounds = out[bounds[0] :].copy(), bounds - bounds[0]
        return pa.LargeStringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(text))
