"""The plain form of what corpus reads from a page: every element visited, every pattern tried at every character.

Oracle for corpus.extract.page, corpus.links, corpus.extract.cleaning, corpus.strangeness and the meta scan of
corpus.charset, which come to the same with far less work.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain, islice
from typing import Any

from resiliparse.parse.html import HTMLTree

from corpus.charset import _COMMENT_OR_META, PRESCAN_BYTES, decode, header_charset
from corpus.encodings import canonical
from corpus.extract.page import MOST_LICENCES, MOST_OWNERS, Facts, Headers
from corpus.links import says_nofollow
from corpus.strangeness import _STRANGE, _common_ideographs, _sample
from corpus.url import Url, normalise

CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
CONTROL_REFERENCES = re.compile(
    "&#(?:0*(?:[1-8]|1[4-9]|2[0-9]|3[01]|6553[45])(?![0-9])|x0*(?:[1-8ef]|1[0-9a-f]|fff[ef])(?![0-9a-f]));?",
    re.IGNORECASE,
)
WITHIN = re.compile(r"[?#]|/(?![/\\\t\n\r])|[\w.%~-]+(?:[/?#]|\Z)", re.ASCII)
FLAGS = {"nofollow": 1, "ugc": 2, "sponsored": 4}
SOURCES = ["script", "iframe", "frame", "embed", "video", "audio", "source", "track", "input", "img"]


def plain_page(body: bytes, url: Url, headers: Headers) -> tuple[str, str, Facts]:
    """Return the HTML of a page, its tree as HTML, and its facts."""
    decoded = decode(body, headers.charset)
    html = CONTROL_REFERENCES.sub("", CONTROLS.sub("", decoded.text))
    tree = HTMLTree.parse(html)
    named = elements(tree)
    base = base_url(named, url)
    robots = plain_line(", ".join(contents(named, "name", "robots")), 1000)
    facts = Facts(
        charset=decoded.charset,
        charset_source=decoded.source,
        replaced=decoded.text.count("\ufffd"),
        title=plain_line(tree.title or "", 2000),
        declared_language=language(named) or plain_line(headers.language or "", 100),
        meta_robots=robots,
        canonical_url=next(resolved(hrefs(named, "canonical", ["link"]), base), None),
        licences=list(islice(dict.fromkeys(resolved(licences(named), base)), MOST_LICENCES)),
        links=plain_votes(named, url, base, 1 if says_nofollow(robots, headers.robots) else 0),
    )
    return html, str(tree), facts


def elements(tree: HTMLTree) -> dict[str, list[Any]]:
    """Return all elements that can carry a fact, by name."""
    names = ("html", "base", "meta", "link", "a", "area", "object", "form", *SOURCES)
    found: dict[str, list[Any]] = {name: [] for name in names}
    for element in tree.document.query_selector_all(",".join(names)).values() if tree.document else ():
        found[str(element.tag).lower()].append(element)
    return found


def plain_votes(named: dict[str, list[Any]], url: Url, base: Url, page_flags: int) -> list[tuple[str, int]]:
    """Return the distinct (target host, flags) of a page, sorted."""
    votes = [
        (element.get_attribute("href"), page_flags | sum(bit for token, bit in FLAGS.items() if token in rel(element)))
        for element in named["a"] + named["area"]
    ]
    alternates = (e for e in named["link"] if e.get_attribute("hreflang") and "alternate" in rel(e))
    owners = chain(hrefs(named, "canonical", ["link"]), (e.get_attribute("href") or "" for e in alternates))
    votes += [(href, 8) for href in islice(owners, MOST_OWNERS)]
    votes += [(reference, 16) for reference in resources(named, base.host != url.host)]
    found = {(plain_target(href, base), flags) for href, flags in votes if href is not None}
    return sorted((target, flags) for target, flags in found if target and target != url.host)


def resources(named: dict[str, list[Any]], elsewhere: bool) -> Iterator[str]:
    """Yield the references of technical links; relative ones matter where the base element lies `elsewhere`."""
    held = [(element, "src") for name in SOURCES for element in named[name]]
    held += [(e, "data") for e in named["object"]] + [(e, "action") for e in named["form"]]
    for element in named["link"]:
        if "canonical" not in rel(element) and not (element.get_attribute("hreflang") and "alternate" in rel(element)):
            held.append((element, "href"))
    for element, attribute in held:
        reference = element.get_attribute(attribute)
        if reference and (elsewhere or reference[:2] == "//" or reference[:4].lower() == "http"):
            yield reference


def plain_target(href: str, base: Url) -> str | None:
    """Return the host a link leads to."""
    href = href.strip(" \t\n\r\f")
    if not href or WITHIN.match(href):
        return base.host
    found = normalise(href, base.href)
    return found.host if found else None


def base_url(named: dict[str, list[Any]], url: Url) -> Url:
    """Return the first base element's URL if it is a valid http URL, else the page's."""
    found = [href for e in named["base"] if (href := e.get_attribute("href")) is not None]
    return (normalise(found[0].strip(), url.href) if found else None) or url


def language(named: dict[str, list[Any]]) -> str | None:
    """Return the language of the html element, else that of a meta element."""
    for name in ("lang", "xml:lang"):
        if named["html"] and named["html"][0].get_attribute(name):
            return plain_line(named["html"][0].get_attribute(name), 100)
    return plain_line(next(contents(named, "http-equiv", "content-language"), ""), 100)


def contents(named: dict[str, list[Any]], attribute: str, value: str) -> Iterator[str]:
    """Yield the contents of the meta elements with that attribute value."""
    for element in named["meta"]:
        if (element.get_attribute(attribute) or "").strip().lower() == value:
            yield (element.get_attribute("content") or "")[:4000]


def licences(named: dict[str, list[Any]]) -> Iterator[str]:
    """Yield the hrefs of licence links, marked ones first."""
    yield from hrefs(named, "license", ["link", "a", "area"])
    for element in named["a"] + named["area"]:
        href = element.get_attribute("href") or ""
        if "creativecommons.org/licenses/" in href or "creativecommons.org/publicdomain/" in href:
            yield href


def hrefs(named: dict[str, list[Any]], token: str, names: list[str]) -> Iterator[str]:
    """Yield the hrefs of elements whose rel has `token`."""
    return (e.get_attribute("href") or "" for name in names for e in named[name] if token in rel(e))


def rel(element: Any) -> list[str]:
    """Return the tokens of an element's rel attribute."""
    return (element.get_attribute("rel") or "").lower().split()


