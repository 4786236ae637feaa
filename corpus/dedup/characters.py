"""What each Unicode code point is to the shingler: part of a word, a character of its own, a mark, or a gap.

Python's `\\w` decides what a word character is (letters, numbers, underscore). Two things are added to it. Combining
marks and the joiners ZWNJ and ZWJ continue a word they follow (UTS #18, Annex C), so a Hindi or Tamil word is not cut
at every vowel sign. And letters and marks of scripts that are written without spaces are tokens one by one, because
a run of them is a sentence, not a word. Hangul is written with spaces and stays with the words.

The tables depend on the Unicode version of the running Python: `unicodedata.unidata_version`.
"""

import re
import unicodedata
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

GAP, WORD, CHARACTER, MARK = 0, 1, 2, 3
KIND = 3
"""Mask of the two low bits of an entry: GAP, WORD, CHARACTER or MARK."""
UNSETTLED = 4
"""Bit of an entry: a text that holds this code point may not be in normalization form C."""
COMBINING = 8
"""Bit of an entry: canonical combining class other than 0, so its order among its neighbours may change."""

CODE_POINTS: Final = 0x110000

UNSPACED: Final = (
    (0x0E00, 0x0E80),  # Thai
    (0x0E80, 0x0F00),  # Lao
    (0x0F00, 0x1000),  # Tibetan
    (0x1000, 0x10A0),  # Myanmar
    (0x1780, 0x1800),  # Khmer
    (0x1950, 0x19E0),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AB0),  # Tai Tham
    (0x1B00, 0x1B80),  # Balinese
    (0x2E80, 0x2FE0),  # CJK and Kangxi radicals
    (0x3005, 0x3008),  # iteration mark, closing mark, ideographic zero
    (0x3021, 0x302A),  # Hangzhou numerals
    (0x3031, 0x3040),  # vertical kana repeat marks, further Hangzhou numerals
    (0x3040, 0x3130),  # Hiragana, Katakana, Bopomofo
    (0x31A0, 0x31C0),  # Bopomofo extended
    (0x31F0, 0x3200),  # Katakana phonetic extensions
    (0x3400, 0x4DC0),  # Han, extension A
    (0x4E00, 0xA000),  # Han
    (0xA000, 0xA4D0),  # Yi
    (0xA980, 0xA9E0),  # Javanese
    (0xA9E0, 0xAA00),  # Myanmar extended B
    (0xAA60, 0xAAE0),  # Myanmar extended A, Tai Viet
    (0xF900, 0xFB00),  # Han, compatibility
    (0xFF66, 0xFFA0),  # Katakana, half width
    (0x16FE0, 0x18D80),  # Tangut, Khitan small script
    (0x1AFF0, 0x1B300),  # kana extensions, Nushu
    (0x20000, 0x34000),  # Han, extensions B and later
)
"""Half-open code point ranges of scripts written without spaces between words."""

_UNIFORM: Final = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0x17000, 0x18D80), (0x20000, 0x2F800))
"""Han, Hangul syllables and Tangut: no case, no marks, always in form C; not worth a look each."""


class Tables(NamedTuple):
    """Per code point (1,114,112 entries): `entries` uint8 (kind and bits), `lower` int32 (simple lower case).

    plain: uint8[256], per byte: lower case of an ASCII word character, 0 for all else.
    """

    entries: NDArray[np.uint8]
    lower: NDArray[np.int32]
    plain: NDArray[np.uint8]


@cache
def tables() -> Tables:
    """Return the tables, built once per process (about 0.1 s)."""
    entries = np.zeros(CODE_POINTS, np.uint8)
    lower = np.arange(CODE_POINTS, dtype=np.int32)
    for run in re.finditer(r"\w+", "".join(map(chr, range(CODE_POINTS)))):
        entries[run.start() : run.end()] = WORD
    for point in _varied():
        char = chr(point)
        if unicodedata.category(char)[0] == "M" or point in (0x200C, 0x200D):
            entries[point] = MARK
        entries[point] |= _bits(char)
        lower[point] = _lower(char)
    for first, end in UNSPACED:
        block = entries[first:end]
        block &= np.uint8(~KIND & 0xFF)
        block[_tokens(first, end)] |= CHARACTER
    for point in _composing():
        entries[point] |= UNSETTLED
    plain = np.where((np.arange(256) < 0x80) & (entries[:256] & KIND == WORD), lower[:256], 0).astype(np.uint8)
    entries.flags.writeable = lower.flags.writeable = plain.flags.writeable = False
    return Tables(entries, lower, plain)


def _varied() -> list[int]:
    uniform = np.zeros(0x30000, bool)
    for first, end in _UNIFORM:
        uniform[first:end] = True
    return [*np.flatnonzero(~uniform).tolist(), *range(0xE0100, 0xE01F0)]


def _tokens(first: int, end: int) -> NDArray[np.bool_]:
    """Which code points of a range are letters, numbers or marks."""
    return np.array([unicodedata.category(chr(p))[0] in "LMN" for p in range(first, end)])


def _bits(char: str) -> int:
    settled = unicodedata.combining(char) == 0 and unicodedata.is_normalized("NFC", char)
    return (0 if settled else UNSETTLED) | (COMBINING if unicodedata.combining(char) else 0)


def _lower(char: str) -> int:
    """Simple lower case: one code point for one. Final sigma is folded to sigma, dotted capital I to i."""
    found = char.lower()
    return ord("σ") if char == "ς" else ord(found[0])


def _composing() -> set[int]:
    """Code points that may combine with the one before them: second parts of canonical pairs, and Hangul jamo."""
    pairs = (unicodedata.decomposition(chr(p)).split() for p in _varied())
    seconds = {int(pair[1], 16) for pair in pairs if len(pair) == 2 and not pair[0].startswith("<")}
    return seconds | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
