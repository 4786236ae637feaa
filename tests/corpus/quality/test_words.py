"""Words in every script: hand-cut examples, a plain oracle for the rule of scripts with spaces, any Unicode at all."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.quality.words import finish, segment


def cut(text: str) -> list[str]:
    words = segment(text)
    return [text[start:end] for start, end in zip(words.starts, words.ends, strict=True)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n\t ", []),
        ("one", ["one"]),
        ("Don't stop -- it's 5 o’clock.", ["Don't", "stop", "it's", "5", "o’clock"]),
        ("costs 1,000.50 at example.com, e.g. well-known _x_", ["costs", "1,000.50", "at", "example.com", "e.g", "well",
                                                                "known", "_x_"]),
        ("a. b", ["a", "b"]),
        ("v2.0 and 3.x", ["v2.0", "and", "3", "x"]),
        ("нет. Да", ["нет", "Да"]),
        ("한국어 텍스트입니다.", ["한국어", "텍스트입니다"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("可以的", ["可以", "的"]),
        ("世界人权宣言", ["世界", "人权", "宣言"]),
        ("人人生而自由。平等", ["人人", "生", "而", "自由", "平等"]),
        ("コンピューターを使う", ["コンピューター", "を", "使", "う"]),
        ("東京の人口", ["東京", "の", "人口"]),
        ("GPT模型v2", ["GPT", "模型", "v2"]),
        ("👍 #tag 👍👍", ["tag"]),
        ("e\u0301t\u00e9", ["e\u0301t\u00e9"]),
        ("\u0301x", ["x"]),
        ("𝐀𝐁 𐐀𐐁", ["𝐀𝐁", "𐐀𐐁"]),
        ("𠀀𠀁𠀂", ["𠀀𠀁", "𠀂"]),
        ("་བོད་སྐད་", ["བོད", "སྐད"]),
    ],
)  # fmt: skip
def test_hand_cut_examples(text: str, words: list[str]) -> None:
    """The rules of the module, one by one."""
    assert cut(text) == words


def test_thai_is_cut_in_pieces_that_start_with_a_letter() -> None:
    """Pieces of four characters or a little more, the last perhaps less; none begins with a mark."""
    text = "คณะกรรมการจะเผยแพร่รายงานเกี่ยวกับสภาพแม่น้ำ"
    pieces = cut(text)
    assert "".join(pieces) == text
    assert all(4 <= len(piece) <= 9 for piece in pieces[:-1])
    assert 2 <= len(pieces[-1]) <= 9
    assert not any(
        piece[0] in "\u0e31\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c" for piece in pieces
    )


def test_repeated_phrase_is_cut_alike() -> None:
    """After punctuation a phrase gives the same words each time, so that repetition can be seen."""
    words = cut("我喜欢读书，我喜欢读书，我喜欢读书")
    assert words[:3] * 3 == words


SPACED = st.text("ab Zé'’.,-_19٣\u0301 \n#ж", max_size=60)


@settings(max_examples=300, deadline=None)
@given(SPACED)
@example("a.1")
@example("1.a")
@example("a''b")
@example("a\u0301'b")
def test_plain_oracle_for_scripts_with_spaces(text: str) -> None:
    """A regular expression that says the same: letters and digits, joined by one mark between two of a kind."""
    letter, digit, marks = r"[^\W\d]", r"\d", "\u0301*"
    unit = rf"(?:{letter}{marks}(?:['’.](?={letter}))?|{digit}{marks}(?:[',.’](?={digit}))?)"
    expected = [m.group() for m in re.finditer(rf"(?:{unit})+", text)]
    assert cut(text) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=200))
@example("\ud800a\udfff")
@example("\U0010ffff")
@example("ก" * 50)
@example("ក្" * 30)
def test_any_text(text: str) -> None:
    """Words are in order, not empty, do not overlap, and hold every letter and digit of the text."""
    words = segment(text)
    assert (words.lengths > 0).all()
    assert (words.starts[1:] >= words.ends[:-1]).all()
    inside = set().union(*(range(s, e) for s, e in zip(words.starts.tolist(), words.ends.tolist(), strict=True)))
    assert {i for i, char in enumerate(text) if char.isalpha() or char.isdigit()} & set(_solid(text)) <= inside
    expected = [any(c.isalpha() or re.match(r"[^\W\d_]", c) for c in text[s:e]) for s, e in _spans(words)]
    assert words.alphabetic.tolist() == expected


def _spans(words: object) -> list[tuple[int, int]]:
    return list(zip(words.starts.tolist(), words.ends.tolist(), strict=True))  # type: ignore[attr-defined]


def _solid(text: str) -> list[int]:
    return [i for i, char in enumerate(text) if re.match(r"\w", char)]


def test_hash_is_fnv_with_a_finaliser() -> None:
    """The hash of a word by the definition, in plain integers; an ideograph above the BMP is one code point."""
    assert segment("añ").hashes.tolist() == [_hash("añ")]
    assert segment("𠀀").hashes.tolist() == [_hash("𠀀")]
    assert finish(np.uint64(0)) == 0


def _hash(word: str) -> int:
    h = 0xCBF29CE484222325
    for code in map(ord, word):
        h = ((h ^ code) * 0x100000001B3) % 2**64
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = ((h ^ (h >> 33)) * factor) % 2**64
    return h ^ (h >> 33)


def test_one_enormous_line() -> None:
    """A million characters without a space are one word, or pieces of it, in linear time."""
    assert len(segment("a" * 1_000_000)) == 1
    assert len(segment("中" * 1_000_000)) == 500_000
    assert len(segment("ก" * 1_000_000)) == 250_000
