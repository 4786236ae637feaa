"""ISA-L gives for sound gzip members exactly what zlib gives, and nothing for any other."""

import gzip
import random
import zlib

import pytest
from archives import bomb, page
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.archive.codings import decode_gzip
from corpus.archive.sound import unpack_sound

TEXT = page(1, 5000)
MEMBER = gzip.compress(TEXT, mtime=0)
LIMIT = 1 << 20


def by_zlib(data: bytes) -> tuple[bytes, int] | None:
    """Return what zlib makes of the member that `data` begins with: the oracle."""
    inflate = zlib.decompressobj(31)
    try:
        content = inflate.decompress(data)
    except zlib.error:
        return None
    return (content, len(data) - len(inflate.unused_data)) if inflate.eof else None


def cut(data: bytes, size: int) -> list[bytes]:
    """Return `data` in pieces of `size` bytes."""
    return [data[i : i + size] for i in range(0, len(data), size)]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    content=st.binary(max_size=3000),
    repeats=st.integers(1, 40),
    level=st.integers(0, 9),
    behind=st.binary(max_size=40),
    size=st.integers(4, 5000),
)
def test_sound_members(content: bytes, repeats: int, level: int, behind: bytes, size: int) -> None:
    """Content and packed size are those that zlib finds, whatever the level, the pieces and what follows."""
    data = gzip.compress(content * repeats, level, mtime=0) + behind
    assert unpack_sound(cut(data, size), LIMIT) == by_zlib(data) == (content * repeats, len(data) - len(behind))


def test_every_single_bit() -> None:
    """With any one bit of a member inverted, it is refused, or gives what zlib gives (bits that mean nothing)."""
    member, meaningless = gzip.compress(page(2, 300), mtime=0), 0
    for bit in range(len(member) * 8):
        data = bytearray(member)
        data[bit >> 3] ^= 1 << (bit & 7)
        found = unpack_sound([bytes(data)], LIMIT)
        assert found in (None, by_zlib(bytes(data)))
        meaningless += found is not None
    assert 48 <= meaningless < 60  # time, extra flags and system are 6 bytes that no reader looks at


def test_random_bytes_changed() -> None:
    """A changed byte in a longer member is refused wherever zlib refuses it."""
    draw = random.Random(3)
    for _ in range(2000):
        data = bytearray(MEMBER)
        data[draw.randrange(10, len(data))] ^= draw.randrange(1, 256)
        assert unpack_sound([bytes(data)], LIMIT) == by_zlib(bytes(data))


@pytest.mark.parametrize("cut_at", [0, 3, 9, 10, 50, len(MEMBER) - 8, len(MEMBER) - 1])
def test_cut_members(cut_at: int) -> None:
    """A member that is not all there is refused."""
    assert unpack_sound([MEMBER[:cut_at], b""], LIMIT) is None
    assert unpack_sound([MEMBER[:cut_at]], LIMIT) is None


def test_limits() -> None:
    """Over the limit, packed or unpacked, by one byte is over; a bomb is not unpacked any further."""
    assert unpack_sound([MEMBER], len(TEXT)) == (TEXT, len(MEMBER))
    assert unpack_sound([MEMBER], len(TEXT) - 1) is None
    stored = gzip.compress(TEXT, 0, mtime=0)
    assert unpack_sound([stored], len(stored)) is not None
    assert unpack_sound([stored], len(stored) - 1) is None
    assert unpack_sound([bomb(40 << 20)], LIMIT) is None


def test_heads_of_all_kinds() -> None:
    """A file name, extra fields and a comment are passed; a head's checksum and reserved flags are left to zlib."""
    body = MEMBER[10:]
    head = b"\x1f\x8b\x08%b\0\0\0\0\0\xff"
    for flags, more, taken in (
        (b"\x08", b"name\0", True),
        (b"\x04", b"\x04\0abcd", True),
        (b"\x10", b"comment\0", True),
        (b"\x1c", b"\x04\0abcdname\0comment\0", True),
        (b"\x02", zlib.crc32(head % b"\x02").to_bytes(4, "little")[:2], False),
        (b"\x20", b"", False),
    ):
        data = head % flags + more + body
        assert unpack_sound([data], LIMIT) == ((TEXT, len(data)) if taken else None), flags
        assert not taken or by_zlib(data) == (TEXT, len(data))


def test_gzip_bodies() -> None:
    """As a content coding: one member, several, NULs and other bytes behind are read as ever, with their notes."""
    assert decode_gzip(MEMBER, LIMIT).body == TEXT
    assert decode_gzip(MEMBER + MEMBER, LIMIT).body == TEXT + TEXT
    assert (decode_gzip(MEMBER + b"\0\0", LIMIT).note, decode_gzip(MEMBER + b"ab", LIMIT).note) == (
        "",
        "trailing-bytes",
    )
    assert decode_gzip(MEMBER[:-9], LIMIT).note == "truncated"
