"""Exact and near copies of good pages on other hosts, each near copy at a computed Jaccard similarity.

Every copy has a source of its own: two copies of one page at 0.7 may well be at 0.9 to each other, and then a correct
deduplicator joins what the labels call apart.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from maker.body import blocks, plain_text
from maker.build import good_kind, label_for, page_capture
from maker.captures import Capture, hashed
from maker.sites import Page, Site, is_unspaced, text_units

TARGETS = (0.95, 0.9, 0.85, 0.7, 0.5)
ENGLISH_PER_TARGET = 4
OTHER_TARGETS = {"de": (0.9, 0.7), "es": (0.9, 0.7), "ru": (0.9, 0.7), "ja": (0.9, 0.7)}
EXACT = {"en": 9, "zh": 3, "de": 1, "ru": 1, "es": 1, "ja": 1, "ar": 1, "fr": 1, "hi": 1}
HUBS = ("harbour-almanac.example", "plain-measure.example")
MIRRORS = (
    Site(host="reading-mirror.example", language="en", template="news", friends=HUBS, name="Reading Mirror"),
    Site(host="page-parrot.example", language="en", template="blog", friends=HUBS[:1], name="Page Parrot"),
    Site(host="headwater-sample-mirror.github.io", language="en", template="plain", friends=HUBS[1:], name="Mirror"),
    Site(host="text-gather.example", language="en", template="wiki", friends=HUBS, name="Text Gather"),
)
CLOSERS = (
    "Reprinted with thanks.",
    "Shown here so that it is not lost.",
    "We keep this page for readers who ask for it often.",
    "Taken over from a page we like; please read the rest of that site too.",
    "The drawings that stood beside the text are left out here, since we could not reach their maker.",
)


@dataclass(frozen=True)
class Source:
    site: Site
    page: Page


def shingles(text: str, language: str) -> set[str]:
    """Word 5-grams of the lower-cased words, or character 5-grams for scripts without spaces."""
    words = re.findall(r"\w+", text.lower())
    units = list("".join(words)) if is_unspaced(language) else words
    return {"\x1f".join(units[at : at + 5]) for at in range(len(units) - 4)}


def jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


def _sentences(block: str, language: str) -> list[str]:
    flat = ("" if is_unspaced(language) else " ").join(line.strip() for line in block.split("\n"))
    pattern = r"(?<=[。！？])(?![”」』）])|(?<=[。！？][”」』）])" if is_unspaced(language) else r"(?<=[.!?])\s+"
    return [part for part in re.split(pattern, flat) if part]


def _is_prose(block: str) -> bool:
    return not block.startswith(("## ", "- ", "    "))


def _pieces(text: str, language: str) -> list[list[str]]:
    """Blocks as lists of sentences; headings, lists and code stay whole."""
    return [_sentences(block, language) if _is_prose(block) else [block] for block in blocks(text)]


def _together(pieces: list[list[str]], language: str) -> str:
    space = "" if is_unspaced(language) else " "
    return "\n\n".join(space.join(piece) for piece in pieces if piece) + "\n"


def _edits(pieces: list[list[str]], donors: list[str]) -> list[list[list[str]]]:
    """Every text that one edit gives: a sentence left out, or one set in."""
    out = []
    for at, piece in enumerate(pieces):
        if not piece or not _is_prose(piece[0]):
            continue
        for place in range(len(piece)):
            out.append([*pieces[:at], piece[:place] + piece[place + 1 :], *pieces[at + 1 :]])
        for donor in donors:
            place = hashed("place", donor, str(at)) % (len(piece) + 1)
            out.append([*pieces[:at], [*piece[:place], donor, *piece[place:]], *pieces[at + 1 :]])
    return out


def near_copy(text: str, language: str, donors: list[str], target: float, seed: str) -> tuple[str, float]:
    """Edit sentence by sentence until the similarity to the source is as near to the target as it gets."""
    base = shingles(plain_text(text), language)
    measure: Callable[[list[list[str]]], float] = lambda pieces: jaccard(  # noqa: E731
        base, shingles(plain_text(_together(pieces, language)), language)
    )
    current = _pieces(text, language)
    closers = [[*current, [closer]] for closer in CLOSERS] if language == "en" else []
    for turn in range(12):
        tried = sorted(_edits(current, donors), key=lambda it: hashed(seed, str(turn), _together(it, language)))[:40]
        best = min([*tried, *closers], key=lambda it: (abs(measure(it) - target), _together(it, language)))
        if turn and abs(measure(best) - target) >= abs(measure(current) - target):
            break
        current, closers = best, []
    result = _together(current, language)
    return result, round(jaccard(base, shingles(plain_text(result), language)), 6)


def _sources(sites: list[Site], language: str, avoid: set[str]) -> list[Source]:
    """Pages fit to be copied, in a fixed shuffled order."""
    least = 220 if language in ("zh", "ja", "th") else 110
    found = [
        Source(site, page)
        for site in sites
        for page in site.pages
        if site.language.split("-")[0] == language
        and site.host not in avoid
        and not page.case
        and good_kind(page, site) == "good"
        and text_units(plain_text(page.text), site.language) >= least
    ]
    return sorted(found, key=lambda it: hashed("source", it.site.host, it.page.path))


def _mirror(source: Source, number: int) -> Site:
    """The copying host in the source's language; every fourth copy keeps the source's own frame."""
    mirror = MIRRORS[number % len(MIRRORS)]
    template = source.site.template if number % 4 == 3 else mirror.template
    return replace(mirror, language=source.site.language, template=template, pages=())


def _copy_path(source: Source, number: int) -> str:
    return f"/{source.site.host.split('.')[0]}/{number:02d}-{hashed('copy', source.page.path) % 10**6:06d}.html"


def exact_copy(source: Source, number: int) -> Capture:
    site = _mirror(source, number)
    page = replace(source.page, path=_copy_path(source, number), date="2025-09-01")
    label = label_for(site, "exact_copy", of=source.site.url(source.page.path), jaccard=1.0, shingles=_unit(site))
    return page_capture(site, page, label)


def _unit(site: Site) -> str:
    return "char5" if is_unspaced(site.language) else "word5"


def near_capture(source: Source, donor: Source, target: float, number: int) -> tuple[Capture, str]:
    """A near copy and its text."""
    site = _mirror(source, number)
    donors = [
        part for block in blocks(donor.page.text) if _is_prose(block) for part in _sentences(block, site.language)
    ]
    text, exact = near_copy(source.page.text, site.language, donors[:8], target, source.page.path)
    page = replace(source.page, path=_copy_path(source, number), text=text, date="2025-09-02")
    url = source.site.url(source.page.path)
    label = label_for(site, "near_copy", of=url, jaccard=exact, shingles=_unit(site), note=f"aimed at {target}")
    return page_capture(site, page, label), text


def _near_plan(sources: dict[str, list[Source]]) -> list[tuple[Source, Source, float]]:
    """Which page is copied at which similarity, with a page to take foreign sentences from."""
    plan = []
    wanted = {"en": TARGETS * ENGLISH_PER_TARGET, "zh": TARGETS, **OTHER_TARGETS}
    for language, targets in wanted.items():
        pool = sources.get(language, [])
        for source, target in zip(pool, targets, strict=False):
            same = [it for it in reversed(pool) if it.site.language == source.site.language and it != source]
            if same:
                plan.append((source, same[hashed("donor", source.page.path) % len(same)], target))
    return plan


def copy_captures(sites: list[Site], avoid: set[str]) -> list[Capture]:
    """All planted copies; near copies take the first sources of each language, exact ones the following."""
    languages = sorted({site.language.split("-")[0] for site in sites})
    sources = {language: _sources(sites, language, avoid) for language in languages}
    near = _near_plan(sources)
    captures = [near_capture(*case, number)[0] for number, case in enumerate(near)]
    used = {(source.site.host, source.page.path) for source, _, _ in near}
    for language, count in EXACT.items():
        free = [it for it in sources.get(language, []) if (it.site.host, it.page.path) not in used][:count]
        captures += [exact_copy(source, len(captures) + number) for number, source in enumerate(free)]
    return captures
