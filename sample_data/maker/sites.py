"""Read the written prose: one TOML file per site becomes a `Site` with its pages.

The prose is kept apart from its HTML so that the words can be reviewed as words, and so that one text can be
shown in several page frames, which is what a copied page on the real web looks like.
"""

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

TEMPLATES = ("plain", "blog", "news", "wiki", "shop")
CHARSET_PLACES = ("header", "meta", "both", "bom", "none")
UNSPACED = ("zh", "ja", "th", "lo", "km", "my")


@dataclass(frozen=True, kw_only=True)
class Page:
    """One written page; `case` names an odd way of delivering it (see `odd.py`)."""

    path: str
    title: str
    date: str
    text: str
    links: tuple[str, ...] = ()
    case: str = ""


@dataclass(frozen=True, kw_only=True)
class Site:
    """One host with its frame, its declared language and charset, its friends and its pages."""

    host: str
    language: str
    charset: str = "utf-8"
    charset_in: str = "header"
    template: str = "plain"
    friends: tuple[str, ...] = ()
    pages: tuple[Page, ...] = ()
    declared: bool = True
    name: str = ""
    topic: str = ""

    def url(self, path: str) -> str:
        return f"https://{self.host}{path}"

    def with_frame(self, template: str) -> "Site":
        return replace(self, template=template)


def site_name(host: str) -> str:
    """A readable name from a host: `harbour-almanac.example` gives `Harbour Almanac`."""
    label = host.removeprefix("www.").split(".")[0].removeprefix("headwater-sample-")
    return " ".join(word.capitalize() for word in label.split("-"))


def is_unspaced(language: str) -> bool:
    """Whether the language is written without spaces between words."""
    return language.partition("-")[0] in UNSPACED


def text_units(text: str, language: str) -> int:
    """Length in words, or in characters for scripts without spaces."""
    return len(re.sub(r"\s", "", text)) if is_unspaced(language) else len(text.split())


def _page(raw: dict[str, object]) -> Page:
    links = raw.get("links", [])
    if not isinstance(links, list):
        raise TypeError(f"{raw['path']}: links must be a list")
    return Page(
        path=str(raw["path"]),
        title=str(raw["title"]),
        date=str(raw["date"]),
        text=str(raw["text"]).strip() + "\n",
        links=tuple(str(link) for link in links),
        case=str(raw.get("case", "")),
    )


def load_site(file: Path) -> Site:
    """Read one site file and check the fields that the generator relies on."""
    raw = tomllib.loads(file.read_text(encoding="utf-8"))
    site = Site(
        host=raw["host"],
        language=raw["language"],
        charset=raw.get("charset", "utf-8"),
        charset_in=raw.get("charset_in", "header"),
        template=raw.get("template", "plain"),
        friends=tuple(raw.get("friends", [])),
        pages=tuple(_page(page) for page in raw["pages"]),
        declared=raw.get("declared", True),
        name=raw.get("name", site_name(raw["host"])),
        topic=raw.get("topic", ""),
    )
    if site.template not in TEMPLATES:
        raise ValueError(f"{file.name}: template {site.template!r} is none of {TEMPLATES}")
    if site.charset_in not in CHARSET_PLACES:
        raise ValueError(f"{file.name}: charset_in {site.charset_in!r} is none of {CHARSET_PLACES}")
    paths = [page.path for page in site.pages]
    if len(set(paths)) != len(paths) or not all(path.startswith("/") for path in paths):
        raise ValueError(f"{file.name}: every page needs its own path, starting with a slash")
    return site


def load_sites(folder: Path) -> list[Site]:
    """All sites, ordered by host."""
    sites = sorted((load_site(file) for file in folder.glob("*.toml")), key=lambda site: site.host)
    hosts = [site.host for site in sites]
    if len(set(hosts)) != len(hosts):
        raise ValueError("two site files name the same host")
    return sites
