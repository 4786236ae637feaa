"""Reversed host names for generated graphs: any number of them, in order, made piece by piece.

    com.00k3f2shop              the first host of a domain is named as the domain
    com.00k3f2shop.001blog      the others after it

A domain's label begins with the number of its first host in base 36, a host's with its place in the domain, so names
rise with numbers; a word by hash follows. Top-level parts take their shares of the numbers. About one domain in two has
one host alone, the mean is two, and in one stretch of 4,096 numbers in 32 domains have about a thousand: platforms.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel

SUFFIXES: Final = (
    ("br.com", 3), ("com", 47), ("de", 8), ("fr", 3), ("info", 2), ("io", 2), ("it", 3), ("jp.co", 3), ("net", 6),
    ("nl", 3), ("org", 8), ("pl", 3), ("ru", 6), ("uk.co", 3),
)  # fmt: skip
"""Reversed public suffixes in order, and their shares in percent."""
WORDS: Final = (
    "shop", "news", "blog", "my", "tech", "online", "world", "travel", "art", "home", "media", "music", "city", "green",
    "foto", "web", "data", "hotel", "auto", "food", "book", "game", "sport", "design", "studio", "market", "school",
    "garden", "health", "house", "club", "forum",
)  # fmt: skip
STRETCH: Final = 4096
LONGEST: Final = 40

U = np.uint64


def as_bytes(texts: tuple[str, ...]) -> NDArray[np.uint8]:
    """Return uint8[texts, 16]: length, then bytes."""
    rows = np.zeros((len(texts), 16), np.uint8)
    for row, text in zip(rows, texts, strict=True):
        row[0] = len(text)
        row[1 : len(text) + 1] = np.frombuffer(text.encode(), np.uint8)
    return rows


WORD_BYTES: Final = as_bytes(WORDS)
SUFFIX_BYTES: Final = as_bytes(tuple(name for name, _ in SUFFIXES))
DIGITS: Final = np.frombuffer(b"0123456789abcdefghijklmnopqrstuvwxyz", np.uint8)
SHARES: Final = np.cumsum([share for _, share in SUFFIXES])


@inlined
def mix(x: Any) -> Any:  # uint64 -> uint64; as in generator.py
    x = (x ^ (x >> U(30))) * U(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> U(27))) * U(0x94D049BB133111EB)
    return x ^ (x >> U(31))


@inlined
def begins(node: Any) -> Any:
    """Say whether a host is the first of its domain."""
    if node & U(STRETCH - 1) == U(0):
        return True
    r = mix(node + U(0x5BD1E995))
    return r & U(1023) == U(0) if mix(node // U(STRETCH)) & U(31) == U(0) else r & U(1) == U(0)


@inlined
def put_digits(out: Any, at: Any, value: Any, count: Any) -> Any:
    """Write `count` digits of base 36; return the place behind them."""
    for place in range(count):
        out[at + count - 1 - place] = DIGITS[value % U(36)]
        value //= U(36)
    return at + count


@inlined
def put_row(out: Any, at: Any, rows: Any, number: Any) -> Any:
    """Write a row of as_bytes; return the place behind it."""
    for place in range(rows[number, 0]):
        out[at + place] = rows[number, 1 + place]
    return at + rows[number, 0]


@kernel
def write_names(first: Any, last: Any, hosts: Any, out: Any, offsets: Any) -> None:
    """Write the names of hosts first (a multiple of STRETCH) ... last - 1 of `hosts`; offsets int32[count + 1]."""
    at, start, suffix = 0, U(first), 0
    offsets[0] = 0
    for number in range(first, last):
        node = U(number)
        if begins(node):
            start = node
        if node & U(STRETCH - 1) == U(0):
            suffix = 0
            while number * 100 >= SHARES[suffix] * hosts:
                suffix += 1
        at = put_row(out, at, SUFFIX_BYTES, suffix)
        out[at] = ord(".")
        at = put_digits(out, at + 1, start, 6)
        at = put_row(out, at, WORD_BYTES, np.int64(mix(start) & U(31)))
        if node != start:
            out[at] = ord(".")
            at = put_digits(out, at + 1, node - start, 3)
            at = put_row(out, at, WORD_BYTES, np.int64(mix(node) & U(31)))
        offsets[number - first + 1] = at


def names(hosts: int, size: int = 1 << 18) -> Iterator[pa.Array]:
    """Yield the reversed names of hosts 0 ... hosts - 1, about `size` at a time."""
    step = max(1, size // STRETCH) * STRETCH
    for first in range(0, hosts, step):
        last = min(first + step, hosts)
        out, offsets = np.empty((last - first) * LONGEST, np.uint8), np.empty(last - first + 1, np.int32)
        write_names(first, last, hosts, out, offsets)
        text = out[: offsets[-1]].copy()
        yield pa.StringArray.from_buffers(last - first, pa.py_buffer(offsets), pa.py_buffer(text))
