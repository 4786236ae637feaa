"""What a page says of its own use: robots directives and licence, as columns that thresholds can use.

Robots directives come from the X-Robots-Tag header and from robots meta elements. A directive addressed to one named
crawler (`googlebot: noindex`) counts like one to all: an opt-out is read widely. `none` means noindex and nofollow.
`noai` and `noimageai` are a convention (DeviantArt 2022), not a standard.
"""

import re
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

ROBOTS: Final = "noindex", "nofollow", "noarchive", "nosnippet", "noai", "noimageai"

FLAG_FIELDS: Final = (
    *((name, pa.bool_(), f"robots directive {name}, from the header or a meta element") for name in ROBOTS),
    ("licence", pa.string(), "licence: cc-by-4.0 and the like, public-domain, other; null when no licence is linked"),
)
"""Name, type and meaning of each column."""

_TOKEN: Final = re.compile(r"[^\s,;:]+")
_CC: Final = re.compile(r"creativecommons\.org/(licenses|publicdomain)/([a-z-]+)(?:/(\d\.\d))?", re.IGNORECASE)
_PUBLIC: Final = {"zero": "cc0", "mark": "public-domain"}


def robots(*values: str | None) -> dict[str, bool]:
    """Return which directives stand in the given header and meta values."""
    found = {token.lower() for value in values if value for token in _TOKEN.findall(value)}
    if "none" in found:
        found |= {"noindex", "nofollow"}
    return {name: name in found for name in ROBOTS}


def licence(links: Sequence[str]) -> str | None:
    """Return the licence that a page links to; the first Creative Commons one when there are several."""
    for link in links:
        match = _CC.search(link)
        if match:
            kind, name, version = match.group(1).lower(), match.group(2).lower(), match.group(3)
            code = f"cc-{name}" if kind == "licenses" else _PUBLIC.get(name, "public-domain")
            return f"{code}-{version}" if version and code != "public-domain" else code
    return "other" if links else None


def flags(http_robots: str | None, meta_robots: str | None, licences: Sequence[str]) -> dict[str, bool | str | None]:
    """Return the flag columns of one document."""
    return {**robots(http_robots, meta_robots), "licence": licence(licences)}
