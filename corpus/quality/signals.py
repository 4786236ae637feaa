"""Signals: the numbers that published quality rules need, one documented column each; they never decide anything.

Sources: Gopher (Rae et al. 2021, arXiv 2112.11446, appendix A.1.1), C4 (Raffel et al. 2020), RefinedWeb (Penedo et al.
2023, arXiv 2306.01116), FineWeb (Penedo et al. 2024, arXiv 2406.17557), DCLM (Li et al. 2024, arXiv 2406.11794).
Words are those of words.py; lines and paragraphs are stripped and blank ones do not count, so empty lines are never
"duplicates". Shares lie in 0..1 and are null when there is nothing to share (no words, no lines).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.quality import tally as t
from corpus.quality.lines import RULES, removed_by_refinedweb
from corpus.quality.marks import marks, small
from corpus.quality.numbering import SEED
from corpus.quality.scan import count_repetition, read
from corpus.quality.stopwords import count_anywhere, listed
from corpus.quality.words import code_points, kinds, segment

Value = float | int | None


@dataclass(frozen=True, slots=True)
class Signal:
    """A stored number: its column name, Arrow type, the rule or paper that uses it, and what it is.

    part, whole: the places in a tally (tally.py) whose quotient it is; a signal without whole is the number itself.
    """

    name: str
    dtype: pa.DataType
    source: str
    meaning: str
    part: int
    whole: int | None = None


def _count(name: str, part: int, source: str, meaning: str) -> Signal:
    return Signal(name, pa.int32(), source, meaning, part)


def _share(name: str, part: int, whole: int, source: str, meaning: str) -> Signal:
    return Signal(name, pa.float32(), source, meaning, part, whole)


_LINE_MEANINGS: Final = {
    "long_word": "lines with a word over 1,000 characters",
    "no_terminal": "lines that do not end in terminal punctuation, or end in an ellipsis",
    "few_words": "lines of under 3 words",
    "javascript": "lines that mention javascript",
    "policy": "lines with phrases of cookie and terms-of-use notices",
}

_LINES, _PARAGRAPHS = t.REPEATED_LINES, t.REPEATED_PARAGRAPHS

_SIGNALS: Final = [
    _count("characters", t.CHARACTERS, "all", "characters of the text"),
    _count("words", t.WORDS, "Gopher", "words (words.py)"),
    _count("lines", t.LINES, "Gopher", "lines that are not blank"),
    _count("paragraphs", t.PARAGRAPHS, "Gopher", "paragraphs: what blank lines set apart"),
    _count("sentences", t.SENTENCES, "C4", "sentences, line by line"),
    _share("mean_word_length", t.WORD_CHARACTERS, t.WORDS, "Gopher", "characters per word"),
    _share("space_word_length", t.SOLID, t.PIECES, "DCLM", "characters per piece between spaces, punctuation included"),
    _share("alphabetic_words", t.ALPHABETIC, t.WORDS, "Gopher", "share of words with a letter"),
    _share(
        "alphabetic_tokens",
        t.ALPHABETIC_TOKENS,
        t.TOKENS,
        "FineWeb",
        "the same of tokens: marks and symbols (a run is one) are tokens too, don't is two",
    ),
    _share("unique_words", t.UNIQUE, t.WORDS, "RedPajama-V2", "share of different words among words"),
    _share("hash_ratio", t.HASHES, t.WORDS, "Gopher", "# characters per word"),
    _share("ellipsis_ratio", t.ELLIPSES, t.WORDS, "Gopher", "ellipses (... or …) per word"),
    _count(
        "stop_words",
        t.STOP,
        "Gopher",
        "different function words of the document's language that it holds; null without list",
    ),
    _count("english_stop_words", t.ENGLISH, "DCLM", "occurrences of the be to of and that have with, between spaces"),
    _share(
        "bullet_lines", t.BULLETS, t.LINES, "Gopher", "share of lines that start with a bullet: • ● * - or the like"
    ),
    _share("ellipsis_lines", t.TRAILING, t.LINES, "Gopher", "share of lines that end in an ellipsis"),
    _share("punctuated_lines", t.PUNCTUATED, t.LINES, "FineWeb", "share of lines that end in terminal punctuation"),
    _share("short_lines", t.SHORT, t.LINES, "FineWeb", "share of lines of at most 30 characters"),
    _share("newline_ratio", t.BREAKS, t.WORDS, "FineWeb", "line breaks per word; a run of blank lines is one break"),
    _share("mean_line_length", t.LINE_CHARACTERS, t.LINES, "RefinedWeb", "characters per line"),
    _count("longest_word", t.LONGEST_WORD, "C4", "characters of the longest word"),
    _share("duplicate_lines", _LINES, t.LINES, "Gopher", "share of lines that occurred before"),
    _share(
        "duplicate_line_characters",
        _LINES + 1,
        t.LINE_CHARACTERS,
        "Gopher, FineWeb",
        "share of line characters in lines that occurred before",
    ),
    _share("duplicate_paragraphs", _PARAGRAPHS, t.PARAGRAPHS, "Gopher", "share of paragraphs that occurred before"),
    _share(
        "duplicate_paragraph_characters",
        _PARAGRAPHS + 1,
        t.PARAGRAPH_CHARACTERS,
        "Gopher",
        "share of paragraph characters in those",
    ),
    _share(
        "repeated_lines", _LINES + 2, t.LINES, "DCLM", "share of lines that occur more than once, the first included"
    ),
    _share("repeated_line_characters", _LINES + 3, t.LINE_CHARACTERS, "DCLM", "share of line characters in those"),
    _share(
        "repeated_paragraphs",
        _PARAGRAPHS + 2,
        t.PARAGRAPHS,
        "DCLM",
        "share of paragraphs that occur more than once, the first included",
    ),
    _share(
        "repeated_paragraph_characters",
        _PARAGRAPHS + 3,
        t.PARAGRAPH_CHARACTERS,
        "DCLM",
        "share of paragraph characters in those",
    ),
    *(
        _share(
            f"top_{n}_gram",
            t.TOP_GRAMS + k,
            t.WORD_CHARACTERS,
            "Gopher",
            f"share of word characters in the most frequent {n}-gram",
        )
        for k, n in enumerate(t.TOP)
    ),
    *(
        _share(
            f"duplicate_{n}_gram",
            t.DUPLICATE_GRAMS + k,
            t.WORD_CHARACTERS,
            "Gopher",
            f"share of them in later occurrences of {n}-grams",
        )
        for k, n in enumerate(t.ALL)
    ),
    *(
        _share(
            f"repeated_{n}_gram",
            t.REPEATED_GRAMS + k,
            t.WORD_CHARACTERS,
            "DCLM",
            f"share of them in any occurrence of repeated {n}-grams",
        )
        for k, n in enumerate(t.ALL)
    ),
    *(
        _count(f"c4_{rule}", t.REMOVED_LINES + k, "C4", f"removed by line cleaning: {_LINE_MEANINGS[rule]}")
        for k, rule in enumerate(RULES)
    ),
    _count("c4_sentences", t.STRICT, "C4", "sentences left by line cleaning"),
    _count(
        "c4_sentences_any_end",
        t.LOOSE,
        "FineWeb",
        "sentences left by line cleaning without the terminal punctuation rule",
    ),
    _share("c4_kept", t.KEPT, t.LINE_CHARACTERS, "C4", "share of line characters left by line cleaning"),
    _count("lorem_ipsum", t.LOREM, "C4", "occurrences of lorem ipsum"),
    _count("curly_brackets", t.CURLIES, "C4", "{ characters"),
    _share(
        "refinedweb_removed_words",
        t.REMOVED,
        t.WORDS,
        "RefinedWeb",
        "share of words that RefinedWeb's line rules remove",
    ),
    _share("digits", t.DIGITS, t.SOLID, "NeMo Curator", "share of digits among characters that are not space"),
    _share(
        "uppercase",
        t.UPPERCASE,
        t.SOLID,
        "RefinedWeb",
        "share of upper case letters among characters that are not space",
    ),
    _share("symbols", t.SYMBOLS, t.SOLID, "NeMo Curator", "share of what is neither letter, digit nor mark among them"),
    _count("urls", t.URLS, "NeMo Curator", "http:// and https:// in the text"),
]

SIGNALS: Final[dict[str, Signal]] = {signal.name: signal for signal in _SIGNALS}
"""Every signal by name, in column order."""


def measure(text: str, language: str | None = None) -> dict[str, Value]:
    """Return every signal of `text` by name; `language` (ISO 639) picks the function words."""
    tally = np.zeros(t.NUMBERS, np.int64)
    take(text, language, tally)
    numbers = tally.tolist()
    return {name: _value(signal, numbers) for name, signal in SIGNALS.items()}


def take(text: str, language: str | None, tally: NDArray[np.int64]) -> None:
    """Fill the tally (t.NUMBERS zeros) of a text: what its signals are made of."""
    codes = code_points(text)
    n = len(codes)
    memory = np.empty(n, np.int32), np.empty(n + 1, np.int32), np.empty(n, np.uint64)
    asked = np.empty((n // 8 + 1, 3), np.int32)
    words, number = read(codes, kinds(), marks(), SEED, memory, tally, asked)
    count_repetition(codes, small(), listed(language), SEED, words, memory, tally)
    if number:
        tally[t.REMOVED] += removed_by_refinedweb(text, asked[:number].tolist())
    anywhere = count_anywhere(text, language)
    if anywhere is not None:
        tally[t.STOP] = anywhere


def _value(signal: Signal, numbers: list[int]) -> Value:
    part = numbers[signal.part]
    if signal.whole is None:
        return part if part >= 0 else None
    whole = numbers[signal.whole]
    return part / whole if whole else None


def signal_columns(tallies: NDArray[np.int64]) -> dict[str, pa.Array]:
    """Return every signal of n documents by name, as arrays of n; `tallies`: n x t.NUMBERS."""
    return {name: _column(signal, tallies) for name, signal in SIGNALS.items()}


def _column(signal: Signal, tallies: NDArray[np.int64]) -> pa.Array:
    part = tallies[:, signal.part]
    if signal.whole is None:
        return pa.array(part, signal.dtype, mask=part < 0)
    whole = tallies[:, signal.whole]
    shares = np.divide(part, whole, out=np.zeros(len(part)), where=whole != 0)
    return pa.array(shares.astype(np.float32), mask=whole == 0)


def warm() -> None:
    """Load the tables and kernels, and compile those that are in no cache, so that no document waits for them."""
    measure("[1] 3 likes", "en")
    segment("")
