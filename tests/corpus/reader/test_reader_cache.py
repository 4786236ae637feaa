"""The cache: bounded, shared, whole files only, and trusted as little as the server."""

import os
import threading
from pathlib import Path

import pytest
from httpfaults import Site, serving
from served_shards import PREFIX, digest_of, quick, shard_requests, shards_of, site_of

from corpus.reader import ReaderSettings, TokenReader
from corpus.reader.cache import STALE, Cache

SETTINGS = ReaderSettings(sequence_length=32, batch_size=8, lanes=4, seed=3, window=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shards_of(tmp_path_factory.mktemp("cached"), 400)


def remote(site: Site, cache: Path, *, rank: int = 0, world: int = 1, **more: object) -> TokenReader:
    reading = quick(cache=cache, **more)
    return TokenReader(site.url + PREFIX, SETTINGS, rank=rank, world_size=world, reading=reading)


def test_what_was_fetched_is_not_fetched_again(folder: Path, tmp_path: Path) -> None:
    """A second reader asks the server for the manifest alone, tables apart; the stream is the same."""
    with serving(site_of(folder)) as site:
        with remote(site, tmp_path) as reader:
            first = digest_of(reader)
        before = len(site.requests)
        with remote(site, tmp_path) as reader:
            assert digest_of(reader) == first == digest_of(TokenReader(folder, SETTINGS))
            assert reader.io.cache_hits > 0
            assert reader.io.fetched == 0
        assert [path for path, _ in site.requests[before:]] == [f"{PREFIX}/manifest.json"]


def test_the_ranks_of_a_machine_share_it(folder: Path, tmp_path: Path) -> None:
    """Two ranks at a time: no row group is fetched twice, but for those that both want at the same moment."""
    with serving(site_of(folder)) as site:
        readers = [remote(site, tmp_path, rank=rank, world=2) for rank in (0, 1)]
        threads = [threading.Thread(target=list, args=(reader,)) for reader in readers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for reader in readers:
            reader.close()
        asked = shard_requests(site)
        assert len(asked) <= len(set(asked)) + 3


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other"])
def test_a_wrong_copy_is_dropped_and_fetched_again(folder: Path, tmp_path: Path, damage: str) -> None:
    """Damaged, cut, empty and exchanged copies are seen by the checksum, replaced, and never handed out."""
    with serving(site_of(folder)) as site:
        with remote(site, tmp_path) as reader:
            first = digest_of(reader)
        kept = [path for path in sorted(tmp_path.glob("??/*")) if len(path.name) == 32]
        good = kept[0].read_bytes()
        flipped = bytes([*good[:40], good[40] ^ 1, *good[41:]])
        bad = {"flip": flipped, "cut": good[:-3], "empty": b"", "other": kept[1].read_bytes()}[damage]
        kept[0].write_bytes(bad)
        with remote(site, tmp_path) as reader:
            assert digest_of(reader) == first
            assert reader.io.damaged >= 1
        assert kept[0].read_bytes() == good


def test_it_stays_within_its_limit(tmp_path: Path) -> None:
    """What was not used for longest goes first; what is larger than the limit does not come in."""
    cache = Cache(tmp_path, 1000)
    for number in range(9):
        cache.put(f"aa{number}", bytes(100))
        os.utime(tmp_path / "aa" / f"aa{number}", (number, number))
    assert cache.get("aa0") == bytes(100)  # used now
    for number in range(2):
        cache.put(f"bb{number}", bytes(100))
    cache.put("cc", bytes(1001))
    there = {path.name for path in tmp_path.glob("??/*")}
    assert "aa0" in there
    assert not {"aa1", "cc"} & there
    assert sum(path.stat().st_size for path in tmp_path.glob("??/*")) <= 1000


def test_a_reader_with_little_room_reads_on(folder: Path, tmp_path: Path) -> None:
    """A cache that holds a few row groups changes nothing but what is fetched."""
    with serving(site_of(folder)) as site, remote(site, tmp_path, cache_bytes=20_000) as reader:
        assert digest_of(reader) == digest_of(TokenReader(folder, SETTINGS))
        assert sum(path.stat().st_size for path in tmp_path.glob("??/*")) <= 20_000


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """An unfinished file is none of the cache's; an hour later it goes."""
    cache = Cache(tmp_path, 1000)
    cache.put("aa1", b"x")
    part = tmp_path / "aa" / "aa2.0123.part"
    part.write_bytes(b"half")
    assert cache.get("aa2") is None
    Cache(tmp_path, 1000)
    assert part.exists()
    old = part.stat().st_mtime - STALE - 1
    os.utime(part, (old, old))
    assert Cache(tmp_path, 1000).get("aa1") == b"x"
    assert not part.exists()
