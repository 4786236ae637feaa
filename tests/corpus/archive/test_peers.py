"""The same records as warcio, the reference, and FastWARC give of every intact archive that they can read.

What they cannot read is named here, with what they do: a sentence for each file, and a test that it is still so.
"""

import contextlib
import gzip
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from archives import members, page, warc
from fastwarc.warc import ArchiveIterator as FastwarcIterator
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator as WarcioIterator
from warcio.exceptions import ArchiveLoadFailed

from corpus.archive.reader import open_archive
from corpus.archive.records import Fault, Record

Told = tuple[int, str, str, str | None, list[tuple[str, str]], bytes]
"""Offset, type, target URI, date, header fields in order, block."""
URI = "WARC-Target-URI"
SAMPLE = Path(__file__).resolve().parents[3] / "sample_data" / "crawl"
DAMAGED = {"truncated.warc.gz", "cut-short.warc", "damaged-member.warc.gz"}
ARC = "ARC: FastWARC reads none, and warcio gives other fields (test_reader.py has the expected ones)"


def plain_uri(uri: str | None) -> str:
    """Return a target URI without angle brackets and raw spaces, which warcio mends and the others leave."""
    return (uri or "").removeprefix("<").removesuffix(">").replace(" ", "%20")


def tell(offset: int, kind: str, fields: list[tuple[str, str]], block: bytes) -> Told:
    """Return the common form of a record."""
    first = {name.lower(): value for name, value in reversed(fields)}
    fields = [(name, plain_uri(value) if name.lower() == URI.lower() else value) for name, value in fields]
    return offset, kind, plain_uri(first.get(URI.lower())), first.get("warc-date"), fields, block


def ours(data: bytes) -> list[Told]:
    """Read by this project; a fault fails the test."""
    found = []
    for item in open_archive(io.BytesIO(data), "archive"):
        assert isinstance(item, Record), item
        assert item.block is not None
        found.append(tell(item.offset, item.record_type, item.headers.fields, item.block))
        assert (plain_uri(item.target_uri), item.date) == found[-1][2:4]
    return found


def by_fastwarc(data: bytes) -> list[Told]:
    """Read by FastWARC."""
    records = FastwarcIterator(io.BytesIO(data), parse_http=False)
    return [
        tell(r.stream_pos, str(r.record_type).rpartition(".")[2], list(r.headers.items()), r.reader.read())
        for r in records
    ]


def walk_warcio(data: bytes) -> Iterator[tuple[Told, int]]:
    """Yield each record that warcio reads, and the bytes that it takes in the file."""
    records = WarcioIterator(io.BytesIO(data), no_record_parse=True)
    for record in records:
        block = record.raw_stream.read()  # first: asking for places ends the record
        told = tell(records.get_record_offset(), record.rec_type, list(record.rec_headers.headers), block)
        yield told, records.get_record_length()


def by_warcio(data: bytes) -> list[Told]:
    """Read by warcio."""
    return [told for told, _ in walk_warcio(data)]


PEERS: dict[str, Callable[[bytes], list[Told]]] = {"warcio": by_warcio, "fastwarc": by_fastwarc}


def agree(data: bytes, *peers: str) -> int:
    """Compare with what the peers give; return the number of records."""
    mine = ours(data)
    for peer in peers:
        assert PEERS[peer](data) == mine, peer
    return len(mine)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6])
def test_sample_crawl(number: int) -> None:
    """Every intact WARC and WET file of the sample crawl: three readers, one result; lengths of members as warcio's."""
    (path,) = SAMPLE.glob(f"crawl-0000{number}.*")
    data = path.read_bytes()
    assert agree(data, "warcio", "fastwarc") >= 6
    if data.startswith(b"\x1f\x8b"):
        mine = [item.length for item in open_archive(io.BytesIO(data), "archive")]
        assert mine == [length for _, length in walk_warcio(data)]


def test_sample_crawl_in_zstd() -> None:
    """Records in zstd frames, which warcio does not read, are those that FastWARC gives."""
    data = (SAMPLE / "crawl-00007.warc.zst").read_bytes()
    assert agree(data, "fastwarc") == 7
    with pytest.raises(ArchiveLoadFailed, match="Unknown archive format"):
        by_warcio(data)


