"""The rules about one line, as kernels over code points; lines.py says them in regular expressions.

A line is codes[start:end], not blank, without space around it. What the kernels count is what `count_sentences`,
`ends_sentence`, `ends_in_ellipsis` and `C4Lines` of lines.py give; RefinedWeb's counters and notices are rare, so a
kernel only says which lines may hold one, and the regular expressions look at those.
"""

from typing import Any, Final

import numpy as np

from corpus.kernels import kernel
from corpus.quality.lines import C4Lines
from corpus.quality.marks import (
    BRACKET,
    BULLET,
    CART,
    CITED,
    CLOSING,
    FULL,
    JAVASCRIPT,
    POLICIES,
    SENTENCE,
    SMALL_LETTER,
    SPACE,
    fold,
    stands,
    stands_folded,
)
from corpus.quality.tally import (
    BULLETS,
    KEPT,
    LINE_CHARACTERS,
    LINES,
    LOOSE,
    PUNCTUATED,
    REMOVED,
    REMOVED_LINES,
    SENTENCES,
    SHORT,
    STRICT,
    TRAILING,
)
from corpus.quality.words import DIGIT, GAP, KIND, MARK

_STOP, _OPEN, _CLOSE, _HYPHEN, _SPACE, _S, _ELLIPSIS = map(ord, ".[]- s…")
_MIN_WORDS, _MAX_WORD = C4Lines().min_words, C4Lines().max_word_length
_LONG_WORD, _NO_TERMINAL, _FEW_WORDS, _JAVASCRIPT, _POLICY = range(REMOVED_LINES, REMOVED_LINES + 5)
_EDIT: Final = np.array([*map(ord, "edit]")], np.uint32)
_NEEDED: Final = np.array([*map(ord, "citation needed]")], np.uint32)
_READ_MORE: Final = np.array([*map(ord, "read more...")], np.uint32)
_LEAST_NOTICE: Final = len("sign-in")
"""Fewest characters of a notice, and of a counter ("1 likes")."""


@kernel
def judge(
    codes: Any, kinds: Any, marks: Any, start: int, end: int, words: int, longest: int, upper: int, digits: int,
    found: int, tally: Any,
) -> bool:  # fmt: skip
    """Add a line to the tally; return whether it may be a counter or hold a notice, which is then not added yet.

    words, longest: number and greatest length of its words; upper, digits: its characters of these kinds; found: flags
    of what it holds (marks.py).
    """
    size = end - start
    sentences = _sentences(codes, marks, start, end)
    punctuated, trailing = _ends_sentence(codes, marks, start, end), _ends_in_ellipsis(codes, start, end)
    tally[LINES] += 1
    tally[LINE_CHARACTERS] += size
    tally[SENTENCES] += sentences
    tally[BULLETS] += marks[codes[start]] & BULLET != 0
    tally[PUNCTUATED] += punctuated
    tally[TRAILING] += trailing
    tally[SHORT] += size <= 30
    if found & CITED:
        clean = np.empty(size, np.uint32)
        first, last = _without_citations(codes, kinds, marks, start, end, clean)
        size, sentences = last - first, _sentences(clean, marks, first, last)
        punctuated, trailing = _ends_sentence(clean, marks, first, last), _ends_in_ellipsis(clean, first, last)
    _clean(words, longest, found, punctuated and not trailing, sentences, size, tally)
    if 2 * upper > end - start or digits == end - start or words < 2:
        tally[REMOVED] += words
        return False
    return (words <= 10 and _may_notice(codes, start, end, found)) or _may_count(codes, kinds, start, end)


@kernel
def _clean(words: int, longest: int, found: int, ends: bool, sentences: int, size: int, tally: Any) -> None:
    """Add what C4's line cleaning does with a line of these words that, without citations, has the rest."""
    if longest > _MAX_WORD:
        tally[_LONG_WORD] += 1
        return
    loose = words >= _MIN_WORDS and not found & (JAVASCRIPT | POLICIES)
    tally[LOOSE] += sentences if loose else 0
    if not ends:
        tally[_NO_TERMINAL] += 1
    elif words < _MIN_WORDS:
        tally[_FEW_WORDS] += 1
    elif found & JAVASCRIPT:
        tally[_JAVASCRIPT] += 1
    elif found & POLICIES:
        tally[_POLICY] += 1
    else:
        tally[STRICT] += sentences
        tally[KEPT] += size


