"""Links between hosts: what one page votes for (link_counts.py adds it up over the pages of a file).

A page votes once for each (target host, flags), however many of its links say so. Links within a host are left out.
`a` and `area` elements carry their rel flags, and a page whose robots rules say nofollow makes all of them nofollow.
Canonical and hreflang links and redirects lead to the same owner's other addresses: they say who belongs together, not
who is worth reading. Technical links are what a page embeds or loads, or where its forms go: scripts, pictures, frames,
style sheets. They recommend nothing to a reader, so rel flags and robots rules do not bear on them; they are kept
because Common Crawl's web graphs count them as links like any other.
"""

import re
from collections.abc import Iterable
from enum import IntFlag
from functools import lru_cache
from typing import Final

from corpus.url import link_host, plain_host


class Flag(IntFlag):
    """What a link says of itself; the bits are stored."""

    NOFOLLOW = 1
    UGC = 2
    SPONSORED = 4
    SAME_OWNER = 8
    TECHNICAL = 16


_REL: Final = {"nofollow": int(Flag.NOFOLLOW), "ugc": int(Flag.UGC), "sponsored": int(Flag.SPONSORED)}
# References that a URL parser resolves to the host of the base: a query, a fragment, an absolute path, a relative path
# whose first segment has no colon; then schemes that lead to no host.
_WITHIN: Final = re.compile(r"[?#]|/(?![/\\\t\n\r])|[\w.%~-]+(?:[/?#]|\Z)", re.ASCII)
_ELSEWHERE: Final = re.compile(r"(?:javascript|mailto|tel|data):", re.IGNORECASE)
_BEYOND: Final = len("https://")
_SHORT: Final = 300
_AGENT: Final = re.compile(r"\s*(?!unavailable_after|max-)[\w*-]+\s*:", re.IGNORECASE)
_NOFOLLOW: Final = re.compile(r"(?:^|[\s,:])(?:nofollow|none)(?:$|[\s,])", re.IGNORECASE)


@lru_cache(maxsize=1 << 10)
def rel_flags(rel: str | None) -> int:
    """Return the flags of a rel attribute: `nofollow`, `ugc`, `sponsored`."""
    if not rel:
        return 0
    return sum({_REL[token] for token in rel.lower().split() if token in _REL})


def says_nofollow(meta: str | None, headers: Iterable[str] = ()) -> bool:
    """Say whether the robots meta elements or X-Robots-Tag headers of a page forbid to follow its links.

    A header that names a user agent (`somebot: nofollow`) speaks to that agent alone.
    """
    return any(_NOFOLLOW.search(value[:4096]) for value in (meta or "", *(h for h in headers if not _AGENT.match(h))))


def target_host(href: str, base: str, base_host: str) -> str | None:
    """Return the host a link leads to; `base` is the page's base URL, `base_host` that URL's host."""
    href = href.strip(" \t\n\r\f")
    end = href.find("/", _BEYOND)  # of the host, if it is a plain one; the path says nothing
    start = href[:end] if end > 0 else href
    if len(start) <= _SHORT and (found := _plain_host(start)):
        return found
    if not href or _WITHIN.match(href):
        return base_host
    return None if _ELSEWHERE.match(href) else link_host(href, base)


@lru_cache(maxsize=1 << 14)
def _plain_host(start: str) -> str | None:
    """Return the host that a reference begins with, if it is plain; most links of most pages lead to few hosts."""
    return plain_host(f"http:{start}" if start.startswith("//") else start)


def votes(
    anchors: Iterable[tuple[str, int]],
    owners: Iterable[str],
    resources: Iterable[str],
    *,
    host: str,
    base: str,
    base_host: str,
    nofollow: bool,
) -> list[tuple[str, int]]:
    """Return the distinct (target host, flags) of a page on `host`, sorted.

    `anchors` are (href, rel flags) of `a` and `area` elements, `owners` the hrefs of canonical and hreflang links,
    `resources` the references of technical links.
    """
    page_flags, same_owner, technical = int(Flag.NOFOLLOW) if nofollow else 0, int(Flag.SAME_OWNER), int(Flag.TECHNICAL)
    given = [(href, flags | page_flags) for href, flags in anchors]
    given += [(href, same_owner) for href in owners]
    given += [(reference, technical) for reference in resources]
    known: dict[str, str] = {}  # plain hosts by what references begin with: half of these lead where one before did
    found: set[tuple[str | None, int]] = set()
    for href, flags in given:
        end = href.find("/", _BEYOND)
        start = href[:end] if end > 0 else href
        target = known.get(start)
        if target is None:
            target = _plain_host(start) if len(start) <= _SHORT else None
            if target:
                known[start] = target
            else:
                target = target_host(href, base, base_host)
        found.add((target, flags))
    return sorted((target, flags) for target, flags in found if target and target != host)
