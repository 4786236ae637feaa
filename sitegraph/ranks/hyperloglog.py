"""HyperLogLog: how many different nodes a set holds, from a row of m = 2 ** log2m bytes, and rows united by maxima.

Every node has a hash of 64 bits, a fixed mix of its id and a seed. Its lowest log2m bits name a register, and the
number of zero bits that follow them, plus one, is the value it leaves there if that is the largest so far. Rows of sets
are united register by register, and the estimate knows nothing of how often a node was added: that is what makes it
fit for balls in a graph, which overlap.

A register takes a byte. Five bits would do for 4 G nodes and save 3/8 of the memory, but such rows begin in the middle
of a cache line (40 bytes at log2m 6: every second one lies in two) and their maximum takes some ten operations per
word, where bytes take one per 16 to 64 registers. At log2m 6 a row of bytes is one cache line, read once per arc.

Estimator. With C[k] registers of value k, the estimate is

    m ** 2 / (2 ln 2) / (m sigma(C[0] / m) + sum over k > 0 of C[k] / 2 ** k)
    sigma(x) = x + sum over k > 0 of 2 ** (k - 1) x ** (2 ** k)

It needs no threshold between small and large sets, as the correction by linear counting does in the first HyperLogLog,
and no table of measured biases: sets of a few nodes come out all but exact, and from a few times m on the relative
standard error is 1.04 / sqrt(m) (26 % at log2m 4, 13 at 6, 9.2 at 7, 6.5 at 8, 3.2 at 10, 1.6 at 12), with a bias of
1 / (2 m) to 1 / m upwards. It grows whenever a register does. Values stop at MOST, far beyond what 2 ** 32 nodes can
reach, so the term for registers that are full is left out. Sums are of whole numbers, hence the same in any order.

Sources: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog", 2007; Ertl, "New cardinality estimation algorithms for
HyperLogLog sketches", 2017 (arXiv 1702.01284), section 2 for the estimator. The mix is the finalizer of SplitMix64
(Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
"""

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils as untyped
from numba.extending import intrinsic
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel
from sitegraph.store.numbering import popcount

cgutils: Any = untyped
Rows = NDArray[np.uint8]
MOST: Final = 41
"""The largest value of a register; 2 ** 12 registers of 2 ** MOST make whole numbers that a float64 holds."""
LINE: Final = 64
"""Bytes of a cache line, and of a step of `raise_by_line`."""
PART: Final = 16
"""Bytes of a step of `raise_by_part`, for rows shorter than a line."""
SCALE: Final = 1.0 / (2.0 * np.log(2.0))


def rows(count: int, width: int) -> Rows:
    """Return empty rows (zeros), uint8[count, width], that begin at a cache line."""
    raw = np.zeros(count * width + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + count * width].reshape(count, width)


def sigmas(width: int) -> NDArray[np.float64]:
    """Return m sigma(zeros / m) for 0 to m = width registers of value 0: float64[width + 1]."""
    x, power = np.arange(width, dtype=np.float64) / width, 1.0
    total, before = x.copy(), np.zeros(width)
    while (total != before).any():
        before, x = total, x * x
        total, power = total + x * power, power * 2.0
    return np.append(width * total, np.inf)


@inlined
def mixed(key: Any, seed: Any) -> Any:  # uint64, uint64 -> uint64
    x = key + seed * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return x ^ x >> np.uint64(31)


@kernel
def add(ids: Any, seed: Any, log2m: Any, into: Any) -> None:
    """Add node ids[i] (int64[k]) to row `into[i]` (uint8[k, 2 ** log2m])."""
    mask = np.uint64(into.shape[1] - 1)
    for i in range(len(ids)):
        bits = mixed(np.uint64(ids[i]), np.uint64(seed))
        rest = bits >> np.uint64(log2m) | np.uint64(1) << np.uint64(MOST - 1)
        value = popcount((rest & -rest) - np.uint64(1)) + 1
        register = bits & mask
        into[i, register] = max(into[i, register], np.uint8(value))


@kernel
def estimate(row: Any, zero: Any) -> Any:  # uint8[m], sigmas(m) -> float64
    """Return about how many different nodes were added to a row."""
    total, zeros = np.uint64(0), np.uint64(0)
    for value in row:
        zeros += np.uint64(value == 0)
        total += np.uint64(1) << np.uint64(MOST) - np.uint64(value)
    total -= zeros << np.uint64(MOST)
    m = len(row)
    return SCALE * m * m / (zero[zeros] + np.float64(total) / np.float64(np.uint64(1) << np.uint64(MOST)))


def _raise_by(step: int) -> Any:
    """Return raise_run for rows of a multiple of `step` bytes.

    numba compiles the loop in Python too, but counts references for each arc, and keeps no row in a register: 70 M
    unions of 64 bytes a second from the cache of a 2023 server core, against 290 M. Asking for rows ahead of their use
    brings nothing here, unlike in sweep.py: without branches the processor runs ahead of the memory on its own.
    """

    @intrinsic
    def raise_run(context: Any, target: Any, at: Any, source: Any, ids: Any, start: Any, stop: Any) -> Any:
        """Raise row target[at] to the maxima of itself and the rows source[ids[k]], start <= k < stop.

        target, source: uint8[:, width], rows without gaps; ids uint32; at, start, stop uint64. Nothing is checked.
        """
        del context
        signature = types.void(target, types.uint64, source, ids, types.uint64, types.uint64)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            into, rows, names = (context.make_array(kinds[i])(context, builder, arguments[i]) for i in (0, 2, 3))
            word, vector = ir.IntType(64), ir.PointerType(ir.VectorType(ir.IntType(8), step))
            width = cgutils.unpack_tuple(builder, into.shape)[1]

            def place(view: Any, row: Any, byte: Any) -> Any:
                offset = builder.add(builder.mul(row, width), byte)
                return builder.bitcast(builder.gep(view.data, [offset]), vector)

            highest = cgutils.alloca_once(builder, vector.pointee)
            with cgutils.for_range_slice(builder, word(0), width, word(step), word) as (byte, _):
                here = place(into, arguments[1], byte)
                builder.store(builder.load(here, align=1), highest)
                with cgutils.for_range_slice(builder, arguments[4], arguments[5], word(1), word) as (k, _):
                    node = builder.zext(builder.load(builder.gep(names.data, [k])), word)
                    given, held = builder.load(place(rows, node, byte), align=1), builder.load(highest)
                    builder.store(builder.select(builder.icmp_unsigned(">", given, held), given, held), highest)
                builder.store(builder.load(highest), here, align=1)
            return context.get_dummy_value()

        return signature, generate

    return raise_run


raise_by_line: Final = _raise_by(LINE)
raise_by_part: Final = _raise_by(PART)
