"""Damage costs the member or record that it lies in, and every loss is a fault with file, offset and length."""

import gzip
import os
import resource
import zlib
from pathlib import Path

import pytest
import zstandard
from archives import arc, bomb, items, members, page, told, uri, warc

from corpus.archive.reader import open_archive
from corpus.archive.records import Fault, Record

PACKED = members(warc(n) for n in range(6))


def flip(data: bytes, at: int) -> bytes:
    """Return `data` with one byte inverted."""
    return data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]


def faults(found: list[Record | Fault]) -> list[tuple[int, int, str]]:
    """Return (offset, length, reason) of every fault."""
    return [(item.offset, item.length, item.reason) for item in found if isinstance(item, Fault)]


def test_every_byte_of_a_member() -> None:
    """Whichever byte of the third member is inverted, the other five come out, and no changed block ever does."""
    start = len(PACKED[0] + PACKED[1])
    for at in range(len(PACKED[2])):
        data = b"".join([*PACKED[:2], flip(PACKED[2], at), *PACKED[3:]])
        found = items(data)
        numbers = [n for n in told(found) if isinstance(n, int)]
        assert [n for n in numbers if n != 2] == [0, 1, 3, 4, 5], at
        assert all(r.block in {page(n) for n in range(6)} for r in found if isinstance(r, Record)), at
        if 2 not in numbers:
            assert [fault[:2] for fault in faults(found)] == [(start, len(PACKED[2]))], at


def test_trailer_damage_costs_nothing() -> None:
    """When only one stored checksum byte, or the stored length, is damaged, the record is handed out with a note."""
    for back in (1, 4, 5, 8):
        data = b"".join([PACKED[0], flip(PACKED[1], len(PACKED[1]) - back), PACKED[2]])
        found = items(data)
        assert told(found) == [0, 1, 2]
        assert isinstance(found[1], Record)
        assert "trailer" in found[1].notes[0]


def test_dropped_byte_anywhere() -> None:
    """Whichever byte of the second member is dropped, its neighbours come out whole."""
    for at in range(len(PACKED[1])):
        data = PACKED[0] + PACKED[1][:at] + PACKED[1][at + 1 :] + PACKED[2]
        assert [n for n in told(items(data)) if n in (0, 2)] == [0, 2], at


def test_cut_anywhere() -> None:
    """Wherever the file is cut, the members before the cut come out and the cut one never as whole too early."""
    data = PACKED[0] + PACKED[1]
    for end in range(1, len(data)):
        found = items(data[:end])
        numbers = [n for n in told(found) if isinstance(n, int)]
        assert numbers in ([0], [0, 1]) if end >= len(PACKED[0]) else numbers in ([], [0])
        assert all(r.block == page(n) for r, n in zip(found, numbers, strict=False) if isinstance(r, Record))
        if end != len(PACKED[0]):
            assert [fault[2] for fault in faults(found)] == ["truncated"] or end < 4
            assert faults(found)


