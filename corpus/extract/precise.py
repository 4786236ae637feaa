"""trafilatura, set up once: the text of `extract(html, favor_precision=True, include_comments=False)`, faster.

Much of its time goes into what is no part of its method. Two things are replaced, in versions known to be fit for it
(another is used as it is), which makes it 1.7 times as fast:

- the XPath expressions that choose elements by attribute, two fifths of the time, are loops (see expressions.py);
- its HTML parser makes every element an HtmlElement without asking Python which class it has (a twelfth).

The text is the same to the byte. Loading takes 0.2 s and 25 MB, so this module is imported only where it is used.
"""

from typing import Final

import trafilatura
from lxml.etree import ElementDefaultClassLookup
from lxml.html import HtmlElement
from trafilatura import utils, xpaths
from trafilatura.settings import Extractor

from corpus.extract.expressions import replace

FIT: Final = ("2.3.",)
"""Versions of trafilatura, by their beginning, whose results have been compared."""
LISTS: Final = (
    "BODY_XPATH",
    "DISCARD_IMAGE_ELEMENTS",
    "OVERALL_DISCARD_XPATH",
    "PRECISION_DISCARD_XPATH",
    "RAW_TREE_PRUNE_XPATH",
    "REMOVE_COMMENTS_AND_LISTS_XPATH",
    "REMOVE_COMMENTS_XPATH",
    "TEASER_DISCARD_XPATH",
)
"""Lists of expressions in trafilatura.xpaths that extraction goes through."""
OPTIONS: Final = Extractor(output_format="txt", precision=True, comments=False, dedup=False)
"""Precision first, comments left out; made once, since making it reads settings and the date."""


def speed_up() -> None:
    """Replace in trafilatura what takes time and gives the same in another way."""
    for name in LISTS:
        replace(getattr(xpaths, name))
    utils.HTML_PARSER.set_element_class_lookup(ElementDefaultClassLookup(element=HtmlElement))


if trafilatura.__version__.startswith(FIT):
    speed_up()


def main_text(html: str) -> str:
    """Return the main text of a page; empty when there is none."""
    return trafilatura.extract(html, options=OPTIONS) or ""


def forget() -> None:
    """Empty the caches that hold text of pages; lists of stop words and the like, slow to build again, stay."""
    utils.trim.cache_clear()
    utils.line_processing.cache_clear()
