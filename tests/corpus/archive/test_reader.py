"""Intact archives of every format are read record for record, with the places where they can be read again."""

import gzip
import io
import os
from pathlib import Path

import pytest
import zstandard
from archives import arc, items, members, page, told, uri, warc
from warcio.archiveiterator import ArchiveIterator

from corpus.archive.reader import open_archive, read_at
from corpus.archive.records import ArchiveSettings, Record
from corpus.errors import InputError, SettingError

RECORDS = [warc(n) for n in range(6)]
PLAIN = b"".join(RECORDS)
DICTIONARY = zstandard.train_dictionary(2048, [warc(n, page(n, 300)) for n in range(400)])


def spread(data: bytes, size: int) -> bytes:
    """Return `data` as gzip members of `size` unpacked bytes, wherever records begin."""
    return b"".join(members(data[i : i + size] for i in range(0, len(data), size)))


def zst(records: list[bytes], dictionary: zstandard.ZstdCompressionDict | None = None, packed: bool = False) -> bytes:
    """Return a frame per record, behind a dictionary frame if there is a dictionary."""
    packer = zstandard.ZstdCompressor(dict_data=dictionary, write_checksum=True)
    raw = dictionary.as_bytes() if dictionary else b""
    raw = zstandard.compress(raw) if packed else raw
    head = b"\x5d\x2a\x4d\x18" + len(raw).to_bytes(4, "little") + raw if dictionary else b""
    return head + b"".join(packer.compress(record) for record in records)


