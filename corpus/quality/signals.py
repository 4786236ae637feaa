"""Signals: the numbers that published quality rules need, one documented column each; they never decide anything.

Sources: Gopher (Rae et al. 2021, arXiv 2112.11446, appendix A.1.1), C4 (Raffel et al. 2020), RefinedWeb (Penedo et al.
2023, arXiv 2306.01116), FineWeb (Penedo et al. 2024, arXiv 2406.17557), DCLM (Li et al. 2024, arXiv 2406.11794).
Words are those of words.py; lines and paragraphs are stripped and blank ones do not count, so empty lines are never
"duplicates". Shares lie in 0..1 and are null when there is nothing to share (no words, no lines).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.quality.lines import (
    RULES,
    C4Lines,
    Line,
    count_sentences,
    ends_in_ellipsis,
    ends_sentence,
    removed_by_refinedweb,
    split_lines,
)
from corpus.quality.repetition import ALL, TOP, repetition
from corpus.quality.stopwords import count_stop_words
from corpus.quality.words import DIGIT, KIND, MARK, UPPER, Words, kinds, segment

Value = float | int | None


@dataclass(frozen=True, slots=True)
class Signal:
    """A stored number: its column name, Arrow type, the rule or paper that uses it, and what it is."""

    name: str
    dtype: pa.DataType
    source: str
    meaning: str


def _count(name: str, source: str, meaning: str) -> Signal:
    return Signal(name, pa.int32(), source, meaning)


def _share(name: str, source: str, meaning: str) -> Signal:
    return Signal(name, pa.float32(), source, meaning)


_LINE_MEANINGS: Final = {
    "long_word": "lines with a word over 1,000 characters",
    "no_terminal": "lines that do not end in terminal punctuation, or end in an ellipsis",
    "few_words": "lines of under 3 words",
    "javascript": "lines that mention javascript",
    "policy": "lines with phrases of cookie and terms-of-use notices",
}

_SIGNALS: Final = [
    _count("characters", "all", "characters of the text"),
    _count("words", "Gopher", "words (words.py)"),
    _count("lines", "Gopher", "lines that are not blank"),
    _count("paragraphs", "Gopher", "paragraphs: what blank lines set apart"),
    _count("sentences", "C4", "sentences, line by line"),
    _share("mean_word_length", "Gopher", "characters per word"),
    _share("space_word_length", "DCLM", "characters per piece between spaces, punctuation included"),
    _share("alphabetic_words", "Gopher", "share of words with a letter"),
    _share(
        "alphabetic_tokens",
        "FineWeb",
        "the same of tokens: marks and symbols (a run is one) are tokens too, don't is two",
    ),
    _share("unique_words", "RedPajama-V2", "share of different words among words"),
    _share("hash_ratio", "Gopher", "# characters per word"),
    _share("ellipsis_ratio", "Gopher", "ellipses (... or …) per word"),
    _count(
        "stop_words", "Gopher", "different function words of the document's language that it holds; null without list"
    ),
    _count("english_stop_words", "DCLM", "occurrences of the be to of and that have with, between spaces"),
    _share("bullet_lines", "Gopher", "share of lines that start with a bullet: • ● * - or the like"),
    _share("ellipsis_lines", "Gopher", "share of lines that end in an ellipsis"),
    _share("punctuated_lines", "FineWeb", "share of lines that end in terminal punctuation"),
    _share("short_lines", "FineWeb", "share of lines of at most 30 characters"),
    _share("newline_ratio", "FineWeb", "line breaks per word; a run of blank lines is one break"),
    _share("mean_line_length", "RefinedWeb", "characters per line"),
    _count("longest_word", "C4", "characters of the longest word"),
    _share("duplicate_lines", "Gopher", "share of lines that occurred before"),
    _share("duplicate_line_characters", "Gopher, FineWeb", "share of line characters in lines that occurred before"),
    _share("duplicate_paragraphs", "Gopher", "share of paragraphs that occurred before"),
    _share("duplicate_paragraph_characters", "Gopher", "share of paragraph characters in those"),
    _share("repeated_lines", "DCLM", "share of lines that occur more than once, the first included"),
    _share("repeated_line_characters", "DCLM", "share of line characters in those"),
    _share("repeated_paragraphs", "DCLM", "share of paragraphs that occur more than once, the first included"),
    _share("repeated_paragraph_characters", "DCLM", "share of paragraph characters in those"),
    *(_share(f"top_{n}_gram", "Gopher", f"share of word characters in the most frequent {n}-gram") for n in TOP),
    *(_share(f"duplicate_{n}_gram", "Gopher", f"share of them in later occurrences of {n}-grams") for n in ALL),
    *(_share(f"repeated_{n}_gram", "DCLM", f"share of them in any occurrence of repeated {n}-grams") for n in ALL),
    *(_count(f"c4_{rule}", "C4", f"removed by line cleaning: {_LINE_MEANINGS[rule]}") for rule in RULES),
    _count("c4_sentences", "C4", "sentences left by line cleaning"),
    _count("c4_sentences_any_end", "FineWeb", "sentences left by line cleaning without the terminal punctuation rule"),
    _share("c4_kept", "C4", "share of line characters left by line cleaning"),
    _count("lorem_ipsum", "C4", "occurrences of lorem ipsum"),
    _count("curly_brackets", "C4", "{ characters"),
    _share("refinedweb_removed_words", "RefinedWeb", "share of words that RefinedWeb's line rules remove"),
    _share("digits", "NeMo Curator", "share of digits among characters that are not space"),
    _share("uppercase", "RefinedWeb", "share of upper case letters among characters that are not space"),
    _share("symbols", "NeMo Curator", "share of what is neither letter, digit nor mark among them"),
    _count("urls", "NeMo Curator", "http:// and https:// in the text"),
]

SIGNALS: Final[dict[str, Signal]] = {signal.name: signal for signal in _SIGNALS}
"""Every signal by name, in column order."""

_PARAGRAPH: Final = re.compile(r"\n[^\S\n]*\n\s*")
_BULLETS: Final = tuple("•●‣▪◦■○∙*-–·")
_ENGLISH: Final = frozenset(["the", "be", "to", "of", "and", "that", "have", "with"])
_STRICT: Final = C4Lines()
_ANY_END: Final = C4Lines(terminal_punctuation=False)


def measure(text: str, language: str | None = None) -> dict[str, Value]:
    """Return every signal of `text` by name; `language` (ISO 639) picks the function words."""
    words = segment(text)
    lines = split_lines(text, words)
    values: dict[str, Value] = dict.fromkeys(SIGNALS)
    values["characters"] = len(text)
    _measure_words(values, text, words, language)
    _measure_lines(values, text, lines)
    _measure_repeats(values, text, lines, words)
    _measure_cleaning(values, text, lines)
    _measure_characters(values, words, lines)
    return values


def share(part: float, whole: float) -> float | None:
    """Return part / whole, None when the whole is nothing."""
    return float(part) / float(whole) if whole else None


def _measure_words(values: dict[str, Value], text: str, words: Words, language: str | None) -> None:
    number = len(words)
    _, firsts = np.unique(words.hashes, return_index=True)
    spaced = {text[start:end].lower() for start, end in zip(words.starts[firsts], words.ends[firsts], strict=True)}
    pieces = text.split()
    values["words"] = number
    values["mean_word_length"] = share(int(words.lengths.sum()), number)
    values["space_word_length"] = share(sum(map(len, pieces)), len(pieces))
    values["alphabetic_words"] = share(int(words.alphabetic.sum()), number)
    values["unique_words"] = share(len(firsts), number)
    values["hash_ratio"] = share(text.count("#"), number)
    values["ellipsis_ratio"] = share(text.count("...") + text.count("…"), number)
    values["stop_words"] = count_stop_words(text, spaced, language)
    values["english_stop_words"] = sum(piece in _ENGLISH for piece in text.lower().split())
    values["longest_word"] = int(words.lengths.max()) if number else 0


def _measure_lines(values: dict[str, Value], text: str, lines: Sequence[Line]) -> None:
    number = len(lines)
    values["lines"] = number
    values["sentences"] = sum(count_sentences(line.text) for line in lines)
    values["bullet_lines"] = share(sum(line.text.startswith(_BULLETS) for line in lines), number)
    values["ellipsis_lines"] = share(sum(ends_in_ellipsis(line.text) for line in lines), number)
    values["punctuated_lines"] = share(sum(ends_sentence(line.text) for line in lines), number)
    values["short_lines"] = share(sum(len(line.text) <= 30 for line in lines), number)
    values["newline_ratio"] = share(max(number - 1, 0), values["words"] or 0)
    values["mean_line_length"] = share(sum(len(line.text) for line in lines), number)


def _measure_repeats(values: dict[str, Value], text: str, lines: Sequence[Line], words: Words) -> None:
    paragraphs = [stripped for part in _PARAGRAPH.split(text) if (stripped := part.strip())]
    values["paragraphs"] = len(paragraphs)
    for unit, parts in (("line", [line.text for line in lines]), ("paragraph", paragraphs)):
        counts = Counter(parts)
        total = sum(map(len, parts))
        again = [(len(part), number) for part, number in counts.items() if number > 1]
        values[f"duplicate_{unit}s"] = share(len(parts) - len(counts), len(parts))
        values[f"duplicate_{unit}_characters"] = share(sum(size * (number - 1) for size, number in again), total)
        values[f"repeated_{unit}s"] = share(sum(number for _, number in again), len(parts))
        values[f"repeated_{unit}_characters"] = share(sum(size * number for size, number in again), total)
    if len(words):
        shares = repetition(words).tolist()
        values.update({f"top_{n}_gram": shares[n][0] for n in TOP})
        values.update({f"duplicate_{n}_gram": shares[n][1] for n in ALL})
        values.update({f"repeated_{n}_gram": shares[n][2] for n in ALL})


def _measure_cleaning(values: dict[str, Value], text: str, lines: Sequence[Line]) -> None:
    removed = dict.fromkeys(RULES, 0)
    kept = sentences = loose = 0
    for line in lines:
        rule = _STRICT.broken_rule(line)
        if rule:
            removed[rule] += 1
        if rule is None or (rule == "no_terminal" and _ANY_END.broken_rule(line) is None):
            clean = _STRICT.strip_citations(line.text)
            number = count_sentences(clean)
            loose += number
            if rule is None:
                sentences += number
                kept += len(clean)
    values.update({f"c4_{rule}": number for rule, number in removed.items()})
    values["c4_sentences"], values["c4_sentences_any_end"] = sentences, loose
    values["c4_kept"] = share(kept, sum(len(line.text) for line in lines))
    values["lorem_ipsum"] = text.lower().count("lorem ipsum")
    values["curly_brackets"] = text.count("{")
    values["urls"] = text.count("http://") + text.count("https://")


def _measure_characters(values: dict[str, Value], words: Words, lines: Sequence[Line]) -> None:
    codes = words.codes
    entries = kinds()[codes]
    space = _is_space(codes)
    solid = len(codes) - int(space.sum())
    upper, digit = entries & UPPER != 0, entries & KIND == DIGIT
    values["digits"] = share(int(digit.sum()), solid)
    values["uppercase"] = share(int(upper.sum()), solid)
    marks, clitics = _tokens(words, entries, space)
    values["alphabetic_tokens"] = share(int(words.alphabetic.sum()) + clitics, len(words) + clitics + marks)
    values["symbols"] = share(int(((entries & KIND == 0) & ~space).sum()), solid)
    removed = removed_by_refinedweb(lines, *_per_line(codes, upper, digit))
    values["refinedweb_removed_words"] = share(removed, len(words))


def _is_space(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which characters are white space, as str.isspace has it."""
    found: NDArray[np.bool_] = (codes == 0x20) | ((codes >= 0x09) & (codes <= 0x0D)) | (codes == 0xA0)
    found |= ((codes >= 0x1C) & (codes <= 0x1F)) | (codes == 0x85) | ((codes >= 0x2000) & (codes <= 0x200A))
    for rare in (0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000):
        found |= codes == rare
    return found


def _tokens(words: Words, entries: NDArray[np.uint8], space: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the runs of one and the same punctuation mark or symbol outside words, and the apostrophes in words."""
    depth = np.zeros(len(entries) + 1, np.int8)
    depth[words.starts] += 1
    depth[words.ends] -= 1
    outside = (np.cumsum(depth[:-1]) == 0) & ~space & (entries & KIND != MARK)
    follows = outside[1:] & outside[:-1] & (words.codes[1:] == words.codes[:-1])
    inside = ((words.codes == ord("'")) | (words.codes == ord("’"))) & ~outside
    return int(outside.sum()) - int(follows.sum()), int(inside.sum())


def _per_line(codes: NDArray[np.uint32], *bits: NDArray[np.bool_]) -> list[list[int]]:
    """Return, for each array of bits (one per character), how many are set in each line that is not blank."""
    starts = np.concatenate(([0], np.flatnonzero(codes == 10) + 1))
    ends = np.append(starts[1:], len(codes))
    totals = [np.concatenate(([0], np.cumsum(one))) for one in (~_is_space(codes), *bits)]
    solid, *found = [total[ends] - total[starts] for total in totals]
    return [numbers[solid > 0].tolist() for numbers in found]
