"""What a page says of itself and where it links to, from one parse of its HTML.

The parser is resiliparse's (lexbor, the HTML standard's tree construction): 0.6 ms for a page of 150 kB. Looking at the
tree costs a Python object per element, 2 us with its attributes, so selectors choose the elements inside the parser:
those that state a fact, and the links that may leave the host. A link that stays adds nothing to a page's votes, and
three of four do. Where a base element makes relative links leave, all links are looked at.

Everything here is read before text is extracted, so a page that breaks the extractor has voted already.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Final

import resiliparse.parse.html.node
from resiliparse.parse.html import HTMLTree

from corpus.charset import Decoded, decode
from corpus.extract.cleaning import one_line
from corpus.links import rel_flags, says_nofollow, votes
from corpus.url import Url, normalise, plain_host

MOST_LICENCES: Final = 16
MOST_OWNERS: Final = 1000
MOST_RESOURCES: Final = 1000
"""Distinct references of technical links that are looked at; a page has about 25 that leave its host."""
RESOURCES: Final = {
    "script": "src",
    "iframe": "src",
    "frame": "src",
    "embed": "src",
    "object": "data",
    "form": "action",
    "video": "src",
    "audio": "src",
    "source": "src",
    "track": "src",
    "input": "src",
    "img": "src",
}
"""Elements of technical links and the attribute that holds the reference, pictures last: of them there may be many. The
hrefs of link elements come before them.

