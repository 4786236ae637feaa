"""Lines: what the published line rules say of each, and C4's line cleaning as a processor.

C4 (Raffel et al. 2020, JMLR 21:140; the code of TensorFlow Datasets, c4_utils.py, adds the last two) keeps a line when

1. no word is longer than 1,000 characters,
2. it ends in terminal punctuation, and not in an ellipsis,
3. it has at least 3 words,
4. it does not mention javascript,
5. it holds none of the phrases of cookie and terms-of-use notices,

and strips citation marks such as [12] and [citation needed] from what it keeps. A removed line is counted under the
first rule it breaks, in this order. FineWeb ran the rules without number 2. Differences from the published code: words
are those of words.py, so that lines of scripts without spaces are not all "too short"; the terminal punctuation of all
scripts counts, not only . ? ! " '. Pages that mention lorem ipsum or hold a curly bracket, which C4 drops whole, are
left to thresholds on the signals `lorem_ipsum` and `curly_brackets`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from corpus.document import Document, Drop
from corpus.quality.words import Words, segment
from corpus.settings import require

RULES: Final = "long_word", "no_terminal", "few_words", "javascript", "policy"
"""Why a line is removed, in the order tried; without no_terminal for FineWeb's way."""

POLICY: Final = "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"
ELLIPSES: Final = "...", ". . .", "…"
STERM: Final = ".!?‼⁇⁈⁉。．！？｡।॥؟۔؞܀܁܂፧።։׃၊။។៕᙮᠃᠉⸮꓿꘎꘏꛳꛷꩝꩞꩟꯫﹒﹖﹗"
"""Sentence terminals of all scripts (UAX #29, STerm and ATerm, in brief)."""
QUOTES: Final = "\"'”’»」』"
BRACKETS: Final = ")）]"
FULL_WIDTH: Final = "。．！？｡"
"""Terminals that need no space after them."""
SMALL: Final = "a-zà-öø-ÿα-ωа-я"
"""Small letters, as ranges: no sentence begins with one."""
_TERMINAL: Final = tuple(STERM + QUOTES + "…")
_SENTENCE: Final = re.compile(
    rf"(?:[{STERM[1:]}…]|(?<![.])[.]++)[{QUOTES}{re.escape(BRACKETS)}]*+(?=\s++[^\s{SMALL}]|\s*+\Z)|[{FULL_WIDTH}]++"
)
_CITATION: Final = re.compile(r"\[\d*]|\[edit]|\[citation needed]")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank, without the space around it, and the number and greatest length of its words."""

    text: str
    words: int
    longest_word: int


def split_lines(text: str, words: Words) -> list[Line]:
    """Return the lines of `text` that are not blank; `words` are the words of the text."""
    raw = text.split("\n")
    borders = np.cumsum([len(line) + 1 for line in raw])
    places = np.searchsorted(words.starts, np.concatenate(([0], borders))).tolist()
    lengths = words.lengths
    found = []
    for line, first, end in zip(raw, places, places[1:], strict=False):
        stripped = line.strip()
        if stripped:
            found.append(Line(stripped, end - first, int(lengths[first:end].max()) if end > first else 0))
    return found


def ends_sentence(line: str) -> bool:
    """Return whether a line ends in terminal punctuation: a sentence terminal, a quotation mark or an ellipsis.

    A closing bracket counts after one of those. C4 lists . ? ! " ' and FineWeb the sentence terminals of all scripts.
    """
    return line.rstrip(BRACKETS).endswith(_TERMINAL) if line.endswith(tuple(BRACKETS)) else line.endswith(_TERMINAL)


def ends_in_ellipsis(line: str) -> bool:
    """Return whether a line trails off: `...`, `. . .` or `…`."""
    return line.endswith(ELLIPSES)


def count_sentences(line: str) -> int:
    """Return the sentences of a line; 1 at least unless it is blank.

    A sentence ends in terminal punctuation before a space that no small letter follows, or at the line's end.
    Full-width terminals need no space after them. Abbreviations before a capital are counted as ends.
    """
    ends = 0
    last = 0
    for match in _SENTENCE.finditer(line):
        ends, last = ends + 1, match.end()
    return ends + bool(line[last:].strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class C4Lines:
    """C4's line cleaning: `C4Lines()(document)` gives the document the lines that pass, or a Drop when none does."""

    terminal_punctuation: bool = True
    """Remove lines that do not end in terminal punctuation. FineWeb: False."""
    min_words: int = 3
    """Fewest words of a line kept."""
    max_word_length: int = 1000
    """Most characters of a word in a line kept."""
    javascript: bool = True
    """Remove lines that mention javascript."""
    policy: bool = True
    """Remove lines with phrases of cookie and terms-of-use notices."""
    citations: bool = True
    """Strip [1], [edit] and [citation needed] from the lines kept."""

    def __post_init__(self) -> None:
        require(self.min_words >= 0, self, "min_words", "expected 0 or more")
        require(self.max_word_length >= 1, self, "max_word_length", "expected 1 or more")

    def __call__(self, document: Document) -> Document | Drop:
        kept, removed = self.clean(document.text)
        if not kept:
            told = ", ".join(f"{number} {rule}" for rule, number in removed.items() if number)
            return Drop("no_lines_left", f"line cleaning removed every line: {told or 'there was none'}")
        return replace(document, text="\n".join(kept))

    def clean(self, text: str) -> tuple[list[str], dict[str, int]]:
        """Return the lines kept, cleaned, and the number of lines removed by each of RULES."""
        removed = dict.fromkeys(RULES, 0)
        kept = []
        for line in split_lines(text, segment(text)):
            rule = self.broken_rule(line)
            if rule:
                removed[rule] += 1
                continue
            kept.append(self.strip_citations(line.text))
        return [line for line in kept if line], removed

    def broken_rule(self, line: Line) -> str | None:
        """Return the first rule that a line breaks, None when it is kept."""
        if line.longest_word > self.max_word_length:
            return "long_word"
        if self.terminal_punctuation and not _ends_well(self.strip_citations(line.text)):
            return "no_terminal"
        if line.words < self.min_words:
            return "few_words"
        lower = line.text.lower()
        if self.javascript and "javascript" in lower:
            return "javascript"
        if self.policy and any(phrase in lower for phrase in POLICY):
            return "policy"
        return None

    def strip_citations(self, line: str) -> str:
        """Return a line without citation marks, if that is asked."""
        return _CITATION.sub("", line).strip() if self.citations and "[" in line else line


def _ends_well(line: str) -> bool:
    return ends_sentence(line) and not ends_in_ellipsis(line)


_COUNTER: Final = re.compile(
    r"\W*\d(?:[,.]|\d)*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads"
    r"|views|followers)\W*"
)
_NOTICES: Final = re.compile(r"\s?items in cart|\s?read more\.\.\.$|^sign-in\s?", re.IGNORECASE)


def removed_by_refinedweb(text: str, lines: Iterable[tuple[int, int, int]]) -> int:
    """Return the words that RefinedWeb's rules on counters and notices remove from lines: start, end, words of each.

    Penedo et al. 2023, arXiv 2306.01116; rules as in DCLM. A line that is a counter ("3 likes") goes; in lines of at
    most ten words `items in cart`, `Read more...` at the end and `Sign-in` at the start go. The rules on lines that
    are mainly upper case, only digits or one word are in linerules.py.
    """
    removed, rests = 0, []
    for start, end, words in lines:
        line = text[start:end]
        if _COUNTER.fullmatch(line.lower()):
            removed += words
        elif words <= 10 and _NOTICES.search(line):
            removed += words
            rests.append(_NOTICES.sub("", line))
    return removed - len(segment("\n".join(rests)))