def resolved(references: Iterable[str], base: Url) -> Iterator[str]:
    """Yield the valid http URLs that references resolve to."""
    return (found.href for href in references if href.strip() and (found := normalise(href, base.href)))


def plain_clean(text: str) -> str:
    """Return the text cleaned: five substitutions, whatever the text."""
    text = re.sub("\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", text)
    text = re.sub(
        "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u180e\u202a-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb"
        "\ufffe\uffff\U000e0000-\U000e007f]|(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b",
        "",
        text,
    )
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    return re.sub("\n{3,}", "\n\n", re.sub(r"[^\S\n]+(?=\n|\Z)", "", text)).strip()


def plain_line(text: str, most: int) -> str | None:
    """Return the text cleaned, on one line, cut; None when nothing is left."""
    return re.sub(r"\s+", " ", plain_clean(text[: most * 4])).strip()[:most] or None


def plain_strangeness(text: str) -> float:
    """Return the share of strange characters: every pattern at every character."""
    sample = _sample(text)
    letters = len(re.findall(r"[^\x00-\x7f\s]", sample))
    strange = sum(map(len, re.findall(_STRANGE, sample)))
    small, capital = "[\u03ac-\u03ce\u0430-\u045f]", "[\u0386\u0388-\u03ab\u0400-\u042f]"
    flips, titles = len(re.findall(small + capital, sample)), len(re.findall(capital + small, sample))
    strange += len(re.findall(capital, sample)) if flips >= 3 and flips > titles else 0
    strange += sum(found not in common() for found in re.findall("[\u3400-\u9fff]", sample))
    return strange / letters if letters else 0.0


@cache
def common() -> frozenset[str]:
    """Return the ideographs that are not rare."""
    return _common_ideographs()


def plain_meta_charset(body: bytes) -> str | None:
    """Return the label that a meta element declares: the attributes of every one are read."""
    attribute = re.compile(rb"""([^\s=>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""")
    for tag in _COMMENT_OR_META.finditer(body[:PRESCAN_BYTES]):
        found = {m[1].lower(): m[2] or m[3] or m[4] or b"" for m in reversed(list(attribute.finditer(tag[1] or b"")))}
        named = found.get(b"charset", found.get(b"encoding"))
        label = None if named is None else named.decode("ascii", "replace")
        if named is None and found.get(b"http-equiv", b"").lower() == b"content-type":
            label = header_charset(found.get(b"content", b"").decode("ascii", "replace"))
        if canonical(label):
            return label
    return None
