"""What each code point is to the rules about lines and characters, as tables that kernels look into.

The table of the word rules is in words.py; this one has the classes that the regular expressions of lines.py are made
of. White space is what str.isspace, str.split and `\\s` take it for.
"""

import re
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.quality.lines import BRACKETS, FULL_WIDTH, POLICY, QUOTES, SMALL, STERM

SPACE, BRACKET, SENTENCE, FULL, CLOSING, SMALL_LETTER, BULLET, SPECIAL, ANCHOR = (1 << bit for bit in range(9))
"""White space; closing bracket; ends a sentence (the full stop apart); does so without a space; quotation mark or
bracket; small letter; bullet; one that is counted or begins something; one by which a phrase is found."""

_KELVIN: Final = "\u212a"
_ANCHORS: Final = "vkpfc"
"""Letters by which phrases are found, from rare to less rare."""


def _anchor(phrase: str) -> str:
    return next(letter for letter in _ANCHORS if letter in phrase)


PHRASES: Final = sorted(["javascript", *POLICY, "n cart", "lorem ipsum"], key=_anchor)
"""What is looked for in small letters; `n cart` stands for `items in cart`, whose i and s fold in other ways too."""

_BULLETS: Final = "•●‣▪◦■○∙*-–·"

JAVASCRIPT, POLICIES, CART, LOREM_IPSUM, CITED = 1, 2, 4, 8, 16
"""What a line was found to hold, as bits; CITED: a square bracket opens."""

_LETTERS: Final = np.array([[ord(c) for c in phrase.ljust(max(map(len, PHRASES)))] for phrase in PHRASES], np.uint32)
_SIZES: Final = np.array([len(phrase) for phrase in PHRASES])
_PLACES: Final = np.array([phrase.index(_anchor(phrase)) for phrase in PHRASES])
_OTHERS: Final = {"javascript": JAVASCRIPT, "n cart": CART, "lorem ipsum": LOREM_IPSUM}
_FLAGS: Final = np.array([_OTHERS.get(phrase, POLICIES) for phrase in PHRASES])
_FIRST: Final = np.searchsorted([_anchor(phrase) for phrase in PHRASES], [chr(code) for code in range(129)])
"""By letter: the first phrase with that anchor; the one after the last is that of the next letter."""

_SIGN, _J, _A, _V, _C, _O, _F, _U, _S, _I, _P, _R, _T, _K = map(ord, _KELVIN + "javcofusiprtk")

NEVER: Final = 0xFFFFFFFF
"""In place of a small letter where one code point does not have one of its own."""


@cache
def marks() -> NDArray[np.uint16]:
    """Return the table of the bits above (uint16, 1,114,112 entries)."""
    table = np.zeros(0x110000, np.uint16)
    every = "".join(map(chr, range(0x3001)))
    spaces, letters = re.findall(r"\s", every), re.findall(f"[{SMALL}]", every)
    classes = spaces, BRACKETS, STERM[1:] + "…", FULL_WIDTH, QUOTES + BRACKETS, letters, _BULLETS, "#{….:["
    for bit, chars in enumerate([*classes, _ANCHORS + _ANCHORS.upper() + _KELVIN]):
        table[[ord(char) for char in chars]] |= 1 << bit
    return table


@cache
def small() -> NDArray[np.uint32]:
    """Return the small letter of each code point, itself where it has none (uint32, 1,114,112 entries).

    NEVER for the two that are no plain case: Σ, whose small letter depends on its neighbours, and İ, which becomes
    two code points. The rest is str.lower.
    """
    every = "".join(map(chr, range(0x110000))).replace("Σ", "σ").replace("İ", "i")
    table = np.frombuffer(every.lower().encode("utf-32-le", "surrogatepass"), np.uint32).copy()
    if len(table) != 0x110000:
        table = np.array([ord(low) if len(low := char.lower()) == 1 else NEVER for char in every], np.uint32)
    table[[ord("Σ"), ord("İ")]] = NEVER
    return table


@kernel
def fold(code: Any) -> Any:
    """Return the small letter of a code point where that is ASCII: A to Z and the Kelvin sign, else the code point."""
    if 65 <= code <= 90:
        return np.uint32(code + 32)
    return np.uint32(107) if code == _SIGN else np.uint32(code)


@kernel
def stands(codes: Any, at: int, end: int, wanted: Any) -> bool:
    """Return whether `wanted` stands at `at`, before `end`."""
    if at < 0 or at + len(wanted) > end:
        return False
    place = 0
    while place < len(wanted) and codes[at + place] == wanted[place]:
        place += 1
    return place == len(wanted)


@kernel
def stands_folded(codes: Any, at: int, end: int, wanted: Any, size: int) -> bool:
    """Return whether the first `size` of `wanted`, small letters, stand at `at` in any case, before `end`."""
    if at < 0 or at + size > end:
        return False
    place = 0
    while place < size and fold(codes[at + place]) == wanted[place]:
        place += 1
    return place == size


@kernel
def may_hold_phrases(codes: Any) -> bool:
    """Return False when none of PHRASES is in the text: without branches, so that the compiler looks at many places at
    once; most texts are done with them here."""
    found = False
    for at in range(len(codes) - 3):
        a, b = codes[at] | np.uint32(32), codes[at + 1] | np.uint32(32)
        c, d = codes[at + 2] | np.uint32(32), codes[at + 3] | np.uint32(32)
        found |= (a == _J) & (b == _A) & (c == _V) & (d == _A)  # javascript
        found |= (a == _V) & (b == _A) & (c == _C)  # privacy policy
        found |= (a == _C) & (b == _O) & (c == _O) & ((d == _K) | (d == _SIGN))  # cookies
        found |= (a == _F) & (b == 32) & (c == _U) & (d == _S)  # terms of use
        found |= (a == _I) & (b == _P) & (c == _S) & (d == _U)  # lorem ipsum
        found |= (a == _C) & (b == _A) & (c == _R) & (d == _T)  # items in cart
    return found


@kernel
def phrases_at(codes: Any, at: int) -> int:
    """Return the flags of the phrases whose anchor is the character at `at`."""
    found, letter = 0, fold(codes[at])
    for phrase in range(_FIRST[letter], _FIRST[letter + 1]):
        if stands_folded(codes, at - _PLACES[phrase], len(codes), _LETTERS[phrase], _SIZES[phrase]):
            found |= _FLAGS[phrase]
    return found
