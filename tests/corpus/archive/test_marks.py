"""Reading goes on from a mark as if it had not stopped: after every item, in every packing, through any damage."""

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import asdict

import pytest
import zstandard
from archives import arc, members, page, warc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.archive.reader import open_archive
from corpus.archive.records import START, ArchiveSettings, Fault, Mark, Record
from corpus.errors import InputError

COUNT = 12
RECORDS = [warc(n, page(n, 200 + 90 * n), digest=n % 3 == 0) for n in range(COUNT)]
PLAIN = b"".join(RECORDS)
NULS = RECORDS[0] + bytes(700) + RECORDS[1][:-2] + b"\0" * 3 + RECORDS[2] + b"junk\r\n" + RECORDS[3]


def zst(frames: list[bytes]) -> bytes:
    """Return frames behind two dictionary frames, of which the second is the one they need."""
    samples = [warc(n, page(n, 300)) for n in range(400)]
    first, second = (zstandard.train_dictionary(2048, some) for some in (samples[:200], samples[200:]))
    heads = [b"\x5d\x2a\x4d\x18" + len(d.as_bytes()).to_bytes(4, "little") + d.as_bytes() for d in (first, second)]
    packer = zstandard.ZstdCompressor(dict_data=second, write_checksum=True)
    return b"".join(heads + [packer.compress(frame) for frame in frames])


FORMS = {
    "plain": PLAIN,
    "gzip": b"".join(members(RECORDS)),
    "three a member": b"".join(members(b"".join(RECORDS[i : i + 3]) for i in range(0, COUNT, 3))),
    "one member": gzip.compress(PLAIN, mtime=0),
    "spread": b"".join(members(PLAIN[i : i + 333] for i in range(0, len(PLAIN), 333))),
    "zstd": b"".join(zstandard.ZstdCompressor(write_checksum=True).compress(record) for record in RECORDS),
    "zstd with dictionaries": zst(RECORDS),
    "arc": arc(0, target="filedesc://a.arc") + b"".join(arc(n) for n in range(1, 6)),
    "arc in gzip": b"".join(members([arc(0, target="filedesc://a.arc"), *(arc(n) for n in range(1, 6))])),
    "NULs and junk": NULS,
    "NULs and junk in gzip": bytes(600) + b"".join(members([NULS, *RECORDS])) + b"junk" + gzip.compress(NULS, mtime=0),
    "empty": b"",
}
WOUNDS: dict[str, Callable[[bytes], bytes]] = {
    "flip": lambda piece: bytes([piece[0] ^ 255]) + piece[1:] if piece else piece,
    "cut out": lambda piece: b"",
    "zeros": lambda piece: bytes(len(piece)),
    "twice": lambda piece: piece + piece,
}


def told(item: Record | Fault) -> str:
    """Return all that an item says."""
    return repr(item)


def read(data: bytes, mark: Mark | None, options: ArchiveSettings) -> list[tuple[str, Mark]]:
    """Return each item with the mark behind it, sent through JSON."""
    reader = open_archive(io.BytesIO(data), "made.warc", options, mark=mark)
    return [(told(item), Mark(**json.loads(json.dumps(asdict(reader.mark()))))) for item in reader]


def check(data: bytes, options: ArchiveSettings, every: int = 1) -> list[Mark]:
    """Go on from the mark behind each item, and from marks made after going on; return the marks."""
    found = read(data, None, options)
    items, marks = [item for item, _ in found], [mark for _, mark in found]
    assert [item for item, _ in read(data, START, options)] == items
    for n in range(0, len(found), every):
        again = read(data, marks[n], options)
        assert [item for item, _ in again] == items[n + 1 :], n
        assert [mark for _, mark in again] == marks[n + 1 :], n
    return marks


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("spool", [1, 1000, 1 << 20])
def test_every_form(form: str, spool: int) -> None:
    """The rest of the items, and the marks behind them, are those of reading through."""
    check(FORMS[form], ArchiveSettings(spool=spool, read_size=1000, check_digests=True))


@pytest.mark.parametrize("form", ["gzip", "three a member", "spread", "zstd with dictionaries", "plain"])
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    wounds=st.lists(st.tuples(st.sampled_from(list(WOUNDS)), st.floats(0, 1)), min_size=1, max_size=4),
    size=st.integers(1, 900),
)
def test_damage(form: str, wounds: list[tuple[str, float]], size: int) -> None:
    """The same in files with inverted bytes, pieces lost, zeroed or doubled."""
    data = bytearray(FORMS[form])
    for kind, where in wounds:
        at = int(where * (len(data) - 1))
        piece = bytes(data[at : at + size])
        data[at : at + size] = WOUNDS[kind](piece)
    check(bytes(data), ArchiveSettings(read_size=1 << 14, check_digests=size % 2 == 0), every=3)


def test_marks_lie_near() -> None:
    """Nothing is read twice in a plain file, one member in a packed one; from one large member, all of it."""
    options = ArchiveSettings()
    assert [mark.passed for mark in check(FORMS["plain"], options)] == [0] * COUNT
    packed = members(RECORDS)
    starts = [sum(map(len, packed[:n])) for n in range(COUNT)]
    assert [(mark.offset, mark.passed) for mark in check(FORMS["gzip"], options)] == [(at, 1) for at in starts]
    assert [mark.passed for mark in check(FORMS["three a member"], options)] == [1, 2, 3] * 4
    one = check(FORMS["one member"], options)
    assert [(mark.offset, mark.passed) for mark in one] == [(0, n + 1) for n in range(COUNT)]


def test_offset_of_a_member() -> None:
    """Without a mark, reading from where a member begins gives the items from there on."""
    whole = list(open_archive(io.BytesIO(FORMS["gzip"]), "made.warc"))
    for n, item in enumerate(whole):
        stream = io.BytesIO(FORMS["gzip"])
        stream.seek(item.offset)
        assert list(map(told, open_archive(stream, "made.warc", offset=item.offset))) == list(map(told, whole[n:]))


@pytest.mark.parametrize("change", [b"\x28\xb5\x2f\xfd", b"\x5d\x2a\x4d\x18\x08\0\0\0\x37\xa4\x30\xecabcd"])
def test_another_file(change: bytes) -> None:
    """A mark whose zstd dictionary is gone from its place is refused, in words that name file and place."""
    data = FORMS["zstd with dictionaries"]
    mark = read(data, None, ArchiveSettings())[0][1]
    assert mark.dictionary is not None
    other = data[: mark.dictionary] + change + data[mark.dictionary + len(change) :]
    with pytest.raises(InputError, match=rf"made\.warc: no zstd dictionary at {mark.dictionary}.*same file"):
        open_archive(io.BytesIO(other), "made.warc", mark=mark)
