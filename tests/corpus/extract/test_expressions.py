"""XPath expressions as loops: the same elements as lxml's own answer."""

import random
import re

import pytest
import trafilatura.xpaths
from hypothesis import given
from hypothesis import strategies as st
from lxml.etree import Element, SubElement, XPath
from lxml.html import HtmlElement, fromstring

from corpus.extract import precise
from corpus.extract.expressions import LONGEST, MOST, Verdicts, selection

NAMESPACES = {"re": "http://exslt.org/regular-expressions"}


def originals() -> list[XPath]:
    """Return the expressions of trafilatura as its source has them, whatever has been replaced in this process."""
    source = trafilatura.xpaths.__spec__.loader.get_source("trafilatura.xpaths")  # type: ignore[union-attr]
    names: dict[str, list[XPath]] = {}
    exec(compile(source, "xpaths", "exec"), names)  # noqa: S102 - a module that is imported anyhow
    return [expression for name in precise.LISTS for expression in names[name]]


EXPRESSIONS = originals()
TRANSLATED = [pair for pair in ((e, selection(e)) for e in EXPRESSIONS) if pair[1] is not None]
WORDS = sorted(
    {
        word
        for e in EXPRESSIONS
        for literal in re.findall("'([^']*)'", e.path)
        for word in re.findall(r"[\w-]+", literal)
    }
)
TAGS = ["div", "p", "section", "span", "list", "item", "article", "main", "header", "ol", "details", "aside", "h1", "a"]
ATTRIBUTES = [
    "id",
    "class",
    "style",
    "role",
    "aria-hidden",
    "itemprop",
    "data-component",
    "data-lp-replacement-content",
]


def test_the_expressions_that_cost_most_are_translated() -> None:
    """All but three of the expressions that extraction goes through become loops."""
    left = sorted(e.path.strip()[:20] for e in EXPRESSIONS if selection(e) is None)
    assert left == ["(.//*[self::article ", "(.//article)[1]", ".//header"]


@st.composite
def trees(draw: st.DrawFn) -> HtmlElement:
    """Return a tree of elements whose attributes are made of the words of the expressions."""
    choose = random.Random(draw(st.integers(0, 2**32)))
    root = fromstring("<html></html>")
    places = [root]
    for _ in range(draw(st.integers(0, 40))):
        element = SubElement(choose.choice(places), choose.choice(TAGS))
        for name in choose.sample(ATTRIBUTES, choose.randrange(4)):
            words = (choose.choice(WORDS) for _ in range(choose.randrange(4)))
            element.set(name, choose.choice([" ", "-", "", "\n"]).join(words))
        places.append(element)
    return root


@given(trees())
def test_the_same_elements_in_the_same_order(tree: HtmlElement) -> None:
    """On trees made of the words that the expressions look for, each loop gives what lxml gives."""
    for expression, chosen in TRANSLATED:
        assert chosen is not None
        assert chosen(tree) == expression(tree), expression.path


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        (".//*[self::p][re:test(@class, '^a', 'i')]", ["1", "4"]),
        (".//*[self::p or self::b][@class='b']", ["2", "5"]),
        (".//*[@class]", ["1", "2", "3", "4", "5"]),
        (".//*[contains(translate(@class, 'AB', 'ab'), 'ba')]", ["3"]),
        (".//*[starts-with(@class, 'B')]", ["3"]),
        (".//*[starts-with(@id|@class, '4') or contains(@class, 'x')]", ["4"]),
        (".//*[re:test(@class|@id, '3')]", []),
        ("(.//*[@class='b'])[1]", ["2"]),
        (".//*[@class='b'][1]", ["2", "5"]),
        (".//*[@id][not(self::p) or @class='b']", ["2", "3", "5"]),
    ],
)
def test_what_the_grammar_means(path: str, ids: list[str]) -> None:
    """Each form of the grammar, by hand; lxml agrees."""
    tree = fromstring(
        "<html><body><p id='1' class='a'></p><p id='2' class='b'></p><i class='BA' id='3'></i>"
        "<p id='4' class='Ax'><b id='5' class='b'></b></p></body></html>"
    )
    expression = XPath(path, namespaces=NAMESPACES)
    chosen = selection(expression)
    assert chosen is not None
    assert [element.get("id") for element in chosen(tree)] == ids
    assert chosen(tree) == expression(tree)


@pytest.mark.parametrize(
    "path",
    [
        ".//p",
        ".//*[self::p]",
        "//*[@class='a']",
        ".//*[@class='a' and @id]",
        ".//*[not(@class)]",
        ".//*[re:test(@class, '')]",
        ".//*[@class='']",
        ".//*[contains(translate(@class, 'A', 'a'), 'A')]",
        ".//*[contains(translate(@class, 'AB', 'a'), 'a')]",
        "(.//*[@class='a'][@id])[1]",
        './/*[@class="a"]',
        "(.//*[@class='a'])[1]|(.//main)[1]",
    ],
)
def test_what_the_grammar_does_not_know_stays(path: str) -> None:
    """Anything else is left to lxml, also what a missing attribute would satisfy."""
    assert selection(XPath(path, namespaces=NAMESPACES)) is None


def test_verdicts_stay_bounded() -> None:
    """Long values are not remembered, and no more than MOST short ones."""
    verdicts = Verdicts()
    verdicts.alone.append("a")
    assert verdicts["b" * LONGEST + "a"] == 1
    assert not verdicts
    for number in range(MOST + 10):
        assert verdicts[f"{number} x"] == 0
    assert len(verdicts) <= MOST
    assert verdicts["a"] == 1


def test_the_root_itself_is_never_chosen() -> None:
    """A descendant axis leaves out the element it starts from."""
    root = Element("div")
    root.set("class", "a")
    chosen = selection(XPath(".//*[@class='a']"))
    assert chosen is not None
    assert chosen(root) == []
