"""Front-coded names: bytes by hand, every question they answer, and what is refused."""

import bisect
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sitegraph.store.names
from corpus.errors import InputError, StorageError
from corpus.storage import ShardSet
from sitegraph.store.names import GROUP, MAGIC, Names, NamesWriter

WEB = [
    "com.example",
    "com.example-shop",
    "com.example-shop.www",
    "com.example.a",
    "com.example.a.b",
    "com.exampleb",
    "de.xn--bcher-kva",
    "org.example",
]


def written(root: Path, names: list[str], pieces: int = 1) -> Names:
    """Write names in so many calls and open them."""
    shard_set = ShardSet(root, "names", ".names")
    with NamesWriter(shard_set) as out:
        for part in np.array_split(np.arange(len(names)), pieces):
            out.add(pa.array([names[i] for i in part], pa.string()))
    assert out.written.rows == len(names)
    assert out.written.bytes == shard_set.path(0).stat().st_size
    return Names(shard_set.path(0))


def numbers(count: int, width: int = 5) -> list[str]:
    """Return ascending names."""
    return [f"com.site{i:0{width}d}" for i in range(count)]


def test_bytes_of_three_names(tmp_path: Path) -> None:
    """(0, 2) aa, (2, 1) b behind the two it shares, (0, 1) b; then the offset of the group, and of its end."""
    names = written(tmp_path, ["aa", "aab", "b"])
    body = names.path.read_bytes()
    assert body.startswith(MAGIC + b"\x00\x02aa" + b"\x02\x01b" + b"\x00\x01b" + bytes([8, *[0] * 7, 18, *[0] * 7]))


def test_the_head_of_a_group_is_whole(tmp_path: Path) -> None:
    """Name 32 shares nothing, though it could."""
    body = written(tmp_path, numbers(GROUP + 1)).path.read_bytes()
    assert body.count(b"com.site") == 2
    assert b"\x00\x0dcom.site00032" in body


@pytest.mark.parametrize("count", [0, 1, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP - 1, 2 * GROUP, 2 * GROUP + 1, 500])
def test_every_name_by_id_and_every_id_by_name(tmp_path: Path, count: int) -> None:
    """At the borders of groups: one by one, in slices, in tables, and back."""
    wanted = numbers(count)
    names = written(tmp_path, wanted)
    names.verify()
    assert len(names) == count
    assert list(names) == names[:] == wanted
    assert [name for table in names.tables() for name in table.to_pylist()] == wanted
    assert names.find(wanted).tolist() == list(range(count))
    assert names.of(np.arange(count)[::-1]) == wanted[::-1]
    if count:
        assert names[-1] == wanted[-1]
        assert names[-count] == wanted[0]
    for wrong in (count, -count - 1):
        with pytest.raises(IndexError):
            names[wrong]


@pytest.mark.parametrize("pieces", [1, 2, 7, 100])
def test_the_division_into_calls_changes_nothing(tmp_path: Path, pieces: int) -> None:
    """A name is coded against the one before it, in whichever call that came."""
    whole = written(tmp_path / "whole", numbers(100)).path.read_bytes()
    assert written(tmp_path / "parts", numbers(100), pieces).path.read_bytes() == whole


def test_names_that_are_not_there(tmp_path: Path) -> None:
    """Before the first, behind the last, between two, beginnings and continuations of others: -1."""
    names = written(tmp_path, WEB)
    absent = ["", "a", "com", "com.exampl", "com.example-", "com.example.", "com.example.a.", "com.example.b", "zz"]
    assert names.find(absent).tolist() == [-1] * len(absent)
    assert names.find([]).tolist() == []
    assert names.find(["zz", "org.example", "a", "com.example"]).tolist() == [-1, 7, -1, 0]


def test_names_that_begin_with_one_another(tmp_path: Path) -> None:
    """In byte order the hyphen comes before the dot."""
    names = written(tmp_path, WEB)
    assert names.find(WEB).tolist() == list(range(len(WEB)))
    assert list(names) == WEB


@pytest.mark.parametrize("start", [0, 1, 31, 32, 33, 63, 64, 90, 99, 100])
@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 1000])
@pytest.mark.parametrize("rows", [1, 7, 32, 50])
def test_tables_from_one_id_to_another(tmp_path: Path, start: int, length: int, rows: int) -> None:
    """In order, of at most `rows` names, whatever the groups."""
    wanted = numbers(100)
    names = written(tmp_path, wanted)
    tables = list(names.tables(start, start + length, rows))
    assert all(0 < len(table) <= rows for table in tables)
    assert [name for table in tables for name in table.to_pylist()] == wanted[start : start + length]


