"""Stream VByte: whole numbers below 2**32 in one to four bytes each, decoded four at a time.

Layout: a control byte per four numbers (two bits each, the lowest first: bytes minus one), then, apart from them, the
data bytes, little-endian. Control and data lie in different places, so a decoder knows the lengths of the next numbers
without having looked at their bytes, and nothing is left for a branch predictor to guess.

On x86 a number group is put in its lanes by one byte shuffle; any other processor decodes the same bytes in a plain
loop. `CAN_SHUFFLE` says which; HEADWATER_PLAIN_DECODER=1 in the environment asks for the plain one.

Bounds: a group is read with a 16-byte load, so 16 readable bytes must follow the last data byte (PADDING); whoever
calls `decode` checks lengths first, with `data_size`, and these kernels trust that.

Source: Lemire, Kurz, Rupp, "Stream VByte: faster byte-oriented integer compression", 2018 (arXiv 1709.08990).
"""

from typing import Any, Final

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types

from corpus.kernels import PLAIN, inlined, kernel
from sitegraph.store.primitives import cgutils, kernel_primitive, load_word

PADDING: Final = 32
"""Bytes that must be readable behind the data of a block."""

CAN_SHUFFLE: Final = bool(llvm.get_host_cpu_features().get("ssse3")) and not PLAIN


def _tables() -> tuple[np.ndarray[Any, np.dtype[np.uint8]], np.ndarray[Any, np.dtype[np.uint8]]]:
    """Return per control byte the bytes of its four numbers (uint8[256]), and the shuffle to lanes (uint8[256, 16])."""
    sizes = np.zeros(256, np.uint8)
    shuffle = np.full((256, 16), 0xFF, np.uint8)
    for control in range(256):
        at = 0
        for lane in range(4):
            length = (control >> 2 * lane & 3) + 1
            shuffle[control, 4 * lane : 4 * lane + length] = range(at, at + length)
            at += length
        sizes[control] = at
    return sizes, shuffle


SIZES, SHUFFLES = _tables()


@kernel_primitive
def shuffle_group(context: Any, source: Any, at: Any, table: Any, control: Any, target: Any, place: Any) -> Any:
    """Put the four numbers at source[at:] into target[place:place + 4] by the shuffle of a control byte."""
    del context
    signature = types.void(source, at, table, control, target, place)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        vector = ir.VectorType(ir.IntType(8), 16)

        def address(array: int, index: int, scale: int) -> Any:
            data = context.make_array(kinds[array])(context, builder, arguments[array]).data
            start = builder.bitcast(data, ir.PointerType(ir.IntType(8)))
            offset = builder.mul(arguments[index], ir.Constant(arguments[index].type, scale))
            return builder.bitcast(builder.gep(start, [offset]), ir.PointerType(vector))

        packed = builder.load(address(0, 1, 1), align=1)
        mask = builder.load(address(2, 3, 16), align=1)
        shuffle = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector, vector]), "llvm.x86.ssse3.pshuf.b.128"
        )
        builder.store(builder.call(shuffle, [packed, mask]), address(4, 5, 4), align=1)
        return context.get_dummy_value()

    return signature, generate


@inlined
def number_size(value: Any) -> Any:  # uint32 -> bytes it takes, 1 to 4
    return 1 + (value > 0xFF) + (value > 0xFFFF) + (value > 0xFFFFFF)


@kernel
def data_size(control: Any, sizes: Any) -> Any:  # uint8[g], SIZES -> bytes of data that the control bytes speak of
    total = 0
    for byte in control:
        total += sizes[byte]
    return total


MASKS: Final = np.array([0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF], np.uint32)


@inlined
def decode_plain(control: Any, group: Any, groups: Any, data: Any, at: Any, out: Any) -> Any:
    """Decode `groups` groups from group number `group` and byte `at` on into out; return the byte behind the last."""
    for g in range(np.uint64(groups)):
        byte = np.uint64(control[np.uint64(group) + g])
        for lane in range(np.uint64(4)):
            size = byte >> (np.uint64(2) * lane) & np.uint64(3)
            out[np.uint64(4) * g + lane] = load_word(data, at) & MASKS[size]
            at += size + np.uint64(1)
    return at


@inlined
def decode_shuffled(
    control: Any, group: Any, groups: Any, data: Any, at: Any, out: Any, sizes: Any, shuffles: Any
) -> Any:
    """The same by byte shuffles."""
    for g in range(np.uint64(groups)):
        byte = np.uint64(control[np.uint64(group) + g])
        shuffle_group(data, at, shuffles, byte, out, np.uint64(4) * g)
        at += np.uint64(sizes[byte])
    return at
