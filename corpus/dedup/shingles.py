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
from numpy.typing import NDArray

from corpus.dedup.characters import UNSETTLED, tables
from corpus.dedup.kernels import longest_mark_run, shingle
from corpus.settings import require

LONGEST_MARK_RUN: Final = 30


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
    data = np.frombuffer(source, np.uint8)
    hashes, normalised, seen = shingle(data, *tables(), settings.words, settings.characters)
    if seen & UNSETTLED and (composed := settled(data)) is not data:
        hashes, normalised, _ = shingle(composed, *tables(), settings.words, settings.characters)
    return Shingles(_distinct(hashes), digest_of(normalised, source))


def digest_of(normalised: Any, source: Any) -> bytes:
    """Return the digest, 16 bytes, of a text with this normal form; `source` is asked for where that is empty."""
    if not len(normalised):
        normalised = b"\0" + bytes(source).strip()
    return hashlib.blake2b(normalised, digest_size=16).digest()


def shingles(text: Any, settings: Shingling = DEFAULT) -> NDArray[np.uint64]:
    """Return the distinct shingle hashes of a text, uint64, ascending."""
    return read_text(text, settings).hashes


def _distinct(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    if not len(hashes):
        return hashes
    hashes.sort()
    fresh = np.empty(len(hashes), np.bool_)
    fresh[0] = True
    np.not_equal(hashes[1:], hashes[:-1], out=fresh[1:])
    return hashes[fresh]


def settled(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a text in form C: `data` itself where it is so already, is no UTF-8, or finding out could take for ever.

    Only a text with a code point that is UNSETTLED can differ from its form C.
    """
    if longest_mark_run(data, tables().entries) > LONGEST_MARK_RUN:
        return data
    try:
        text = bytes(data).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data
    if unicodedata.is_normalized("NFC", text):
        return data
    return np.frombuffer(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass"), np.uint8)
