"""How much of a text looks like what a wrong charset makes of it.

Counted among the characters that are not ASCII: replacement characters, letters of two scripts in one word, capitals
after small letters, accented letters in long runs, signs amid letters, rare ideographs. The patterns are the module's
own; their weights are plain counts (corpus/charset.py holds the threshold, tests/corpus/test_charset.py the cases).

Trying every pattern at every character cost 20 ms on a page of 200 kB. No pattern begins in ASCII, nor at an accented
letter between ASCII ones, nor within a word of another alphabet but at its two ends, so `_SCAN` swallows such stretches
whole before it tries anything: 1 ms, and the same matches (tests/support/plain_page.py has the patterns alone).
"""

import re
from functools import cache
from typing import Final

SAMPLE: Final = 1 << 17
"""Characters looked at, from the first one on that is not ASCII."""

_RUNS: Final = re.compile(r"[^\x00-\x7f\s]+")
_SIGN: Final = "[¢-©¬®-¶¸-º¼-¾×÷ƒ†‡ˆ‰‚„]"
_OTHER: Final = "\u0370-\u06ff\u0e00-\u0e7f"
_STRANGE: Final = "|".join(
    (
        "[\ufffd\x80-\x9f\ue000-\uf8ff]",  # replacement characters, C1 controls, private use
        "[\uff61-\uff9f\u2500-\u259f]",  # half-width katakana, box drawing: typical of wrong decoding
        "[\u00c0-\u024f]{4,}",  # accented letters in a run: another alphabet read as Latin
        f"(?<=[A-Za-z])[{_OTHER}]",  # two scripts in one word
        f"[{_OTHER}](?=[A-Za-z])",
        "(?<=[A-Za-z])[¡-©«¬®-¶¸¹»-¿×÷](?=[a-z])",  # a sign amid letters
        f"{_SIGN}(?:{_SIGN}|[\u00c0-\u06ff])|(?<=[\u00c0-\u06ff]){_SIGN}",
        "(?<=[\u00c0-\u024f])[\xa0\xad](?=[\u00c0-\u024f])",
        "(?<=[A-Za-z])[\u3400-\u9fff](?=[A-Za-z])",  # one ideograph amid Latin letters
    )
)
# Stretches in which no pattern begins: ASCII with single accented letters in it; then other alphabets, ideographs, kana
# and ASCII that is no letter, up to the last character before a letter. They are matched, but not captured.
_LATIN: Final = "[\x00-\x7f]++(?:[À-ÖØ-öø-ƑƓ-ɏ](?![À-ɏ])[\x00-\x7f]*+)*+"
_ALIEN: Final = f"{_OTHER}\u3040-\u30ff\u3400-\u9fff"
_FOREIGN: Final = f"(?<![A-Za-z])[{_ALIEN}][\x00-@\\[-`{{-\x7f\u3000-\u303f{_ALIEN}]*(?![A-Za-z])"
_SCAN: Final = re.compile(f"{_LATIN}|{_FOREIGN}|({_STRANGE})")

_SMALL: Final = "[\u03ac-\u03ce\u0430-\u045f]"
_CAPITAL: Final = "[\u0386\u0388-\u03ab\u0400-\u042f]"
_CAPITALS: Final = re.compile(_CAPITAL)
_FLIP: Final = re.compile(f"{_CAPITAL}(?<={_SMALL}{_CAPITAL})")
_TITLE: Final = re.compile(_CAPITAL + _SMALL)


def strangeness(text: str) -> float:
    """Return the share of the characters that are not ASCII (in a sample) that point to a wrong charset."""
    sample = _sample(text)
    letters = "".join(_RUNS.findall(sample))
    if not letters:
        return 0.0
    strange = sum(map(len, _SCAN.findall(sample)))
    if _beyond_latin().search(letters):
        strange += _flipped(sample) + len(_rare().findall(letters))
    return strange / len(letters)


def _sample(text: str) -> str:
    """Return the text from its first character that is not ASCII on, at most SAMPLE characters."""
    first = _RUNS.search(text)
    start = max(0, first.start() - 1) if first else 0
    return text[start : start + SAMPLE]


def _flipped(text: str) -> int:
    """Return the Greek and Cyrillic capitals when words begin small and go on in capitals, as KOI8 does to others."""
    flips = len(_FLIP.findall(text))
    return len(_CAPITALS.findall(text)) if flips >= 3 and flips > len(_TITLE.findall(text)) else 0


@cache
def _beyond_latin() -> re.Pattern[str]:
    return re.compile("[\u0386-\u045f\u3400-\u9fff]")


@cache
def _rare() -> re.Pattern[str]:
    """Return a pattern of the ideographs that are none of those that cover nearly all Chinese and Japanese text."""
    common = _common_ideographs()
    return re.compile(f"[{''.join(c for c in map(chr, range(0x3400, 0xA000)) if c not in common)}]")


def _common_ideographs() -> frozenset[str]:
    """Return the first levels of GB 2312 (3,755), Big5 (5,401) and JIS X 0208 (2,965)."""
    levels = ((0xB0, 0xD7, "gb2312"), (0xA4, 0xC6, "big5"), (0xB0, 0xCF, "euc_jp"))
    return frozenset(
        "".join(
            bytes((lead, trail)).decode(codec, "ignore")
            for first, last, codec in levels
            for lead in range(first, last + 1)
            for trail in range(0x40, 0xFF)
        )
    )
