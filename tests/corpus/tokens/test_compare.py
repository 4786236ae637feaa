"""Two shard sets compared: documents on one side only and changed ones, by hand; equal ones are not read."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from token_roots import Page, pages, run, small_tokenizer, stages, write_pages

from corpus.errors import ShardError
from corpus.tokens.compare import Entry, by_id, compare, merged, ordered
from corpus.tokens.manifest import load_manifest
from corpus.tokens.parts import PartSettings
from corpus.tokens.removal import remove_into
from corpus.tokens.takedown import request_of


def write(root: Path, made: list[Page], **more: object) -> Path:
    write_pages(root, [made[::2], made[1::2]])
    run(stages(root, **more))  # type: ignore[arg-type]
    return root / "shards"


def changes(made: list[Page]) -> list[Page]:
    """Leave out the first English page, change the text of the second, and bring a new one."""
    _, second, *rest = [page for page in made if page.component == "en"]
    others = [page for page in made if page.component != "en"]
    return [*others, replace(second, text="Another text."), *rest, Page(number=1000, text="A new page.")]


@pytest.mark.parametrize("order_key", ["headwater", "another"])
def test_documents_that_differ_are_counted_and_named(tmp_path: Path, order_key: str) -> None:
    """One left out, one changed, one new; the other component is the same. With another order key it is no other."""
    made = pages(100)
    one = write(tmp_path / "one", made)
    two = write(tmp_path / "two", changes(made), parts=PartSettings(row_group_tokens=200, order_key=order_key))
    found = compare(load_manifest(one), load_manifest(two))
    english = found["components"]["en"]
    first, second, *rest = [page for page in made if page.component == "en"]
    counts = {name: english[name] for name in ("same", "only_a", "only_b", "changed")}
    assert counts == {"same": len(rest), "only_a": 1, "only_b": 1, "changed": 1}
    assert english["examples"]["only_a"][0]["doc_id"] == first.id.hex()
    assert english["examples"]["only_b"][0]["url"] == "https://example.org/1000"
    assert english["examples"]["changed"][0]["doc_id"] == second.id.hex()
    assert english["documents"] == [len(rest) + 2] * 2
    german = found["components"]["de"]["state"]
    assert german == ("same" if order_key == "headwater" else "same documents, cut or ordered otherwise")
    assert (found["same"], found["tokenizer"], found["boundary"]) == (False, {}, {})


def test_equal_sets_are_told_without_reading(tmp_path: Path) -> None:
    """Written from other parts, the dataset id is the same; it is told even when the shards are gone."""
    made = pages(80)
    one = write(tmp_path / "one", made)
    two = write(tmp_path / "two", made[::-1])
    for path in [*one.glob("*/*.parquet"), *two.glob("*/*.parquet")]:
        path.unlink()
    found = compare(load_manifest(one), load_manifest(two))
    assert found["same"]
    assert {component["state"] for component in found["components"].values()} == {"same"}


def test_files_that_both_sides_have_are_not_read(tmp_path: Path) -> None:
    """After a removal most files are shared: the counts are right even when those are gone on both sides."""
    one = write(tmp_path / "one", pages(160))
    gone = next(page for page in pages(160) if page.component == "en")
    remove_into(one, request_of([("doc", gone.id.hex())]), tmp_path / "two")
    before = {path: path.stat() for path in one.glob("en/*.parquet")}
    shared = [path.relative_to(one) for path, stat in before.items() if stat.st_nlink == 2]
    assert len(shared) == len(before) - 1 > 0
    for path in shared:
        (one / path).unlink()
        (tmp_path / "two" / path).unlink()
    english = compare(load_manifest(one), load_manifest(tmp_path / "two"))["components"]["en"]
    kept = sum(page.component == "en" for page in pages(160)) - 1
    assert (english["same"], english["only_a"], english["only_b"], english["changed"]) == (kept, 1, 0, 0)
    assert english["examples"]["only_a"][0]["doc_id"] == gone.id.hex()


def test_other_row_groups_are_the_same_documents(tmp_path: Path) -> None:
    """The dataset id depends on where row groups end, the documents do not: none differs."""
    made = pages(80)
    one = write(tmp_path / "one", made)
    two = write(tmp_path / "two", made, row_group_tokens=200)
    found = compare(load_manifest(one), load_manifest(two))
    assert not found["same"]
    assert {component["state"] for component in found["components"].values()} == {
        "same documents, cut or ordered otherwise"
    }


def test_segments_are_joined_before_they_are_compared(tmp_path: Path) -> None:
    """A document cut into other segments is the same document."""
    made = [Page(number=number, text="stone river " * 60) for number in range(3)]
    one = write(tmp_path / "one", made)
    two = write(tmp_path / "two", made, parts=PartSettings(segment_tokens=20))
    boundary = compare(load_manifest(one), load_manifest(two))
    assert boundary["boundary"] == {"segment_tokens": [1 << 20, 20]}
    assert boundary["components"]["en"]["same"] == 3


def test_tokenizer_boundary_and_components_are_compared(tmp_path: Path) -> None:
    """Another boundary changes every document; a component that one side lacks is not read."""
    made = pages(60)
    one = write(tmp_path / "one", made)
    less = [page for page in made if page.component != "de"]
    (tmp_path / "two").mkdir()
    tokenizer = replace(small_tokenizer(tmp_path / "one"), bos="<s>")
    two = write(tmp_path / "two", less, tokenizer=tokenizer)
    found = compare(load_manifest(one), load_manifest(two), examples=2)
    assert found["boundary"] == {"bos": [None, 1], "bos_token": [None, "<s>"]}
    assert found["components"]["de"]["state"] == "only in A"
    english = found["components"]["en"]
    assert english["changed"] == sum(page.component == "en" for page in made)
    assert len(english["examples"]["changed"]) == 2


def test_a_shard_out_of_order_is_refused() -> None:
    """Keys must ascend, or merging would find differences where there are none."""
    made = [Entry(key, bytes([key]), b"", 1, "") for key in (1, 3, 2)]
    with pytest.raises(ShardError, match="out of order"):
        list(ordered(iter(made), "folder"))


ENTRIES = st.dictionaries(st.binary(min_size=1, max_size=3), st.sampled_from([b"x", b"y"]), max_size=12)


@given(ENTRIES, ENTRIES)
@settings(max_examples=60, deadline=None)
def test_merging_is_what_sets_say(one: dict[bytes, bytes], two: dict[bytes, bytes]) -> None:
    """Every document of either side once, with what the other has of it."""
    sides = [iter([Entry(0, i, digest, 1, "") for i, digest in sorted(side.items())]) for side in (one, two)]
    found = {(a or b).doc_id: (a and a.digest, b and b.digest) for a, b in merged(*sides)}  # type: ignore[union-attr]
    assert found == {i: (one.get(i), two.get(i)) for i in {*one, *two}}


def test_sorting_on_disk_gives_the_order_of_ids(tmp_path: Path) -> None:
    """Ids come in the order of their bytes, with all they had but the key."""
    made = [Entry(n, bytes([n * 37 % 256, 255 - n % 256]), bytes([n % 7]), n, f"u{n}") for n in range(256)]
    found = list(by_id(iter(made), tmp_path / "sort"))
    assert found == sorted((entry._replace(key=0) for entry in made), key=lambda entry: entry.doc_id)
