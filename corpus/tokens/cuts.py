r"""The regular expression that cuts text into pieces, as a small program that a kernel runs.

Published byte-level tokenizers cut with patterns of one kind: alternatives of sequences of character classes with
quantifiers, contractions in letters of either case, and `(?!\S)`. Such a pattern becomes a `Program`: classes become
bits of a table over all code points, alternatives become rows of numbers. The kernel (pieces.py) follows the rules of
backtracking engines: the first alternative that matches wins, quantifiers take as much as they can and give back.

What a class holds is not taken from any table of ours: the engine of `tokenizers` (Oniguruma) is asked about every
code point, so Unicode versions cannot disagree. How the program cuts is compared with that engine on short strings,
all of them and longer ones at random, over one representative of each kind of character. Other patterns are refused.
"""

import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import PreTokenizedString, Regex
from tokenizers.pre_tokenizers import Split

from corpus.tokens.pieces import GREEDY, MOST_ITEMS, NEVER, POSSESSIVE, cut

MANY: Final = (1 << 31) - 1
_CLASS: Final = r"\[\^?(?:[^\[\]\\&]|\\.|\\[pP]\{\w+\})+\]"
_ATOM: Final = re.compile(rf"{_CLASS}|\\[pP]\{{\w+\}}|\\[sSdDrnt]|\\[^\w\s]|[^\\\[\](){{}}?*+|.^$\n]")
_COUNT: Final = re.compile(r"\{(\d+)(,?)(\d*)\}|[?*+]\+?")
_RANDOM: Final = 2000
_CASED: Final = (*range(0x2000), *range(0xFB00, 0xFB20))
"""Where letters are whose other case, or folded form, takes several letters."""
_QUANTIFIERS: Final = {"?": (0, 1), "*": (0, MANY), "+": (1, MANY)}


class PatternError(Exception):
    """Why a pattern cannot become a program; in a few words, for a person."""


class Program(NamedTuple):
    """A pattern in numbers; what the kernels take.

    bits          uint32[0x110000], the classes that each code point is in
    items         int64[n, 4]: class mask, least, most, kind (GREEDY, POSSESSIVE, NEVER)
    alternatives  int64[m, 5]: items from, to; optional endings from, to; mask of the classes it may begin with
    endings       int64[k, 2]: masks from, to
    masks         uint32, one class mask per character of an ending
    """

    bits: npt.NDArray[np.uint32]
    items: npt.NDArray[np.int64]
    alternatives: npt.NDArray[np.int64]
    endings: npt.NDArray[np.int64]
    masks: npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Item:
    """One class, how often it may come, and how."""

    source: str
    least: int = 1
    most: int = 1
    kind: int = GREEDY


@dataclass(frozen=True, slots=True)
class Alternative:
    """Items in order, then one of `endings` if one fits: literals by their letters' classes."""

    items: tuple[Item, ...]
    endings: tuple[tuple[str, ...], ...] = ()


@functools.lru_cache(maxsize=8)
def compile_pattern(pattern: str) -> Program:
    """Return the program of a pattern; raise PatternError when it is of another kind or cuts otherwise."""
    program = _assemble(parse(pattern))
    if not same_cuts(pattern, program):
        raise PatternError("the pattern is cut otherwise by the engine of tokenizers")
    return program


def parse(pattern: str) -> list[Alternative]:
    """Return the alternatives of a pattern; PatternError when it holds what no program can say."""
    return [found for branch in _branches(pattern) for found in _expand(branch)]


def _branches(pattern: str) -> list[str]:
    """Split at the bars that stand in no group and no class."""
    found, depth, at, start = [], 0, 0, 0
    while at < len(pattern):
        whole = _ATOM.match(pattern, at)
        if whole:
            at = whole.end()
            continue
        depth += {"(": 1, ")": -1}.get(pattern[at], 0)
        if pattern[at] == "|" and depth == 0:
            found.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*found, pattern[start:]]


def _expand(branch: str) -> list[Alternative]:
    """Return a branch as alternatives: literals in a group that must match stand for one alternative each."""
    made, at = [Alternative(())], 0
    while at < len(branch):
        if any(one.endings for one in made):
            raise PatternError("an optional group is not at the end")
        if branch.startswith(("(?i:", "(?:"), at):
            literals, at = _group(branch, at)
            if branch[at : at + 1] == "?":
                at += 2 if branch[at : at + 2] == "?+" else 1
                made = [Alternative(one.items, literals) for one in made]
            elif any(item.least != item.most for one in made for item in one.items):
                raise PatternError("a group stands behind what may vary in length")
            else:
                made = [Alternative((*one.items, *map(Item, word))) for one in made for word in literals]
            continue
        item, at = _item(branch, at)
        made = [Alternative((*one.items, item)) for one in made]
    return made


def _group(branch: str, at: int) -> tuple[tuple[tuple[str, ...], ...], int]:
    """Return the literals of a group, each as its characters' classes, and the place behind it."""
    folded, end = branch.startswith("(?i:", at), branch.find(")", at)
    inner = branch[at + (4 if folded else 3) : end]
    if end < 0 or "(" in inner:
        raise PatternError("a group holds a group")
    words = []
    for word in _branches(inner):
        atoms = _ATOM.findall(word)
        if "".join(atoms) != word or not atoms:
            raise PatternError("a group holds more than literals")
        words.append(tuple(f"(?i:{atom})" if folded else atom for atom in atoms))
    return tuple(words), end + 1


