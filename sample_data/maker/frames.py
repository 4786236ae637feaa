"""Page frames: the menus, sidebars, scripts and footers that stand around an article on the real web.

Each frame differs in where the article lies and in how much stands around it, so an extractor that works on one of them
is not thereby shown to work on all.
"""

# ruff: noqa: E501  (HTML and CSS stand here as they are sent)

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

from maker.captures import hashed
from maker.sites import Site, site_name
from maker.wordlist import furniture


@dataclass(frozen=True, kw_only=True)
class View:
    """One page about to be framed: its site, its article HTML, and what the frame adds around it."""

    site: Site
    path: str
    title: str
    date: str
    article: str
    summary: str = ""
    siblings: tuple[tuple[str, str], ...] = ()
    head: str = ""
    before: str = ""
    after: str = ""
    body_attributes: str = ""
    comments: tuple[str, ...] = field(default=())
    charset_meta: str = ""
    ad: str = ""


CSS = {
    "plain": "body{font:17px/1.55 Georgia,serif;margin:2em auto;max-width:42em;color:#222}#menu a{margin-right:1em}"
    "#foot{border-top:1px solid #ccc;font-size:80%;color:#666}h1{font-weight:normal}",
    "blog": ":root{--ink:#1b1f24;--accent:#9a3b1b}*{box-sizing:border-box}body{margin:0;font-family:system-ui,sans-serif;"
    "color:var(--ink)}.wrap{display:grid;grid-template-columns:minmax(0,1fr) 18rem;gap:2rem;max-width:70rem;margin:auto}"
    ".post-meta{color:#667;font-size:.9rem}.side{font-size:.9rem}.comment{border-left:3px solid #dde;padding-left:1rem}",
    "news": "body{margin:0;font-family:Arial,Helvetica,sans-serif}.bar{background:#0b2a4a;color:#fff;padding:.5rem 1rem}"
    ".bar a{color:#fff;text-decoration:none;margin-right:1.2rem}.grid{display:flex;max-width:76rem;margin:auto}"
    ".story{flex:3;padding:1rem}.rail{flex:1;padding:1rem;background:#f4f4f4}.ad{min-height:90px;background:#eee}",
    "wiki": "body{font-family:sans-serif;background:#f6f6f6;margin:0}#mw-panel{float:left;width:11em;padding:1em;font-size:.8em}"
    "#content{margin-left:12em;background:#fff;border:1px solid #a7d7f9;padding:1.25em}#toc{border:1px solid #aaa;padding:.5em}"
    ".catlinks{border:1px solid #aaa;padding:5px;margin-top:1em;clear:both}",
    "shop": "body{font-family:Verdana,sans-serif;font-size:14px;margin:0}.top{background:#2d4a3e;color:#fff;padding:8px 16px}"
    ".crumbs{font-size:12px;padding:8px 16px;color:#555}.product{display:flex;gap:24px;padding:16px}.buy{border:1px solid #ccc;"
    "padding:12px;width:200px}.strip{background:#fafafa;padding:16px;display:flex;gap:12px}",
}

SCRIPT = (
    "(function(){var s=document.createElement('script');s.async=1;s.src='/assets/%s.js?v=%d';"
    "document.head.appendChild(s);window.dataLayer=window.dataLayer||[];"
    "function gtag(){dataLayer.push(arguments);}gtag('set',{page:%s,lang:%s});})();"
)


def _head(view: View) -> str:
    site = view.site
    version = hashed("asset", site.host) % 900 + 100
    linked = {"@context": "https://schema.org", "@type": "Article", "headline": view.title, "datePublished": view.date}
    script = SCRIPT % (site.template, version, json.dumps(view.path), json.dumps(site.language))
    lines = [
        view.charset_meta,
        f"<title>{escape(view.title)} | {escape(site.name)}</title>",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="description" content="{escape(view.summary)}">' if view.summary else "",
        f'<meta property="og:title" content="{escape(view.title)}">' if site.template in ("blog", "news") else "",
        f'<link rel="stylesheet" href="/assets/{site.template}.{version}.css">',
        view.head,
        f"<style>{CSS[site.template]}</style>",
        f'<script type="application/ld+json">{json.dumps(linked)}</script>'
        if site.template in ("blog", "news")
        else "",
        f"<script>{script}</script>",
    ]
    return "\n".join(line for line in lines if line)


def _friend_items(view: View, rel: str = "") -> str:
    attribute = f' rel="{rel}"' if rel else ""
    return "\n".join(
        f'<li><a href="https://{host}/"{attribute}>{escape(site_name(host))}</a></li>' for host in view.site.friends
    )


def _sibling_items(view: View, most: int) -> str:
    start = hashed("siblings", view.site.host, view.path) % max(1, len(view.siblings))
    turned = view.siblings[start:] + view.siblings[:start]
    chosen = [(path, title) for path, title in turned if path != view.path][:most]
    return "\n".join(f'<li><a href="{escape(path)}">{escape(title)}</a></li>' for path, title in chosen)


def _comments(view: View) -> str:
    if not view.comments:
        return ""
    items = "\n".join(f'<div class="comment">{comment}</div>' for comment in view.comments)
    return f'<section id="comments" class="comments"><h3>{furniture(view.site.language)["comments"]}</h3>\n{items}\n</section>'


def _plain(view: View, w: dict[str, str]) -> str:
    return f"""<div id="menu"><a href="/">{w["home"]}</a> <a href="/about.html">{w["about"]}</a> <a href="/contact.html">{w["contact"]}</a></div>
<div id="content" class="page-text">
<h1>{escape(view.title)}</h1>
{view.article}
</div>
<div id="more"><b>{w["related"]}</b><ul>
{_sibling_items(view, 3)}
</ul></div>
<div id="foot"><ul>
{_friend_items(view)}
</ul><p>{view.date} &middot; {escape(view.site.name)}</p></div>"""


