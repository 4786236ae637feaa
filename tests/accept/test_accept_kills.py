"""Two hundred kills of a reader and fifty of a writer (tests/corpus/reader/test_kills.py has a few)."""

from pathlib import Path

import pytest
from coded_roots import draw, write_coded, write_parts
from programs import program

pytestmark = [pytest.mark.accept, pytest.mark.timeout(3600)]


def test_two_hundred_kills_of_a_reader_change_no_token(tmp_path: Path) -> None:
    """Resumed each time with another number of ranks."""
    folder = write_coded(tmp_path / "root", draw(400, 6, mean=60, components=("a", "b")), row_group_tokens=400)
    done = program("stopped_readers", "read", folder, tmp_path / "scratch", 200, 5)
    print(done)
    assert done["kills"] >= 200


def test_fifty_kills_of_a_writer_leave_a_whole_dataset_or_none(tmp_path: Path) -> None:
    """Read back after every kill."""
    documents = draw(400, 7, mean=60, components=("a", "b"))
    write_parts(tmp_path, [documents[number::3] for number in range(3)])
    done = program("stopped_readers", "write", tmp_path, 50, 6)
    print(done)
    assert done["kills"] >= 50