After the WAT records of Common Crawl (ia-web-commons, ExtractingParseObserver), without what those have besides:
other addresses of a picture (srcset, longdesc, poster, data-src), URLs in style sheets, onclick and meta elements,
sources of quotations (cite). What is looked at begins with `http` or two slashes, unless a base element makes relative
references leave.
"""
_CONTROLS: Final = bytes((*range(9), 0x0B, *range(0x0E, 0x20), 0x7F))
# The same as numeric references, which XML libraries refuse: to trafilatura one of them makes the whole page empty.
_CONTROL_REFERENCES: Final = re.compile(
    rb"&#(?:0*(?:[1-8]|1[4-9]|2[0-9]|3[01]|6553[45])(?![0-9])|x0*(?:[1-8ef]|1[0-9a-f]|fff[ef])(?![0-9a-f]));?",
    re.IGNORECASE,
)
# Selectors, those of one attribute or name together: an element without it is then passed over at once.
_STATING: Final = (
    'meta:is([name*="robots" i],[http-equiv*="content-language" i]),'
    '[rel]:is([rel*="canonical" i],[rel*="license" i],link[hreflang]),'
    '[href]:is({links},base,[href*="creativecommons.org/"])'
)
# How a reference begins that does not lead to the host of its base: with a scheme or two slashes. Of the slashes either
# may be a backslash, tabs and line ends may come between them, and white space before them (other control characters
# are gone). A scheme is told by its colon alone, and schemes in their usual spelling that lead to no host are out.
# Looking at beginnings takes a quarter of the time of looking for the same anywhere.
_ODD: Final = (" ", r"\9 ", r"\a ", r"\b ", r"\c ", r"\d ", r"\\", r"/\\", r"/\9 ", r"/\a ", r"/\d ")
_LEAVING: Final = (
    ':is([href^="http" i],[href^="//"],[href*=":"]:not([href^="javascript:"],[href^="mailto:"]),'
    + ",".join(f'[href^="{start}"]' for start in _ODD)
    + ")"
)
# Of technical links those that begin as nearly all do that leave. To test for more, or for names of elements, here and
# of elements with an href, takes longer than to look at the few others that have such an attribute.
_AWAY: Final = ':is([{0}^="http" i],[{0}^="//"])'
_IS_AWAY: Final = re.compile("http|//", re.IGNORECASE | re.ASCII)
_nodes: Any = resiliparse.parse.html.node
_CREATIVE_COMMONS: Final = "creativecommons.org/licenses/"
_PUBLIC_DOMAIN: Final = "creativecommons.org/publicdomain/"


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
    html, tree = _parsed(decoded)
    elements = _Elements(tree, url)
    base = elements.base
    robots = elements.meta("robots")
    links = votes(
        elements.anchors(),
        elements.owners(),
        elements.resources(),
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


def _parsed(decoded: Decoded) -> tuple[str, HTMLTree]:
    """Return the HTML without control characters, and its tree. Bytes are searched five times as fast as text."""
    utf8 = decoded.text.encode() if decoded.utf8 is None else decoded.utf8
    kept = _CONTROL_REFERENCES.sub(b"", utf8.translate(None, _CONTROLS))
    html = decoded.text if len(kept) == len(utf8) else kept.decode()
    return html, HTMLTree.parse(html)  # parse_from_bytes decodes once more, which costs more than it saves


@lru_cache(maxsize=1 << 10)
def _selector(host: str) -> str:
    """Return the selector of the elements that matter on a page whose links resolve against a URL on `host`."""
    plain = plain_host(f"http://{host}/") == host
    own = f':not([{{0}}^="http://{host}/"],[{{0}}^="https://{host}/"])' if plain else ""
    return _selecting(own + _LEAVING, _AWAY + own, _AWAY)


def _selecting(links: str = "", sources: str = "", few: str = "") -> str:
    """Return the selector of what states a fact, and of links that also match what is given, "{0}" as the attribute."""
    parts = (
        _STATING.format(links=links.format("href") or "[href]"),
        "[src]" + sources.format("src"),
        "object[data]" + few.format("data"),
        "form[action]" + few.format("action"),
    )
    return ",".join(parts)


class _Elements:
    """The elements of a page that matter, by name in document order, its base URL, and (href, rel) of its anchors.

    Anchors are distinct, `a` before `area`. Those that lead to the page's host may be left out.
    """

    def __init__(self, tree: HTMLTree, url: Url) -> None:
        self._tree = tree
        self._look(_selector(url.host))
        self.base = self._base(url)
        self._elsewhere = self.base.host != url.host
        if self._elsewhere:
            self._look(_selecting())
        found = ((e.get_attribute("href"), e.get_attribute("rel")) for e in (*self.named["a"], *self.named["area"]))
        self._anchors = list(dict.fromkeys(found))
        self._links = [_link(element) for element in self.named["link"]]

    def _look(self, selector: str) -> None:
        self.named: defaultdict[str, list[Any]] = defaultdict(list)
        named = self.named
        for element in _values(self._tree.document.query_selector_all(selector)) if self._tree.document else ():
            named[element.local_name or ""].append(element)

    def anchors(self) -> Iterator[tuple[str, int]]:
        """Yield (href, rel flags) of the anchors that have an href."""
        return ((href, rel_flags(rel) if rel else 0) for href, rel in self._anchors if href is not None)

    def _base(self, url: Url) -> Url:
        """Return the base URL: the first base element with an href, if it is a valid http URL, else the page's."""
        href = _first(value for element in self.named["base"] if (value := element.get_attribute("href")) is not None)
        return (normalise(href.strip(), url.href) if href is not None else None) or url

    def language(self) -> str | None:
        """Return the language attribute of the html element, or what a meta element gives in place of a header."""
        html = self._tree.document.document_element if self._tree.document else None
        said = (html.get_attribute("lang") or html.get_attribute("xml:lang")) if html is not None else None
        if said:
            return one_line(said, 100)
        return one_line(_first(self._contents("http-equiv", "content-language")), 100)

    def meta(self, name: str) -> str | None:
        """Return the contents of all meta elements of that name, joined by comma."""
        return one_line(", ".join(self._contents("name", name)), 1000)

    def _contents(self, attribute: str, value: str) -> Iterator[str]:
        for element in self.named["meta"]:
            if (element.get_attribute(attribute) or "").strip().lower() == value:
                yield (element.get_attribute("content") or "")[:4000]

    def rel(self, token: str) -> Iterator[str]:
        """Yield the hrefs of link elements whose rel has `token`."""
        return (href or "" for href, rel, _ in self._links if token in rel)

    def owners(self) -> Iterator[str]:
        """Yield the hrefs of canonical links and of alternates with hreflang, at most MOST_OWNERS."""
        alternates = (href or "" for href, _, translated in self._links if translated)
        return islice(chain(self.rel("canonical"), alternates), MOST_OWNERS)

    def resources(self) -> Iterator[str]:
        """Yield the distinct references of technical links, at most MOST_RESOURCES."""
        found = [href for href, rel, translated in self._links if not translated and "canonical" not in rel]
        for name, attribute in RESOURCES.items():
            if name in self.named:
                found += [element.get_attribute(attribute) for element in self.named[name]]
        given = filter(None, dict.fromkeys(found))
        return islice(given if self._elsewhere else filter(_IS_AWAY.match, given), MOST_RESOURCES)

    def licences(self) -> Iterator[str]:
        """Yield the hrefs of links marked as licence, and of links to a Creative Commons licence."""
        yield from self.rel("license")
        yield from (href for href, rel in self._anchors if href and rel and "license" in rel.lower().split())
        for href, _ in self._anchors:
            if href and (_CREATIVE_COMMONS in href or _PUBLIC_DOMAIN in href):
                yield href


def _values(found: Any) -> list[Any]:
    """Return elements that were found: `found.values()`, but in six tenths of the time.

    resiliparse enters every element it makes into a WeakValueDictionary of its module, so that an element is one object
    whoever asks for it. That is Python code and takes as long as making the element. Nobody here compares elements or
    keeps them, so while these are made a plain dictionary stands in.
    """
    book = getattr(_nodes, "_node_cache", None)
    if book is None:  # another release, which keeps its book elsewhere
        return list(found.values())
    _nodes._node_cache = {}
    try:
        return list(found.values())
    finally:
        _nodes._node_cache = book


def _link(element: Any) -> tuple[str | None, list[str], bool]:
    """Return the href of a link element, the tokens of its rel, and whether it is an alternate with hreflang."""
    rel = (element.get_attribute("rel") or "").lower().split()
    return element.get_attribute("href"), rel, "alternate" in rel and bool(element.get_attribute("hreflang"))


def _resolved(hrefs: Iterable[str], base: Url) -> Iterator[str]:
    for href in hrefs:
        found = normalise(href, base.href) if href.strip() else None
        if found:
            yield found.href


def _first(values: Iterable[str]) -> str | None:
    return next(iter(values), None)