FORMS = {
    "plain": PLAIN,
    "gzip per record": b"".join(members(RECORDS)),
    "one member": gzip.compress(PLAIN, mtime=0),
    "two records a member": b"".join(
        members([RECORDS[0] + RECORDS[1], RECORDS[2] + RECORDS[3], RECORDS[4] + RECORDS[5]])
    ),
    "spread over members": spread(PLAIN, 333),
    "spread over bytes": spread(PLAIN, 7),
    "stored": b"".join(gzip.compress(record, 0, mtime=0) for record in RECORDS),
    "zstd per record": zst(RECORDS),
    "one frame": zst([PLAIN]),
    "zstd without checksum": b"".join(zstandard.compress(record) for record in RECORDS),
    "zstd with dictionary": zst(RECORDS, DICTIONARY),
    "zstd with packed dictionary": zst(RECORDS, DICTIONARY, packed=True),
    "blank start": b"\r\n\0\0" + PLAIN,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("spool", [1, 1000, 1 << 20])
def test_every_form_gives_the_same_records(form: str, spool: int) -> None:
    """Six records come out whole, in order, whatever the packing and whether members are held back or streamed."""
    found = items(FORMS[form], spool=spool, check_digests=True)
    assert told(found) == list(range(6))
    assert [item.block for item in found if isinstance(item, Record)] == [page(n) for n in range(6)]


@pytest.mark.parametrize("form", ["plain", "gzip per record", "one member", "spread over members"])
def test_same_as_warcio(form: str) -> None:
    """Types, URIs, headers and blocks equal those of warcio's reader."""
    data = FORMS[form]
    theirs = [
        (r.rec_type, r.rec_headers.headers, r.raw_stream.read())
        for r in ArchiveIterator(io.BytesIO(PLAIN), no_record_parse=True)
    ]
    ours = [(r.record_type, r.headers.fields, r.block) for r in items(data) if isinstance(r, Record)]
    assert ours == theirs


@pytest.mark.parametrize("form", FORMS)
def test_each_record_can_be_read_again(form: str, tmp_path: Path) -> None:
    """Offset and length lead `read_at` to the same record; where a member holds several, the URI says which."""
    path = tmp_path / "a.warc"
    path.write_bytes(FORMS[form])
    for record in items(FORMS[form]):
        assert isinstance(record, Record)
        again = read_at(path, record.offset, record.length, target_uri=record.target_uri, date=record.date)
        assert (again.block, again.offset, again.target_uri) == (record.block, record.offset, record.target_uri)


def test_offsets_are_those_of_members() -> None:
    """With a member per record, records and members begin and end together."""
    packed = members(RECORDS)
    starts = [sum(map(len, packed[:n])) for n in range(6)]
    found = [item for item in items(b"".join(packed)) if isinstance(item, Record)]
    assert [(r.offset, r.length, r.index) for r in found] == [
        (s, len(p), 0) for s, p in zip(starts, packed, strict=True)
    ]


def test_offsets_in_plain_files() -> None:
    """In a plain file a record begins at its version line and takes its separator along."""
    found = [item for item in items(PLAIN) if isinstance(item, Record)]
    assert [PLAIN[r.offset : r.offset + r.length] for r in found] == RECORDS


def test_read_at_a_wrong_place(tmp_path: Path) -> None:
    """A place that holds no such record is an error that names it."""
    path = tmp_path / "a.warc"
    path.write_bytes(PLAIN)
    with pytest.raises(InputError, match=r"a\.warc: no whole record of http://x/ at offset 0 \(length 600\)"):
        read_at(path, 0, 600, target_uri="http://x/")


@pytest.mark.parametrize("dictionary", [b"\x37\xa4\x30\xecabcd", b"\x28\xb5\x2f\xfd\xff\xff\xff\xff"])
def test_read_at_says_what_cannot_be_read(tmp_path: Path, dictionary: bytes) -> None:
    """A file that is gone, a negative offset and a zstd dictionary that cannot be used are one InputError each."""
    path = tmp_path / "a.warc.zst"
    path.write_bytes(b"\x5d\x2a\x4d\x18\x08\0\0\0" + dictionary)
    with pytest.raises(InputError, match=r"a\.warc\.zst: cannot be read at offset 16"):
        read_at(path, 16, 10)
    with pytest.raises(InputError, match=r"cannot be read at offset 0 .*No such file"):
        read_at(tmp_path / "gone.warc", 0, 10)
    (tmp_path / "b.warc").write_bytes(warc(1))
    with pytest.raises(InputError, match=r"no whole record at offset -5 \(length -5\)"):
        read_at(tmp_path / "b.warc", -5, -5)


@pytest.mark.parametrize("pack", [b"".join, lambda r: b"".join(members(r))])
def test_arc(pack: object) -> None:
    """ARC records become responses with WARC fields; the version block is a warcinfo; raw spaces stay in the URI."""
    version = arc(0, b"1 0 Internet Archive\nURL IP-address Archive-date Content-type Archive-length\n",
                  target="filedesc://a.arc")  # fmt: skip
    odd = "http://example.org/a b c?d=e f"
    found = items(pack([version, arc(1), arc(2, target=odd), arc(3)]))  # type: ignore[operator]
    assert [item.record_type for item in found if isinstance(item, Record)] == [
        "warcinfo",
        "response",
        "response",
        "response",
    ]
    record = found[2]
    assert isinstance(record, Record)
    assert (record.target_uri, record.date, record.block) == (odd, "2024-05-06T07:08:09Z", page(2))
    assert record.content_type == "application/http; msgtype=response"
    assert record.headers.get("arc-content-type") == "text/html"
    assert record.headers.get("warc-ip-address") == "192.0.2.7"


def test_arc_version_two() -> None:
    """The ten fields of an ARC version 2 line are told from a URL with spaces."""
    line = f"{uri(4)} 192.0.2.7 20240506070809 text/html 200 sum - 17 a.arc {len(page(4))}\n".encode()
    (record,) = items(line + page(4) + b"\n")
    assert isinstance(record, Record)
    assert (record.target_uri, record.headers.get("ARC-Content-Type"), record.block) == (uri(4), "text/html", page(4))


def test_old_ways_of_writing() -> None:
    """Angle brackets around the URI, folded and lower-case fields, WARC 0.18 and bare line feeds are read."""
    block = b"HTTP/1.0 200\n\nx"
    head = "WARC/0.18\nwarc-type: response\nWARC-Target-URI: <http://example.org/1>\n"
    head += "X-Long: a\n  b\ncontent-length: 15\n\n"
    (record,) = items(head.encode() + block + b"\n\n")
    assert isinstance(record, Record)
    assert (record.target_uri, record.block, record.headers.get("x-long")) == ("http://example.org/1", block, "a b")


def test_nested_archive_in_a_block_stays_one_record() -> None:
    """A WARC inside a block is content: the outer record ends where its length says, and nothing inside is read."""
    assert told(items(warc(7, PLAIN) + warc(8))) == [7, 8]
    assert told(items(b"".join(members([warc(7, PLAIN), warc(8)])))) == [7, 8]


@pytest.mark.parametrize("packed", [False, True])
def test_oversize_blocks_are_passed_not_held(packed: bool) -> None:
    """A block over the limit comes as a record without block, its size known, and reading goes on behind it."""
    records = [warc(1), warc(2, bytes(3_000_000)), warc(3)]
    found = items(b"".join(members(records) if packed else records), max_block=100_000)
    assert told(found) == [1, 2, 3]
    big = found[1]
    assert isinstance(big, Record)
    assert (big.block, big.size, big.oversize) == (None, 3_000_000, True)


def test_unchecked_records_say_so() -> None:
    """Records of members larger than the spool, or of zstd frames without checksum, are marked as not checked."""
    assert all(r.checked for r in items(FORMS["one member"]) if isinstance(r, Record))
    streamed = [r.checked for r in items(FORMS["one member"], spool=100) if isinstance(r, Record)]
    assert streamed == [False] * 6
    assert not any(r.checked for r in items(FORMS["zstd without checksum"]) if isinstance(r, Record))


def test_empty_file() -> None:
    """An empty file holds nothing."""
    assert items(b"") == []


def test_unset_settings_and_open_streams(tmp_path: Path) -> None:
    """The stream stays open for its owner, and settings name what is wrong with them."""
    (tmp_path / "a.warc").write_bytes(PLAIN)
    with open(tmp_path / "a.warc", "rb") as stream:
        assert len(list(open_archive(stream, "a.warc"))) == 6
        assert stream.seek(0, os.SEEK_CUR) == len(PLAIN)
    with pytest.raises(SettingError, match="ArchiveSettings: max_head = 5"):
        ArchiveSettings(max_head=5)
