"""What came of a record, on its way from the worker of ingest to the process that writes: plain values and a text.

A row is a list of JSON values, so that a batch of them is one call of the JSON encoder. The text goes beside the rows,
as UTF-8. The file is the same for all rows of a unit and does not travel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from corpus.document import Document

if TYPE_CHECKING:
    from corpus.stages.ingest_records import Entry

DOCUMENT: Final = tuple(field.name for field in fields(Document))
"""Names of a document's values, in the order of the DOCUMENTS schema."""
_PLACE: Final = ("warc_file", "warc_offset", "warc_length")
_TRAVELS: Final = tuple(name for name in DOCUMENT if name not in ("id", "text", *_PLACE))
_VALUES: Final = attrgetter(*_TRAVELS)
_TEXT: Final = DOCUMENT.index("text")


@dataclass(slots=True)
class Settled:
    """A record or fault with its bucket; the fields are those of Entry, `document` the values named by DOCUMENT.

    `url` and `host` are None where the record has no valid address; `fault` is (reason, detail). The text among the
    values of the document is UTF-8, of `characters` code points.
    """

    offset: int
    length: int
    record_type: str
    target_uri: str | None
    bucket: str
    detail: str | None
    replaced: int
    url: str | None
    host: str | None
    links: Sequence[tuple[str, int]]
    parsed: bool
    fault: tuple[str, str] | None
    characters: int
    document: list[Any] | None


def pack_row(entry: "Entry") -> tuple[list[Any], bytes]:
    """Return an entry as a row, and its text."""
    url, fault, document = entry.url, entry.fault, entry.document
    text = document.text.encode("utf-8", "replace") if document else b""
    row = [
        entry.offset,
        entry.length,
        entry.record_type,
        entry.target_uri,
        entry.bucket,
        entry.detail,
        entry.replaced,
        url.href if url else None,
        url.host if url else None,
        entry.links,
        entry.parsed,
        (fault.reason, fault.detail) if fault else None,
        len(document.text) if document else 0,
        [document.id.hex(), len(text), *_VALUES(document)] if document else None,
    ]
    return row, text


def unpack_rows(file: str, rows: Sequence[list[Any]], texts: bytes) -> Iterator[Settled]:
    """Yield what a batch says; `file` is the file that its unit reads, `texts` the texts one behind the other."""
    at = 0
    for row in rows:
        found = Settled(*row)
        if found.document:
            identity, size, *values = found.document
            values.insert(_TEXT - 1, texts[at : at + size])
            at += size
            found.document = [bytes.fromhex(identity), *values, file, found.offset, found.length]
        yield found
