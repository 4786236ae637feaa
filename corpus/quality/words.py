"""Words of a text in any script, without a dictionary: where they start and end, their hashes, what they hold.

Rules (a word is never empty, words never overlap, what is between them is space, punctuation or symbols):

- **Scripts with spaces**: word boundaries of UAX #29, in brief: a run of letters, digits, marks and connectors
  (`_`), in which an apostrophe, full stop or middle dot between letters and a separator between digits do not break
  (`don't`, `example.com`, `1,000.5`). Hyphens break.
- **Han and Hiragana**: the commonest one-character words (的 了 是, の に は ...) are words; what is between two
  of them is cut in pairs from its start. That gives 1.67 characters per word on Chinese and 1.52 on Japanese sentences;
  segmenters give 1.6 to 1.7, and 1.7 to 2. A phrase that repeats after punctuation or such a word is cut the same
  way each time, so repetition is seen.
- **Katakana**: a run is a word.
- **Thai, Lao, Khmer, Burmese and their neighbours**: a run (they space phrases, not words) is cut at a letter, never
  before a mark, in pieces of at least 4 characters, 5 for Khmer and Burmese scripts: 3.8 on Thai sentences, as by a
  dictionary.
- Hangul and Tibetan (whose syllables are dotted apart) fall under the first rule.

The last three are estimates: counts are right to about a fifth, which thresholds such as "50 words" bear.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel

GAP, LETTER, DIGIT, MARK, PAIR, SINGLE, KATAKANA, RUN4, RUN5 = range(9)
"""What a code point is to the word rules; PAIR: cut in pairs, SINGLE: a word by itself, RUN4/5: cut in runs of 4/5."""
MID_LETTER, MID_DIGIT, UPPER, ALPHA = 16, 32, 64, 128
"""Bits beside it: does not break between letters; between digits; upper case letter; letter or ideograph."""
KIND = 15
BASIS: Final = np.uint64(0xCBF29CE484222325)
PRIME: Final = np.uint64(0x100000001B3)
"""FNV-1a, 64 bits."""
ZERO: Any = np.int64(0)
"""Where a kernel begins to count: the plain literal has a type of its own, and what it calls is compiled twice."""

_SINGLES: Final = "的了是在和不有也就都而与與为為のにはをがともで"
_MID_LETTERS: Final = "'’.·‧׳״\uff07"
_MID_DIGITS: Final = "',.’٫٬"
_RANGES: Final = (
    (0x0E00, 0x0F00, RUN4),  # Thai, Lao
    (0x1000, 0x10A0, RUN5),  # Myanmar
    (0x1780, 0x1800, RUN5),  # Khmer
    (0x1950, 0x1AB0, RUN4),  # Tai Le, New Tai Lue, Buginese, Tai Tham
    (0xA9E0, 0xAA00, RUN5),  # Myanmar extended B
    (0xAA60, 0xAAE0, RUN5),  # Myanmar extended A, Tai Viet
    (0x3005, 0x3008, PAIR),  # iteration mark, ideographic zero
    (0x3041, 0x30A0, PAIR),  # Hiragana
    (0x30A1, 0x30FB, KATAKANA),
    (0x30FC, 0x3100, KATAKANA),  # prolonged sound mark
    (0x31F0, 0x3200, KATAKANA),
    (0x3400, 0x4DC0, PAIR),  # Han, extension A
    (0x4E00, 0xA000, PAIR),  # Han
    (0xF900, 0xFB00, PAIR),  # Han, compatibility
    (0xFF66, 0xFFA0, KATAKANA),  # half width
    (0x20000, 0x34000, PAIR),  # Han, extensions B and later
)


@cache
def kinds() -> NDArray[np.uint8]:
    """Return the table of kinds and bits per code point (uint8, 1,114,112 entries), built once per process (0.1 s)."""
    table = np.zeros(0x110000, np.uint8)
    every = "".join(map(chr, range(0x110000)))
    for run in re.finditer(r"\w+", every):
        table[run.start() : run.end()] = LETTER
    for run in re.finditer(r"\d+", every):
        table[run.start() : run.end()] = DIGIT
    for run in re.finditer(r"[^\W\d_]+", every):
        table[run.start() : run.end()] |= ALPHA
    for first, end, kind in _RANGES:
        part = table[first:end]
        part[part & KIND == LETTER] = kind | ALPHA
    for point in _varied():
        char = chr(point)
        if unicodedata.category(char)[0] == "M" or char in "\u200c\u200d\u00ad":
            table[point] = MARK
        elif char.isupper():
            table[point] |= UPPER
    for chars, bits in ((_MID_LETTERS, MID_LETTER), (_MID_DIGITS, MID_DIGIT)):
        for char in chars:
            table[ord(char)] |= bits
    for char in _SINGLES:
        table[ord(char)] = SINGLE | ALPHA
    return table


def _varied() -> list[int]:
    """Code points outside the large uniform blocks (Han, Hangul, Tangut, private use)."""
    parts = (0, 0x3400), (0xA000, 0xAC00), (0xD7A4, 0xD800), (0xF900, 0x17000), (0x18D80, 0x20000), (0xE0000, 0xE0200)
    return [point for start, end in parts for point in range(start, end)]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text of n characters, in order."""

    codes: NDArray[np.uint32]
    """Code points of the text, n."""
    starts: NDArray[np.int32]
    """First character of each word, ascending."""
    ends: NDArray[np.int32]
    """Character after the last of each word."""
    hashes: NDArray[np.uint64]
    """64-bit hash of each word (FNV-1a over code points, finished by the MurmurHash3 finaliser)."""
    alphabetic: NDArray[np.bool_]
    """The word holds a letter or ideograph."""

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Characters of each word, marks included."""
        return self.ends - self.starts


def code_points(text: str) -> NDArray[np.uint32]:
    """Return the code points of a text; lone surrogates are kept."""
    # a bytearray, so that the array may be written to: kernels are compiled for one kind of array instead of two
    return np.frombuffer(bytearray(text.encode("utf-32-le", "surrogatepass")), np.uint32)


def segment(text: str) -> Words:
    """Return the words of `text`."""
    codes = code_points(text)
    room = len(codes)
    starts, ends = np.empty(room, np.int32), np.empty(room, np.int32)
    hashes, alphabetic = np.empty(room, np.uint64), np.empty(room, np.bool_)
    n = _segment(codes, kinds(), starts, ends)
    _describe(codes, kinds(), starts[:n], ends[:n], hashes, alphabetic)
    return Words(codes, starts[:n].copy(), ends[:n].copy(), hashes[:n].copy(), alphabetic[:n].copy())


@kernel
def _segment(codes: Any, table: Any, starts: Any, ends: Any) -> int:
    """Fill `starts` and `ends` (room for one word per character) and return the number of words."""
    count, at = 0, ZERO
    while at < len(codes):
        kind = table[codes[at]] & KIND
        if kind in (GAP, MARK):
            at += 1
            continue
        starts[count], at = at, word_end(codes, table, at, kind)
        ends[count] = at
        count += 1
    return count


@kernel
def word_end(codes: Any, table: Any, at: int, kind: int) -> int:
    """Return the end of the word that starts at `at`, whose first character is of `kind`."""
    if kind in (LETTER, DIGIT):
        return _spaced(codes, table, at)
    if kind == PAIR:
        end = _marks(codes, table, at + 1)
        if end < len(codes) and table[codes[end]] & KIND == PAIR and _hiragana(codes[end]) == _hiragana(codes[at]):
            return _marks(codes, table, end + 1)
        return end
    if kind == SINGLE:
        return _marks(codes, table, at + 1)
    if kind == KATAKANA:
        return _stretch(codes, table, at, kind)
    return _piece(codes, table, at, kind)


@kernel
def _spaced(codes: Any, table: Any, at: int) -> int:
    """Return the end of the word at `at` in a script with spaces."""
    n, last = len(codes), LETTER
    while at < n:
        entry = table[codes[at]]
        kind = entry & KIND
        if kind in (LETTER, DIGIT):
            last = kind
        elif kind != MARK:
            after = table[codes[at + 1]] & KIND if at + 1 < n else GAP
            joins = MID_LETTER if last == LETTER else MID_DIGIT
            if kind != GAP or not entry & joins or after != last:
                break
        at += 1
    return at


@kernel
def _marks(codes: Any, table: Any, at: int) -> int:
    """Return the first place from `at` that is no mark."""
    while at < len(codes) and table[codes[at]] & KIND == MARK:
        at += 1
    return at


@kernel
def _stretch(codes: Any, table: Any, at: int, kind: int) -> int:
    """Return the end of the run of `kind` and marks at `at`."""
    while at < len(codes) and table[codes[at]] & KIND in (kind, MARK):
        at += 1
    return at


@kernel
def _piece(codes: Any, table: Any, at: int, kind: int) -> int:
    """Return the end of the piece at `at` of a run cut every 4 or 5 characters; a short rest joins the last piece."""
    target = 4 if kind == RUN4 else 5
    end = at
    for step in range(2 * target):
        if end >= len(codes) or table[codes[end]] & KIND not in (kind, MARK):
            return end
        if step >= target and table[codes[end]] & KIND != MARK:
            break
        end += 1
    rest = end
    while rest < len(codes) and rest - end < target // 2 and table[codes[rest]] & KIND in (kind, MARK):
        rest += 1
    return rest if rest - end < target // 2 else end


@kernel
def _hiragana(code: int) -> bool:
    return 0x3041 <= code < 0x30A0


@kernel
def _describe(codes: Any, table: Any, starts: Any, ends: Any, hashes: Any, alphabetic: Any) -> None:
    """Fill the hash of each word and whether it holds a letter."""
    for word in range(len(starts)):
        h, letter = BASIS, False
        for at in range(starts[word], ends[word]):
            h = (h ^ np.uint64(codes[at])) * PRIME
            letter = letter or table[codes[at]] & ALPHA != 0
        hashes[word] = finish(h)
        alphabetic[word] = letter


@kernel
def finish(h: Any) -> Any:
    """MurmurHash3's 64-bit finaliser."""
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> np.uint64(33))
