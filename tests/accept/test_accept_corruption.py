"""A thousand flipped bits, and other damage: found before a batch is handed out (test_reader.py has a hundred)."""

import random
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from coded_roots import Coded, draw, write_coded
from coded_streams import digest

from corpus.errors import ShardError
from corpus.reader import Batch, ReaderSettings, TokenReader

pytestmark = [pytest.mark.accept, pytest.mark.timeout(3600)]

SETTINGS = ReaderSettings(sequence_length=64, batch_size=8, lanes=4, window=4)
FLIPS = 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coded(tmp_path_factory.mktemp("corruption"), draw(120, 3, mean=60), shard_tokens=4000)


def whole(folder: Path) -> list[str]:
    return [digest([[batch]]) for batch in TokenReader(folder, SETTINGS)]


def outcome(folder: Path, good: list[str]) -> str:
    """Read a damaged copy; every batch handed out has to be the true one."""
    got: list[Batch] = []
    try:
        with TokenReader(folder, SETTINGS) as reader:
            got.extend(reader)
    except ShardError:
        found = "refused"
    else:
        found = "unharmed"
        assert len(got) == len(good)
    assert [digest([[batch]]) for batch in got] == good[: len(got)]
    return found


def test_a_thousand_flips_among_tokens_are_found(folder: Path, tmp_path: Path) -> None:
    """One bit of the pages of the column `tokens`: a ShardError. Heads of pages have a few bits that nothing reads."""
    good, copy = whole(folder), tmp_path / "copy"
    shutil.copytree(folder, copy)
    chosen, paths = random.Random(11), sorted(copy.glob("*/*.parquet"))
    found = []
    for _ in range(FLIPS):
        path = chosen.choice(paths)
        metadata = pq.read_metadata(path)
        column = metadata.row_group(chosen.randrange(metadata.num_row_groups)).column(0)
        start = column.dictionary_page_offset or column.data_page_offset
        found.append(flipped(path, start + chosen.randrange(column.total_compressed_size), chosen, copy, good))
    print({kind: found.count(kind) for kind in set(found)})
    assert found.count("refused") >= FLIPS - 5


def test_a_thousand_flips_anywhere_are_found_or_without_effect(folder: Path, tmp_path: Path) -> None:
    """Any file of the folder, footers, other columns and the manifest too: refused, or not a token is changed."""
    good, copy = whole(folder), tmp_path / "copy"
    shutil.copytree(folder, copy)
    chosen, paths = random.Random(12), sorted(path for path in copy.rglob("*.*") if path.stat().st_size)
    found = []
    for _ in range(FLIPS):
        path = chosen.choice(paths)
        found.append(flipped(path, chosen.randrange(path.stat().st_size), chosen, copy, good))
    print({kind: found.count(kind) for kind in set(found)})
    assert found.count("refused") > FLIPS // 2


def flipped(path: Path, at: int, chosen: random.Random, folder: Path, good: list[str]) -> str:
    """Flip a bit of a byte of a file, read, and put it right again."""
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[at] ^= 1 << chosen.randrange(8)
    path.write_bytes(damaged)
    found = outcome(folder, good)
    path.write_bytes(content)
    return found


@pytest.mark.parametrize("damage", ["cut", "swapped", "stale", "missing"])
def test_other_damage_is_refused(folder: Path, tmp_path: Path, damage: str) -> None:
    """A shard cut short, two exchanged, one of an earlier version in the same place and size, one that is gone."""
    good, copy = whole(folder), tmp_path / "copy"
    shutil.copytree(folder, copy)
    one, two = sorted(copy.glob("*/*.parquet"))[:2]
    content = one.read_bytes()
    if damage == "cut":
        one.write_bytes(content[:-1])
    elif damage == "swapped":
        one.write_bytes(two.read_bytes()[: len(content)].ljust(len(content), b"\0"))
        two.write_bytes(content[: two.stat().st_size].ljust(two.stat().st_size, b"\0"))
    elif damage == "stale":
        earlier = [Coded(number=n, tokens=60) for n in range(1, 121)]
        older = next(write_coded(tmp_path / "older", earlier, shard_tokens=4000).glob("*/*.parquet"))
        size = max(len(content), older.stat().st_size)
        one.write_bytes(older.read_bytes() if size != len(content) else padded(older, size))
    else:
        one.unlink()
    assert outcome(copy, good) == "refused"


def padded(path: Path, size: int) -> bytes:
    """Return a Parquet file with room before its footer, so that it is of a size and still one."""
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    return content[:-footer].ljust(size - footer, b"\0") + content[-footer:]
