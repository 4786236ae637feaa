"""URLs as browsers see them (WHATWG URL Standard, parsed by ada), their hosts and registered domains.

A registered domain is a public suffix plus one label, by the Public Suffix List with its private section, so
`a.github.io` and `b.github.io` are two, and by the hosting platforms of platforms.txt, which that list lacks, so
`a.weebly.com` and `b.weebly.com` are two as well; see Suffixes. IP addresses, single labels and malformed names have
none. Hosts are compared without the trailing dot of a fully qualified name: `Url.host` never ends in one, `Url.href`
keeps what was written.

Input comes from crawls: nothing here raises on it, whatever it holds. Lone surrogates become U+FFFD, as the standard
does for strings that are not Unicode text.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal, get_args

import ada_url
from publicsuffixlist import PSLFILE, PublicSuffixList

from corpus.errors import SettingError

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
# What punycode and is_domain leave alone and let pass, told in a tenth of their time.
_FINAL_LABEL: Final = r"(?!xn--)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_FINAL_FORM: Final = re.compile(rf"(?!.{{254}})(?:{_FINAL_LABEL}\.)+(?!(?:[0-9]+|0x[0-9a-f]*)\Z){_FINAL_LABEL}")


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


SuffixLevel = Literal["icann", "private", "platforms"]
"""What counts as a public suffix: the ICANN section of the Public Suffix List (suffixes of registries, as `co.uk`), its
private section as well (`github.io`), hosting platforms as well (`weebly.com`)."""


@dataclass(frozen=True, slots=True)
class Suffixes:
    """Which names have independent owners below them; `extra` are hosting platforms of the user's, at any level.

    A platform differs from a public suffix in one respect: it is a site itself. The registered domain of `weebly.com`
    and of `www.weebly.com` is `weebly.com`, while `github.io`, like `co.uk`, has none.
    """

    level: SuffixLevel = "platforms"
    extra: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        levels = get_args(SuffixLevel)
        if self.level not in levels:
            raise SettingError("Suffixes", "level", self.level, f"one of {', '.join(levels)}")
        for name in sorted(self.extra):
            if node_form(name) != name:
                raise SettingError("Suffixes", "extra", name, "a name of two labels or more, lower case, punycode")

    @property
    def platforms(self) -> frozenset[str]:
        """Names of the hosting platforms."""
        return _platforms(self)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules of the Public Suffix List that count, without the platforms: `co.uk`, `*.ck`, `!www.ck`."""
        return _rules(self.level == "icann")

    def registered_domain(self, host: str) -> str | None:
        """Return the suffix of a host plus one label, in punycode; None for IPs, suffixes and malformed names."""
        return _registered_domain(self, host) if len(host) <= 253 else None

    def is_suffix(self, host: str) -> bool:
        """Say whether a host is a suffix: other owners than its own have the names below it."""
        name = host if is_final(host) else punycode(host)
        return is_domain(f"x.{name}") and bool(_list(self).is_public(name))


PLATFORMS: Final = Suffixes()
"""What counts as a suffix unless somebody asks for less or more."""


def registered_domain(host: str) -> str | None:
    """Return the public suffix (or hosting platform) of a host plus one label, in punycode; see Suffixes."""
    return PLATFORMS.registered_domain(host)


def is_suffix(host: str) -> bool:
    """Say whether a host is a public suffix or a hosting platform."""
    return PLATFORMS.is_suffix(host)


@lru_cache(maxsize=1 << 15)
def _registered_domain(suffixes: Suffixes, host: str) -> str | None:
    name = node_form(host)
    suffix = _list(suffixes).publicsuffix(name) if name else None
    if not (name and isinstance(suffix, str)):
        return None
    label = name[: -len(suffix)].rstrip(".").rpartition(".")[2]
    if suffix in suffixes.platforms and label in ("", "www"):
        return suffix
    return f"{label}.{suffix}" if label else None


@lru_cache(maxsize=16)
def _list(suffixes: Suffixes) -> PublicSuffixList:
    return PublicSuffixList(source=(*suffixes.rules, *suffixes.platforms))


@lru_cache(maxsize=16)
def _platforms(suffixes: Suffixes) -> frozenset[str]:
    return suffixes.extra | listed_platforms() if suffixes.level == "platforms" else suffixes.extra


@cache
def _rules(only_icann: bool) -> tuple[str, ...]:
    text = Path(PSLFILE).read_text(encoding="utf-8")
    if only_icann:
        text = text.partition("===BEGIN ICANN DOMAINS===")[2].partition("===END ICANN DOMAINS===")[0]
    return tuple(line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("//"))


@cache
def listed_platforms() -> frozenset[str]:
    """Return the names of platforms.txt."""
    text = (resources.files("corpus") / "platforms.txt").read_text("utf-8")
    return frozenset(name for line in text.splitlines() if (name := line.partition("#")[0].strip()))


def is_final(host: str) -> bool:
    """Say whether a host is plainly its own graph form but for `www.`: a domain in lower case without punycode."""
    return _FINAL_FORM.fullmatch(host) is not None


def node_form(host: str) -> str | None:
    """Return a host in lower case punycode without trailing dot; None for IPs, single labels and malformed names."""
    if is_final(host):
        return host
    name = punycode(host)
    return name if is_domain(name) else None


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
