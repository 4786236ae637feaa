"""Two hundred random corruptions of good archives: no crash, no hang, and no intact member's record is lost."""

import gzip

import pytest
import zstandard
from archives import items, members, number_of, page, warc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.archive.records import Fault, Record

COUNT = 24
RECORDS = [warc(n, page(n, 200 + 90 * n), digest=n % 3 == 0) for n in range(COUNT)]
BLOCKS = [page(n, 200 + 90 * n) for n in range(COUNT)]
PACKINGS = {
    "gzip": members(RECORDS),
    "zstd": [zstandard.ZstdCompressor(write_checksum=True).compress(record) for record in RECORDS],
    "three a member": members(b"".join(RECORDS[i : i + 3]) for i in range(0, COUNT, 3)),
    "plain": RECORDS,
}
Damage = tuple[str, float]


def damaged(data: bytes, damage: Damage) -> tuple[bytes, int, int]:
    """Return the damaged bytes, and which bytes of the good ones (first, behind last) the damage touched."""
    kind, where = damage
    at = int(where * (len(data) - 1))
    if kind == "cut":
        return data[:at], at, len(data)
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :], at, at + 1
    at = data.find(b"\n", at) if b"\n" in data[at:] else data.rfind(b"\n")
    return data[:at] + data[at + 1 :], at, at + 1


def check(packing: str, damage: Damage) -> None:
    """Damage an archive, read it, and compare with what must still be there."""
    parts = PACKINGS[packing]
    data, first, behind = damaged(b"".join(parts), damage)
    found = items(data, read_size=1 << 14)
    assert all(isinstance(item, Record | Fault) for item in found)
    records = [item for item in found if isinstance(item, Record)]
    numbers = [number_of(record) for record in records]
    assert len(set(numbers)) == len(numbers)
    per, at, wanted = COUNT // len(parts), 0, []
    for i, part in enumerate(parts):
        if at + len(part) <= first or at >= behind:
            wanted += range(i * per, (i + 1) * per)
        at += len(part)
    assert set(wanted) <= set(numbers), set(wanted) - set(numbers)
    assert len(wanted) < COUNT
    exact = [record.block in BLOCKS for record in records if packing != "plain"]
    assert all(exact)
    lost = COUNT - len(numbers)
    assert not lost or damage[0] == "cut" or any(isinstance(item, Fault) for item in found)
    for item in found:
        assert 0 <= item.offset < len(data)
        assert 0 < item.length <= len(data) - item.offset


@pytest.mark.parametrize("packing", PACKINGS)
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(damage=st.tuples(st.sampled_from(["cut", "flip", "drop"]), st.floats(0, 1)))
def test_random_damage(packing: str, damage: Damage) -> None:
    """A cut, an inverted byte or a dropped newline anywhere costs the member it lies in; the rest comes out exact."""
    check(packing, damage)


@pytest.mark.parametrize("digests", [False, True])
@settings(max_examples=400, deadline=None, derandomize=True)
@given(where=st.floats(0, 1), size=st.integers(1, 9000), snap=st.sampled_from(["", "start", "end", "both"]))
def test_zeroed_spans(digests: bool, where: float, size: int, snap: str) -> None:
    """Zeros over any span of a plain file cost no record outside it, and none inside it without a fault that meets it.

    Every record is larger than a disk sector; spans that begin or end where a record does are drawn often.
    """
    records = [warc(n, page(n, 300 + 40 * n), digest=digests) for n in range(COUNT)]
    ends = [sum(map(len, records[: n + 1])) for n in range(COUNT)]
    assert min(map(len, records)) > 512
    first = int(where * (ends[-1] - 1))
    first = min(ends[:-1], key=lambda end: abs(end - first)) if snap in ("start", "both") else first
    behind = min(first + size, ends[-1])
    behind = (
        min((end for end in ends if end > first), key=lambda end: abs(end - behind))
        if snap in ("end", "both")
        else behind
    )
    good = b"".join(records)
    found = items(good[:first] + bytes(behind - first) + good[behind:], read_size=1 << 14)
    whole = {item.offset: item for item in found if isinstance(item, Record)}
    met = any(item.offset < behind and item.offset + item.length > first for item in found if isinstance(item, Fault))
    for n, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
        if end <= first or start >= behind:
            assert number_of(whole[start]) == n
            assert whole[start].block == page(n, 300 + 40 * n)
            assert whole[start].length == end - start
        assert start not in whole or start < first or start >= behind
        assert met or start < first or end > behind


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    data=st.binary(max_size=400), packed=st.sampled_from([b"", b"WARC/1.0\r\n", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd"])
)
def test_any_bytes_at_all(data: bytes, packed: bytes) -> None:
    """Arbitrary bytes, bare or behind the first bytes of each format, never crash the reader, nor do they packed."""
    for made in (packed + data, gzip.compress(packed + data, mtime=0)):
        for item in items(made + PACKINGS["gzip"][3]):
            assert isinstance(item, Record | Fault)
