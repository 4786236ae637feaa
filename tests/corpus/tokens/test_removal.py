"""Documents taken out: they are gone, all others are as they were, and the set verifies, whatever stopped it."""

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from token_roots import Page, make_shards, pages, run, stages, text_of, write_pages

from corpus.errors import MissingError, ShardError, StorageError
from corpus.tokens.cat import Wanted, documents
from corpus.tokens.compare import compare
from corpus.tokens.contents import Contents
from corpus.tokens.manifest import load_manifest
from corpus.tokens.parts import PartSettings
from corpus.tokens.removal import remove_in_place, remove_into
from corpus.tokens.takedown import Request, request_of
from corpus.tokens.verify import verify


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("removal"), count=160)


def content(folder: Path) -> dict[bytes, dict[str, Any]]:
    """Return every document by id, in order: all its columns, and its ids."""
    found = documents(Contents(load_manifest(folder)), Wanted())
    return {d.values["doc_id"]: dict(d.values) | {"ids": d.ids.tolist(), "component": d.component} for d in found}


def groups_of(folder: Path) -> dict[tuple[str, int], list[bytes]]:
    """Return the document ids of each row group, by file and number."""
    found = {}
    for path in sorted(folder.glob("*/*.parquet")):
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                ids = file.read_row_group(number, columns=["doc_id"])["doc_id"].to_pylist()
                found[path.relative_to(folder).as_posix(), number] = ids
    return found


def urls(numbers: list[int]) -> Request:
    return request_of(("url", f"https://example.org/{number}") for number in numbers)


KEPT = [page.number for page in pages(160) if page.component]


@given(st.sets(st.sampled_from(KEPT), min_size=1, max_size=len(KEPT) - 1))
@settings(max_examples=12, deadline=None)
def test_what_is_left_is_what_was_there_without_what_went(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, numbers: set[int]
) -> None:
    """Any set of documents: the others in the same order, columns and ids alike; row groups end where they did."""
    out = tmp_path_factory.mktemp("any") / "out"
    done = remove_into(folder, urls(sorted(numbers)), out)
    gone = {page.id for page in pages(160) if page.number in numbers}
    before = content(folder)
    left = {doc_id: document for doc_id, document in before.items() if doc_id not in gone}
    assert list(content(out).items()) == list(left.items())
    assert verify(out) == []
    expected = [[i for i in ids if i not in gone] for ids in groups_of(folder).values()]
    assert list(groups_of(out).values()) == [ids for ids in expected if ids]
    removed = done.entry["removed"]
    assert sum(counts["documents"] for counts in removed.values()) == len(numbers)
    tokens = sum(len(before[i]["ids"]) for i in gone)
    assert sum(counts["tokens"] for counts in removed.values()) == tokens
    assert done.unmatched == ()


def test_untouched_row_groups_keep_their_checksums_and_untouched_files_their_bytes(
    folder: Path, tmp_path: Path
) -> None:
    """One document goes: one checksum of the old set is not in the new one; other files are the same inodes."""
    page = next(page for page in pages(160) if page.component == "en")
    remove_into(folder, request_of([("doc", page.id.hex())]), tmp_path / "out")
    old, new = (load_manifest(f).row_groups(["checksum"])["checksum"].to_pylist() for f in (folder, tmp_path / "out"))
    (place,) = [number for number, ids in enumerate(groups_of(folder).values()) if page.id in ids]
    assert old[:place] + old[place + 1 :] == new[:place] + new[place + (len(new) == len(old)) :]
    shards = [path.relative_to(folder) for path in sorted(folder.glob("*/*.parquet"))]
    same = [path for path in shards if (folder / path).samefile(tmp_path / "out" / path)]
    assert len(same) == len(shards) - 1


