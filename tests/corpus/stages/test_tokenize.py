"""The token stages: every kept document once, in hash order, the same bytes in any order of units."""

import hashlib
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import token_roots
from token_roots import Page, make_shards, pages, run, small_tokenizer, stages, text_of, wide_tokenizer, write_pages

from corpus.errors import PipelineError, SettingError, ShardError
from corpus.stage import Result
from corpus.storage import ShardSet
from corpus.tokens import gather
from corpus.tokens.layout import footer, logical_checksum
from corpus.tokens.manifest import load_manifest
from corpus.tokens.parts import PartSettings, order_key
from corpus.tokens.tokenizer import load_tokenizer
from corpus.tokens.verify import verify


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def shard_rows(folder: Path, component: str) -> list[dict[str, Any]]:
    """Return the rows of a component's shards in order."""
    return [row for path in sorted((folder / component).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def total(results: list[Result], name: str) -> int:
    return sum(result.counts.get(name, 0) for result in results)


def test_every_kept_document_is_in_its_component_once_with_its_tokens(tmp_path: Path) -> None:
    """Rows are the kept pages, ids are the tokenizer's with EOS, provenance is the page's, order is that of keys."""
    folder = make_shards(tmp_path)
    tokenizer = load_tokenizer(small_tokenizer(tmp_path))
    by_id = {page.id: page for page in pages(200)}
    for component in ("de", "en"):
        rows = shard_rows(folder, component)
        expected = [page for page in by_id.values() if page.component == component]
        assert sorted(row["doc_id"] for row in rows) == sorted(page.id for page in expected)
        keys = [order_key(row["doc_id"], "headwater") for row in rows]
        assert keys == sorted(keys)
        for row in rows:
            page = by_id[row["doc_id"]]
            assert row["tokens"] == [*tokenizer.encode_batch([page.text])[0].tolist(), 0]
            assert row["n_tokens"] == len(row["tokens"])
            assert (row["url"], row["language"]) == (f"https://example.org/{page.number}", "eng")
            assert row["registered_domain"] == ("example.org" if page.number % 3 else "")
            assert (row["warc_file"], row["warc_offset"]) == (f"crawl-{page.number % 3}.warc.gz", 100 * page.number)


def test_counts_add_up(tmp_path: Path) -> None:
    """Documents, kept documents and tokens of the stages agree with the pages and with each other."""
    made = pages(50)
    write_pages(tmp_path, [made[:30], made[30:]])
    tokenized, written, listed = run(stages(tmp_path))
    kept = [page for page in made if page.component]
    assert (total(tokenized, "documents"), total(tokenized, "kept")) == (50, len(kept))
    assert total(tokenized, "tokenized") == len(kept) == total(written, "documents")
    assert total(tokenized, "tokens") == total(written, "tokens")
    assert total(tokenized, "tokens:de") == total(listed, "tokens:de") > 0
    assert total(tokenized, "tokens:de") + total(tokenized, "tokens:en") == total(tokenized, "tokens")


def test_shards_open_in_duckdb_with_the_manifests_sums(tmp_path: Path) -> None:
    """Another engine reads the same documents and tokens, and the lengths without the tokens."""
    folder = make_shards(tmp_path)
    totals = load_manifest(folder).root["totals"]
    query = "SELECT count(*), sum(len(tokens)), sum(n_tokens), count(DISTINCT doc_id) FROM read_parquet(?)"
    with duckdb.connect() as connection:
        rows, tokens, lengths, documents = connection.execute(query, [str(folder / "*" / "*.parquet")]).fetchall()[0]
    assert (rows, tokens, documents) == (totals["rows"], totals["tokens"], totals["documents"])
    assert lengths == tokens


@pytest.mark.parametrize("order", [reversed, lambda units: sorted(units, key=lambda n: n * 7 % 5)])
def test_any_order_of_units_gives_the_same_bytes(tmp_path: Path, order: Callable[[list[int]], list[int]]) -> None:
    """Every file of the folder, the manifest too, is the same whichever unit was finished first."""
    made = pages(200)
    for name, chosen in (("one", list), ("two", order)):
        write_pages(tmp_path / name, [made[number::3] for number in range(3)])
        run(stages(tmp_path / name), chosen)
    assert digests(tmp_path / "one" / "shards") == digests(tmp_path / "two" / "shards")


def test_the_dataset_id_depends_on_content_alone(tmp_path: Path) -> None:
    """More parts, smaller runs and other row groups on the way leave it; another boundary or document changes it."""
    made = pages(120)
    folders = {name: tmp_path / name for name in ("three", "seven", "bos", "fewer")}
    for name, parts in (("three", 3), ("seven", 7), ("bos", 3), ("fewer", 3)):
        rows = made[:-1] if name == "fewer" else made
        write_pages(folders[name], [rows[number::parts] for number in range(parts)])
    # The archive's name is provenance, not content, so seven archives give the id of three.
    run(stages(folders["three"]))
    run(stages(folders["seven"], parts=PartSettings(row_group_tokens=60, run_tokens=250)))
    run(stages(folders["bos"], tokenizer=replace(small_tokenizer(folders["bos"]), bos="<s>")))
    run(stages(folders["fewer"]))
    ids = {name: load_manifest(root / "shards").dataset for name, root in folders.items()}
    assert ids["three"] == ids["seven"]
    assert len({ids["three"], ids["bos"], ids["fewer"]}) == 3


def test_row_groups_hold_whole_documents_within_the_target(tmp_path: Path) -> None:
    """No row group is over the target, and none could have taken the row after it."""
    folder = make_shards(tmp_path, row_group_tokens=300)
    shards = load_manifest(folder).shards().to_pylist()
    assert len(shards) >= 4
    for shard in shards:
        with pq.ParquetFile(folder / shard["path"]) as file:
            groups = [file.read_row_group(i)["n_tokens"].to_pylist() for i in range(file.num_row_groups)]
        assert all(sum(group) <= 300 for group in groups)
        assert all(sum(group) + after[0] > 300 for group, after in itertools.pairwise(groups))


def test_the_row_groups_table_says_where_everything_lies(tmp_path: Path) -> None:
    """Offsets cover the file without overlap, n_tokens lies inside, checksums are those of the decoded ids."""
    folder = make_shards(tmp_path)
    manifest = load_manifest(folder)
    shards = manifest.shards().to_pylist()
    end: dict[int, int] = {}
    for group in manifest.row_groups().to_pylist():
        path = folder / shards[group["shard"]]["path"]
        assert group["offset"] == end.get(group["shard"], 4)  # after the magic bytes, then one after the other
        end[group["shard"]] = group["offset"] + group["bytes"]
        assert group["offset"] <= group["lengths_offset"]
        assert group["lengths_offset"] + group["lengths_bytes"] <= end[group["shard"]]
        rows = pq.ParquetFile(path).read_row_group(group["row_group"]).to_pylist()
        ids = np.array([i for row in rows for i in row["tokens"]], dtype=np.uint16)
        assert group["checksum"] == logical_checksum(np.array([len(row["tokens"]) for row in rows]), ids)
        assert (group["tokens"], group["rows"]) == (len(ids), len(rows))


@pytest.mark.parametrize(
    ("kind", "content"), [(np.uint16, "02000000 0100 0201"), (np.uint32, "02000000 01000000 02010000")]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_logical_checksum_is_sha256_of_lengths_then_ids(kind: type, content: str, order: str) -> None:
    """By hand, for one row of ids 1 and 258: ids as wide as the column has them, little-endian on any machine."""
    ids = np.array([1, 258], dtype=np.dtype(kind).newbyteorder(order))
    assert logical_checksum(np.array([2]), ids) == hashlib.sha256(bytes.fromhex(content)).digest()[:16]


def test_the_file_is_encoded_as_the_layout_says(tmp_path: Path) -> None:
    """Plain and zstd for tokens, no statistics, non-null columns, narrow ids, and a footer that names them."""
    folder = make_shards(tmp_path)
    path = folder / "en" / "shard-00000.parquet"
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(0).column(0)
        assert column.path_in_schema == "tokens.list.element"
        assert (column.compression, column.statistics) == ("ZSTD", None)
        assert set(column.encodings) == {"PLAIN", "RLE"}  # RLE: where lists begin
        assert file.schema_arrow.field("tokens").type.value_type == pa.uint16()
        assert not any(field.nullable for field in file.schema_arrow)
        block = footer(file.schema_arrow, path)
    assert (block["component"], block["format_version"], block["boundary"]["eos"]) == ("en", 2, 0)
    assert block["tokenizer"] == load_tokenizer(small_tokenizer(tmp_path)).identity.block()


def test_page_checksums_are_written(tmp_path: Path) -> None:
    """A flipped byte inside a data page is an error for any reader that verifies page CRCs."""
    folder = make_shards(tmp_path)
    path = folder / "en" / "shard-00000.parquet"
    column = pq.read_metadata(path).row_group(0).column(0)
    damaged = bytearray(path.read_bytes())
    damaged[column.data_page_offset + column.total_compressed_size - 3] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(OSError, match=r"(?i)crc"):
        pq.read_table(path, page_checksum_verification=True)


def test_long_documents_become_numbered_segments(tmp_path: Path) -> None:
    """A document over the segment size is split without loss; BOS opens the first segment, EOS ends the last."""
    page = Page(number=1, text=text_of(1, 200))
    write_pages(tmp_path, [[page, Page(number=2, text="short")]])
    tokenizer = replace(small_tokenizer(tmp_path), bos="<s>")
    results = run(stages(tmp_path, tokenizer=tokenizer, parts=PartSettings(segment_tokens=50)))
    rows = [row for row in shard_rows(tmp_path / "shards", "en") if row["doc_id"] == page.id]
    assert [row["segment"] for row in rows] == list(range(len(rows)))
    assert [row["n_tokens"] for row in rows[:-1]] == [50] * (len(rows) - 1)
    whole = [i for row in rows for i in row["tokens"]]
    assert whole == [1, *load_tokenizer(tokenizer).encode_batch([page.text])[0].tolist(), 0]
    assert total(results[0], "segments") == len(rows) + 1
    assert load_manifest(tmp_path / "shards").root["totals"]["documents"] == 2
    assert verify(tmp_path / "shards") == []


def test_runs_bound_memory_without_changing_shards(tmp_path: Path) -> None:
    """A part written in many small sorted runs gives the shards of a part written in one."""
    made = pages(100)
    for name, tokens in (("one", 1 << 20), ("many", 150)):
        write_pages(tmp_path / name, [made])
        run(stages(tmp_path / name, parts=PartSettings(run_tokens=tokens, row_group_tokens=100)))
    part = pq.read_table(tmp_path / "many" / "tokens" / "part-00000.parquet", columns=["key"])
    assert part.num_rows == sum(page.component is not None for page in made)
    one, many = (load_manifest(tmp_path / name / "shards").dataset for name in ("one", "many"))
    assert one == many


def test_scores_come_from_signals_and_verdicts(tmp_path: Path) -> None:
    """A named column of either becomes a float32 column of the shards; a missing value is NaN."""
    write_pages(tmp_path, [[Page(number=1, text="one", quality=0.25), Page(number=2, text="two", quality=None)]])
    run(stages(tmp_path, scores=("quality", "cluster_size")))
    rows = {row["doc_id"]: row for row in shard_rows(tmp_path / "shards", "en")}
    one, two = rows[Page(number=1, text="").id], rows[Page(number=2, text="").id]
    assert (one["quality"], one["cluster_size"]) == (0.25, 1.0)
    assert math.isnan(two["quality"])


def test_line_cleaning_is_applied_by_name_and_its_drops_are_counted(tmp_path: Path) -> None:
    """The processor's text is what is encoded; a page that loses every line is counted, not written."""
    good = "This line is a sentence that stays in the text."
    write_pages(
        tmp_path, [[Page(number=1, text=f"{good}\nmenu"), Page(number=2, text="menu"), Page(number=3, text="")]]
    )
    results = run(stages(tmp_path, processor="c4_lines"))
    rows = shard_rows(tmp_path / "shards", "en")
    tokenizer = load_tokenizer(small_tokenizer(tmp_path))
    assert [row["tokens"][:-1] for row in rows] == [tokenizer.encode_batch([good])[0].tolist()]
    assert total(results[0], "dropped:no_lines_left") == 2
    assert total(results[0], "tokenized") == 1


def test_an_empty_text_is_dropped_and_counted(tmp_path: Path) -> None:
    """A kept document without text makes no row, so no row group has a row that only marks a boundary."""
    write_pages(tmp_path, [[Page(number=1, text=""), Page(number=2, text="some text")]])
    results = run(stages(tmp_path))
    assert total(results[0], "dropped:empty") == 1
    assert len(shard_rows(tmp_path / "shards", "en")) == 1


def test_a_document_that_comes_twice_is_refused(tmp_path: Path) -> None:
    """The same id in two parts of one component stops the shard, naming both places."""
    page = Page(number=5, text="the same capture")
    write_pages(tmp_path, [[page], [page]])
    with pytest.raises(ShardError, match=rf"{page.id.hex()}.*comes twice, from crawl-0.*at 500 and crawl-1.*at 500"):
        run(stages(tmp_path))


def test_ids_beyond_the_vocabulary_and_narrow_types_are_refused(tmp_path: Path) -> None:
    """A footer that claims a smaller vocabulary, or a dtype too narrow for it, stops the shard."""
    write_pages(tmp_path, [pages(20)])
    tokenize, shards, _ = stages(tmp_path)
    run([tokenize])
    paths = shards.tokens.paths()
    block = gather.common_block(paths)
    wanted = gather.plan(paths, 1 << 20)[0]
    pieces = gather.gather(paths, wanted)
    tokenizer = block["tokenizer"]
    with pytest.raises(ShardError, match="is beyond the vocabulary of 100"):
        gather.write_shard(shards.output, wanted, pieces, block | {"tokenizer": tokenizer | {"vocabulary": 100}}, 300)
    with pytest.raises(ShardError, match="70,000 ids do not fit uint16"):
        gather.write_shard(
            shards.output, wanted, pieces, block | {"tokenizer": tokenizer | {"vocabulary": 70_000}}, 300
        )
    assert not list((tmp_path / "shards").rglob("*.parquet"))


def test_parts_of_two_tokenizers_are_refused(tmp_path: Path) -> None:
    """Parts that were encoded differently never meet in a shard."""
    write_pages(tmp_path, [pages(20), pages(40)[20:]])
    tokenize, shards, _ = stages(tmp_path)
    tokenize.run(0)
    replace(tokenize, tokenizer=replace(tokenize.tokenizer, bos="<s>")).run(1)
    with pytest.raises(ShardError, match="boundary differ from"):
        shards.run(0)


def test_a_component_without_a_usable_name_is_refused(tmp_path: Path) -> None:
    """Unsafe characters are encoded in the folder name; names that cannot be folders stop the stage."""
    assert gather.component_folder("en/high quality") == "en%2Fhigh%20quality"
    for name in ("", "..", "manifest.json"):
        with pytest.raises(ShardError, match="cannot name a folder"):
            gather.component_folder(name)
    write_pages(tmp_path, [[Page(number=1, text="text", component="a/b")]])
    run(stages(tmp_path))
    assert verify(tmp_path / "shards") == []
    assert list(load_manifest(tmp_path / "shards").components) == ["a/b"]


def test_nothing_kept_is_one_clear_error_and_leaves_no_dataset(tmp_path: Path) -> None:
    """Without kept documents the manifest is refused, and that of an earlier run is gone."""
    folder = make_shards(tmp_path, count=20)
    made = [replace(page, component=None) for page in pages(20)]
    write_pages(tmp_path, [made[number::3] for number in range(3)])
    tokenize, shards, manifest = stages(tmp_path)
    run([tokenize])
    assert shards.shards() == 0
    for path in shards.index.paths():  # as the pipeline prunes what no unit wrote
        path.unlink()
    with pytest.raises(PipelineError, match="no document was kept"):
        manifest.run(0)
    with pytest.raises(ShardError, match=r"no manifest\.json"):
        load_manifest(folder)


def test_shards_of_an_earlier_run_are_removed_and_never_under_its_manifest(tmp_path: Path) -> None:
    """The manifest goes before the first shard changes; what the new plan lacks is deleted before it returns."""
    folder = make_shards(tmp_path)
    before = set(digests(folder))
    made = [page for page in pages(200) if page.component != "de"][:120]
    write_pages(tmp_path, [made[number::3] for number in range(3)])
    tokenize, shards, manifest = stages(tmp_path)
    run([tokenize])
    shards.run(shards.shards() - 1)
    assert not (folder / "manifest.json").exists()
    with pytest.raises(PipelineError, match="missing or of an earlier run"):
        manifest.run(0)
    run([shards, manifest])
    assert verify(folder) == []
    assert "de/shard-00000.parquet" in before
    assert not (folder / "de").exists()


def test_an_empty_range_of_keys_makes_no_shard(tmp_path: Path) -> None:
    """Few long documents in many planned shards: ranges without a document leave no file and no manifest row."""
    write_pages(tmp_path, [[Page(number=n, text=text_of(n, 300)) for n in range(3)]])
    results = run(stages(tmp_path, shard_tokens=50))
    assert total(results[1], "empty") > 0
    manifest = load_manifest(tmp_path / "shards")
    assert manifest.root["totals"]["documents"] == 3
    assert manifest.shards().num_rows == total(results[1], "shards") <= 3
    assert verify(tmp_path / "shards") == []


def test_misaligned_inputs_and_unknown_columns_are_refused(tmp_path: Path) -> None:
    """Verdicts of another length, and a score that no part has, stop the unit with a sentence."""
    write_pages(tmp_path, [pages(20)])
    tokenize = stages(tmp_path)[0]
    with pytest.raises(SettingError, match="scores"):
        replace(tokenize, scores=("nothing",)).run(0)
    with pytest.raises(SettingError, match="processor"):
        replace(tokenize, processor="nothing")
    write_pages(tmp_path / "other", [pages(19)])
    (tmp_path / "other" / "verdicts" / "part-00000.parquet").replace(tokenize.verdicts.path(0))
    with pytest.raises(PipelineError, match="19 rows, its signals have 20"):
        tokenize.run(0)


def test_a_vocabulary_over_16_bits_is_stored_in_32(tmp_path: Path) -> None:
    """With 65,537 ids the column is uint32, and an id above 65,535 survives the road."""
    write_pages(tmp_path, [pages(20)])
    run(stages(tmp_path, tokenizer=wide_tokenizer(tmp_path)))
    assert {row["tokens"][-1] for row in shard_rows(tmp_path / "shards", "en")} == {65_536}
    path = tmp_path / "shards" / "en" / "shard-00000.parquet"
    assert pq.read_schema(path).field("tokens").type.value_type == pa.uint32()
    assert verify(tmp_path / "shards") == []


def test_settings_of_the_stages_follow_the_tokenizers_content(tmp_path: Path) -> None:
    """The fingerprinted settings change with the file's content and the boundary, not with its place."""
    tokenize = stages(tmp_path)[0]
    moved = tmp_path / "elsewhere.json"
    moved.write_bytes(Path(tokenize.tokenizer.source).read_bytes())
    there = replace(tokenize, tokenizer=replace(tokenize.tokenizer, source=str(moved)))
    assert token_roots.small_tokenizer(tmp_path) == tokenize.tokenizer
    name = {"name": "elsewhere.json"}
    assert there.settings()[0]["tokenizer"] == tokenize.settings()[0]["tokenizer"] | name
    assert replace(tokenize, tokenizer=replace(tokenize.tokenizer, bos="<s>")).settings() != tokenize.settings()
    assert ShardSet(tmp_path, "tokens") in tokenize.outputs