def test_records_before_the_damage_of_a_large_member() -> None:
    """A whole archive in one member gives the records that end before its damage, and one fault for the rest."""
    data = gzip.compress(b"".join(warc(n, digest=True) for n in range(40)), mtime=0)
    found = items(flip(data, len(data) // 2))
    numbers = [n for n in told(found) if isinstance(n, int)]
    assert numbers == sorted(set(numbers))
    assert numbers[:8] == list(range(8))
    assert all(r.block == page(int(str(r.target_uri)[19:])) for r in found if isinstance(r, Record))
    assert faults(found)


def test_records_of_a_spoiled_member_need_their_digest() -> None:
    """In a member that unpacks whole with a wrong checksum, only records vouched for by their digest are used."""
    plain = b"".join(warc(n, digest=n != 2) for n in range(4))
    body = zlib.compressobj(0, zlib.DEFLATED, -15)
    stored = body.compress(plain) + body.flush()
    at = stored.index(page(1)) + 150  # inside the block of record 1, in a stored block: it unpacks all the same
    head, trailer = gzip.compress(b"")[:10], zlib.crc32(plain).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
    found = items(PACKED[5] + head + flip(stored, at) + trailer + PACKED[4])
    assert told(found) == [5, 0, "checksum", "checksum", 3, 4]
    lost = [item.target_uri for item in found if isinstance(item, Fault)]
    assert lost == [uri(1), uri(2)]


def test_streamed_members_hand_out_before_they_are_checked() -> None:
    """Past the spool, records go out as they complete; the wrong checksum at the end is still a fault."""
    plain = b"".join(warc(n) for n in range(40))
    data = gzip.compress(plain, mtime=0)
    found = items(data[:-8] + bytes(4) + data[-4:] + PACKED[1], spool=2000)
    assert told(found)[:40] == list(range(40)) or told(found)[39:] == ["checksum", 1]
    assert "checksum" in told(found)
    assert told(found)[-1] == 1


def test_damage_is_told_beside_other_faults() -> None:
    """In a streamed member, a fault of one record does not stand for damage further on."""
    wrong = {"Content_Length": "7"}
    plain = b"".join(warc(n, page(n, 9000), **(wrong if n == 1 else {})) for n in range(60))
    data = gzip.compress(plain, mtime=0)
    found = told(items(data[:-8] + bytes(8) + PACKED[5], spool=500))
    assert found[:20] == [0, "bad-length", *range(2, 20)]
    assert found[-2:] == ["checksum", 5]


def test_member_start_destroyed() -> None:
    """A damaged first magic does not hide what the file is."""
    for at in (0, 1, 2):
        assert told(items(flip(PACKED[0], at) + PACKED[1] + PACKED[2]))[-2:] == [1, 2]


def test_junk_between_members() -> None:
    """Bytes that are no member are a fault of their own; line ends and NULs of less than a disk sector are not."""
    found = items(PACKED[0] + b"junk\x1f\x8b\x08junk" + PACKED[1] + bytes(511) + b"\r\n" + PACKED[2] + bytes(100))
    assert told(found) == [0, "junk", 1, 2]
    assert faults(found) == [(len(PACKED[0]), 11, "junk")]


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_zeros_between_records_are_told(packing: str, before: int) -> None:
    """A disk sector of NULs before, between or behind records is one fault where it lies, and costs no record."""
    pack = {"plain": bytes, "gzip": lambda d: gzip.compress(d, mtime=0), "zstd": zstandard.compress}[packing]
    parts = [pack(warc(n)) for n in range(2)]
    start = len(b"".join(parts[:before]))
    for nuls in (bytes(300) + b"\r\n \t" + bytes(212), bytes(200_000)):
        found = items(b"".join([*parts[:before], b"\r\n", nuls, b"\n", *parts[before:]]))
        assert told(found) == [*range(before), "zeros", *range(before, 2)]
        assert faults(found) == [(start + 2, len(nuls), "zeros")]
        detail = f"{nuls.count(0)} NUL bytes where records may have been"
        assert [item.detail for item in found if isinstance(item, Fault)] == [detail]
        places = [(item.offset, item.length) for item in found if isinstance(item, Record)]
        shifts = [0 if n < before else len(nuls) + 3 for n in range(2)]
        assert places == [(shifts[0], len(parts[0])), (shifts[1] + len(parts[0]), len(parts[1]))]
        few = nuls.replace(bytes(300), bytes(299)) if len(nuls) < 600 else bytes(511)
        assert told(items(b"".join([*parts[:before], few, *parts[before:]]))) == [0, 1]


def test_zeros_inside_members_are_told() -> None:
    """NULs between the records of a member are a fault over the member; one run over several members is one fault."""
    body = warc(0) + bytes(600) + warc(1)
    packed = gzip.compress(body, mtime=0)
    found = items(PACKED[5] + packed)
    assert told(found) == [5, 0, "zeros", 1]
    assert faults(found) == [(len(PACKED[5]), len(packed), "zeros")]
    pieces = members([warc(0) + bytes(300), bytes(300), b"\0" + warc(1)])
    found = items(b"".join(pieces))
    assert told(found) == [0, "zeros", 1]
    assert faults(found) == [(0, len(b"".join(pieces)), "zeros")]


def test_zeros_from_a_trailer_on_are_told() -> None:
    """When a file is zeros from the middle of a member's trailer on, the member is read and what follows is told."""
    for kept in (1, 2, 3):
        data = PACKED[0] + PACKED[1][: len(PACKED[1]) - kept]
        found = items(data + bytes(kept + len(b"".join(PACKED[2:]))))
        assert told(found) == [0, 1, "zeros"], kept


def test_a_record_spread_over_members_outlives_zeros_between_them() -> None:
    """Zeros between the members of one record are told, and the record is still put together."""
    whole = warc(1)
    first, second = members([whole[:300], whole[300:]])
    assert told(items(first + bytes(700) + second + PACKED[2])) == [1, "zeros", 2]
    assert told(items(first + bytes(700) + PACKED[2])) == ["bad-length", "zeros", 2]
    assert told(items(first[:-1] + bytes(700) + PACKED[2])) == ["bad-length", "zeros", 2]


def test_a_zeroed_head_does_not_cost_the_record_before() -> None:
    """Wherever in a plain file the zeros behind a record begin, its empty line shows that it ended before them."""
    plain = [warc(n) for n in range(3)]
    for kept in range(30):
        for size in (30, 200, 600):
            second = plain[1][:kept] + bytes(size) + plain[1][kept + size :]
            found = items(plain[0] + second + plain[2])
            assert [n for n in told(found) if n in (0, 2)] == [0, 2], (kept, size)
            assert faults(found) or size < 512, (kept, size)  # fewer NULs may lie in fields that can be spared


def test_heads_do_not_run_on_over_zeros() -> None:
    """A head that zeros cut takes no field of a later record, and hides no head that stands right behind them."""
    plain = [warc(n) for n in range(4)]
    zeroed = plain[0] + plain[1][:60] + bytes(len(plain[1]) - 60)
    assert told(items(zeroed + plain[2] + plain[3])) == [0, "bad-head", 2, 3]
    zeroed += bytes(len(plain[2]) + 30) + plain[3][30:]
    assert told(items(zeroed)) == [0, "bad-head"]
    short = [warc(n, b"HTTP/1.1 200 OK") for n in range(3)]
    zeroed = short[0] + short[1][:60] + bytes(len(short[1]) - 60)
    assert len(short[1]) < 512
    assert told(items(zeroed + short[2])) == [0, "bad-head", 2]
    lines = [arc(n, page(n, 900)) for n in range(4)]
    behind = b"".join(lines[1:])
    for kept in (20, 35, 55):  # the address, the date and the type of record 1 are cut, as far as those of record 2
        found = items(lines[0] + behind[:kept] + bytes(len(lines[1])) + behind[kept + len(lines[1]) :])
        assert told(found)[-1] == 3
        assert 1 not in told(found)
        assert faults(found)


def test_gzip_magic_inside_a_damaged_member() -> None:
    """A packed body inside a damaged member is not mistaken for the next member's records."""
    inner = gzip.compress(b"<p>not an archive</p>", mtime=0)
    outer = gzip.compress(warc(1, b"HTTP/1.1 200 OK\r\n\r\n" + inner), 0, mtime=0)
    found = items(PACKED[0] + outer[:20] + b"\0" + outer[21:] + PACKED[2])
    assert [n for n in told(found) if isinstance(n, int)] == [0, 2]


@pytest.mark.parametrize("checksum", [True, False])
def test_zstd_frames(checksum: bool) -> None:
    """A damaged frame costs itself; without a checksum a changed byte may go unseen, but never a neighbour's."""
    packer = zstandard.ZstdCompressor(write_checksum=checksum)
    frames = [packer.compress(warc(n)) for n in range(4)]
    for at in range(len(frames[1])):
        found = items(frames[0] + flip(frames[1], at) + frames[2] + frames[3])
        assert [n for n in told(found) if n in (0, 2, 3)] == [0, 2, 3], at
        assert len(found) >= 4
    for end in range(1, len(frames[1])):
        assert told(items(frames[0] + frames[1][:end]))[0] == 0


def test_damaged_zstd_dictionary() -> None:
    """A dictionary that cannot be used is a fault, and so is each frame that needs it."""
    frame = b"\x5d\x2a\x4d\x18" + (8).to_bytes(4, "little") + b"\x28\xb5\x2f\xfd\xff\xff\xff\xff"
    found = items(frame + zstandard.compress(warc(1)))
    assert told(found) == ["damaged", 1]


@pytest.mark.parametrize("wrong", ["+40", "-40", "500", "0", "-1", "x", "", "99999999999999999999999", "9" * 18])
@pytest.mark.parametrize("packing", ["plain", "members", "one member"])
def test_wrong_content_length(wrong: str, packing: str) -> None:
    """A Content-Length that does not lead to the record's end costs that record alone."""
    length = str(len(page(1)) + int(wrong)) if wrong[:1] in "+-" and wrong[1:] == "40" else wrong
    records = [warc(0), warc(1, Content_Length=length), warc(2), warc(3)]
    data = {
        "plain": b"".join,
        "members": lambda r: b"".join(members(r)),
        "one member": lambda r: gzip.compress(b"".join(r)),
    }
    found = items(data[packing](records))  # type: ignore[operator]
    assert told(found) == [0, "bad-length", 2, 3]
    assert [item.target_uri for item in found if isinstance(item, Fault)] == [uri(1)]


def test_oversize_with_wrong_length() -> None:
    """An oversize length that runs past further records is found out at the next head."""
    found = items(warc(0) + warc(1, Content_Length="5000000") + warc(2) + warc(3), max_block=1000)
    assert told(found) == [0, "bad-length", 2, 3]


def test_plain_file_cut_and_with_stray_bytes() -> None:
    """In plain files a cut record is a fault, bytes between records too, NULs and blank lines are only noted."""
    plain = [warc(n) for n in range(3)]
    assert told(items(plain[0] + plain[1][:-300])) == [0, "truncated"]
    assert told(items(plain[0] + b"stray bytes\r\n\r\n" + plain[1])) in ([0, "junk", 1], ["bad-length", 1])
    found = items(plain[0][:-4] + bytes(3) + plain[1] + b"\r\n" * 9 + plain[2])
    assert told(found) == [0, 1, 2]
    assert isinstance(found[0], Record)
    assert found[0].notes == ("3 stray blanks, NULs or line ends behind the block",)


def test_damaged_head_in_a_plain_file() -> None:
    """A head with a damaged version line costs its record; the one before it is still known to be whole."""
    found = items(warc(0) + flip(warc(1), 2) + warc(2))
    assert told(found) == [0, "junk", 2]
    assert faults(found) == [(len(warc(0)), len(warc(1)), "junk")]


def test_dropped_line_ends() -> None:
    """Without the separator the next head still ends the record; a line end dropped inside a block costs the record."""
    assert told(items(warc(0)[:-4] + warc(1))) == [0, 1]
    broken = warc(1).replace(b"OK\r\n", b"OK\r", 1)
    assert told(items(warc(0) + broken[:-4] + warc(2))) == [0, "bad-length", 2]
    assert told(items(b"".join(members([warc(0), broken[:-4], warc(2)])))) == [0, "bad-length", 2]


def test_arc_damage() -> None:
    """ARC records with wrong lengths, and damaged ARC lines, cost themselves."""
    wrong = arc(1, length=len(page(1)) + 33)
    assert told(items(arc(0) + wrong + arc(2) + arc(3))) == [0, "bad-length", 2, 3]
    assert told(items(b"".join(members([arc(0), wrong, arc(2)])))) == [0, "bad-length", 2]
    assert told(items(arc(0) + arc(1)[:-200])) == [0, "truncated"]


def test_no_archive_at_all() -> None:
    """A file that is something else is one fault over all its bytes."""
    found = items(b"PK\x03\x04" + bytes(range(256)) * 300)
    assert faults(found) == [(0, 4 + 256 * 300, "junk")]
    assert told(items(gzip.compress(b"<html>a page</html>" * 500))) == ["junk"]


def test_endless_head() -> None:
    """Head lines without end are a fault at the limit, and reading goes on at the next sound head."""
    endless = b"WARC/1.0\r\n" + b"X-A: b\r\n" * 100_000
    assert told(items(warc(0) + endless + b"\r\n\r\n" + warc(1), max_head=4096)) == [0, "bad-head", 1]
    assert told(items(b"".join(members([endless, warc(1)])), max_head=4096)) == ["bad-head", 1]
    assert told(items(warc(0) + b"WARC/1.0\r\nX: " + b"y" * 300_000)) == [0, "bad-head"]


def test_bombs_take_bounded_memory() -> None:
    """A small member that unpacks to 160 MiB of zeros, between records or as a block, is passed in a stream."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    packed = bomb(160 << 20)
    assert told(items(PACKED[0] + packed + PACKED[1], read_size=1 << 16)) == [0, "zeros", 1]
    head = warc(7, b"", Content_Length=str(160 << 20)).removesuffix(b"\r\n\r\n")
    found = items(PACKED[0] + gzip.compress(head, mtime=0) + packed + PACKED[1], read_size=1 << 16, spool=1 << 20)
    assert told(found) == [0, 7, 1]
    assert isinstance(found[1], Record)
    assert found[1].oversize
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10 < 130


@pytest.mark.parametrize("begin", [b"", warc(0), PACKED[0], zstandard.compress(warc(0))])
def test_a_sparse_file_takes_bounded_memory(tmp_path: Path, begin: bytes) -> None:
    """Zeros to the end of a file of 256 MiB, as a copy that broke off leaves it, are passed in a stream: one fault."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = tmp_path / "sparse.warc"
    path.write_bytes(begin)
    os.truncate(path, 1 << 28)
    with path.open("rb") as stream:
        found = list(open_archive(stream, path.name))
    assert told(found) == [0, "zeros"][0 if begin else 1 :]
    assert faults(found) == [(len(begin), (1 << 28) - len(begin), "zeros")]
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10 < 30


def test_many_false_members() -> None:
    """A damaged file full of false gzip magics is passed in linear time."""
    hostile = b"\x1f\x8b\x08\0\0\0\0\0\0\x03" * 20_000
    assert told(items(PACKED[0] + hostile + PACKED[1], read_size=1 << 16))[::2] == [0, 1]


def test_many_false_heads() -> None:
    """So is a plain file full of version lines."""
    hostile = b"WARC/1.0\r\n" * 100_000
    found = told(items(warc(0) + hostile + warc(1), read_size=1 << 16))
    assert found[0] == 0
    assert len(found) <= 4


def test_many_overlapping_lengths() -> None:
    """Heads that each claim a large block are searched past in linear time, without hashing each claim."""
    digest = "sha1:" + "0" * 40
    hostile = warc(1, b"", Content_Length="200000", WARC_Block_Digest=digest) * 2000
    assert set(told(items(warc(0) + hostile + warc(2), read_size=1 << 16))[1:-1]) == {"bad-length"}
    hostile = b"http://a/ 192.0.2.7 20240506070809 text/html 99999999\n" * 5000
    assert set(told(items(arc(0) + hostile + arc(2), read_size=1 << 16, max_block=1000))[1:-1]) == {"bad-length"}


def test_a_record_over_very_many_members_is_given_up() -> None:
    """A record (or head) of one byte per member is a fault after 65,536 of them, so that it cannot fill the memory."""
    crumbs = gzip.compress(b"a", mtime=0) * 66_000
    for begin in (b"WARC/1.0\r\nX: ", warc(1, Content_Length="1000000")[:-4]):
        found = items(gzip.compress(begin, mtime=0) + crumbs + members([warc(2)])[0], read_size=1 << 18)
        assert told(found)[1:] == [2]
        fault = found[0]
        assert isinstance(fault, Fault)
        assert fault.detail == "the record is spread over more than 65,536 members"
