"""Archives to records: `open_archive` reads a file through, or on from a mark; `read_at` reads one record again.

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
from corpus.archive.records import START, ArchiveSettings, Fault, Mark, Record
from corpus.archive.spool import Part
from corpus.archive.unpack import Unpacker
from corpus.archive.window import Window
from corpus.errors import InputError


def open_archive(
    stream: BinaryIO, name: str, settings: ArchiveSettings | None = None, *, offset: int = 0, mark: Mark | None = None
) -> "ArchiveReader":
    """Yield every record and every fault of an archive, in file order.

    `stream` is only read forwards and stays open; `name` is what records and faults call the file. Raises only what
    the stream itself raises. To begin elsewhere than at the beginning:

    mark    goes on behind the item after which `ArchiveReader.mark` returned it, and gives exactly what the first
            reader would have given with the same settings. `stream` is that of the whole file, and is moved (`seek`).
            Raises InputError when the file's zstd dictionary is not where it was.
    offset  where in the file the stream begins. The items are those of the whole file from there on only where a
            record begins a member (or plain record) there, and where nothing behind depends on what came before: no
            zstd dictionary, no damage that is searched by the kind of the file, no record spread over members.
    """
    settings = settings or ArchiveSettings()
    if mark is None:
        window = Window(stream, offset, settings.read_size)
        return ArchiveReader(Unpacker(window, settings), name, settings)
    try:
        dictionary = None if mark.dictionary is None else read_dictionary(stream, mark.dictionary)
        unpacker = Unpacker(Window(stream, mark.offset, settings.read_size), settings, dictionary, mark)
    except zstandard.ZstdError as error:
        raise InputError(f"{name}: no zstd dictionary at {mark.dictionary} ({error}); is it the same file?") from error
    if dictionary is None and mark.dictionary is not None:
        raise InputError(f"{name}: no zstd dictionary at {mark.dictionary}; is it the same file?")
    stream.seek(mark.offset)
    return ArchiveReader(unpacker, name, settings, mark)


class ArchiveReader(Iterator[Record | Fault]):
    """Yields the records and faults of what `unpacker` unpacks."""

    def __init__(self, unpacker: Unpacker, name: str, settings: ArchiveSettings, mark: Mark = START) -> None:
        self._unpacker = unpacker
        self._framer = Framer(name, settings, mark)
        self._known = (unpacker.border, mark.is_arc, mark.unpacked, mark.hashed)  # at the last settled border
        self._told = 0  # items since then
        self._items = self._run(mark.passed)

    def __next__(self) -> Record | Fault:
        return next(self._items)

    def mark(self) -> Mark:
        """Return the place behind the last item, for `open_archive` to go on from.

        Going on costs nothing in plain files, and a member unpacked again in packed ones: reading begins at the last
        border of members at which no record was open, and the mark tells the number of items since then. Where much
        is packed as one (a whole archive in one member), that is much to unpack again.
        """
        framer, ((offset, kind, dictionary, tried), is_arc, unpacked, hashed) = self._framer, self._known
        place = framer.place_behind if self._unpacker.plain else None
        if place is not None:
            is_arc, unpacked, hashed = framer.is_arc, framer.base + framer.pos, framer.hashed
        return Mark(
            offset=offset if place is None else place,
            passed=self._told if place is None else 0,
            kind=kind,
            plain=place is not None,
            dictionary=dictionary,
            tried=tried,
            is_arc=is_arc,
            unpacked=unpacked,
            hashed=hashed,
            index=framer.index if place is not None else 0,
        )

    def _run(self, passed: int) -> Iterator[Record | Fault]:
        """Yield all items but the first `passed`."""
        for item in self._all():
            self._told += 1
            if passed:
                passed -= 1
            else:
                yield item

    def _all(self) -> Iterator[Record | Fault]:
        framer, unpacker, border = self._framer, self._unpacker, None
        for part in unpacker.parts():
            if unpacker.border is not border:
                border = unpacker.border
                if framer.settled:
                    self._known, self._told = (border, framer.is_arc, framer.base + framer.pos, framer.hashed), 0
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
        dictionary = read_dictionary(stream)
        stream.seek(offset)
        window = Window(io.BytesIO(stream.read(length)), offset, settings.read_size)
        yield from ArchiveReader(Unpacker(window, settings, dictionary), name, settings)


def read_dictionary(stream: BinaryIO, offset: int = 0) -> bytes | None:
    """Return the zstd dictionary of the frame at `offset` of the file, None when there is none."""
    stream.seek(offset)
    if zstandards.skippable(stream.read(4)) != zstandards.DICTIONARY:
        return None
    size = int.from_bytes(stream.read(4), "little")
    return zstandards.unpack_dictionary(stream.read(min(size, zstandards.MAX_DICTIONARY)))
