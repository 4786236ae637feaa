"""One pass over a text, line by line, for everything that signals count; then what repeats in it.

A line is read three times while it is in the cache: by characters (pieces between spaces, what they begin or hold), by
words, and by the rules about lines. Words, lines and paragraphs are remembered by place and hash, 16 bytes each; memory
is set aside for as many as the text could hold and used for as many as it holds.
"""

from typing import Any, Final

import numpy as np

from corpus.kernels import kernel
from corpus.quality.linerules import judge
from corpus.quality.marks import ANCHOR, CITED, LOREM_IPSUM, SPACE, SPECIAL, fold, may_hold_phrases, phrases_at, stands
from corpus.quality.numbering import number, repeats, span_key
from corpus.quality.repetition import repetition
from corpus.quality.stopwords import count_listed
from corpus.quality.tally import (
    ALPHABETIC,
    ALPHABETIC_TOKENS,
    BREAKS,
    CHARACTERS,
    CLITICS,
    CURLIES,
    DIGITS,
    ELLIPSES,
    ENGLISH,
    HASHES,
    LINES,
    LONGEST_WORD,
    LOREM,
    PARAGRAPH_CHARACTERS,
    PARAGRAPHS,
    PIECES,
    REPEATED_LINES,
    REPEATED_PARAGRAPHS,
    RUNS,
    SOLID,
    STOP,
    SYMBOLS,
    TOKENS,
    UNIQUE,
    UPPERCASE,
    URLS,
    WORD_CHARACTERS,
    WORDS,
)
from corpus.quality.words import (
    ALPHA,
    BASIS,
    DIGIT,
    GAP,
    KIND,
    LETTER,
    MARK,
    MID_LETTER,
    PRIME,
    UPPER,
    ZERO,
    finish,
    word_end,
)

_NEWLINE, _HASH, _CURLY, _ELLIPSIS, _STOP, _COLON, _OPEN, _SLASH = map(ord, "\n#{….:[/")
_APOSTROPHE, _QUOTE = map(ord, "'’")
_HTTP: Final = np.array([*map(ord, "http")], np.uint32)
_HTTPS: Final = np.array([*map(ord, "https")], np.uint32)


def _packed(word: str) -> int:
    return int.from_bytes(word.encode(), "big")


_ENGLISH: Final = np.array(sorted(map(_packed, ["the", "be", "to", "of", "and", "that", "have", "with"])), np.uint32)


@kernel
def count_repetition(codes: Any, small: Any, stops: Any, seed: Any, words: int, memory: Any, tally: Any) -> None:
    """Fill what depends on which words are equal: stop words, repetition; then the totals. `memory` is used up."""
    starts, prefix, hashes = memory
    ids, counts = np.empty(words, np.int32), np.empty(words, np.int32)
    tally[UNIQUE] = number(hashes, words, seed, ids, counts)
    tally[STOP] = count_listed(codes, small, starts, prefix, ids, stops)
    repetition(ids, counts, prefix, hashes, seed, tally)
    tally[CHARACTERS], tally[WORDS], tally[WORD_CHARACTERS] = len(codes), words, prefix[words]
    tally[BREAKS] = max(tally[LINES] - 1, 0)
    tally[ALPHABETIC_TOKENS] = tally[ALPHABETIC] + tally[CLITICS]
    tally[TOKENS] = words + tally[CLITICS] + tally[RUNS]


@kernel
def read(codes: Any, kinds: Any, marks: Any, seed: Any, memory: Any, tally: Any, asked: Any) -> tuple[int, int]:
    """Read lines and paragraphs (what blank lines set apart); return the number of words and of lines asked about.

    `memory`: first character (n, int32), characters before (n + 1, int32) and hash (n, uint64) of each word, filled.
    `asked`: (n // 8 + 1, 3) int32, filled with start, end and words of the lines that RefinedWeb's regular expressions
    must look at; all else of those lines is in the tally.
    """
    starts, prefix, hashes = memory
    room = len(codes) // 2 + 1
    lines, line_keys = np.empty((room, 2), np.int32), np.empty(room, np.uint64)
    paragraphs, paragraph_keys = np.empty((room, 2), np.int32), np.empty(room, np.uint64)
    at, words, line, paragraph = ZERO, ZERO, ZERO, ZERO
    asks, within = 0, False
    prefix[0] = 0
    looks = SPECIAL | (ANCHOR if may_hold_phrases(codes) else 0)
    while at < len(codes):
        start, end, at, found = _read_pieces(codes, marks, looks, at, tally)
        at += 1
        if start == end:
            within = False
            continue
        first = words
        words, longest, upper, digits = _read_words(
            codes, kinds, marks, start, end, starts, prefix, hashes, words, tally
        )
        if judge(codes, kinds, marks, start, end, words - first, longest, upper, digits, found, tally):
            asked[asks, 0], asked[asks, 1], asked[asks, 2] = start, end, words - first
            asks += 1
        key = span_key(codes, start, end, seed)
        lines[line, 0], lines[line, 1], line_keys[line] = start, end, key
        line += 1
        if within:
            paragraph -= 1
            start = paragraphs[paragraph, 0]
            paragraph_keys[paragraph] = 0
        else:
            paragraph_keys[paragraph] = key
        paragraphs[paragraph, 0], paragraphs[paragraph, 1] = start, end
        paragraph, within = paragraph + 1, True
    repeats(codes, lines, line_keys, line, seed, tally[REPEATED_LINES:])
    _finish_paragraphs(codes, paragraphs, paragraph_keys, paragraph, seed, tally)
    return words, asks


