"""kill -9 at random moments costs a reader nothing, and leaves no dataset that is not whole."""

from pathlib import Path

from coded_roots import draw, write_coded, write_parts
from programs import program


def test_twenty_kills_of_a_reader_change_no_token(tmp_path: Path) -> None:
    """Each time it goes on with another number of ranks; what it got is what an undisturbed run gets, in order."""
    folder = write_coded(tmp_path / "root", draw(150, 6, mean=60, components=("a", "b")), row_group_tokens=400)
    done = program("stopped_readers", "read", folder, tmp_path / "scratch", 20, 1)
    assert done["kills"] >= 20
    assert done["repeated"] <= done["kills"]


def test_a_killed_writer_leaves_a_whole_dataset_or_none(tmp_path: Path) -> None:
    """Eight kills while shards are written; the files that come of it in the end are those of a quiet run."""
    documents = draw(100, 7, mean=60, components=("a", "b"))
    write_parts(tmp_path, [documents[number::3] for number in range(3)])
    assert program("stopped_readers", "write", tmp_path, 8, 2)["kills"] >= 8
