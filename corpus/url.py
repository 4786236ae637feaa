"""URLs as browsers see them (WHATWG URL Standard, parsed by ada), their hosts and registered domains.

A registered domain is a public suffix plus one label, by the Public Suffix List with its private section, so
`a.github.io` and `b.github.io` are two. IP addresses, single labels and malformed names have none. Hosts are compared
without the trailing dot of a fully qualified name: `Url.host` never ends in one, `Url.href` keeps what was written.

Input comes from crawls: nothing here raises on it, whatever it holds. Lone surrogates become U+FFFD, as the standard
does for strings that are not Unicode text.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import ada_url
from publicsuffixlist import PublicSuffixList

MAX_URL: Final = 32_768
"""Longest URL taken, in characters; longer ones hold data, not addresses."""

# A host that the standard leaves as it is: ASCII letters, digits, "-" and "_" in at least two labels, the last one not
# a number (it would be an IPv4 address), none of them punycode (which is validated); then the end of the authority.
_PLAIN_HOST: Final = re.compile(
    r"https?://((?!xn--)[a-z0-9_-]+(?:\.(?!xn--)[a-z0-9_-]+)*\.(?!xn--)[a-z_-][a-z0-9_-]*)(?=[/?#\\]|\Z)",
    re.IGNORECASE | re.ASCII,
)
_LABEL: Final = re.compile(r"(?=.{1,63}\Z)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?", re.IGNORECASE | re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE | re.ASCII)
_NOT_IN_HOST: Final = frozenset("/\\?#@")


@dataclass(frozen=True, slots=True)
class Url:
    """An http or https URL: normalised, without fragment."""

    href: str
    host: str

    @property
    def registered_domain(self) -> str | None:
        """Registered domain of its host, or None."""
        return registered_domain(self.host)


def normalise(url: str, base: str | None = None) -> Url | None:
    """Return `url`, resolved against `base` when given, or None unless it is a valid http or https URL."""
    parsed = _parse(url, base)
    if parsed is None or parsed.protocol not in ("http:", "https:"):
        return None
    if "#" in url:
        del parsed.hash
    host = parsed.hostname.removesuffix(".")
    return Url(parsed.href, host) if host else None


def plain_host(url: str) -> str | None:
    """Return the host of an absolute http or https URL if it is so plain that no parser has to look at it, or None."""
    plain = _PLAIN_HOST.match(url) if len(url) <= MAX_URL else None
    return plain[1].lower() if plain else None


def link_host(url: str, base: str) -> str | None:
    """Return the host that `url` on a page with base URL `base` leads to: `normalise(url, base).host`, but faster."""
    if plain := plain_host(url):
        return plain
    found = normalise(url, base)
    return found.host if found else None


def _parse(url: str, base: str | None) -> ada_url.URL | None:
    if len(url) > MAX_URL:
        return None
    try:
        return ada_url.URL(_scalar(url), None if base is None else _scalar(base))
    except (ValueError, UnicodeError):
        return None


def _scalar(text: str) -> str:
    """Return the text with lone surrogates replaced, as in the standard's USVString."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_ip(host: str) -> bool:
    """Say whether a host is an IP address in any spelling the standard knows: dotted, octal, hex, short, IPv6."""
    if not host or not _NOT_IN_HOST.isdisjoint(host):
        return False
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    parsed = _parse(f"http://{host}/", None)
    return parsed is not None and parsed.host_type != ada_url.HostType.DEFAULT


def punycode(host: str) -> str:
    """Return a host in lower case ASCII (IDN labels as punycode) without trailing dot, or "" when it cannot be one."""
    if not host or not _NOT_IN_HOST.isdisjoint(host):
        return ""
    parsed = _parse(f"http://{host}/", None)
    return "" if parsed is None or parsed.port else parsed.hostname.removesuffix(".")


def registered_domain(host: str) -> str | None:
    """Return the public suffix of a host plus one label, in punycode; None for IPs, suffixes and malformed names."""
    return _registered_domain(host) if len(host) <= 253 else None


@lru_cache(maxsize=1 << 15)
def _registered_domain(host: str) -> str | None:
    name = punycode(host)
    if not is_domain(name):
        return None
    found = _suffixes().privatesuffix(name)
    return found if isinstance(found, str) else None


def is_domain(host: str) -> bool:
    """Say whether an ASCII host is a well-formed name of two labels or more: not an IP, labels to 63, whole to 253."""
    labels = host.split(".") if len(host) <= 253 else []
    well_formed = len(labels) >= 2 and all(_LABEL.fullmatch(label) for label in labels)
    return well_formed and not _NUMBER.fullmatch(labels[-1])


def www_normalised(host: str) -> str:
    """Return a host without a leading `www.` where at least two labels remain: `www.example.org` is `example.org`.

    A host such as `www.com`, where `www` is the name itself, stays. The rule is Common Crawl's for its host graphs.
    """
    return host[4:] if host.startswith("www.") and host.count(".") >= 2 else host


def graph_host(host: str) -> str | None:
    """Return the host graph's node for a host: www-normalised punycode; None for IPs and single labels."""
    name = punycode(host)
    return www_normalised(name) if is_domain(name) else None


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=False)
