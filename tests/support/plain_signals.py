"""The signals of a text in plain Python, as the papers and docs/signals.md say them: the oracle of the kernels.

Strings, regular expressions and counters; nothing is hashed, and no table of code points is looked into but the one of
the word rules.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from corpus.quality.lines import RULES, C4Lines, Line, count_sentences, ends_in_ellipsis, ends_sentence
from corpus.quality.signals import SIGNALS
from corpus.quality.stopwords import ANYWHERE, STOP_WORDS
from corpus.quality.words import (
    ALPHA,
    DIGIT,
    GAP,
    KATAKANA,
    KIND,
    LETTER,
    MARK,
    MID_DIGIT,
    MID_LETTER,
    PAIR,
    RUN4,
    SINGLE,
    UPPER,
    kinds,
)

Value = float | int | None
TABLE = kinds().tolist()
ENGLISH = {"the", "be", "to", "of", "and", "that", "have", "with"}
BULLETS = tuple("•●‣▪◦■○∙*-–·")
PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
STRICT = C4Lines()
ANY_END = C4Lines(terminal_punctuation=False)
COUNTER = re.compile(
    r"\W*\d(?:[,.]|\d)*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads"
    r"|views|followers)\W*"
)
NOTICES = re.compile(r"\s?items in cart|\s?read more\.\.\.$|^sign-in\s?", re.IGNORECASE)


class Word(NamedTuple):
    """A word, the place of its first character and of the one after its last."""

    text: str
    start: int
    end: int


def plain_measure(text: str, language: str | None = None) -> dict[str, Value]:
    """Return every signal of `text` by name."""
    words = plain_words(text)
    raw = [line for line in plain_lines(text, words) if line[0].text]
    lines = [line for line, _ in raw]
    values: dict[str, Value] = dict.fromkeys(SIGNALS)
    values["characters"] = len(text)
    _words(values, text, words, language)
    _lines(values, lines)
    _repeats(values, text, lines, words)
    _cleaning(values, text, lines)
    _characters(values, text, words)
    removed = sum(removed_words(line, whole) for line, whole in raw)
    values["refinedweb_removed_words"] = share(removed, len(words))
    return values


def share(part: float, whole: float) -> float | None:
    """Return part / whole, None when the whole is nothing."""
    return part / whole if whole else None


def entry(char: str) -> int:
    """Return what the word rules say of a character."""
    return TABLE[ord(char)]


def plain_words(text: str) -> list[Word]:
    """Return the words of a text by the rules of words.py."""
    kind = [entry(char) & KIND for char in text]
    found, at = [], 0
    while at < len(text):
        end = _word_end(text, kind, at)
        if end > at:
            found.append(Word(text[at:end], at, end))
        at = max(end, at + 1)
    return found


def _word_end(text: str, kind: list[int], at: int) -> int:
    if kind[at] in (GAP, MARK):
        return at
    if kind[at] in (LETTER, DIGIT):
        return _spaced(text, kind, at)
    if kind[at] == KATAKANA:
        return _run(kind, at, (KATAKANA, MARK))
    end = _run(kind, at + 1, (MARK,))
    if kind[at] == SINGLE:
        return end
    if kind[at] == PAIR:
        pair = end < len(text) and kind[end] == PAIR and _hiragana(text[end]) == _hiragana(text[at])
        return _run(kind, end + 1, (MARK,)) if pair else end
    return _piece(kind, at)


def _spaced(text: str, kind: list[int], at: int) -> int:
    last = LETTER
    while at < len(text):
        if kind[at] in (LETTER, DIGIT):
            last = kind[at]
        elif kind[at] != MARK:
            joins = entry(text[at]) & (MID_LETTER if last == LETTER else MID_DIGIT)
            if kind[at] != GAP or not joins or kind[at + 1 : at + 2] != [last]:
                return at
        at += 1
    return at


def _run(kind: list[int], at: int, among: Sequence[int]) -> int:
    while at < len(kind) and kind[at] in among:
        at += 1
    return at


def _piece(kind: list[int], at: int) -> int:
    """Cut before the first letter from the target on, at twice the target at latest; a short rest is joined."""
    target = 4 if kind[at] == RUN4 else 5
    stop = _run(kind, at, (kind[at], MARK))
    end = next((p for p in range(at + target, at + 2 * target) if p >= stop or kind[p] != MARK), at + 2 * target)
    return stop if stop - end < target // 2 else end


def _hiragana(char: str) -> bool:
    return "\u3041" <= char < "\u30a0"


def plain_lines(text: str, words: list[Word]) -> Iterator[tuple[Line, str]]:
    """Yield each line without the space around it, with its words; and the whole line."""
    at = word = 0
    for whole in text.split("\n"):
        at += len(whole) + 1
        first = word
        while word < len(words) and words[word].start < at:
            word += 1
        longest = max((len(w.text) for w in words[first:word]), default=0)
        yield Line(whole.strip(), word - first, longest), whole


def _words(values: dict[str, Value], text: str, words: list[Word], language: str | None) -> None:
    number = len(words)
    pieces = text.split()
    letters = sum(any(entry(char) & ALPHA for char in word.text) for word in words)
    values["words"] = number
    values["mean_word_length"] = share(sum(len(word.text) for word in words), number)
    values["space_word_length"] = share(sum(map(len, pieces)), len(pieces))
    values["alphabetic_words"] = share(letters, number)
    values["unique_words"] = share(len({word.text for word in words}), number)
    values["hash_ratio"] = share(text.count("#"), number)
    values["ellipsis_ratio"] = share(text.count("...") + text.count("…"), number)
    values["stop_words"] = _stop_words(text, {word.text.lower() for word in words}, language)
    values["english_stop_words"] = sum(piece in ENGLISH for piece in text.lower().split())
    values["longest_word"] = max((len(word.text) for word in words), default=0)
    marks, clitics = _tokens(text, words)
    values["alphabetic_tokens"] = share(letters + clitics, number + clitics + marks)


def _stop_words(text: str, spaced: set[str], language: str | None) -> int | None:
    if language not in STOP_WORDS:
        return None
    return sum(word in (text if language in ANYWHERE else spaced) for word in STOP_WORDS[language])


def _tokens(text: str, words: list[Word]) -> tuple[int, int]:
    """Return the runs of one and the same punctuation mark or symbol outside words, and the apostrophes in words."""
    inside = {place for word in words for place in range(word.start, word.end)}
    kept = [char if at not in inside and not char.isspace() else " " for at, char in enumerate(text)]
    runs = re.finditer(r"([^ ])\1*", "".join(char if entry(char) & KIND != MARK else " " for char in kept))
    return sum(1 for _ in runs), sum(text[at] in "'’" for at in inside)


def _lines(values: dict[str, Value], lines: Sequence[Line]) -> None:
    number = len(lines)
    values["lines"] = number
    values["sentences"] = sum(count_sentences(line.text) for line in lines)
    values["bullet_lines"] = share(sum(line.text.startswith(BULLETS) for line in lines), number)
    values["ellipsis_lines"] = share(sum(ends_in_ellipsis(line.text) for line in lines), number)
    values["punctuated_lines"] = share(sum(ends_sentence(line.text) for line in lines), number)
    values["short_lines"] = share(sum(len(line.text) <= 30 for line in lines), number)
    values["newline_ratio"] = share(max(number - 1, 0), values["words"] or 0)
    values["mean_line_length"] = share(sum(len(line.text) for line in lines), number)


def _repeats(values: dict[str, Value], text: str, lines: Sequence[Line], words: list[Word]) -> None:
    paragraphs = [stripped for part in PARAGRAPH.split(text) if (stripped := part.strip())]
    values["paragraphs"] = len(paragraphs)
    for unit, parts in (("line", [line.text for line in lines]), ("paragraph", paragraphs)):
        counts = Counter(parts)
        total = sum(map(len, parts))
        again = [(len(part), number) for part, number in counts.items() if number > 1]
        values[f"duplicate_{unit}s"] = share(len(parts) - len(counts), len(parts))
        values[f"duplicate_{unit}_characters"] = share(sum(size * (number - 1) for size, number in again), total)
        values[f"repeated_{unit}s"] = share(sum(number for _, number in again), len(parts))
        values[f"repeated_{unit}_characters"] = share(sum(size * number for size, number in again), total)
    for n in range(2, 11) if words else ():
        shares = plain_repetition([word.text for word in words], n)
        named = ["top"] if n < 5 else ["duplicate", "repeated"]
        values.update({f"{name}_{n}_gram": shares[name] for name in named})


def plain_repetition(words: list[str], n: int) -> dict[str, float]:
    """Return top, duplicate and repeated shares of n-grams as repetition.py's docstring defines them."""
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(grams)
    total = len("".join(words))
    most = max(counts.values(), default=0)
    longest = max((len("".join(gram)) for gram, number in counts.items() if number == most), default=0)
    later, at, seen = 0, 0, set()
    while at < len(grams):
        if grams[at] in seen:
            later += len("".join(grams[at]))
            at += n
        else:
            seen.add(grams[at])
            at += 1
    covered = {i + k for i, gram in enumerate(grams) if counts[gram] > 1 for k in range(n)}
    return {
        "top": min(1.0, most * longest / total) if most > 1 else 0.0,
        "duplicate": later / total,
        "repeated": sum(len(words[i]) for i in covered) / total,
    }


