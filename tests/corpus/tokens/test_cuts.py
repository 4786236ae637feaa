"""Cutting: patterns become programs that cut as the regex engine of `tokenizers` does."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from corpus.tokens.cuts import MANY, Alternative, Item, PatternError, compile_pattern, members, parse, same_cuts
from corpus.tokens.pieces import GREEDY, NEVER, POSSESSIVE, Pieces, cut, merge_table
from corpus.tokens.ranks import GPT2
from corpus.tokens.train import PATTERN

CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{ENDINGS}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
STEPPING = r"a{2,4}ab|a*+b|[ab]+c?d|(?:ab|ba)x|\s+|[^\s]"
PATTERNS = {"gpt2": GPT2, "trained here": PATTERN, "cl100k": CL100K, "o200k": O200K, "stepping back": STEPPING}


def expected(pattern: str, text: str) -> list[int]:
    """Return the lengths of the pieces, in bytes, that the library cuts."""
    return [len(piece.encode()) for piece, _ in splitter(pattern).pre_tokenize_str(text)]


@functools.cache
def splitter(pattern: str) -> Split:
    return Split(Regex(pattern), "isolated")


LETTERS = st.sampled_from("aAbBcdxſK's'tlLvVeErRmM019²٣ \u00a0\u2028\n\r\t./-!ǅʰहि中́é\U0001f600\U0001d7d8")


@pytest.mark.parametrize("name", PATTERNS)
@given(text=st.one_of(st.text(LETTERS, max_size=40), st.text(st.characters(exclude_categories=["Cs"]), max_size=40)))
@settings(max_examples=300, deadline=None)
def test_a_program_cuts_as_the_library_does(name: str, text: str) -> None:
    """On any text a program gives the library's pieces, or (planes nothing is assigned in) says that it cannot."""
    found = cut(text.encode(), compile_pattern(PATTERNS[name]))
    assert found == expected(PATTERNS[name], text) or (found is None and any(ord(c) >= 0x34000 for c in text))


def test_a_pattern_is_parsed_to_alternatives() -> None:
    """By hand: counts, kinds, a group that must match spread over alternatives, an optional one kept as endings."""
    assert parse(r"[^\r\]x]?b++|c{2,}(?!\S)") == [
        Alternative((Item(r"[^\r\]x]", 0, 1), Item("b", 1, MANY, POSSESSIVE))),
        Alternative((Item("c", 2, MANY, GREEDY), Item(r"\S", kind=NEVER))),
    ]
    assert parse("a(?:bc|d)") == [
        Alternative((Item("a"), Item("b"), Item("c"))),
        Alternative((Item("a"), Item("d"))),
    ]
    assert parse("x+(?i:'s|t)?") == [Alternative((Item("x", 1, MANY),), (("(?i:')", "(?i:s)"), ("(?i:t)",)))]


@pytest.mark.parametrize(
    "pattern",
    [
        r"a+?",
        r"\p{N}{1,3}+",
        r"(a|b)+",
        r"\s+$",
        r"(?=a)b",
        r"(?:a(?:b))",
        r"a(?:b)?c",
        r"a*(?:b|c)",
        r"[a&&b]",
        "a*",
        r"\bx",
    ],
)
def test_other_patterns_are_refused(pattern: str) -> None:
    """What a program cannot say is refused, never approximated."""
    with pytest.raises(PatternError):
        compile_pattern(pattern)


def test_a_pattern_that_leaves_text_uncovered_is_refused() -> None:
    """The library keeps what no alternative matches as pieces of their own; a program would not, and that is seen."""
    with pytest.raises(PatternError, match="otherwise"):
        compile_pattern(r"\p{L}+")
    assert cut(b"ab1", compile_pattern(r"\p{L}+|\P{L}")) == [2, 1]


def test_a_wrong_program_is_noticed() -> None:
    """A program of another pattern does not pass for this one."""
    assert same_cuts(CL100K, compile_pattern(CL100K))
    assert not same_cuts(CL100K, compile_pattern(GPT2))
    assert not same_cuts(CL100K, compile_pattern(CL100K.replace("{1,3}", "{1,2}")))


def test_classes_are_those_of_the_library() -> None:
    """s of either case is s, S and the long s; white space is what Oniguruma says, in order."""
    assert members("(?i:s)").tolist() == [0x53, 0x73, 0x17F]
    assert np.array_equal(members(r"\s")[:8], [9, 10, 11, 12, 13, 32, 0x85, 0xA0])


def test_stepping_back_too_often_is_given_up() -> None:
    """a*a*a*b over a's is cubic: the kernel stops at its limit and the text goes another way."""
    pieces = Pieces(compile_pattern("a*a*a*b|[^b]"), merge_table(range(256), {}))
    short, long = pieces.encode(["aaab", "a" * 1_000])
    assert short is not None
    assert short.tolist() == [97, 97, 97, 98]
    assert long is None
