"""What an archive reader hands out: records, faults, and the settings that bound them.

Terms are those of the WARC standard (ISO 28500, WARC 1.0 and 1.1): a record has a head (version line and named
fields) and a block of Content-Length bytes. ARC records (Internet Archive, 1996) are given the same form: their
one-line head becomes WARC fields, their type is "response", and the file's version block is a "warcinfo".
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from corpus.settings import UNMARKED, require

KIB: Final = 1 << 10
MIB: Final = 1 << 20

DAMAGED: Final = "damaged"
"""Fault: a gzip member or zstd frame does not unpack."""
CHECKSUM: Final = "checksum"
"""Fault: a member unpacks to its end, and its checksum says that the bytes are not those that were packed."""
TRUNCATED: Final = "truncated"
"""Fault: the file ends in the middle of a record or member."""
BAD_LENGTH: Final = "bad-length"
"""Fault: Content-Length is missing, absurd, or does not lead to the end of the record."""
BAD_HEAD: Final = "bad-head"
"""Fault: a record head that cannot be read, or is larger than the limit."""
JUNK: Final = "junk"
"""Fault: bytes that belong to no record."""
ZEROS: Final = "zeros"
"""Fault: NULs between records, as many as a lost disk sector leaves, which may have been records."""


class Headers:
    """Named fields in the order written; `get` and `get_all` ignore the case of names.

    `fields` are all (name, value) pairs, `first` maps each name in lower case to its first value.
    """

    __slots__ = ("fields", "first")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields = list(fields)
        self.first = {name.lower(): value for name, value in reversed(self.fields)}

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a field, or `default`."""
        return self.first.get(name.lower(), default)

    def get_all(self, name: str) -> list[str]:
        """Return every value of a field, in order."""
        name = name.lower()
        return [value for key, value in self.fields if key.lower() == name] if name in self.first else []

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self.first

    def __repr__(self) -> str:
        return f"Headers({self.fields!r})"


def parse_fields(text: str) -> list[tuple[str, str]]:
    """Return (name, value) per header line; a line that begins with a blank continues the one before (folding)."""
    if "\n " not in text and "\n\t" not in text and not text.startswith((" ", "\t")):
        found = [line.partition(":") for line in text.split("\n")]
        return [(name.rstrip(), value.strip()) for name, colon, value in found if colon]
    fields: list[tuple[str, str]] = []
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t"):
            if fields and line.strip():
                fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}")
        elif colon:
            fields.append((name.rstrip(), value.strip()))
    return fields


def decode_head(raw: bytes | bytearray) -> str:
    """Return head bytes as text: UTF-8 as the standard says, Latin-1 when they are not UTF-8 (never fails)."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


class Trust(IntEnum):
    """How far the unpacked bytes of a member can be trusted; a record takes the worst of the members it lies in."""

    CHECKED = 0  # the checksum is right, or the file is plain and has none
    OPEN = 1  # no checksum, or not reached yet: the member is larger than the spool
    CUT = 2  # the file ends in this member; what came before the cut is as it was written
    DAMAGED = 3  # the member stops unpacking somewhere; the damage lies at or before that place
    SPOILED = 4  # the member unpacks whole and its checksum is wrong; the damage may lie anywhere in it


@dataclass(slots=True, kw_only=True)
class Record:
    """One whole record. `offset` and `length` are bytes of the file as it lies: of the gzip member or zstd frame that
    the record begins in, or of the record itself in plain files. `block` is None when `size` (Content-Length, bytes)
    is over `ArchiveSettings.max_block`. `index` counts the records that begin in the same member. `digest` is "ok",
    "mismatch", "absent" (no digest), "unknown" (a digest that cannot be compared) or "unchecked". `checked` is False
    where no checksum of the file vouches for the bytes. `notes` name oddities that cost nothing.
    """

    file: str
    offset: int
    length: int
    record_type: str
    headers: Headers
    target_uri: str | None
    date: str | None
    content_type: str | None
    size: int
    block: bytes | None
    digest: str = "unchecked"
    checked: bool = True
    index: int = 0
    notes: tuple[str, ...] = ()

    @property
    def oversize(self) -> bool:
        """Say whether the block was left out because of its size."""
        return self.block is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Bytes of a file that did not become a record: where (`offset` and `length` in bytes of the file as it lies) and
    why (`reason` is one of the names above, `detail` a sentence). `record_type` and `target_uri` tell of the record
    that was lost, where its head could be read.
    """

    file: str
    offset: int
    length: int
    reason: str
    detail: str = ""
    record_type: str | None = None
    target_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place between two items of a file, from which `open_archive` goes on as if it had not stopped. Plain values,
    which can be stored and sent (`dataclasses.asdict`, `Mark(**values)`); only a reader makes them.

    offset      byte of the file to read on from
    passed      items found there that were handed out before; they are read again, and left out
    the others  what the reader knew of the file at `offset`: how it is packed, where its zstd dictionary is, its format
                of records, and how much of its bounded work is done
    """

    offset: int = 0
    passed: int = 0
    kind: str | None = None
    plain: bool = False
    dictionary: int | None = None
    tried: int = 0
    is_arc: bool | None = None
    unpacked: int = 0
    hashed: int = 0
    index: int = 0


START: Final = Mark()
"""The beginning of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings:
    """Limits of the reader, in bytes, and whether it compares record digests.

    max_block      a larger block is skipped, not held: its record comes with block None
    max_head       a larger record head is a fault
    max_length     a larger Content-Length is absurd: a fault at once, and reading goes on at the next head
    spool          unpacked bytes of one member held back until its checksum is known; larger members are streamed
    check_digests  compare WARC-Block-Digest or WARC-Payload-Digest of every record (about 1 ms per MB)
    read_size      bytes asked of the stream at a time
    """

    max_block: int = 64 * MIB
    max_head: int = 256 * KIB
    max_length: int = 1 << 40
    spool: int = 64 * MIB
    check_digests: bool = False
    read_size: int = field(default=256 * KIB, metadata=UNMARKED)

    def __post_init__(self) -> None:
        require(self.max_block >= 1, self, "max_block", "it must be at least 1 byte")
        require(self.max_head >= KIB, self, "max_head", "it must be at least 1 KiB (1024)")
        require(self.max_length >= self.max_block, self, "max_length", "it must not be below max_block")
        require(self.spool >= 1, self, "spool", "it must be at least 1 byte")
        require(self.read_size >= 1, self, "read_size", "it must be at least 1 byte")
