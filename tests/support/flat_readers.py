"""Readers of exported token files, written from the descriptions of the formats, not from what writes them."""

import ast
import itertools
import struct
from pathlib import Path
from typing import Any

KINDS = {4: ("i", 4), 8: ("H", 2)}


def megatron(prefix: Path) -> tuple[int, list[list[int]]]:
    """Return (dtype code, ids of each document) of PREFIX.idx and PREFIX.bin; any byte out of place is an error."""
    index, data = (
        prefix.with_name(prefix.name + ".idx").read_bytes(),
        prefix.with_name(prefix.name + ".bin").read_bytes(),
    )
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code = struct.unpack_from("<QB", index, 9)
    sequences, entries = struct.unpack_from("<QQ", index, 18)
    assert version == 1
    at = 34
    sizes = struct.unpack_from(f"<{sequences}i", index, at)
    pointers = struct.unpack_from(f"<{sequences}q", index, at + 4 * sequences)
    firsts = struct.unpack_from(f"<{entries}q", index, at + 12 * sequences)
    assert len(index) == at + 12 * sequences + 8 * entries
    assert (firsts[0], firsts[-1]) == (0, sequences)
    letter, width = KINDS[code]
    read = [struct.unpack_from(f"<{size}{letter}", data, place) for size, place in zip(sizes, pointers, strict=True)]
    assert sum(sizes) * width == len(data)
    joined = [[i for piece in read[a:b] for i in piece] for a, b in itertools.pairwise(firsts)]
    return code, joined


def npy(path: Path) -> tuple[dict[str, Any], list[int]]:
    """Return (header, values) of a one-dimensional `.npy` file of format 1.0."""
    content = path.read_bytes()
    assert content[:8] == b"\x93NUMPY\x01\x00"
    (length,) = struct.unpack_from("<H", content, 8)
    assert (10 + length) % 64 == 0
    header = ast.literal_eval(content[10 : 10 + length].decode("latin1").strip())
    letter, width = {"<u2": ("H", 2), "<u4": ("I", 4), "<u8": ("Q", 8)}[header["descr"]]
    body = content[10 + length :]
    assert len(body) == width * header["shape"][0]
    return header, list(struct.unpack(f"<{header['shape'][0]}{letter}", body))
