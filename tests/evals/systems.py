"""Headwater as systems under test for the shared scoring scripts: `--system systems:NAME`.

Imports stand inside the functions, so that one scoring script loads only what it scores.
"""

from collections.abc import Iterator


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
