"""Archives to records: `open_archive` reads a file through, `read_at` reads one record again.

Reads WARC 0.9 to 1.1 and ARC 1 and 2; plain, gzip (a member per record, one member, or records spread over members)
and zstd (with the dictionary convention of .warc.zst), from any stream, forwards only, in bounded memory: at most
about `spool` + `max_block` + a few MiB. Whatever a file holds, each thing yielded is a Record that is whole or a Fault
that says what was lost; damage costs the member (or record, in plain files) that it lies in,
and a run of NULs long enough to have been records is a Fault too.

Records of a gzip member are handed out once its checksum is found right, up to `ArchiveSettings.spool` unpacked bytes.
A larger member (a whole archive packed as one) cannot be held back: its records go out as they complete, with
`checked` False; damage that follows is a fault, and `check_digests` is what can vouch for such records.
"""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import zstandard

from corpus.archive import zstandards
from corpus.archive.framing import Framer
from corpus.archive.records import ArchiveSettings, Fault, Record
from corpus.archive.spool import Part
from corpus.archive.unpack import Unpacker
from corpus.archive.window import Window
from corpus.errors import InputError


def open_archive(
    stream: BinaryIO, name: str, settings: ArchiveSettings | None = None, *, offset: int = 0
) -> Iterator[Record | Fault]:
    """Yield every record and every fault of an archive, in file order.

    `stream` is only read forwards and stays open; `name` is what records and faults call the file; `offset` is where
    in the file the stream begins. Raises only what the stream itself raises.
    """
    settings = settings or ArchiveSettings()
    window = Window(stream, offset, settings.read_size)
    return read_parts(Unpacker(window, settings), name, settings)


def read_parts(unpacker: Unpacker, name: str, settings: ArchiveSettings) -> Iterator[Record | Fault]:
    """Yield the records and faults of what `unpacker` unpacks."""
    framer = Framer(name, settings)
    for part in unpacker.parts():
        yield from framer.feed(part) if isinstance(part, Part) else framer.interrupt(part)
    yield from framer.close()


def read_at(
    source: BinaryIO | Path | str,
    offset: int,
    length: int,
    *,
    target_uri: str | None = None,
    date: str | None = None,
    settings: ArchiveSettings | None = None,
) -> Record:
    """Return the record that `open_archive` gave with this `offset` and `length` (bytes of the file as it lies).

    `source` is a path or a seekable stream. Where several records begin in one member, `target_uri` and `date` say
    which is meant (else the first). Raises InputError when no such record is found there.
    """
    settings = settings or ArchiveSettings()
    name = str(source) if isinstance(source, (str, Path)) else getattr(source, "name", "stream")
    try:
        for item in items_at(source, name, max(offset, 0), max(length, 0), settings):
            if isinstance(item, Record) and target_uri in (None, item.target_uri) and date in (None, item.date):
                return item
    except (OSError, zstandard.ZstdError) as error:
        raise InputError(f"{name}: cannot be read at offset {offset} ({error}); is it the same file?") from error
    wanted = f" of {target_uri}" if target_uri else ""
    raise InputError(f"{name}: no whole record{wanted} at offset {offset} (length {length}); is it the same file?")


def items_at(
    source: BinaryIO | Path | str, name: str, offset: int, length: int, settings: ArchiveSettings
) -> Iterator[Record | Fault]:
    """Yield the records and faults of a stretch of a file."""
    with ExitStack() as stack:
        stream = source if not isinstance(source, (str, Path)) else stack.enter_context(open(source, "rb"))
        dictionary = read_dictionary(stream, settings)
        stream.seek(offset)
        window = Window(io.BytesIO(stream.read(length)), offset, settings.read_size)
        yield from read_parts(Unpacker(window, settings, dictionary), name, settings)


def read_dictionary(stream: BinaryIO, settings: ArchiveSettings) -> bytes | None:
    """Return the zstd dictionary that the file begins with, None when it has none."""
    stream.seek(0)
    if zstandards.skippable(stream.read(4)) != zstandards.DICTIONARY:
        return None
    size = int.from_bytes(stream.read(4), "little")
    return zstandards.unpack_dictionary(stream.read(min(size, zstandards.MAX_DICTIONARY)))