def _cleaning(values: dict[str, Value], text: str, lines: Sequence[Line]) -> None:
    removed = dict.fromkeys(RULES, 0)
    kept = sentences = loose = 0
    for line in lines:
        rule = STRICT.broken_rule(line)
        if rule:
            removed[rule] += 1
        if rule is None or (rule == "no_terminal" and ANY_END.broken_rule(line) is None):
            clean = STRICT.strip_citations(line.text)
            loose += count_sentences(clean)
            if rule is None:
                sentences += count_sentences(clean)
                kept += len(clean)
    values.update({f"c4_{rule}": number for rule, number in removed.items()})
    values["c4_sentences"], values["c4_sentences_any_end"] = sentences, loose
    values["c4_kept"] = share(kept, sum(len(line.text) for line in lines))
    values["lorem_ipsum"] = text.lower().count("lorem ipsum")
    values["curly_brackets"] = text.count("{")
    values["urls"] = text.count("http://") + text.count("https://")


def _characters(values: dict[str, Value], text: str, words: list[Word]) -> None:
    solid = [char for char in text if not char.isspace()]
    values["digits"] = share(sum(entry(char) & KIND == DIGIT for char in solid), len(solid))
    values["uppercase"] = share(sum(entry(char) & UPPER != 0 for char in solid), len(solid))
    values["symbols"] = share(sum(entry(char) & KIND == GAP for char in solid), len(solid))


def removed_words(line: Line, whole: str) -> int:
    """Return the words of a line that RefinedWeb's line rules remove (Penedo et al. 2023; rules as in DCLM)."""
    size = len(line.text)
    capitals = sum(entry(char) & UPPER != 0 for char in whole)
    digits = sum(entry(char) & KIND == DIGIT for char in whole)
    if capitals > 0.5 * size or digits == size or line.words < 2 or COUNTER.fullmatch(line.text.lower()):
        return line.words
    if line.words <= 10 and NOTICES.search(line.text):
        return line.words - len(plain_words(NOTICES.sub("", line.text)))
    return 0
