"""The script most of a text is written in, from the Unicode names of its letters.

The standard library has no script property (UAX #24), but the first word of a letter's name is its script: CYRILLIC
SMALL LETTER A, THAI CHARACTER KO KAI, CJK UNIFIED IDEOGRAPH-4E00. That is enough to tell scripts apart, costs one
look-up per distinct character, and covers every script that Python's Unicode version knows.
"""

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Final

_SAME: Final = {"HIRAGANA": "KANA", "KATAKANA": "KANA", "HANGUL": "HANGUL", "HALFWIDTH": "KANA", "FULLWIDTH": "LATIN"}


@lru_cache(maxsize=4096)
def script_of(character: str) -> str | None:
    """Return the script of one letter as the first word of its Unicode name; None for what is not a letter."""
    if not character.isalpha():
        return None
    word = unicodedata.name(character, "").partition(" ")[0]
    return _SAME.get(word, word) or None


def scripts(text: str) -> Counter[str]:
    """Return letters per script."""
    found: Counter[str] = Counter()
    for character, number in Counter(text).items():
        script = script_of(character)
        if script:
            found[script] += number
    return found


def dominant(found: Counter[str]) -> str | None:
    """Return the script with the most letters (the first by name among equals), None when there are no letters."""
    return min(found, key=lambda name: (-found[name], name)) if found else None


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
