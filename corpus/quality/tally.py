"""The tally of a text: the whole numbers that its signals are made of, in one int64 vector.

Every signal is one of these numbers or the quotient of two (signals.py says which), so a text is measured in integers
alone, and columns of signals are made of a matrix of tallies without a value passing through Python. The names below
are places in the vector; those of line rules, n-grams and repeats are the first of several in a row.
"""

from typing import Final

from corpus.quality.lines import RULES

LONGEST: Final = 10
TOP: Final = range(2, 5)
"""Lengths of n-grams whose most frequent one is measured."""
ALL: Final = range(5, LONGEST + 1)
"""Lengths of n-grams whose repetition is measured."""

(
    CHARACTERS,
    SOLID,  # characters that are not space
    PIECES,  # what stands between spaces
    ENGLISH,  # pieces that are English function words
    HASHES,
    ELLIPSES,
    CURLIES,
    URLS,
    LOREM,
    UPPERCASE,
    DIGITS,
    SYMBOLS,
    RUNS,  # runs of one and the same mark or symbol outside words
    CLITICS,  # apostrophes in words
    WORDS,
    WORD_CHARACTERS,
    ALPHABETIC,
    UNIQUE,
    LONGEST_WORD,
    STOP,  # stop words, -1 for languages without a list
    ALPHABETIC_TOKENS,
    TOKENS,
    LINES,
    LINE_CHARACTERS,
    BREAKS,
    SENTENCES,
    BULLETS,
    TRAILING,  # lines that end in an ellipsis
    PUNCTUATED,
    SHORT,
    LOOSE,  # sentences that line cleaning leaves without the rule of terminal punctuation
    STRICT,  # sentences that line cleaning leaves
    KEPT,  # characters that line cleaning leaves
    REMOVED,  # words that RefinedWeb's line rules remove
    PARAGRAPHS,
    PARAGRAPH_CHARACTERS,
) = range(36)

REPEATED_LINES: Final = 36
"""Later occurrences of lines, their characters, all occurrences of lines that come twice, their characters."""
REPEATED_PARAGRAPHS: Final = REPEATED_LINES + 4
REMOVED_LINES: Final = REPEATED_PARAGRAPHS + 4
"""Lines removed by each of RULES."""
TOP_GRAMS: Final = REMOVED_LINES + len(RULES)
"""Characters of the most frequent n-gram, at most those of all words; in order of TOP."""
DUPLICATE_GRAMS: Final = TOP_GRAMS + len(TOP)
"""Characters of later occurrences of n-grams, in order of ALL."""
REPEATED_GRAMS: Final = DUPLICATE_GRAMS + len(ALL)
"""Characters in any occurrence of repeated n-grams, in order of ALL."""
NUMBERS: Final = REPEATED_GRAMS + len(ALL)
"""Length of the vector."""