@kernel
def _finish_paragraphs(codes: Any, spans: Any, keys: Any, n: int, seed: Any, tally: Any) -> None:
    """Add paragraphs to the tally; those of several lines have no key yet."""
    tally[PARAGRAPHS] = n
    for at in range(n):
        start, end = ZERO + spans[at, 0], ZERO + spans[at, 1]
        tally[PARAGRAPH_CHARACTERS] += end - start
        if keys[at] == 0:
            keys[at] = span_key(codes, start, end, seed)
    repeats(codes, spans, keys, n, seed, tally[REPEATED_PARAGRAPHS:])


@kernel
def _read_pieces(codes: Any, marks: Any, looks: int, at: int, tally: Any) -> tuple[int, int, int, int]:
    """Read the line at `at` by what stands between spaces; return where it starts, ends and breaks, and its flags.

    `looks`: the marks of characters that need a look.
    """
    start, end, found = at, at, 0
    while at < len(codes) and codes[at] != _NEWLINE:
        if marks[codes[at]] & SPACE:
            at += 1
            continue
        piece = at
        while at < len(codes):
            bits = marks[codes[at]]
            if bits & SPACE:
                break
            if bits & looks:
                found |= _special(codes, at, tally)
            at += 1
        tally[PIECES] += 1
        tally[SOLID] += at - piece
        tally[ENGLISH] += _is_english(codes, piece, at)
        start, end = (piece if start == end else start), at
    return start, end, at, found


@kernel
def _special(codes: Any, at: int, tally: Any) -> int:
    """Count what the special character at `at` stands for; return what its line holds, as flags."""
    code = codes[at]
    if code == _OPEN:
        return CITED
    if code == _HASH:
        tally[HASHES] += 1
    elif code == _CURLY:
        tally[CURLIES] += 1
    elif code == _COLON:
        tally[URLS] += _is_url(codes, at)
    elif code == _ELLIPSIS:
        tally[ELLIPSES] += 1
    elif code == _STOP:
        tally[ELLIPSES] += _stops(codes, at) // 3
    else:
        found = phrases_at(codes, at)
        tally[LOREM] += found & LOREM_IPSUM != 0
        return found
    return 0


@kernel
def _stops(codes: Any, at: int) -> int:
    """Return the length of the run of full stops that starts at `at`; 0 within one."""
    if at and codes[at - 1] == _STOP:
        return 0
    end = at + 1
    while end < len(codes) and codes[end] == _STOP:
        end += 1
    return end - at


@kernel
def _is_url(codes: Any, colon: int) -> bool:
    """Return whether the colon is that of http:// or https://."""
    if colon + 2 >= len(codes) or codes[colon + 1] != _SLASH or codes[colon + 2] != _SLASH:
        return False
    return stands(codes, colon - len(_HTTPS), colon, _HTTPS) or stands(codes, colon - len(_HTTP), colon, _HTTP)


@kernel
def _is_english(codes: Any, start: int, end: int) -> bool:
    """Return whether a piece is one of the eight English function words, in any case."""
    if not 2 <= end - start <= 4:
        return False
    packed = np.uint32(0)
    for at in range(start, end):
        if codes[at] < 65 or codes[at] > 127:  # no letter
            return False
        packed = packed << np.uint32(8) | fold(codes[at])
    found = False
    for word in _ENGLISH:
        found |= word == packed
    return found


@kernel
def _read_words(
    codes: Any, kinds: Any, marks: Any, at: int, end: int, starts: Any, prefix: Any, hashes: Any, words: int, tally: Any
) -> tuple[int, int, int, int]:
    """Read the words of codes[at:end]; return the words of the text so far, and of the line the greatest length of a
    word, upper case letters and digits."""
    longest, upper, digits, last = 0, 0, 0, at
    while at < end:
        entry = kinds[codes[at]]
        kind = entry & KIND
        if kind in (GAP, MARK):
            upper += entry & UPPER != 0
            if kind == GAP and not marks[codes[at]] & SPACE:
                tally[SYMBOLS] += 1
                tally[RUNS] += at == last or codes[at] != codes[at - 1]
            at += 1
            continue
        start, h, bits = at, BASIS, np.uint8(0)
        while at < end and kinds[codes[at]] & KIND == LETTER:  # most words are letters up to a space
            entry = kinds[codes[at]]
            h = (h ^ np.uint64(codes[at])) * PRIME
            bits |= entry
            upper += (entry & UPPER) // UPPER
            at += 1
        plain = at > start and (at == end or kinds[codes[at]] & (KIND | MID_LETTER) == GAP)
        stop = at if plain else word_end(codes, kinds, start, kind)
        for place in range(at, stop):
            entry = kinds[codes[place]]
            h = (h ^ np.uint64(codes[place])) * PRIME
            bits |= entry
            upper += (entry & UPPER) // UPPER
            digits += entry & KIND == DIGIT
            if entry & KIND == GAP:
                tally[SYMBOLS] += 1
                tally[CLITICS] += codes[place] in (_APOSTROPHE, _QUOTE)
        at = stop
        tally[ALPHABETIC] += bits & ALPHA != 0
        starts[words], prefix[words + 1], hashes[words] = start, prefix[words] + at - start, finish(h)
        words, longest, last = words + 1, max(longest, at - start), at
    tally[LONGEST_WORD] = max(tally[LONGEST_WORD], longest)
    tally[UPPERCASE] += upper
    tally[DIGITS] += digits
    return words, longest, upper, digits