def _blog(view: View, w: dict[str, str]) -> str:
    return f"""<a class="skip" href="#main" hidden>&darr;</a>
<header class="site-head"><p class="logo"><a href="/">{escape(view.site.name)}</a></p>
<nav><ul><li><a href="/">{w["home"]}</a></li><li><a href="/about/">{w["about"]}</a></li><li><a href="/contact/">{w["contact"]}</a></li>
<li><form action="/search" role="search"><input name="q" placeholder="{w["search"]}"><button>{w["search"]}</button></form></li></ul></nav></header>
<div class="wrap"><main id="main"><article class="post">
<header><h1 class="post-title">{escape(view.title)}</h1><p class="post-meta"><time datetime="{view.date}">{view.date}</time></p></header>
<div class="post-content">
{view.article}
</div>
<footer class="post-share"><span>{w["share"]}</span> <a href="#" rel="nofollow">Mail</a> <a href="#" rel="nofollow">Feed</a></footer>
</article>
{_comments(view)}
</main>
<aside class="side"><h3>{w["related"]}</h3><ul>
{_sibling_items(view, 5)}
</ul><h3>Blogroll</h3><ul class="blogroll">
{_friend_items(view)}
</ul><form class="newsletter" action="/subscribe"><label>{w["letter"]}</label><input type="email" name="e"></form></aside></div>
<footer class="site-foot"><p>&copy; 2025 {escape(view.site.name)}. {w["rights"]}.</p></footer>"""


def _news(view: View, w: dict[str, str]) -> str:
    return f"""<div id="cookie-banner" class="cookie" role="dialog"><p>{w["cookie"]}</p><button>OK</button></div>
<div class="bar"><a href="/">{escape(view.site.name)}</a><a href="/about">{w["about"]}</a><a href="/contact">{w["contact"]}</a><a href="/search">{w["search"]}</a></div>
<div class="grid"><main class="story"><article itemscope itemtype="https://schema.org/NewsArticle">
<h1 itemprop="headline">{escape(view.title)}</h1>
<div class="byline"><time itemprop="datePublished" datetime="{view.date}">{view.date}</time></div>
<div itemprop="articleBody" class="article-body">
{view.article}
</div>
</article>
<div class="ad" aria-hidden="true"><!-- slot {hashed("slot", view.path) % 9000 + 1000} -->{view.ad}</div>
{_comments(view)}
</main><aside class="rail"><h2>{w["related"]}</h2><ol>
{_sibling_items(view, 6)}
</ol></aside></div>
<footer><ul class="partners">
{_friend_items(view)}
</ul><p>&copy; 2025 {escape(view.site.name)} &middot; {w["rights"]} &middot; <a href="/privacy" rel="nofollow">Cookies</a></p></footer>"""


def _wiki(view: View, w: dict[str, str]) -> str:
    return f"""<div id="content" class="mw-body" role="main">
<h1 id="firstHeading" class="firstHeading">{escape(view.title)}</h1>
<div id="bodyContent"><div id="mw-content-text" class="mw-parser-output">
{view.article}
</div>
<div class="catlinks"><a href="/index">{w["related"]}</a>: <ul>
{_sibling_items(view, 6)}
</ul></div></div></div>
<div id="mw-panel" role="navigation"><ul><li><a href="/">{w["home"]}</a></li><li><a href="/about">{w["about"]}</a></li><li><a href="/contact">{w["contact"]}</a></li></ul>
<form action="/search"><input name="search" title="{w["search"]}"></form><ul>
{_friend_items(view)}
</ul></div>
<div id="footer" role="contentinfo"><ul><li>{view.date}</li><li>{escape(view.site.name)}</li></ul></div>"""


def _shop(view: View, w: dict[str, str]) -> str:
    price = hashed("price", view.site.host, view.path) % 80 + 9
    return f"""<div class="top"><a href="/">{escape(view.site.name)}</a> <a href="/cart" rel="nofollow">Cart (0)</a> <a href="/contact">{w["contact"]}</a></div>
<div class="crumbs"><a href="/">{w["home"]}</a> &rsaquo; {escape(view.title)}</div>
<div class="product"><div class="gallery"><img src="/img/{hashed("image", view.path) % 999}.jpg" alt="" width="320" height="320"></div>
<div class="description"><h1>{escape(view.title)}</h1>
{view.article}
</div>
<div class="buy"><span class="price">{price}.00</span><button>+</button></div></div>
<div class="strip"><h3>{w["related"]}</h3><ul>
{_sibling_items(view, 4)}
</ul></div>
<footer><p>{w["letter"]}</p><ul>
{_friend_items(view)}
</ul><p>&copy; 2025 {escape(view.site.name)}. {w["rights"]}.</p></footer>"""


_FRAMES: dict[str, Callable[[View, dict[str, str]], str]] = {
    "plain": _plain,
    "blog": _blog,
    "news": _news,
    "wiki": _wiki,
    "shop": _shop,
}


def render(view: View) -> str:
    """The whole HTML page."""
    site = view.site
    language = f' lang="{site.language}"' if site.declared else ""
    direction = ' dir="rtl"' if site.language.split("-")[0] in ("ar", "fa", "he", "ur") else ""
    body = _FRAMES[site.template](view, furniture(site.language))
    return (
        f"<!DOCTYPE html>\n<html{language}{direction}>\n<head>\n{_head(view)}\n</head>\n"
        f"<body{view.body_attributes}>\n{view.before}{body}\n{view.after}</body>\n</html>\n"
    )
