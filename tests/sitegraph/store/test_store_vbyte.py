"""Stream VByte: bytes worked out by hand, round trips, and two encoders and two decoders that agree."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from vbytes import packed_numbers

from corpus.kernels import kernel
from sitegraph.store.vbyte import (
    CAN_SHUFFLE,
    PACKS,
    PADDING,
    SHUFFLES,
    SIZES,
    data_size,
    decode_plain,
    decode_shuffled,
    encode_plain,
    encode_shuffled,
)

BORDERS = [0, 1, 254, 255, 256, 257, 65_534, 65_535, 65_536, 65_537, 2**24 - 1, 2**24, 2**24 + 1, 2**31, 2**32 - 1]
NUMBERS = st.one_of(
    st.sampled_from(BORDERS), st.integers(0, 2**8 - 1), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
)


@kernel
def plainly(control: Any, group: Any, groups: Any, data: Any, at: Any, out: Any) -> Any:
    """Decode in a loop."""
    return decode_plain(control, group, groups, data, np.uint64(at), out)


@kernel
def by_shuffle(control: Any, group: Any, groups: Any, data: Any, at: Any, out: Any) -> Any:
    """Decode by byte shuffles."""
    return decode_shuffled(control, group, groups, data, np.uint64(at), out, SIZES, SHUFFLES)


@kernel
def written_plainly(numbers: Any, control: Any, data: Any) -> Any:
    """Write data in a loop."""
    return encode_plain(numbers, control, data)


@kernel
def written_by_shuffle(numbers: Any, control: Any, data: Any) -> Any:
    """Write data by byte shuffles."""
    return encode_shuffled(numbers, control, data, SIZES, PACKS)


DECODERS = [
    pytest.param(plainly, id="plain"),
    pytest.param(by_shuffle, id="shuffled", marks=pytest.mark.skipif(not CAN_SHUFFLE, reason="no byte shuffle here")),
]


def decoded(decoder: Any, control: NDArray[np.uint8], data: NDArray[np.uint8]) -> tuple[list[int], int]:
    """Return the numbers, those that fill up the last group among them, and the place behind the last byte."""
    out = np.zeros(4 * len(control) + 16, np.uint32)
    padded = np.concatenate([data, np.full(PADDING, 0xEE, np.uint8)])
    end = decoder(control, 0, len(control), padded, 0, out)
    return out[: 4 * len(control)].tolist(), int(end)


def by_hand(numbers: list[int]) -> tuple[bytes, bytes]:
    """Encode as the layout says, in plain Python."""
    control, data = bytearray(), b""
    for start in range(0, len(numbers), 4):
        byte = 0
        for lane, number in enumerate([*numbers[start : start + 4], 0, 0, 0][:4]):
            size = max(1, (number.bit_length() + 7) // 8)
            byte |= (size - 1) << 2 * lane
            data += number.to_bytes(size, "little")
        control.append(byte)
    return bytes(control), data


def test_bytes_of_the_papers_layout() -> None:
    """1024, 12, 10, 2^30 take 2, 1, 1, 4 bytes: control 11 00 00 01; then 1, 2, 3, 1024: control 01 00 00 00."""
    control, data = packed_numbers([1024, 12, 10, 2**30, 1, 2, 3, 1024])
    assert control.tobytes() == bytes([0b11_00_00_01, 0b01_00_00_00])
    assert data.tobytes() == bytes.fromhex("0004 0c 0a 00000040 01 02 03 0004")


def test_every_length_has_its_two_bits() -> None:
    """1, 300, 70,000 and 2^24 take one to four bytes: control 11 10 01 00."""
    control, data = packed_numbers([1, 300, 70_000, 2**24])
    assert control.tobytes() == bytes([0b11_10_01_00])
    assert data.tobytes() == bytes.fromhex("01 2c01 701101 00000001")


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_last_group_is_filled_up_with_zeros(count: int) -> None:
    """Each takes one byte of data and a control of 00."""
    control, data = packed_numbers([7] * count)
    assert control.tolist() == [0] * ((count + 3) // 4)
    assert data.tolist() == [7] * count + [0] * (-count % 4)


def test_no_numbers_are_no_bytes() -> None:
    """Neither control nor data."""
    control, data = packed_numbers([])
    assert len(control) == len(data) == 0


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("number", BORDERS)
def test_borders_of_byte_lengths_in_every_lane(decoder: Any, number: int) -> None:
    """The largest number of a length, and the smallest of the next, among other lengths."""
    for lane in range(4):
        numbers = [1, 2**17, 300, 2**30]
        numbers[lane] = number
        assert decoded(decoder, *packed_numbers(numbers))[0] == numbers


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_control_byte(decoder: Any) -> None:
    """All 256 combinations of lengths, with data of no zero byte."""
    numbers = [0x8D7C6B5A & (256 ** ((control >> 2 * lane & 3) + 1) - 1) for control in range(256) for lane in range(4)]
    control, data = packed_numbers(numbers)
    assert control.tolist() == list(range(256))
    assert decoded(decoder, control, data) == (numbers, len(data))


@given(st.lists(NUMBERS, max_size=70))
@settings(max_examples=200, deadline=None)
def test_round_trip(numbers: list[int]) -> None:
    """The encoder writes what the layout says; both decoders read it, and stop behind the last byte."""
    control, data = packed_numbers(numbers)
    assert (control.tobytes(), data.tobytes()) == by_hand(numbers)
    assert data_size(control, SIZES) == len(data)
    for decoder in [plainly, by_shuffle] if CAN_SHUFFLE else [plainly]:
        assert decoded(decoder, control, data) == (numbers + [0] * (-len(numbers) % 4), len(data))


@pytest.mark.skipif(not CAN_SHUFFLE, reason="no byte shuffle here")
@given(st.lists(NUMBERS, max_size=70))
@settings(max_examples=200, deadline=None)
def test_encoders_agree(numbers: list[int]) -> None:
    """Both write the bytes that the layout says."""
    control, data = by_hand(numbers)
    padded = np.array(numbers + [0] * (-len(numbers) % 4), np.uint32)
    for encoder in (written_plainly, written_by_shuffle):
        out = np.zeros(len(data) + 16, np.uint8)
        assert encoder(padded, np.frombuffer(control, np.uint8), out) == len(data)
        assert out[: len(data)].tobytes() == data


@given(st.binary(min_size=1, max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_decoders_agree_on_any_bytes(raw: bytes, random: Any) -> None:
    """Control bytes of no encoder too: numbers that take more bytes than they need."""
    control = np.frombuffer(raw, np.uint8)
    data = np.frombuffer(random.randbytes(int(data_size(control, SIZES))), np.uint8)
    if CAN_SHUFFLE:
        assert decoded(plainly, control, data) == decoded(by_shuffle, control, data)


@pytest.mark.parametrize("decoder", DECODERS)
def test_decoding_from_the_middle(decoder: Any) -> None:
    """From any group on, given the byte at which its data begins."""
    numbers = [n * 977 for n in range(40)]
    control, data = packed_numbers(numbers)
    padded = np.concatenate([data, np.zeros(PADDING, np.uint8)])
    for group in range(10):
        at = int(data_size(control[:group], SIZES))
        out = np.zeros(24, np.uint32)
        end = decoder(control, group, min(2, 10 - group), padded, at, out)
        assert out[:8].tolist() == (numbers[4 * group : 4 * group + 8] + [0] * 4)[:8]
        assert end == data_size(control[: group + 2], SIZES)


def test_the_environment_chooses_the_decoder() -> None:
    """HEADWATER_PLAIN_DECODER=1 asks for the plain one; kernels compiled for one are not taken for the other."""
    code = "from sitegraph.store import lists as s; print(s.CAN_SHUFFLE, s.next_chunk._cache.cache_path, sep='|')"
    found = []
    for plain in ("", "1"):
        environment = os.environ | {"HEADWATER_PLAIN_DECODER": plain}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        found.append(done.stdout.strip().split("|"))
    assert found[1][0] == "False"
    if found[0][0] == "True":
        assert found[0][1] != found[1][1]