def test_the_sample_crawl_is_covered() -> None:
    """No file of the sample crawl is left out without its name."""
    compared = {path.name for path in SAMPLE.iterdir() if path.name[10:11] in "0123467" and path.name not in DAMAGED}
    assert {path.name for path in SAMPLE.iterdir()} == compared | DAMAGED | {"crawl-00005.arc.gz"}, ARC


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    blocks=st.lists(st.binary(max_size=2000), min_size=1, max_size=8),
    kinds=st.lists(
        st.sampled_from(["response", "request", "metadata", "resource", "conversion"]), min_size=8, max_size=8
    ),
    names=st.lists(st.from_regex(r"\AX-[A-Za-z][A-Za-z0-9-]{0,20}\Z"), max_size=4),
    value=st.from_regex(r"\A[!-9;-~](?:[ -9;-~:]{0,60}[!-9;-~])?\Z"),
    packing=st.sampled_from(["plain", "gzip", "zstd"]),
)
def test_generated_archives(blocks: list[bytes], kinds: list[str], names: list[str], value: str, packing: str) -> None:
    """Any types, blocks and extra fields, in plain, gzip and zstd files."""
    more = dict.fromkeys(names, value)
    records = [warc(n, block, **{"WARC-Type": kinds[n]} | more) for n, block in enumerate(blocks)]
    pack = zstandard.ZstdCompressor(write_checksum=True).compress
    packed = {"plain": records, "gzip": members(records), "zstd": [pack(record) for record in records]}[packing]
    peers = ["fastwarc"] if packing == "zstd" else ["warcio", "fastwarc"]
    assert agree(b"".join(packed), *peers) == len(blocks)


def test_a_whole_archive_in_one_member() -> None:
    """All records in one gzip member: warcio refuses it, FastWARC reads it and gives every record the place 0 too."""
    data = gzip.compress(b"".join(warc(n) for n in range(5)), mtime=0)
    mine, theirs = ours(data), by_fastwarc(data)
    assert [record[1:] for record in mine] == [record[1:] for record in theirs]
    assert {record[0] for record in mine} == {0}
    with pytest.raises(ArchiveLoadFailed, match="non-chunked gzip"):
        by_warcio(data)


def test_damage_is_why_there_is_a_reader_here() -> None:
    """After an inverted byte both peers lose all that follows; here it costs one record of 50, and is told."""
    packed = members(warc(n, page(n)) for n in range(50))
    data = bytearray(b"".join(packed))
    data[sum(map(len, packed[:10])) + len(packed[10]) // 2] ^= 0xFF
    items = list(open_archive(io.BytesIO(bytes(data)), "archive"))
    assert (sum(isinstance(i, Record) for i in items), sum(isinstance(i, Fault) for i in items)) == (49, 1)
    for peer in (by_warcio, by_fastwarc):
        found: Any = []
        with contextlib.suppress(OSError, ArchiveLoadFailed):
            found = peer(bytes(data))
        assert len(found) < 49


CANNOT = {
    "IAH-20080430204825-00000-blackbook-truncated.arc.gz": ARC,
    "aut-example.arc.gz": ARC,
    "example-space-in-url.arc": ARC,
    "warcio-example.arc.gz": ARC,
    "clipped.warc.gz": "cut: both hand out the half record as if it were whole",
    "double-single-inflate-error.gz": "damaged: neither reads anything",
}
WITHOUT = {
    "example-bad.warc.gz.bad": ("warcio", "one gzip member: warcio refuses it; FastWARC has places of its own for it"),
    "example-trunc.warc": ("fastwarc", "a Content-Length that is too small: FastWARC stops there"),
    "example-wrong-chunks.warc.gz": ("warcio", "a Content-Length that is too small: warcio stops there"),
    "missing-status-text.warc": ("fastwarc", "two carriage returns at line ends: FastWARC gives an empty block"),
}


@pytest.mark.shared
def test_real_archives(shared: Path) -> None:
    """Every real archive, but for those named above; where one peer cannot read a file, the other one can."""
    names = {path.name for path in (shared / "data" / "warc").iterdir() if path.suffix != ".md"}
    assert set(CANNOT) | set(WITHOUT) <= names
    for name in sorted(names - set(CANNOT)):
        data = (shared / "data" / "warc" / name).read_bytes()
        absent, _ = WITHOUT.get(name, ("", ""))
        try:
            mine = ours(data)
            for peer in set(PEERS) - {absent}:
                theirs = PEERS[peer](data)
                if name == "example-bad.warc.gz.bad":
                    mine, theirs = ([(0, *record[1:]) for record in some] for some in (mine, theirs))
                assert theirs == mine, (name, peer)
        except (AssertionError, OSError, ArchiveLoadFailed) as error:
            raise AssertionError(f"{name}: {str(error)[:500]}") from error
    for name, (absent, why) in WITHOUT.items():
        data = (shared / "data" / "warc" / name).read_bytes()
        try:
            same = PEERS[absent](data) == ours(data)
        except (OSError, ArchiveLoadFailed):
            same = False
        assert not same, f"{absent} reads {name} now: {why}"
