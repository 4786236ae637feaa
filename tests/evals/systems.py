"""Headwater as systems under test for the shared scoring scripts: `--system systems:NAME`.

Imports stand inside the functions, so that one scoring script loads only what it scores.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corpus.language import LanguageIdentifier


def warc(path: str) -> Iterator[tuple[str, str | None, bytes | None]]:
    """Yield (record type, target URI, block) of every whole record."""
    from corpus.archive.reader import open_archive  # noqa: PLC0415 - see the module docstring
    from corpus.archive.records import Record  # noqa: PLC0415

    with open(path, "rb") as stream:
        for item in open_archive(stream, path):
            if isinstance(item, Record):
                yield item.record_type, item.target_uri, item.block


def neardup(texts: list[str]) -> list[tuple[int, int]]:
    """Return the pairs of texts that are duplicates of one another, with default settings."""
    from corpus.dedup.pairs import near_duplicates  # noqa: PLC0415

    return near_duplicates(texts)


class _Langid:
    """Language identification with default settings: text -> (label, score); `labels` are what it vouches for."""

    @cached_property
    def identifier(self) -> "LanguageIdentifier":
        from corpus.language import LanguageIdentifier  # noqa: PLC0415

        return LanguageIdentifier()

    @property
    def labels(self) -> frozenset[str]:
        return self.identifier.labels

    def __call__(self, text: str) -> tuple[str | None, float]:
        found = self.identifier.identify(text)
        return found.label, found.score


langid = _Langid()


class _Lid176(_Langid):
    """lid.176 alone, without the second opinion: what the rule must not be worse than."""

    @cached_property
    def identifier(self) -> "LanguageIdentifier":
        from corpus.language import LanguageIdentifier  # noqa: PLC0415

        return LanguageIdentifier(second_opinion=False)


lid176 = _Lid176()


def failed_rules(text: str, preset: str) -> list[str]:
    """Return the thresholds of a preset that a text fails, by the same code as the stages annotate and select."""
    import pyarrow as pa  # noqa: PLC0415

    from corpus.quality.columns import COLUMNS  # noqa: PLC0415
    from corpus.quality.rulefile import load_rules  # noqa: PLC0415
    from corpus.quality.signals import measure  # noqa: PLC0415
    from corpus.quality.verdict import failures  # noqa: PLC0415

    rules = load_rules(preset)
    language = langid.identifier.identify(text)
    values = {**measure(text, language.label), "language": language.label, "language_score": language.score}
    columns = {name: pa.array([values.get(name)], COLUMNS[name]) for name in rules.signals | {"language"}}
    return [name for name, mask in failures(columns, rules).items() if mask[0]]


def quality(text: str) -> float:
    """Return minus the number of FineWeb's rules that a text fails: higher is better."""
    return -float(len(failed_rules(text, "fineweb")))


def gopher(text: str) -> float:
    """Return 1 for a text that the preset gopher keeps, else 0."""
    return float(not failed_rules(text, "gopher"))


def c4(text: str) -> float:
    """Return 1 for a text that the preset c4 keeps, else 0."""
    return float(not failed_rules(text, "c4"))


def fineweb(text: str) -> float:
    """Return 1 for a text that the preset fineweb keeps, else 0."""
    return float(not failed_rules(text, "fineweb"))


def dclm(text: str) -> float:
    """Return 1 for a text that the preset dclm keeps, else 0."""
    return float(not failed_rules(text, "dclm"))


def _text(html: str | bytes, extractor: str) -> str:
    from corpus.extract.extractors import EXTRACTORS  # noqa: PLC0415
    from corpus.extract.page import Headers, parse_page  # noqa: PLC0415
    from corpus.url import Url  # noqa: PLC0415

    body = html.encode() if isinstance(html, str) else html
    headers = Headers(charset="utf-8" if isinstance(html, str) else None)
    return EXTRACTORS[extractor](parse_page(body, url=Url("http://example.org/", "example.org"), headers=headers))


def extraction(html: str | bytes) -> str:
    """Return the main text by the default extractor, from decoding to cleaning as ingest does it."""
    return _text(html, "trafilatura")


def resiliparse(html: str | bytes) -> str:
    """Return the main text by the fast extractor."""
    return _text(html, "resiliparse")
