"""The script most of a text is written in, from the Unicode names of its letters.

The standard library has no script property (UAX #24), but the first word of a letter's name is its script: CYRILLIC
SMALL LETTER A, THAI CHARACTER KO KAI, CJK UNIFIED IDEOGRAPH-4E00. That is enough to tell scripts apart, costs one
look-up per character in a table made at the first use, and covers every script that Python's Unicode version knows.
"""

import unicodedata
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel

_SAME: Final = {"HIRAGANA": "KANA", "KATAKANA": "KANA", "HANGUL": "HANGUL", "HALFWIDTH": "KANA", "FULLWIDTH": "LATIN"}
_REFUSED: Final = 255  # entry of what CLD2 refuses
_UNIFORM: Final = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0x20000, 0x40000))
"""Blocks whose letters are all of one script; not worth a name each."""
_LAST_LETTER: Final = 0x40000


class Survey(NamedTuple):
    """What the characters of a text say about it.

    script: the script with the most letters, the first by name among equals; None when there are no letters.
    refused: whether there are characters that CLD2 refuses as not interchange-valid: controls other than tab and line
    breaks, surrogates, noncharacters.
    """

    script: str | None
    refused: bool


def survey(text: str) -> Survey:
    """Count the letters of `text` by script; any str is taken, lone surrogates included."""
    names, entries = _table()
    best, refused = _survey(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32), entries)
    return Survey(names[best], bool(refused))


def script_of(character: str) -> str | None:
    """Return the script of one letter as the first word of its Unicode name; None for what is not a letter."""
    if not character.isalpha():
        return None
    word = unicodedata.name(character, "").partition(" ")[0]
    return _SAME.get(word, word) or None


def is_refused(point: int) -> bool:
    """Return whether CLD2 refuses a text with this code point."""
    control = point < 0x20 and point not in (0x09, 0x0A, 0x0D)
    special = 0x7F <= point < 0xA0 or 0xD800 <= point < 0xE000 or 0xFDD0 <= point < 0xFDF0
    return control or special or point & 0xFFFE == 0xFFFE


@cache
def _table() -> tuple[list[str | None], NDArray[np.uint8]]:
    """Return names by number and the number of every code point; 0: no letter. Made once per process, in 0.06 s."""
    found = {point: script_of(chr(point)) for point in _varied()}
    for first, end in _UNIFORM:
        script = script_of(chr(first))
        found |= {point: script for point in range(first, end) if chr(point).isalpha()}
    names = [None, *sorted({script for script in found.values() if script})]
    number = {script: place for place, script in enumerate(names)}
    entries = np.zeros(0x110000, np.uint8)
    entries[list(found)] = [number[script] for script in found.values()]
    refused = [*range(0xA0), *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0)]
    refused += [end + low for end in range(0, 0x110000, 0x10000) for low in (0xFFFE, 0xFFFF)]
    entries[[point for point in refused if is_refused(point)]] = _REFUSED
    return names, entries


def _varied() -> list[int]:
    varied = np.ones(_LAST_LETTER, bool)
    for first, end in _UNIFORM:
        varied[first:end] = False
    return [point for point in np.flatnonzero(varied).tolist() if chr(point).isalpha()]


@kernel
def _survey(points: Any, entries: Any) -> Any:
    """Return the number of the most frequent script and the number of refused characters."""
    counts = np.zeros(256, np.int64)
    for i in range(len(points)):
        counts[entries[points[i]]] += 1
    best = 0
    for number in range(1, _REFUSED):
        if counts[number] > (counts[best] if best else 0):
            best = number
    return best, counts[_REFUSED]


# Which scripts a language is written in, for the languages of lid.176 and CLD2 not written in Latin letters only.
_SCRIPTS: Final = """
ARABIC: ar arz azb ckb fa ks ku lrc mzn pnb ps sd ug ur
ARMENIAN: hy
BENGALI: as bn bpy
CANADIAN: iu
CHEROKEE: chr
CJK: ja ko wuu yue zh
CYRILLIC: ab av az ba be bg bs bxr ce cv kk krc kv ky lez mhr mk mn mrj myv os ru rue sah sh sr tg tk tt tyv uk uz xal
DEVANAGARI: bho gom hi hif ks mai mr ne new sa sd
ETHIOPIC: am ti
GEORGIAN: ka xmf
GREEK: el
GUJARATI: gu
GURMUKHI: pa
HANGUL: ko
HEBREW: he yi
KANA: ja
KANNADA: kn
KHMER: km
LAO: lo
LIMBU: lif
MALAYALAM: ml
MYANMAR: my
ORIYA: or
SINHALA: si
SYRIAC: syr
TAMIL: ta
TELUGU: te
THAANA: dv
THAI: th
TIBETAN: bo dz
"""
_BOTH: Final = frozenset(
    ["az", "bs", "gom", "hif", "ks", "ku", "sh", "sr", "tg", "tk", "ug", "uz"]
)  # Latin letters too

WRITTEN_IN: Final[dict[str, frozenset[str]]] = {
    name: frozenset(languages.split())
    for name, _, languages in (line.partition(": ") for line in _SCRIPTS.split("\n") if line)
}
"""Script -> languages of lid.176 and CLD2 that are written in it."""

_NOT_LATIN: Final = frozenset().union(*WRITTEN_IN.values()) - _BOTH


def fits(language: str, script: str | None) -> bool:
    """Return whether `language` is commonly written in `script`; False for scripts of no known language."""
    if script == "LATIN":
        return language not in _NOT_LATIN
    return script is None or language in WRITTEN_IN.get(script, ())