def test_the_new_set_holds_the_documents_of_one_written_without_them(tmp_path: Path) -> None:
    """No document differs, though row groups, and so dataset ids, may; without a whole component they are equal."""
    made = pages(120)
    write_pages(tmp_path / "all", [made])
    run(stages(tmp_path / "all"))
    gone = {page.number for page in made if page.component and page.number % 5 == 1}
    write_pages(tmp_path / "less", [[page for page in made if page.number not in gone]])
    run(stages(tmp_path / "less"))
    remove_into(tmp_path / "all" / "shards", urls(sorted(gone)), tmp_path / "out")
    found = compare(load_manifest(tmp_path / "out"), load_manifest(tmp_path / "less" / "shards"))
    for component in found["components"].values():
        assert (component.get("only_a", 0), component.get("only_b", 0), component.get("changed", 0)) == (0, 0, 0)
        assert component["documents"][0] == component["documents"][1]
    german = [page.number for page in made if page.component == "de"]
    remove_into(tmp_path / "all" / "shards", urls(german), tmp_path / "english")
    write_pages(tmp_path / "en", [[page for page in made if page.component != "de"]])
    run(stages(tmp_path / "en"))
    assert load_manifest(tmp_path / "english").dataset == load_manifest(tmp_path / "en" / "shards").dataset
    assert not (tmp_path / "english" / "de").exists()


def test_the_manifest_names_its_parents_and_never_what_went(folder: Path, tmp_path: Path) -> None:
    """Two removals, two entries in order: dataset, counts, digest of the request; no URL, no id."""
    one = remove_into(folder, urls([1, 2]), tmp_path / "one")
    two = remove_into(tmp_path / "one", urls([3, 5]), tmp_path / "two")
    parents = load_manifest(tmp_path / "two").root["parents"]
    assert parents == [one.entry, two.entry]
    assert [entry["dataset"] for entry in parents] == [load_manifest(folder).dataset, one.dataset]
    assert parents[1]["request"] == {"sites": 0, "urls": 2, "docs": 0, "sha256": urls([5, 3]).digest}
    text = (tmp_path / "two" / "manifest.json").read_text()
    assert "example.org" not in text
    assert not any(page.id.hex() in text for page in pages(6))


def test_in_place_is_what_a_new_folder_would_be(folder: Path, tmp_path: Path) -> None:
    """The same files but for the time in the manifest; again, it says that it was done, and changes nothing."""
    here = shutil.copytree(folder, tmp_path / "shards")
    numbers = KEPT[::3]
    done = remove_in_place(here, urls(numbers))
    other = remove_into(folder, urls(numbers), tmp_path / "out")
    assert done.dataset == other.dataset
    names = sorted(path.relative_to(here).as_posix() for path in here.rglob("*"))
    assert names == sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*"))
    for name in names:
        if (here / name).is_file() and name != "manifest.json":
            assert (here / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name
    again = remove_in_place(here, urls(numbers))
    assert (again.before, again.dataset, again.entry) == (True, done.dataset, done.entry)
    assert verify(here) == []


def test_where_links_cannot_be_made_files_are_copied_and_checked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another file system: the same bytes, each its own file; one that is not the manifest's is refused."""

    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_link)
    here = shutil.copytree(folder, tmp_path / "shards")
    page = next(page for page in pages(160) if page.component == "en")
    remove_into(here, request_of([("doc", page.id.hex())]), tmp_path / "out")
    assert verify(tmp_path / "out") == []
    assert {path.stat().st_nlink for path in (tmp_path / "out").rglob("*.parquet")} == {1}
    path = here / "de" / "shard-00000.parquet"
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(ShardError, match=r"SHA-256|cannot be read"):
        remove_into(here, request_of([("doc", page.id.hex())]), tmp_path / "other")


def test_segments_go_together(tmp_path: Path) -> None:
    """A long document over several row groups goes whole."""
    made = [Page(number=n, text=text_of(n, 150 if n % 2 else 20)) for n in range(10)]
    write_pages(tmp_path, [made])
    run(stages(tmp_path, parts=PartSettings(segment_tokens=30), row_group_tokens=70))
    done = remove_into(tmp_path / "shards", urls([3]), tmp_path / "out")
    assert done.entry["removed"]["en"]["documents"] == 1
    assert done.entry["removed"]["en"]["rows"] > 3
    assert verify(tmp_path / "out") == []
    assert len(content(tmp_path / "out")) == 9


