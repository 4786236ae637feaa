"""Main text of a page, by extractor name.

    trafilatura   precise; the default (favor_precision, comments left out): about 14 ms a page of 150 kB
    resiliparse   a ninth of that, same recall, keeps more boilerplate
    adaptive      resiliparse's text first; trafilatura only for pages whose cheap text passes the gates

An extractor is a callable `Page -> str`, registered in EXTRACTORS; `package.module:function` names one that lives
elsewhere (a learned one, say). Published scores and those of this module: see tests/evals.
"""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, cast

from resiliparse.extract.html2text import extract_plain_text

from corpus.document import Drop
from corpus.errors import MissingError
from corpus.extract.cleaning import clean
from corpus.extract.page import Page
from corpus.settings import require


class Identifier(Protocol):
    """Says the language of a text: anything with `label` and `score`."""

    def __call__(self, text: str) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What cheap text must pass before `adaptive` pays for precise extraction. Loose: they must not cost good pages.

    min_letters   letters (Unicode alphabetic) that the cheap text has at least
    languages     labels wanted; None wants all and asks nobody
    sure          score from which a label outside `languages` closes the gate; a less certain page passes
    identifier    `module:name` of what is asked: a function of a text, or a class whose objects `identify` one
    """

    min_letters: int = 100
    languages: tuple[str, ...] | None = None
    sure: float = 0.8
    identifier: str = "corpus.language:LanguageIdentifier"

    def __post_init__(self) -> None:
        require(self.min_letters >= 0, self, "min_letters", "expected 0 or more")
        require(0 <= self.sure <= 1, self, "sure", "expected a score from 0 to 1")
        require(self.languages is None or bool(self.languages), self, "languages", "expected labels, or None for all")
        require(self.identifier.count(":") == 1, self, "identifier", "expected module:name")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractSettings:
    """Which extractor, and the gates that `adaptive` has."""

    extractor: str = "trafilatura"
    gates: Gates = field(default_factory=Gates)

    def __post_init__(self) -> None:
        known = self.extractor in (*EXTRACTORS, ADAPTIVE) or self.extractor.count(":") == 1
        names = ", ".join((*EXTRACTORS, ADAPTIVE))
        require(known, self, "extractor", f"expected one of {names}, or module:function")


Extractor = Callable[[Page], str | Drop]


def by_trafilatura(page: Page) -> str:
    """Return the main text as trafilatura finds it, precision first."""
    from corpus.extract.precise import main_text  # noqa: PLC0415 - loads trafilatura, which only its users have to pay

    return clean(main_text(page.html))


def by_resiliparse(page: Page) -> str:
    """Return the main text as resiliparse finds it in the tree that is there already."""
    return clean(extract_plain_text(page.tree, main_content=True, alt_texts=False))


EXTRACTORS: Final[dict[str, Callable[[Page], str]]] = {"trafilatura": by_trafilatura, "resiliparse": by_resiliparse}
"""Extractors by name; a further one is a line here."""
ADAPTIVE: Final = "adaptive"
PRECISE: Final = "corpus.extract.precise"
STRETCH: Final = 512
"""Characters in which letters are counted at a time."""


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Cheap text first, precise text for what passes the gates."""

    gates: Gates
    identify: Identifier | None

    def __call__(self, page: Page) -> str | Drop:
        enough = self.gates.min_letters
        cheap = by_resiliparse(page)
        letters = letters_of(cheap, enough)
        if letters < enough:  # it may have missed the main content: look at the whole page
            cheap = clean(extract_plain_text(page.tree, main_content=False, alt_texts=False))
            letters = letters_of(cheap, enough)
        if letters < enough:
            return Drop("gate_length", f"{letters} letters in the cheap text, fewer than {enough}")
        if self.identify is not None and self.gates.languages is not None:
            found = self.identify(cheap)
            if found.label not in self.gates.languages and found.score >= self.gates.sure:
                return Drop("gate_language", f"{found.label} with score {found.score:.2f}")
        return by_trafilatura(page)


def letters_of(text: str, enough: int) -> int:
    """Return the number of letters (Unicode alphabetic) in a text, counted until there are enough."""
    letters = 0
    for at in range(0, len(text), STRETCH):
        letters += sum(map(str.isalpha, text[at : at + STRETCH]))
        if letters >= enough:
            break
    return letters


def make_extractor(settings: ExtractSettings) -> Extractor:
    """Return the extractor that the settings name; raises MissingError when there is none of that name."""
    if settings.extractor in ("trafilatura", ADAPTIVE):
        importlib.import_module(PRECISE)  # not while the first page is on the clock
    if settings.extractor == ADAPTIVE:
        return Adaptive(settings.gates, None if settings.gates.languages is None else identifier(settings.gates))
    if settings.extractor in EXTRACTORS:
        return EXTRACTORS[settings.extractor]
    return partial(cleaned, cast("Extractor", load(settings.extractor)))


def cleaned(extractor: Extractor, page: Page) -> str | Drop:
    """Return what an extractor from elsewhere finds, cleaned as the text of our own is."""
    found = extractor(page)
    return found if isinstance(found, Drop) else clean(found or "")


def identifier(gates: Gates) -> Identifier:
    """Return the callable that tells the language of a text, having asked it once: what it loads or compiles at first
    is not to be on the clock of a page.
    """
    found = load(gates.identifier)
    identify = cast("Identifier", found().identify if isinstance(found, type) else found)
    identify("Enough of a text to be identified.")
    return identify


def load(name: str) -> Any:
    """Return the object `module:name`."""
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise MissingError(f"{name}: cannot be loaded ({error}); install it or correct the name") from error


def forget() -> None:
    """Empty the caches that trafilatura keeps over pages, so that memory stays flat."""
    if PRECISE in sys.modules:
        sys.modules[PRECISE].forget()
