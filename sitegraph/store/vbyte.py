"""Stream VByte: whole numbers below 2**32 in one to four bytes each, decoded four at a time.

Layout: a control byte per four numbers (two bits each, the lowest first: bytes minus one), then, apart from them, the
data bytes, little-endian. Control and data lie in different places, so a decoder knows the lengths of the next numbers
without having looked at their bytes, and nothing is left for a branch predictor to guess.

On x86 one byte shuffle puts the four numbers of a group into their lanes, or together; any other processor reads and
writes the same bytes in a plain loop. `CAN_SHUFFLE` says which; HEADWATER_PLAIN_DECODER=1 in the environment asks for
the plain one.

Bounds: a group is read, and written, 16 bytes at a time, so 16 bytes must follow the last data byte (PADDING); whoever
calls a decoder checks lengths first, with `data_size`, and these kernels trust that.

Source: Lemire, Kurz, Rupp, "Stream VByte: faster byte-oriented integer compression", 2018 (arXiv 1709.08990).
"""

from typing import Any, Final

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numpy.typing import NDArray

from corpus.kernels import PLAIN, inlined, kernel
from sitegraph.store.primitives import cgutils, kernel_primitive, load_word, store_word

PADDING: Final = 32
"""Bytes that must be readable behind the data of a block."""

CAN_SHUFFLE: Final = bool(llvm.get_host_cpu_features().get("ssse3")) and not PLAIN


def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return per control byte the bytes of its four numbers (uint8[256]), and the shuffles to lanes and back
    (uint8[256, 16])."""
    sizes = np.zeros(256, np.uint8)
    apart, together = np.full((256, 16), 0xFF, np.uint8), np.full((256, 16), 0xFF, np.uint8)
    for control in range(256):
        at = 0
        for lane in range(4):
            length = (control >> 2 * lane & 3) + 1
            apart[control, 4 * lane : 4 * lane + length] = range(at, at + length)
            together[control, at : at + length] = range(4 * lane, 4 * lane + length)
            at += length
        sizes[control] = at
    return sizes, apart, together


SIZES, SHUFFLES, PACKS = _tables()


@kernel_primitive
def shuffle_group(context: Any, source: Any, at: Any, table: Any, control: Any, target: Any, place: Any) -> Any:
    """Put the 16 bytes from byte `at` of source on, in the order of table[control], to byte `place` of target on."""
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
        builder.store(builder.call(shuffle, [packed, mask]), address(4, 5, 1), align=1)
        return context.get_dummy_value()

    return signature, generate


@inlined
def number_size(value: Any) -> Any:  # uint32 -> bytes it takes, 1 to 4
    return 1 + (value > 0xFF) + (value > 0xFFFF) + (value > 0xFFFFFF)


@inlined
def encode_control(numbers: Any, control: Any) -> None:  # uint32[>= 4 g], uint8[g]
    for g in range(np.uint64(len(control))):
        byte = np.uint8(0)
        for lane in range(np.uint64(4)):
            extra = number_size(numbers[np.uint64(4) * g + lane]) - 1
            byte |= np.uint8(extra << (2 * lane))
        control[g] = byte


@inlined
def encode_plain(numbers: Any, control: Any, data: Any) -> Any:
    """Write the data of numbers (uint32[4 g]) whose control bytes are known; return the byte behind the last."""
    at = np.uint64(0)
    for g in range(np.uint64(len(control))):
        byte = np.uint64(control[g])
        for lane in range(np.uint64(4)):
            store_word(data, at, numbers[np.uint64(4) * g + lane])
            at += (byte >> (np.uint64(2) * lane) & np.uint64(3)) + np.uint64(1)
    return at


@inlined
def encode_shuffled(numbers: Any, control: Any, data: Any, sizes: Any, packs: Any) -> Any:
    """The same by byte shuffles."""
    at = np.uint64(0)
    for g in range(np.uint64(len(control))):
        byte = np.uint64(control[g])
        shuffle_group(numbers, np.uint64(16) * g, packs, byte, data, at)
        at += np.uint64(sizes[byte])
    return at


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
        shuffle_group(data, at, shuffles, byte, out, np.uint64(16) * g)
        at += np.uint64(sizes[byte])
    return at
