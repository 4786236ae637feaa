"""Files that grow at their end: what was put, in that order, whatever waited, failed or was left there before."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sitegraph.store.growing
from corpus.errors import StorageError
from sitegraph.store.growing import ENOUGH, GrowingFile


def put(file: GrowingFile, data: bytes) -> None:
    """Make room for some bytes, and put them."""
    file.make_room(len(data))
    file.put(np.frombuffer(data, np.uint8))


@given(st.lists(st.one_of(st.none(), st.binary(max_size=40)), max_size=20))
@settings(deadline=None)
def test_bytes_come_in_the_order_in_which_they_were_put(tmp_path_factory: Any, parts: list[bytes | None]) -> None:
    """At most 16 bytes wait, more where they were put at once; None stands for a write in between."""
    path = tmp_path_factory.mktemp("growing") / "file"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitegraph.store.growing, "ENOUGH", 16)
        file = GrowingFile(path)
        for part in parts:
            file.write() if part is None else put(file, part)
        file.write()
        file.close()
    expected = b"".join(part for part in parts if part is not None)
    assert file.written == len(expected)
    assert (path.read_bytes() if expected else b"") == expected


def test_little_waits_and_is_written_together(tmp_path: Path) -> None:
    """No file is there before something is written to it; several parts make one write."""
    file = GrowingFile(tmp_path / "file")
    for part in (b"a", b"bc", b"def"):
        put(file, part)
    assert not file.path.exists()
    assert file.written == 0
    file.write()
    file.close()
    assert (file.path.read_bytes(), file.written) == (b"abcdef", 6)


def test_room_is_given_back(tmp_path: Path) -> None:
    """What was made for a large part goes when that is written; all of it goes when the file is closed."""
    file = GrowingFile(tmp_path / "file")
    file.make_room(8 * ENOUGH)
    file.put(np.zeros(ENOUGH, np.int64))
    assert file._held.nbytes == 8 * ENOUGH
    file.write()
    put(file, b"ab")
    assert file._held.nbytes == ENOUGH
    file.close()
    assert file._held.nbytes == ENOUGH  # two bytes wait
    file.write()
    file.close()
    assert file._held.nbytes == 0


def test_what_could_not_be_written_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes two bytes of six and is full then: told with the path, and all six are there afterwards."""

    class Full:
        def __init__(self, *arguments: Any, **options: Any) -> None:
            self.file = open(*arguments, **options)  # noqa: SIM115 - GrowingFile closes it

        def write(self, data: memoryview) -> int:
            if self.file.tell() >= 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return int(self.file.write(data[:2]))

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    file = GrowingFile(tmp_path / "file")
    put(file, b"abcdef")
    with monkeypatch.context() as patch:
        patch.setattr(sitegraph.store.growing, "open", Full, raising=False)
        with pytest.raises(StorageError, match=rf"{file.path}: the disk is full"):
            file.write()
    assert (file.path.read_bytes(), file.written) == (b"ab", 0)
    file.write()
    file.close()
    assert (file.path.read_bytes(), file.written) == (b"abcdef", 6)


def test_what_does_not_count_is_cut_off(tmp_path: Path) -> None:
    """Of ten bytes that another process left six count; what waited when it was rewound is forgotten."""
    file = GrowingFile(tmp_path / "file")
    file.path.write_bytes(b"0123456789")
    put(file, b"forgotten")
    file.rewind(6)
    put(file, b"ab")
    file.write()
    file.close()
    assert file.path.read_bytes() == b"012345ab"


def test_a_file_that_is_too_short_is_an_error(tmp_path: Path) -> None:
    """Not one with a hole in it."""
    file = GrowingFile(tmp_path / "file")
    file.path.write_bytes(b"01234")
    file.rewind(6)
    put(file, b"ab")
    with pytest.raises(StorageError, match=rf"{file.path}: shorter than it was; delete its folder"):
        file.write()
    assert file.path.read_bytes() == b"01234"
