"""Pages delivered in an odd way.

A written page whose `case` names one of `CASES` keeps its prose and is sent with that oddity.
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import replace

from maker.body import article_html
from maker.build import encode, good_kind, label_for, page_capture, page_html
from maker.captures import Capture
from maker.sites import Page, Site
from maker.warc import brotli_stream, gzip_member


def _plain(site: Site, page: Page) -> Capture:
    return page_capture(site, page, label_for(site, good_kind(page, site)))


def _noted(capture: Capture, note: str, kind: str = "") -> Capture:
    return replace(capture, label=replace(capture.label, note=note, kind=kind or capture.label.kind))


def _headed(site: Site, page: Page, head: str, note: str, kind: str = "") -> Capture:
    data, content_type = encode(page_html(site, page, head=head), site)
    label = label_for(site, kind or good_kind(page, site), note=note)
    return Capture(url=site.url(page.path), body=data, content_type=content_type, label=label)


def _coded(name: str, packer: Callable[[bytes], bytes]) -> Callable[[Site, Page], Capture]:
    def make(site: Site, page: Page) -> Capture:
        plain = _plain(site, page)
        extra = (("Content-Encoding", name),)
        return _noted(replace(plain, body=packer(plain.body), extra=extra), f"content coding {name}")

    return make


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def _chunked(site: Site, page: Page) -> Capture:
    return _noted(replace(_plain(site, page), chunked=True), "chunked transfer coding")


def _chunked_gzip(site: Site, page: Page) -> Capture:
    plain = _plain(site, page)
    packed = replace(plain, body=gzip_member(plain.body), extra=(("Content-Encoding", "gzip"),), chunked=True)
    return _noted(packed, "gzip in chunks")


def _noindex_meta(site: Site, page: Page) -> Capture:
    return _headed(site, page, '<meta name="robots" content="noindex">', "meta robots noindex", "noindex")


def _noindex_header(site: Site, page: Page) -> Capture:
    capture = replace(_plain(site, page), extra=(("X-Robots-Tag", "noindex, noarchive"),))
    return _noted(capture, "X-Robots-Tag noindex", "noindex")


def _nofollow_meta(site: Site, page: Page) -> Capture:
    return _headed(site, page, '<META NAME="ROBOTS" CONTENT="NOFOLLOW">', "meta robots nofollow", "nofollow")


def _nofollow_header(site: Site, page: Page) -> Capture:
    capture = replace(_plain(site, page), extra=(("X-Robots-Tag", "nofollow"),))
    return _noted(capture, "X-Robots-Tag nofollow", "nofollow")


def _base_href(site: Site, page: Page) -> Capture:
    head = '<base href="https://harbour-almanac.example/tides/">'
    article = (
        article_html(page.text, (), site.language, site.host)
        + '\n<p><a href="neap.html">The page on neap tides</a></p>'
    )
    data, content_type = encode(page_html(site, page, head=head, article=article), site)
    label = label_for(site, good_kind(page, site), note="base href on another host; neap.html resolves against it")
    return Capture(url=site.url(page.path), body=data, content_type=content_type, label=label)


def _canonical(site: Site, page: Page) -> Capture:
    head = f'<link rel="canonical" href="{site.url(page.path)}">'
    capture = _headed(site, page, head, "canonical link to the address without parameters")
    return replace(capture, url=site.url(page.path) + "?utm_source=letter&utm_medium=email")


def _hreflang(site: Site, page: Page) -> Capture:
    head = "\n".join(
        f'<link rel="alternate" hreflang="{language}" href="https://www.{site.host}/{language}{page.path}">'
        for language in ("de", "fr", "ja")
    )
    return _headed(site, page, head, "hreflang links to three other languages")


def _licence(site: Site, page: Page) -> Capture:
    deed = "https://creativecommons.org/licenses/by-sa/4.0/"
    after = f'<p class="licence"><a rel="license" href="{deed}">CC BY-SA 4.0</a></p>\n'
    data, content_type = encode(page_html(site, page, after=after), site)
    label = label_for(site, good_kind(page, site), note="Creative Commons licence link")
    return Capture(url=site.url(page.path), body=data, content_type=content_type, label=label)


def _rel_links(site: Site, page: Page) -> Capture:
    after = (
        '<ul><li><a href="https://spin-bonus-club.example/bonus-1.html" rel="nofollow">one</a></li>'
        '<li><a href="https://pill-depot-now.example/discount-1.html" rel="ugc">two</a></li>'
        '<li><a href="https://lamp-offers-best.example/" rel="sponsored noopener">three</a></li></ul>\n'
        '<map name="m"><area href="https://plain-measure.example/" shape="default" alt=""></map>\n'
    )
    data, content_type = encode(page_html(site, page, after=after), site)
    label = label_for(
        site, good_kind(page, site), note="one link each of nofollow, ugc, sponsored, and an area element"
    )
    return Capture(url=site.url(page.path), body=data, content_type=content_type, label=label)


def _lying_header(site: Site, page: Page) -> Capture:
    capture = replace(_plain(site, page), content_type="text/html; charset=utf-8")
    return _noted(capture, "the header says utf-8, the bytes are not; the meta element is right", "good")


def _latin_header(site: Site, page: Page) -> Capture:
    capture = replace(_plain(site, page), content_type="text/html; charset=iso-8859-1")
    return _noted(
        capture, "the header says iso-8859-1, the bytes are utf-8: read by the header it is legible but wrong"
    )


def _no_charset(site: Site, page: Page) -> Capture:
    data, _ = encode(page_html(replace(site, charset_in="none"), page), site)
    label = label_for(site, good_kind(page, site), note="no charset declared anywhere")
    return Capture(url=site.url(page.path), body=data, content_type="text/html", label=label)


def _huge_attribute(site: Site, page: Page) -> Capture:
    state = json.dumps({"k": list(range(60_000))}).replace('"', "&quot;")
    capture = page_html(site, page, before=f'<div id="app-state" data-state="{state}"></div>\n')
    data, content_type = encode(capture, site)
    label = label_for(site, good_kind(page, site), note="one attribute of several hundred kilobytes")
    return Capture(url=site.url(page.path), body=data, content_type=content_type, label=label)


def _deep_nesting(site: Site, page: Page) -> Capture:
    depth = 3000
    after = "<div>" * depth + "<span>bottom</span>" + "</div>" * depth + "\n"
    data, content_type = encode(page_html(site, page, after=after), site)
    label = label_for(site, good_kind(page, site), note=f"{depth} nested elements after the article")
    return Capture(url=site.url(page.path), body=data, content_type=content_type, label=label)


def _control_characters(site: Site, page: Page) -> Capture:
    dirty = (
        page.text.replace(" a ", " a\x07 ")
        .replace(". ", ".\x0b ")
        .replace(" the ", " the\x1b[0m ", 2)
        .replace("and", "an\x00d", 1)
    )
    data, content_type = encode(page_html(site, page, article=article_html(dirty, (), site.language, site.host)), site)
    label = label_for(site, good_kind(page, site), note="bell, vertical tab, escape and null characters in the text")
    return Capture(url=site.url(page.path), body=data, content_type=content_type, label=label)


def _warc_truncated(site: Site, page: Page) -> Capture:
    plain = _plain(site, page)
    cut = plain.body[: int(len(plain.body) * 0.75)]
    capture = replace(plain, body=cut, warc_extra=(("WARC-Truncated", "length"),))
    return _noted(capture, "cut by the crawler and marked so: the record itself is whole")


def _tag_soup(site: Site, page: Page) -> Capture:
    article = article_html(page.text, page.links, site.language, site.host)
    soup = article.replace("</p>", "").replace("<p>", "<P>").replace("</li>", "")
    html = (
        f"<HTML><HEAD><TITLE>{page.title}</TITLE></HEAD><BODY BGCOLOR=white><TABLE WIDTH=600><TR><TD VALIGN=top>"
        f"<A HREF=/>up</A><BR><A HREF=index.htm>list</A><TD><FONT FACE=Arial><H1>{page.title}</H1>{soup}<HR></TABLE>"
    )
    label = label_for(site, good_kind(page, site), note="tag soup: capitals, bare attributes, nothing closed")
    return Capture(url=site.url(page.path), body=html.encode(site.charset), label=label)


def _xhtml(site: Site, page: Page) -> Capture:
    capture = replace(_plain(site, page), content_type="application/xhtml+xml; charset=utf-8")
    return _noted(capture, "application/xhtml+xml")


CASES: dict[str, Callable[[Site, Page], Capture]] = {
    "gzip": _coded("gzip", gzip_member),
    "deflate": _coded("deflate", lambda data: zlib.compress(data, 9)),
    "raw_deflate": _coded("deflate", _raw_deflate),
    "br": _coded("br", brotli_stream),
    "chunked": _chunked,
    "chunked_gzip": _chunked_gzip,
    "noindex_meta": _noindex_meta,
    "noindex_header": _noindex_header,
    "nofollow_meta": _nofollow_meta,
    "nofollow_header": _nofollow_header,
    "base_href": _base_href,
    "canonical": _canonical,
    "hreflang": _hreflang,
    "licence": _licence,
    "rel_links": _rel_links,
    "lying_header": _lying_header,
    "latin_header": _latin_header,
    "no_charset": _no_charset,
    "huge_attribute": _huge_attribute,
    "deep_nesting": _deep_nesting,
    "control_characters": _control_characters,
    "warc_truncated": _warc_truncated,
    "tag_soup": _tag_soup,
    "xhtml": _xhtml,
}


def site_capture(site: Site, page: Page) -> Capture:
    """A written page, delivered as its case says."""
    if page.case and page.case not in CASES:
        raise ValueError(f"{site.host}{page.path}: case {page.case!r} is none of {sorted(CASES)}")
    return CASES.get(page.case, _plain)(site, page)
