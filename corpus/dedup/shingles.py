"""Shingles: the overlapping pieces of a text whose shared part says how alike two texts are (Broder 1997).

Normal form: Unicode form C, lower case, cut into tokens. A token is a run of word characters, or a single character
of a script written without spaces (characters.py); all else only parts tokens. A shingle starts at every token and
takes as many as make up 5 words or 9 characters. In mixed text one word counts as 9/5 of a character: with integers,
a word weighs 9, a character 5, and a shingle is complete at 45. Plain text in words thus gives word 5-grams, plain
Chinese or Thai gives character 9-grams (five Chinese words are about nine characters), and what lies between needs
no guess at the language. A text too short for one whole shingle is one shingle; a text without a token has none.

Hash, 64 bits: a token is FNV-1a over its normalised UTF-8, finished by the MurmurHash3 64-bit finaliser; a shingle of
tokens t1..tk is the polynomial t1*P^(k-1) + ... + tk modulo 2^64 with P = 0x9E3779B97F4A7C15, finished the same way.
Its lower 32 bits feed MinHash, all 64 the exact comparison: among 10^6 shingles of two texts a false match has odds
of 10^-7. Prefix sums make the cost of a shingle independent of its length.

Form C takes time quadratic in the length of a run of combining marks, so a text with a longer run than 30 (the bound
of the Stream-Safe Text Format, UAX #15) is used as it stands.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from corpus.dedup.characters import CHARACTER, COMBINING, GAP, KIND, MARK, UNSETTLED, WORD, tables
from corpus.settings import require

LONGEST_MARK_RUN: Final = 30

_FNV_BASIS: Final = np.uint64(0xCBF29CE484222325)
_FNV_PRIME: Final = np.uint64(0x100000001B3)
_P: Final = np.uint64(0x9E3779B97F4A7C15)
_M1: Final = np.uint64(0xFF51AFD7ED558CCD)
_M2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_S33: Final = np.uint64(33)
_ZERO: Final = np.uint64(0)
_ONE: Final = np.uint64(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shingling:
    """How long a shingle is.

    words: words of a shingle in scripts with spaces.
    characters: characters (code points) of a shingle in scripts without.
    """

    words: int = 5
    characters: int = 9

    def __post_init__(self) -> None:
        require(1 <= self.words <= 64, self, "words", "use 1 to 64 words")
        require(1 <= self.characters <= 64, self, "characters", "use 1 to 64 characters")


DEFAULT: Final = Shingling()


class Shingles(NamedTuple):
    """A text as the deduplicator sees it.

    hashes: uint64, ascending, distinct; empty when the text has no token.
    digest: 16 bytes, BLAKE2b-128 of the normalised text; equal texts, and practically only those, share it. A text
        without a token stands for itself, byte for byte but for the white space around it.
    """

    hashes: NDArray[np.uint64]
    digest: bytes


def read_text(text: Any, settings: Shingling = DEFAULT) -> Shingles:
    """Return shingle hashes and digest of a text: a str, or UTF-8 in any contiguous buffer of bytes."""
    source = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    data = _settled(np.frombuffer(source, np.uint8))
    hashes, normalised = _shingle(data, *tables(), settings.words, settings.characters)
    if not len(hashes):
        return Shingles(hashes, hashlib.blake2b(b"\0" + bytes(source).strip(), digest_size=16).digest())
    return Shingles(_distinct(hashes), hashlib.blake2b(normalised, digest_size=16).digest())


def shingles(text: Any, settings: Shingling = DEFAULT) -> NDArray[np.uint64]:
    """Return the distinct shingle hashes of a text, uint64, ascending."""
    return read_text(text, settings).hashes


def _distinct(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    hashes.sort()
    fresh = np.empty(len(hashes), np.bool_)
    fresh[0] = True
    np.not_equal(hashes[1:], hashes[:-1], out=fresh[1:])
    return hashes[fresh]


def _settled(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the text in form C, unless finding it could take for ever or there is none."""
    unsettled, run = _scan(data, tables().entries)
    if not unsettled or run > LONGEST_MARK_RUN:
        return data
    try:
        text = bytes(data).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data
    if unicodedata.is_normalized("NFC", text):
        return data
    return np.frombuffer(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass"), np.uint8)


@njit(cache=True, nogil=True)
def _decode(data: Any, i: int) -> Any:
    """Return code point and length in bytes of the UTF-8 sequence at i; what is cut short counts as a space."""
    lead = np.int64(data[i])
    if lead < 0x80:
        return lead, 1
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if i + size > len(data):
        return 32, len(data) - i
    point = lead & (0x7F >> size)
    for k in range(1, size):
        point = (point << 6) | (np.int64(data[i + k]) & 0x3F)
    return (point if point < 0x110000 else 32), size


@njit(cache=True, nogil=True)
def _scan(data: Any, entries: Any) -> tuple[bool, int]:
    """Return whether any code point may be out of form C, and the longest run of combining marks."""
    unsettled, run, longest, i = False, 0, 0, 0
    while i < len(data):
        if data[i] < 0x80:
            run, i = 0, i + 1
            continue
        point, size = _decode(data, i)
        i += size
        entry = entries[point]
        unsettled = unsettled or entry & UNSETTLED != 0
        run = run + 1 if entry & COMBINING else 0
        longest = max(longest, run)
    return unsettled, longest


@njit(cache=True, nogil=True)
def _encode(point: Any, out: Any, m: int) -> int:
    """Write a code point as UTF-8 at out[m:]; return the position after it."""
    if point < 0x80:
        out[m] = point
        return m + 1
    if point < 0x800:
        out[m] = 0xC0 | (point >> 6)
        out[m + 1] = 0x80 | (point & 0x3F)
        return m + 2
    if point < 0x10000:
        out[m] = 0xE0 | (point >> 12)
        out[m + 1] = 0x80 | ((point >> 6) & 0x3F)
        out[m + 2] = 0x80 | (point & 0x3F)
        return m + 3
    out[m] = 0xF0 | (point >> 18)
    out[m + 1] = 0x80 | ((point >> 12) & 0x3F)
    out[m + 2] = 0x80 | ((point >> 6) & 0x3F)
    out[m + 3] = 0x80 | (point & 0x3F)
    return m + 4


@njit(cache=True, nogil=True)
def _finish(h: Any) -> Any:
    """MurmurHash3's 64-bit finaliser: a bijection that spreads every bit."""
    h = (h ^ (h >> _S33)) * _M1
    h = (h ^ (h >> _S33)) * _M2
    return h ^ (h >> _S33)


@njit(cache=True, nogil=True)
def _tokenise(data: Any, entries: Any, lower: Any, out: Any, hashes: Any, kinds: Any) -> tuple[int, int]:
    """Fill `out` with the normalised text, `hashes` and `kinds` by token; return the number of tokens and bytes.

    In the normalised text one space stands between two words, and nothing beside a character of its own.
    """
    i, m, n, before = 0, 0, 0, GAP
    h: Any = _FNV_BASIS
    while i < len(data):
        point, size = _decode(data, i)
        i += size
        kind: Any = np.int64(entries[point]) & KIND
        if kind == MARK:
            kind = WORD if before == WORD else GAP
        if before == WORD and kind != WORD:
            hashes[n - 1] = _finish(h)
        if kind != GAP:
            if kind == CHARACTER or before != WORD:
                if kind == WORD and n and kinds[n - 1] == WORD:
                    out[m] = 32
                    m += 1
                kinds[n] = kind
                n += 1
                h = _FNV_BASIS
            start = m
            m = _encode(np.int64(lower[point]), out, m)
            for k in range(start, m):
                h = (h ^ np.uint64(out[k])) * _FNV_PRIME
            if kind == CHARACTER:
                hashes[n - 1] = _finish(h)
        before = kind
    if before == WORD:
        hashes[n - 1] = _finish(h)
    return n, m


@njit(cache=True, nogil=True)
def _windows(tokens: Any, kinds: Any, n: int, words: int, characters: int) -> Any:
    """Return the hash of every shingle of n tokens, in order, repeats included."""
    powers = np.empty(max(words, characters) + 1, np.uint64)
    powers[0] = _ONE
    for k in range(1, len(powers)):
        powers[k] = powers[k - 1] * _P
    prefix = np.empty(n + 1, np.uint64)
    prefix[0] = _ZERO
    for k in range(n):
        prefix[k + 1] = prefix[k] * _P + tokens[k]
    found, full = np.empty(n, np.uint64), words * characters
    count, end, weight = 0, 0, 0
    for start in range(n):
        while end < n and weight < full:
            weight += characters if kinds[end] == WORD else words
            end += 1
        if weight < full and start > 0:
            break
        found[count] = _finish(prefix[end] - prefix[start] * powers[end - start])
        count += 1
        if weight < full:
            break
        weight -= characters if kinds[start] == WORD else words
    return found[:count].copy()


@njit(cache=True, nogil=True)
def _shingle(data: Any, entries: Any, lower: Any, words: int, characters: int) -> Any:
    """Return shingle hashes (uint64, in order of the text) and the normalised text (uint8)."""
    out = np.empty(len(data) * 3 // 2 + 4, np.uint8)  # lower case takes up to 3 bytes where upper takes 2
    hashes, kinds = np.empty(len(data) // 2 + 1, np.uint64), np.empty(len(data) // 2 + 1, np.uint8)
    n, m = _tokenise(data, entries, lower, out, hashes, kinds)
    return _windows(hashes, kinds, n, words, characters), out[:m].copy()
