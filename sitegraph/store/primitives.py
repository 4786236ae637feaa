"""What kernels do that numba has no words for: unaligned words, prefetching, and sums over several lanes at a time.

They are written as LLVM instructions without a processor's name, so every processor has them; numba puts them in place.
None of them checks bounds: whoever calls them has.
"""

import sys
from collections.abc import Sequence
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils as untyped
from numba.extending import intrinsic

LANES: Final = 16
"""Numbers that are added at a time."""

cgutils: Any = untyped
_WORD: Final[Any] = ir.IntType(32)
_VECTOR: Final[Any] = ir.VectorType(_WORD, LANES)


def kernel_primitive(function: Any) -> Any:
    """Return a function that makes machine code itself, typed as what kernels see."""
    return intrinsic(function)


def _word_address(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return the address of the byte array[at] as that of a 32-bit word."""
    data = context.make_array(kind)(context, builder, array).data
    byte = builder.bitcast(data, ir.PointerType(ir.IntType(8)))
    return builder.bitcast(builder.gep(byte, [at]), ir.PointerType(ir.IntType(32)))


def _little_endian(builder: Any, word: Any) -> Any:
    return word if sys.byteorder == "little" else builder.bswap(word)


@kernel_primitive
def load_word(context: Any, data: Any, at: Any) -> Any:
    """Return the four bytes of the uint8 array from data[at] on as a little-endian uint32, wherever they lie."""
    del context
    signature = types.uint32(data, at)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _word_address(context, builder, signature.args[0], *arguments)
        return _little_endian(builder, builder.load(address, align=1))

    return signature, generate


@kernel_primitive
def store_word(context: Any, data: Any, at: Any, value: Any) -> Any:
    """Write a uint32 to the four bytes of the uint8 array from data[at] on, little-endian."""
    del context
    signature = types.void(data, at, types.uint32)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _word_address(context, builder, signature.args[0], *arguments[:2])
        builder.store(_little_endian(builder, arguments[2]), address, align=1)
        return context.get_dummy_value()

    return signature, generate


@kernel_primitive
def prefetch(context: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of array[index] (of the first element of row `index` for two dimensions).

    It is asked into the second-level cache, which has three times as many misses on their way as the first.
    """
    del context
    signature = types.void(array, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        byte = ir.PointerType(ir.IntType(8))
        stride = cgutils.unpack_tuple(builder, view.strides)[0]
        offset = (
            builder.mul(builder.zext(arguments[1], ir.IntType(64)), stride)
            if arguments[1].type.width < 64
            else builder.mul(arguments[1], stride)
        )
        address = builder.gep(builder.bitcast(view.data, byte), [offset])
        word = ir.IntType(32)
        hint = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, word, word, word]), "llvm.prefetch.p0i8"
        )
        builder.call(hint, [address, word(0), word(2), word(1)])
        return context.get_dummy_value()

    return signature, generate


def _constant(values: Sequence[int]) -> Any:
    return ir.Constant(ir.VectorType(_WORD, len(values)), [_WORD(value) for value in values])


def _of_lanes(builder: Any, vector: Any, lanes: Sequence[int]) -> Any:
    """Return a vector of some lanes of another; lane LANES is 0."""
    return builder.shuffle_vector(vector, _constant([0] * LANES), _constant(lanes))


def _vector_address(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return the address of array[at] as that of LANES numbers."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), ir.PointerType(_VECTOR))


def _summed_up(builder: Any, x: Any) -> Any:
    """Return the running sums of a vector: of 2, of 4, ... of all lanes before."""
    lanes = 1
    while lanes < LANES:
        x = builder.add(x, _of_lanes(builder, x, [LANES] * lanes + [*range(LANES - lanes)]))
        lanes *= 2
    return x


def _larger(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.icmp_unsigned(">", a, b), a, b)


@kernel_primitive
def add_up(context: Any, gaps: Any, vectors: Any) -> Any:
    """Turn the gaps of LANES * vectors numbers (uint32) into running sums of gap + 1, modulo 2**32, in place.

    Return all gaps or-ed: below 2**31 where each of them is.
    """
    del context
    signature = types.uint32(gaps, types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        seen, total = (cgutils.alloca_once_value(builder, _constant([0] * LANES)) for _ in range(2))
        with cgutils.for_range(builder, arguments[1]) as loop:
            at = builder.mul(loop.index, ir.Constant(loop.index.type, LANES))
            address = _vector_address(context, builder, signature.args[0], arguments[0], at)
            x = builder.load(address, align=4)
            builder.store(builder.or_(builder.load(seen), x), seen)
            x = _summed_up(builder, builder.add(x, _constant([1] * LANES)))
            before = builder.load(total)
            builder.store(builder.add(x, before), address, align=4)
            builder.store(builder.add(before, _of_lanes(builder, x, [LANES - 1] * LANES)), total)
        bits, found = _WORD(0), builder.load(seen)
        for lane in range(LANES):
            bits = builder.or_(bits, builder.extract_element(found, _WORD(lane)))
        return bits

    return signature, generate


@kernel_primitive
def lift(context: Any, sums: Any, steps: Any, vectors: Any, out: Any, place: Any) -> Any:
    """Write sums + running sums of steps to out[place:], LANES * vectors of them, uint32 all, modulo 2**32.

    Return the largest of them. Steps are zeros afterwards.
    """
    del context
    signature = types.uint32(sums, steps, types.uint64, out, types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        zeros = _constant([0] * LANES)
        total, largest = (cgutils.alloca_once_value(builder, zeros) for _ in range(2))
        with cgutils.for_range(builder, arguments[2]) as loop:
            at = builder.mul(loop.index, ir.Constant(loop.index.type, LANES))
            read, step, write = (
                _vector_address(context, builder, signature.args[number], arguments[number], index)
                for number, index in ((0, at), (1, at), (3, builder.add(at, arguments[4])))
            )
            x, before = _summed_up(builder, builder.load(step, align=4)), builder.load(total)
            builder.store(zeros, step, align=4)
            lifted = builder.add(x, before)
            found = builder.add(builder.load(read, align=4), lifted)
            builder.store(found, write, align=4)
            builder.store(_larger(builder, builder.load(largest), found), largest)
            builder.store(_of_lanes(builder, lifted, [LANES - 1] * LANES), total)
        most = builder.load(largest)
        lanes = LANES
        while lanes > 1:
            lanes //= 2
            most = _larger(builder, most, _of_lanes(builder, most, [*range(lanes, 2 * lanes)] * (LANES // lanes)))
        return builder.extract_element(most, _WORD(0))

    return signature, generate
