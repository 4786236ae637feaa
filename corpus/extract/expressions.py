"""XPath expressions that choose elements by their attributes, as loops in Python: the same elements, four times faster.

trafilatura prunes a page with a score of expressions such as

    .//*[self::div or self::section][re:test(@id, 'share|Share') or @class='post' or contains(@style, 'border')]

libxml2 spends about 4 us per element on each, since every function call builds a node set, and `re:test` calls back
into Python as well. Here such an expression is read once, into one pattern per attribute, and the verdict on an
attribute value is remembered, for pages repeat theirs (378 class attributes a page, 157 different ones).

What this small grammar does not know stays XPath, so another version of trafilatura cannot get other results; the test
of this module holds every expression against lxml's own answer.

Reference: XML Path Language 1.0; EXSLT regular expressions as lxml has them (Python's).
"""

import re
from collections.abc import Callable, MutableSequence
from typing import Any, Final

from lxml.etree import XPath
from lxml.html import HtmlElement

LONGEST: Final = 100
"""Characters of an attribute value up to which its verdict is remembered."""
MOST: Final = 4096
"""Verdicts remembered for one attribute of one expression: at most 1 MB."""

Search = Callable[[str], re.Match[str] | None]

_NAMESPACES: Final = {"re": "http://exslt.org/regular-expressions"}
_LITERAL: Final = re.compile("'([^']*)'")
_PATH: Final = re.compile(r"(\( ?)?\.//\*((?: ?\[[^\[\]]*\])+) ?(?(1)\) ?\[1\])")
_PREDICATE: Final = re.compile(r"\[ ?([^\[\]]*?) ?\]")
_TAGS: Final = re.compile(r"self::\w+(?: or self::\w+)*")
_CONDITIONS: Final = (
    re.compile(
        r"(?P<function>re:test|contains|starts-with)\("
        r"(?P<translate>translate\()?@(?P<name>[\w-]+)(?: ?\| ?@(?P<other>[\w-]+))?"
        r"(?(translate), ?'(?P<source>\d+)', ?'(?P<target>\d+)'\)), ?'(?P<what>\d+)'(?:, ?'(?P<flags>\d+)')?\)"
    ),
    re.compile(r"@(?P<name>[\w-]+)(?: ?= ?'(?P<equal>\d+)')?"),
)


class UnknownError(Exception):
    """Part of an expression that this grammar does not know."""


class Verdicts(dict[str, int]):
    """What a value of one attribute says of its element: 1 chosen, 2 chosen if it is the first of a pair, 0 neither.

    alone     patterns of which one has to be found
    paired    name of the other attribute and pattern, for XPath's string(@a|@b), which is the one that stands first
    """

    def __init__(self) -> None:
        super().__init__()
        self.alone: list[str] = []
        self.paired: list[tuple[str, Search]] = []
        self._search: Search | None = None

    def __missing__(self, value: str) -> int:
        if self._search is None:
            self._search = re.compile("|".join(self.alone) if self.alone else r"(?!)").search
        found = 1 if self._search(value) else 2 if any(search(value) for _, search in self.paired) else 0
        if len(value) <= LONGEST:
            if len(self) >= MOST:
                self.clear()
            self[value] = found
        return found


class Selection:
    """A callable like the XPath object of an expression: tree -> list of elements in document order.

    tags         names of the elements in question; nothing for all
    verdicts     by attribute
    judge        an XPath of the predicates that follow the one on attributes; None when there are none
    first        "all" for the first element of all, "parent" for the first of each parent, "" for every one
    """

    def __init__(self, tags: list[str], verdicts: dict[str, Verdicts], judge: XPath | None, first: str) -> None:
        self.tags, self.verdicts, self.judge, self.first = tags, verdicts, judge, first

    def __call__(self, tree: HtmlElement) -> list[HtmlElement]:
        of, found = self.verdicts.get, []
        for element in tree.iterdescendants(*self.tags or "*"):
            for name, value in element.items():
                verdicts = of(name)
                if verdicts is None:
                    continue
                verdict = verdicts[value]
                if verdict and (verdict == 1 or self._is_first(element, name, value)):
                    found.append(element)
                    break
        if self.judge is not None:
            return [element for element in found if self.judge(element)]
        return self._firsts(found) if self.first else found

    def _is_first(self, element: HtmlElement, name: str, value: str) -> bool:
        before = element.keys()
        before = before[: before.index(name)]
        return any(other not in before and search(value) for other, search in self.verdicts[name].paired)

    def _firsts(self, found: list[HtmlElement]) -> list[HtmlElement]:
        if self.first == "all":
            return found[:1]
        first: dict[HtmlElement, HtmlElement] = {}
        for element in found:
            first.setdefault(element.getparent(), element)
        return list(first.values())


