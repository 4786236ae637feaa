"""From a written page to a capture: article HTML, frame, charset, label."""

import codecs
import re
from html import escape

from maker.body import article_html, blocks, plain_text
from maker.captures import Capture, Label, hashed
from maker.frames import View, render
from maker.sites import Page, Site, is_unspaced, text_units

CODECS = {"windows-874": "cp874", "tis-620": "cp874"}
BOMS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
WEB_NAMES = {"cp874": "windows-874", "utf-16-le": "utf-16le", "utf-16-be": "utf-16be"}

REMARKS = (
    "This answered a question I had carried around for years. Thank you.",
    "Small thing: the second step took me longer than you say, but it worked.",
    "We do it slightly differently here, and I never knew why until now.",
    "Could you add a drawing? The words are clear, but I think in pictures.",
)
SPAM_REMARKS = (
    ("Very nice post, visit my site for best lamp offers", "https://lamp-offers-best.example/"),
    ("Great info!! cheap pills no prescription", "https://pill-depot-now.example/discount-1.html"),
    ("I earn daily with this", "https://spin-bonus-club.example/bonus-1.html"),
)


def summary(page: Page, language: str) -> str:
    """The first sentence, for indexes and descriptions."""
    first = next((block for block in blocks(plain_text(page.text)) if block), "")
    flat = ("" if is_unspaced(language) else " ").join(line.strip() for line in first.split("\n"))
    found = re.match(r".{20,160}?[.!?。！？।؟](?=\s|$|\S)", flat)
    return found.group(0) if found and (is_unspaced(language) or len(found.group(0)) > 30) else flat[:120]


def siblings(site: Site) -> tuple[tuple[str, str], ...]:
    return tuple((page.path, page.title) for page in site.pages)


def good_kind(page: Page, site: Site) -> str:
    """`short` for pages that are legitimate and brief, else `good`."""
    least = 160 if is_unspaced(site.language) else 80
    return "short" if text_units(plain_text(page.text), site.language) < least else "good"


def encode(html: str, site: Site) -> tuple[bytes, str]:
    """The page's bytes and its Content-Type header, the charset declared where the site declares it."""
    web = WEB_NAMES.get(site.charset, site.charset)
    data = html.encode(CODECS.get(site.charset, site.charset), errors="xmlcharrefreplace")
    if site.charset_in == "bom":
        data = BOMS[site.charset] + data
    declared = site.charset_in in ("header", "both")
    return data, f"text/html; charset={web}" if declared else "text/html"


def charset_meta(site: Site) -> str:
    """The meta element, in the old or the new spelling."""
    if site.charset_in not in ("meta", "both"):
        return ""
    web = WEB_NAMES.get(site.charset, site.charset)
    if hashed("meta", site.host) % 2:
        return f'<meta charset="{web}">'
    return f'<meta http-equiv="Content-Type" content="text/html; charset={web}">'


def _comments(site: Site, page: Page) -> tuple[str, ...]:
    """Readers' remarks below some blog pages, now and then with a spammer's link that the blog marks as not its own."""
    draw = hashed("comments", site.host, page.path)
    if site.template != "blog" or site.language != "en" or draw % 2:
        return ()
    remarks = [f"<p>{escape(REMARKS[draw % len(REMARKS)])}</p>"]
    if draw % 3 == 0:
        words, link = SPAM_REMARKS[(draw // 8) % len(SPAM_REMARKS)]
        remarks.append(f'<p>{escape(words)} <a href="{link}" rel="ugc nofollow">{link[8:30]}</a></p>')
    return tuple(remarks)


def _ad(site: Site, page: Page) -> str:
    """A paid link, marked as such, on some news pages."""
    if site.template != "news" or hashed("ad", site.host, page.path) % 3:
        return ""
    return '<a href="https://lamp-offers-best.example/" rel="sponsored">Lamps, advertisement</a>'


def page_html(
    site: Site,
    page: Page,
    *,
    head: str = "",
    before: str = "",
    after: str = "",
    article: str = "",
    body_attributes: str = "",
) -> str:
    """The page in its site's frame; `article` replaces the article's HTML where the markup does not suffice."""
    view = View(
        site=site,
        path=page.path,
        title=page.title,
        date=page.date,
        article=article or article_html(page.text, page.links, site.language, site.host),
        summary=summary(page, site.language),
        siblings=siblings(site),
        head=head,
        before=before,
        after=after,
        body_attributes=body_attributes,
        comments=_comments(site, page),
        charset_meta=charset_meta(site),
        ad=_ad(site, page),
    )
    return render(view)


def label_for(site: Site, kind: str, **fields: object) -> Label:
    return Label(kind=kind, language=site.language, charset=site.charset, **fields)  # type: ignore[arg-type]


def page_capture(site: Site, page: Page, label: Label, file: str = "") -> Capture:
    """A page delivered in the ordinary way."""
    data, content_type = encode(page_html(site, page), site)
    return Capture(url=site.url(page.path), body=data, content_type=content_type, label=label, file=file)


def index_capture(site: Site) -> Capture:
    """The site's front page: a list of its pages with their first sentences, and its friends."""
    items = "\n".join(
        f'<li><a href="{escape(page.path)}">{escape(page.title)}</a><br>{escape(summary(page, site.language))}</li>'
        for page in site.pages
    )
    front = Page(path="/", title=site.name, date="2025-09-30", text=site.topic or site.name)
    lead = f"<p>{escape(site.topic)}</p>\n" if site.topic else ""
    data, content_type = encode(page_html(site, front, article=f'{lead}<ul class="pages">\n{items}\n</ul>'), site)
    return Capture(url=site.url("/"), body=data, content_type=content_type, label=label_for(site, "index"))