@kernel
def _sentences(codes: Any, marks: Any, start: int, end: int) -> int:
    """Return the sentences of a line, 0 when it is empty."""
    ends, last, at = 0, start, start
    while at < end:
        code = codes[at]
        bits = marks[code]
        if code != _STOP and not bits & SENTENCE:
            at += 1
            continue
        after = at + 1
        while code == _STOP and after < end and codes[after] == _STOP:
            after += 1
        close = after
        while close < end and marks[codes[close]] & CLOSING:
            close += 1
        if not _sentence_may_follow(codes, marks, close, end):
            close = after if bits & FULL else at
            while close > at and close < end and marks[codes[close]] & FULL:
                close += 1
        if close > at:
            ends, last, after = ends + 1, close, close
        at = after
    return ends + (last < end)


@kernel
def _sentence_may_follow(codes: Any, marks: Any, at: int, end: int) -> bool:
    """Return whether the line ends at `at`, or there is space and then no small letter."""
    if at < end and not marks[codes[at]] & SPACE:
        return False
    while at < end and marks[codes[at]] & SPACE:
        at += 1
    return at == end or not marks[codes[at]] & SMALL_LETTER


@kernel
def _ends_sentence(codes: Any, marks: Any, start: int, end: int) -> bool:
    """Return whether the line ends in terminal punctuation, closing brackets apart."""
    while end > start and marks[codes[end - 1]] & BRACKET:
        end -= 1
    return end > start and (codes[end - 1] == _STOP or marks[codes[end - 1]] & (SENTENCE | CLOSING) != 0)


@kernel
def _ends_in_ellipsis(codes: Any, start: int, end: int) -> bool:
    """Return whether the line ends in `...`, `. . .` or `…`."""
    if end > start and codes[end - 1] == _ELLIPSIS:
        return True
    if end - start < 3 or codes[end - 1] != _STOP or codes[end - 3] != _STOP:
        return False
    if codes[end - 2] == _STOP:
        return True
    return end - start >= 5 and codes[end - 2] == _SPACE and codes[end - 4] == _SPACE and codes[end - 5] == _STOP


@kernel
def _without_citations(codes: Any, kinds: Any, marks: Any, start: int, end: int, out: Any) -> tuple[int, int]:
    """Copy the line without citation marks to `out`; return where it starts and ends there, space around it apart."""
    first, last, at = 0, 0, start
    while at < end:
        after = _citation(codes, kinds, at, end) if codes[at] == _OPEN else at
        if after == at:
            out[last] = codes[at]
            last, after = last + 1, at + 1
        at = after
    while first < last and marks[out[first]] & SPACE:
        first += 1
    while first < last and marks[out[last - 1]] & SPACE:
        last -= 1
    return first, last


@kernel
def _citation(codes: Any, kinds: Any, at: int, end: int) -> int:
    """Return the end of the citation mark that opens at `at`; `at` when there is none."""
    after = at + 1
    while after < end and kinds[codes[after]] & KIND == DIGIT:
        after += 1
    if after < end and codes[after] == _CLOSE:
        return after + 1
    if stands(codes, at + 1, end, _EDIT):
        return at + 1 + len(_EDIT)
    return at + 1 + len(_NEEDED) if stands(codes, at + 1, end, _NEEDED) else at


@kernel
def _may_count(codes: Any, kinds: Any, start: int, end: int) -> Any:
    """Return whether the first word character of a line is a digit and the last an s, as in every counter."""
    if end - start < _LEAST_NOTICE:
        return False
    while start < end and kinds[codes[start]] & KIND in (GAP, MARK):
        start += 1
    if start == end or kinds[codes[start]] & KIND != DIGIT:
        return False
    while kinds[codes[end - 1]] & KIND in (GAP, MARK):
        end -= 1
    return fold(codes[end - 1]) == _S


@kernel
def _may_notice(codes: Any, start: int, end: int, found: int) -> bool:
    """Return whether a line may hold `items in cart`, end in `read more...` or start with `sign-in`."""
    if end - start < _LEAST_NOTICE:  # `n cart` alone is shorter, and `asked` has no room for shorter lines
        return False
    if found & CART:
        return True
    if codes[start + 4] == _HYPHEN and fold(codes[start + 2]) == ord("g") and fold(codes[start + 3]) == ord("n"):
        return True
    if codes[end - 1] != _STOP:
        return False
    size = len(_READ_MORE)
    return end - start >= size and stands_folded(codes, end - size, end, _READ_MORE, size)