def selection(expression: XPath) -> Selection | None:
    """Return the same selection as a loop, or None for an expression that is not of this kind."""
    literals: list[str] = []

    def keep(match: re.Match[str]) -> str:
        literals.append(match[1])
        return f"'{len(literals) - 1}'"

    match = _PATH.fullmatch(" ".join(_LITERAL.sub(keep, expression.path).split()))
    if match is None:
        return None
    predicates = _PREDICATE.findall(match[2])
    tags = predicates.pop(0).replace("self::", "").split(" or ") if _TAGS.fullmatch(predicates[0]) else []
    first = "all" if match[1] else "parent" if predicates[-1:] == ["1"] else ""
    conditions, *further = predicates[: -1 if first == "parent" else None] or [""]
    if further and first:
        return None
    try:
        verdicts = read(conditions, literals)
    except UnknownError:
        return None
    rest = "".join(f"[{predicate}]" for predicate in further)
    judge = XPath("self::*" + restored(rest, literals), namespaces=_NAMESPACES, smart_strings=False) if rest else None
    return Selection(tags, verdicts, judge, first)


def restored(text: str, literals: list[str]) -> str:
    """Return the text with its literals in place of their numbers."""
    return _LITERAL.sub(lambda match: f"'{literals[int(match[1])]}'", text)


def read(conditions: str, literals: list[str]) -> dict[str, Verdicts]:
    """Return the verdicts that alternatives on attributes amount to; raises UnknownError."""
    verdicts: dict[str, Verdicts] = {}
    for condition in conditions.split(" or "):
        match = next(filter(None, (form.fullmatch(condition) for form in _CONDITIONS)), None)
        if match is None:
            raise UnknownError(condition)
        found = match.groupdict().items()
        part = {key: literals[int(text)] if text and text.isdigit() else text for key, text in found}
        wanted, name, other = pattern(part), part["name"], part.get("other")
        if wanted and re.search(wanted, ""):  # XPath takes a missing attribute for an empty one
            raise UnknownError(condition)
        if other is None:
            verdicts.setdefault(name, Verdicts()).alone.append(wanted)
        else:
            search = re.compile(wanted).search
            verdicts.setdefault(name, Verdicts()).paired.append((other, search))
            verdicts.setdefault(other, Verdicts()).paired.append((name, search))
    return verdicts


def pattern(part: dict[str, Any]) -> str:
    """Return what to search for in the values that a condition asks for; empty when any value will do."""
    if "what" not in part:
        return "" if part["equal"] is None else rf"\A{re.escape(part['equal'])}\Z"
    what = part["what"]
    if part["function"] == "re:test":
        return f"(?i:{what})" if "i" in (part["flags"] or "") else f"(?:{what})"
    text = translated(what, part["source"], part["target"]) if part["translate"] else re.escape(what)
    return rf"\A{text}" if part["function"] == "starts-with" else text


def translated(what: str, source: str, target: str) -> str:
    """Return a pattern that is found where `what` is found after characters of `source` become those of `target`."""
    if len(source) != len(target) or set(source) & set(what):
        raise UnknownError(what)
    before = {new: old for old, new in zip(source, target, strict=True)}
    return "".join(f"[{re.escape(c + before.get(c, ''))}]" for c in what)


def replace(expressions: MutableSequence[Callable[[HtmlElement], list[HtmlElement]]]) -> None:
    """Replace in a list of XPath objects those that can be read here."""
    for index, expression in enumerate(expressions):
        if isinstance(expression, XPath):
            expressions[index] = selection(expression) or expression