def test_the_longest_names(tmp_path: Path) -> None:
    """255 bytes, whole at the head of a group, and sharing 254 within."""
    wanted = [f"{'a' * 252}{i:03d}" for i in range(GROUP + 5)]
    names = written(tmp_path, wanted)
    assert list(names) == wanted
    assert names.find(wanted).tolist() == list(range(len(wanted)))
    assert names.find(["a" * 256, "a" * 300, "a" * 254]).tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (["b", "a"], 1),
        (["a", "a"], 1),
        (["a", "ab", "aa"], 2),
        (["a.b", "a-b"], 1),
        (["", "a"], 0),
        (["a", ""], 1),
        (["a" * 256], 0),
        ([*numbers(GROUP), "com.site00005"], GROUP),
        ([*numbers(GROUP), "com.site00031"], GROUP),
    ],
)
@pytest.mark.parametrize("pieces", [1, 2])
def test_names_that_are_not_ascending_are_refused(tmp_path: Path, wrong: list[str], place: int, pieces: int) -> None:
    """Unsorted, doubled, empty or too long: which one it was is told, and no file is left."""
    with pytest.raises(InputError, match=rf"^name {place}, '{wrong[place][:80]}', does not come behind"):
        written(tmp_path, wrong, pieces)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_null_is_refused(tmp_path: Path) -> None:
    """As a name that is empty."""
    with (
        pytest.raises(InputError, match=r"^name 1, None, does not come behind"),
        NamesWriter(ShardSet(tmp_path, "n")) as out,
    ):
        out.add(pa.array(["a", None], pa.string()))


def test_bytes_beyond_ascii_sort_as_bytes(tmp_path: Path) -> None:
    """Unsigned, as UTF-8 does."""
    wanted = sorted(["a", "z", "é", "\u0800", "\uffff", "\U0001f600"], key=str.encode)
    names = written(tmp_path, wanted)
    assert list(names) == wanted
    assert names.find([*wanted, "ê"]).tolist() == [0, 1, 2, 3, 4, 5, -1]


def test_arrow_arrays_of_any_kind(tmp_path: Path) -> None:
    """Slices, large strings and dictionaries of other batches are written and found alike."""
    shard_set = ShardSet(tmp_path, "names", ".names")
    with NamesWriter(shard_set) as out:
        out.add(pa.array(["zz", "a", "b", "c", "d"], pa.string()).slice(1, 2))
        out.add(pa.array(["zz", "c", "d"], pa.large_string()).slice(1))
    names = Names(shard_set.path(0))
    assert list(names) == ["a", "b", "c", "d"]
    assert names.find(pa.array(["x", "d", "a"], pa.string()).slice(1)).tolist() == [3, 0]


NAME = st.text(alphabet="ab.-", min_size=1, max_size=12)


def test_names_of_several_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two groups, in calls that end anywhere: each is held against its own check sum."""
    monkeypatch.setattr(sitegraph.store.names, "PAGE", 2)
    for count in (1, 2 * GROUP, 2 * GROUP + 1, 9 * GROUP - 3):
        for pieces in (1, 2, 5, 50):
            names = written(tmp_path, numbers(count), pieces)
            names.verify()
            assert list(names) == numbers(count)
            assert names.find(numbers(count)).tolist() == list(range(count))


def test_a_damaged_page_gives_nothing_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked of it is an error; other pages answer as before, and what is looked up is right or an error."""
    monkeypatch.setattr(sitegraph.store.names, "PAGE", 2)
    wanted = numbers(9 * GROUP)
    path = written(tmp_path, wanted).path
    whole = path.read_bytes()
    at = whole.index(b"com.site00128") + 9  # page 2: names from 128 to 191
    for value in b"019:\0\xff":
        path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
        names = Names(path)
        if value == whole[at]:
            continue
        for asked in (128, 150, 191):
            with pytest.raises(StorageError, match="of the names from 128 on is wrong"):
                names.of(np.array([asked]))
        assert names.of(np.array([0, 127, 192, 250])) == [wanted[i] for i in (0, 127, 192, 250)]
        for place, name in enumerate(wanted):
            try:
                assert names.find([name]).tolist() == [place]
            except StorageError:
                continue
        with pytest.raises(StorageError):
            list(names.tables())
        with pytest.raises(StorageError):
            names.verify()


@given(st.sets(NAME, max_size=90), st.lists(NAME, max_size=20), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_any_names(tmp_path_factory: pytest.TempPathFactory, found: set[str], asked: list[str], pieces: int) -> None:
    """Round trip, and every look-up as a binary search in a list says."""
    wanted = sorted(found, key=str.encode)
    names = written(tmp_path_factory.mktemp("names"), wanted, pieces)
    assert list(names) == wanted
    for name, place in zip(asked, names.find(asked).tolist(), strict=True):
        at = bisect.bisect_left(wanted, name)
        assert place == (at if name in found else -1)


def test_a_file_that_was_not_finished(tmp_path: Path) -> None:
    """What it holds is asked for too early."""
    out = NamesWriter(ShardSet(tmp_path, "names", ".names"))
    with pytest.raises(StorageError, match="before it was finished"):
        _ = out.written


@pytest.mark.parametrize("body", [b"", b"x", MAGIC, MAGIC * 10, b"\0" * 100])
def test_what_is_no_names_file(tmp_path: Path, body: bytes) -> None:
    """Said with the path."""
    path = tmp_path / "some.names"
    path.write_bytes(body)
    with pytest.raises(StorageError, match=r"some\.names"):
        Names(path)


def test_an_absent_file(tmp_path: Path) -> None:
    """Said with the path."""
    with pytest.raises(StorageError, match=r"some\.names"):
        Names(tmp_path / "some.names")