def _item(branch: str, at: int) -> tuple[Item, int]:
    never = branch.startswith("(?!", at)
    atom = _ATOM.match(branch, at + 3 if never else at)
    if not atom or (never and branch[atom.end() : atom.end() + 1] != ")"):
        raise PatternError(f"the pattern holds {branch[at : at + 8]!r}")
    if never:
        return Item(atom[0], kind=NEVER), atom.end() + 1
    count = _COUNT.match(branch, atom.end())
    if not count:
        return Item(atom[0]), atom.end()
    least, most = _bounds(count)
    if branch[count.end() : count.end() + 1] in ("?", "+", "*", "{"):
        raise PatternError("a quantifier follows a quantifier")
    possessive = count[0].endswith("+") and len(count[0]) == 2
    return Item(atom[0], least, most, POSSESSIVE if possessive else GREEDY), count.end()


def _bounds(count: re.Match[str]) -> tuple[int, int]:
    if not count[1]:
        return _QUANTIFIERS[count[0][0]]
    least = int(count[1])
    return least, int(count[3]) if count[3] else MANY if count[2] else least


def _assemble(alternatives: list[Alternative]) -> Program:
    sources = [item.source for one in alternatives for item in one.items]
    sources += [source for one in alternatives for word in one.endings for source in word]
    masks = {source: 1 << place for place, source in enumerate(dict.fromkeys(sources))}
    if len(masks) > 32 or any(len(one.items) > MOST_ITEMS for one in alternatives):
        raise PatternError("the pattern is too long")
    bits = np.zeros(0x110000, dtype=np.uint32)
    for source, found in _classes(list(masks)).items():
        bits[found] |= np.uint32(masks[source])
    items: list[list[int]] = []
    rows: list[list[int]] = []
    endings: list[list[int]] = []
    letters: list[int] = []
    for one in alternatives:
        row = [len(items), len(items) + len(one.items), len(endings), len(endings) + len(one.endings)]
        rows.append([*row, _first(one, masks)])
        items += [[masks[i.source], i.least, i.most, i.kind] for i in one.items]
        for word in one.endings:
            endings.append([len(letters), len(letters) + len(word)])
            letters += [masks[source] for source in word]
    table: Any = functools.partial(np.array, dtype=np.int64)
    return Program(
        bits,
        table(items).reshape(-1, 4),
        table(rows),
        table(endings).reshape(-1, 2),
        np.array(letters, dtype=np.uint32),
    )


def _first(one: Alternative, masks: Mapping[str, int]) -> int:
    """Return the mask of all classes that the first character of a match may be in."""
    found = 0
    for item in one.items:
        found |= 0 if item.kind == NEVER else masks[item.source]
        if item.kind != NEVER and item.least:
            return found
    raise PatternError("an alternative may be empty")


_ASKED: Final = ((0, 0xD800), (0xE000, 0x34000), (0xE0000, 0xE1000))
"""Code points whose classes are asked for: the planes with assigned characters. Others are in no class, so that no
program covers them and texts that hold one are left to `tokenizers`."""


@functools.cache
def _asked() -> tuple[npt.NDArray[np.int64], str]:
    """Return the code points of _ASKED, and the text they make in order."""
    codes = np.concatenate([np.arange(*span) for span in _ASKED])
    return codes, "".join(map(chr, codes.tolist()))


def _classes(sources: Sequence[str]) -> dict[str, npt.NDArray[np.int64]]:
    """Return the code points of each class. Letters of either case are asked for together, to ask once."""
    letters = [source for source in sources if source.startswith("(?i:")]
    found = {source: members(source) for source in sources if source not in letters}
    either = members("|".join(letters)).tolist() if letters else []
    for source in letters:
        one = Split(Regex(source), "removed")
        found[source] = np.array([c for c in either if not one.pre_tokenize_str(chr(c))], np.int64)
    return found


def members(source: str) -> npt.NDArray[np.int64]:
    """Return the code points that one class of a pattern matches, as Oniguruma has it."""
    codes, text = _asked()
    held = PreTokenizedString(text)
    Split(Regex(f"(?:{source})+"), "isolated").pre_tokenize(held)
    one = Split(Regex(source), "removed")
    inside = np.zeros(len(text), np.bool_)
    place = 0
    for run, _, _ in held.get_splits("original", "byte"):  # counting in characters would take most of the time
        inside[place : place + len(run)] = not one.pre_tokenize_str(run[0])
        place += len(run)
    return codes[inside]


def same_cuts(pattern: str, program: Program) -> bool:
    """Return whether the program cuts as Oniguruma does: strings over all kinds, and letters that fold oddly.

    A kind is a set of classes; two characters of one kind cannot be told apart by a program, nor by a pattern that
    has no more classes than these. Letters whose upper or folded form is longer could match a literal as a pair.
    """
    split = Split(Regex(pattern), "isolated")
    return all(
        cut(text.encode(), program) == [len(piece.encode()) for piece, _ in split.pre_tokenize_str(text)]
        for text in _probes(program)
    )


def _probes(program: Program) -> list[str]:
    codes, text = _asked()
    _, places = np.unique(program.bits[codes], return_index=True)
    kinds = [text[place] for place in places.tolist()]
    longest = 3 if len(kinds) <= 20 else 2
    texts = ["".join(some) for size in range(1, longest + 1) for some in itertools.product(kinds, repeat=size)]
    random = np.random.Generator(np.random.Philox(0)).integers(len(kinds), size=(_RANDOM, 12))
    texts += ["".join(kinds[i] for i in row) for row in random.tolist()]
    return texts + [f"a'{c}b'a{c}" for c in map(chr, _CASED) if len(c.casefold()) > 1 or len(c.upper()) > 1]