def test_scores_are_kept(tmp_path: Path) -> None:
    """Columns beyond the usual ones survive."""
    made = [replace(page, quality=0.25) for page in pages(40) if page.component]
    write_pages(tmp_path, [made])
    run(stages(tmp_path, scores=("quality",)))
    before = content(tmp_path / "shards")
    remove_into(tmp_path / "shards", urls([made[0].number]), tmp_path / "out")
    after = content(tmp_path / "out")
    assert {document["quality"] for document in after.values()} == {0.25}
    assert len(after) == len(before) - 1


def test_nothing_and_everything_change_nothing(folder: Path, tmp_path: Path) -> None:
    """A request that means no document, and one that would leave none, stop before anything is written."""
    before = sorted(folder.rglob("*"))
    for call in (lambda request: remove_in_place(folder, request), lambda r: remove_into(folder, r, tmp_path / "out")):
        with pytest.raises(MissingError, match="holds nothing of what is to be removed"):
            call(request_of([("site", "nowhere.example")]))
        with pytest.raises(ShardError, match="nothing would be left"):
            call(request_of([("site", "example.org")]))
    assert sorted(folder.rglob("*")) == before
    assert not (tmp_path / "out").exists()


def test_places_that_cannot_take_the_result_are_refused(folder: Path, tmp_path: Path) -> None:
    """Inside or around the shards, a file, a folder that holds something, another removal that was stopped."""
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("")
    (tmp_path / "stopped").mkdir()
    (tmp_path / "stopped" / ".removal").write_text("another")
    for out in (folder, folder / "out", folder.parent, tmp_path / "file", tmp_path / "full", tmp_path / "stopped"):
        with pytest.raises(StorageError, match="give another --out"):
            remove_into(folder, urls([1]), out)


def test_damage_stops_a_removal_and_the_old_set_stays(folder: Path, tmp_path: Path) -> None:
    """A row group that fails its checksum is not written anew under a new one; in place, the manifest comes back."""
    here = shutil.copytree(folder, tmp_path / "shards")
    path = here / "en" / "shard-00000.parquet"
    with pq.ParquetFile(path) as file:
        tables = [file.read_row_group(i) for i in range(file.num_row_groups)]
        with pq.ParquetWriter(tmp_path / "new", file.schema_arrow) as out:
            for number, table in enumerate(tables):
                kept = table if number else table.take(list(reversed(range(table.num_rows))))
                out.write_table(kept)
    (tmp_path / "new").replace(path)
    number = next(page.number for page in pages(160) if page.id in groups_of(here)["en/shard-00000.parquet", 0])
    manifest = (here / "manifest.json").read_bytes()
    with pytest.raises(ShardError, match="does not match its checksum"):
        remove_in_place(here, urls([number]))
    assert (here / "manifest.json").read_bytes() == manifest
    assert not (here / ".removal").exists()
    with pytest.raises(ShardError, match="does not match its checksum"):
        remove_into(here, urls([number]), tmp_path / "out")
    with pytest.raises(ShardError, match="run `corpus shards remove` again"):
        load_manifest(tmp_path / "out")


@pytest.mark.parametrize("where", ["in-place", "out"])
def test_killed_at_any_step_it_is_finished_by_the_same_call(tmp_path: Path, where: str) -> None:
    """SIGKILL before every rename, link and deletion in turn: the folder is old, new or no dataset, never another."""
    shards = make_shards(tmp_path / "root", count=24, shard_tokens=250)
    gone = [page for page in pages(24) if page.component == "de" or page.number in (1, 2)]
    program = Path(__file__).parents[2] / "support" / "killed_removals.py"
    asked = [f"https://example.org/{page.number}" for page in gone]
    command = [sys.executable, program, shards, tmp_path / "scratch", where, *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kills"] >= 10
    assert told["after"]["none"] >= told["kills"] // 2
