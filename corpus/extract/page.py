"""What a page says of itself and where it links to, from one parse of its HTML.

The parser is resiliparse's (the HTML standard's tree construction): 1.5 ms for a page of 140 kB, and 0.9 ms to visit
its links. Everything here is read before text is extracted, so a page that breaks the extractor has voted already.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from resiliparse.parse.html import HTMLTree

from corpus.charset import decode
from corpus.extract.cleaning import one_line
from corpus.links import rel_flags, says_nofollow, votes
from corpus.url import Url, normalise

MOST_LICENCES: Final = 16
MOST_OWNERS: Final = 1000
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
# The same as numeric references, which XML libraries refuse: to trafilatura one of them makes the whole page empty.
_CONTROL_REFERENCES: Final = re.compile(
    "&#(?:0*(?:[1-8]|1[4-9]|2[0-9]|3[01]|6553[45])(?![0-9])|x0*(?:[1-8ef]|1[0-9a-f]|fff[ef])(?![0-9a-f]));?",
    re.IGNORECASE,
)
_ELEMENTS: Final = "html,base,meta,link,a,area"
_CREATIVE_COMMONS: Final = ("creativecommons.org/licenses/", "creativecommons.org/publicdomain/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a page says besides its text; strings cleaned, None where nothing is said.

    `links` are the distinct (target host, flags) of the page, sorted. `replaced` counts U+FFFD in the decoded page.
    """

    charset: str
    charset_source: str
    replaced: int = 0
    title: str | None = None
    declared_language: str | None = None
    meta_robots: str | None = None
    canonical_url: str | None = None
    licences: Sequence[str] = ()
    links: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A parsed page: its decoded HTML, the tree, and what it says of itself."""

    html: str
    tree: HTMLTree
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """The HTTP headers that bear on a page: charset of Content-Type, Content-Language, every X-Robots-Tag."""

    charset: str | None = None
    language: str | None = None
    robots: Sequence[str] = ()


def parse_page(body: bytes, *, url: Url, headers: Headers) -> Page:
    """Return the page in `body`, fetched from `url`."""
    decoded = decode(body, headers.charset)
    html = _CONTROL_REFERENCES.sub("", _CONTROLS.sub("", decoded.text))
    tree = HTMLTree.parse(html)
    elements = _Elements(tree)
    base = elements.base(url)
    robots = elements.meta("robots")
    links = votes(
        elements.anchors,
        elements.owners(),
        host=url.host,
        base=base.href,
        base_host=base.host,
        nofollow=says_nofollow(robots, headers.robots),
    )
    facts = Facts(
        charset=decoded.charset,
        charset_source=decoded.source,
        replaced=decoded.replaced,
        title=one_line(tree.title),
        declared_language=elements.language() or one_line(headers.language, 100),
        meta_robots=robots,
        canonical_url=_first(_resolved(elements.rel("canonical"), base)),
        licences=list(islice(dict.fromkeys(_resolved(elements.licences(), base)), MOST_LICENCES)),
        links=links,
    )
    return Page(html=html, tree=tree, facts=facts)


class _Elements:
    """The elements of a tree that carry facts: by name in document order, and (href, rel flags) of all anchors."""

    def __init__(self, tree: HTMLTree) -> None:
        self.named: dict[str, list[Any]] = {name: [] for name in _ELEMENTS.split(",")}
        for element in tree.document.query_selector_all(_ELEMENTS).values() if tree.document else ():
            self.named.setdefault(str(element.tag).lower(), []).append(element)
        found = ((e, e.get_attribute("href")) for e in chain(self.named["a"], self.named["area"]))
        self.anchors = [(href, rel_flags(e.get_attribute("rel"))) for e, href in found if href is not None]

    def base(self, url: Url) -> Url:
        """Return the base URL: the first base element with an href, if it is a valid http URL, else the page's."""
        href = _first(value for element in self.named["base"] if (value := element.get_attribute("href")) is not None)
        return (normalise(href.strip(), url.href) if href is not None else None) or url

    def language(self) -> str | None:
        """Return the language attribute of the html element, or what a meta element gives in place of a header."""
        for element in self.named["html"][:1]:
            for name in ("lang", "xml:lang"):
                if element.get_attribute(name):
                    return one_line(element.get_attribute(name), 100)
        return one_line(_first(self._contents("http-equiv", "content-language")), 100)

    def meta(self, name: str) -> str | None:
        """Return the contents of all meta elements of that name, joined by comma."""
        return one_line(", ".join(self._contents("name", name)), 1000)

    def _contents(self, attribute: str, value: str) -> Iterator[str]:
        for element in self.named["meta"]:
            if (element.get_attribute(attribute) or "").strip().lower() == value:
                yield (element.get_attribute("content") or "")[:4000]

    def rel(self, token: str, names: Iterable[str] = ("link",)) -> Iterator[str]:
        """Yield the hrefs of elements whose rel has `token`."""
        for name in names:
            for element in self.named[name]:
                if token in _rel(element):
                    yield element.get_attribute("href") or ""

    def owners(self) -> Iterator[str]:
        """Yield the hrefs of canonical links and of alternates with hreflang, at most MOST_OWNERS."""
        alternates = (e for e in self.named["link"] if e.get_attribute("hreflang") and "alternate" in _rel(e))
        hrefs = (e.get_attribute("href") or "" for e in alternates)
        return islice(chain(self.rel("canonical"), hrefs), MOST_OWNERS)

    def licences(self) -> Iterator[str]:
        """Yield the hrefs of links marked as licence, and of links to a Creative Commons licence."""
        names = ("link", "a", "area")
        yield from self.rel("license", names)
        for href, _ in self.anchors:
            if any(part in href for part in _CREATIVE_COMMONS):
                yield href


def _rel(element: Any) -> list[str]:
    return (element.get_attribute("rel") or "").lower().split()


def _resolved(hrefs: Iterable[str], base: Url) -> Iterator[str]:
    for href in hrefs:
        found = normalise(href, base.href) if href.strip() else None
        if found:
            yield found.href


def _first(values: Iterable[str]) -> str | None:
    return next(iter(values), None)
