"""Documents read back from finished shards: every one once, in order, whole, with its text and its place."""

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from token_roots import Page, make_shards, pages, run, small_tokenizer, stages, text_of, write_pages

from corpus.errors import MissingError, SettingError, ShardError
from corpus.tokens.cat import Document, Seen, Wanted, decoder, doc_id_of, documents
from corpus.tokens.contents import Contents
from corpus.tokens.manifest import load_manifest
from corpus.tokens.parts import PartSettings, order_key


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("cat"), count=120)


def read(folder: Path, wanted: Wanted | None = None) -> list[Document]:
    return list(documents(Contents(load_manifest(folder)), wanted or Wanted()))


def test_every_document_comes_once_with_its_text(folder: Path) -> None:
    """All kept pages, by component in the order of their keys; the text is the page's, without the boundary id."""
    text = decoder(load_manifest(folder))
    kept = {page.id: page for page in pages(120) if page.component}
    found = read(folder)
    assert {document.values["doc_id"]: text(document.ids) for document in found} == {i: p.text for i, p in kept.items()}
    assert len(found) == len(kept)
    places = [(d.component, order_key(d.values["doc_id"], "headwater")) for d in found]
    assert places == sorted(places)
    assert [document.row for document in found] == list(range(len(found)))


def test_a_document_says_where_it_lies(folder: Path) -> None:
    """The shard and the row in it hold the document; bytes are hex."""
    for document in read(folder)[::17]:
        row = pq.read_table(folder / document.shard).slice(document.shard_row, 1).to_pylist()[0]
        fields = document.readable()
        assert fields["doc_id"] == row["doc_id"].hex()
        assert document.ids.tolist() == row["tokens"]
        assert {name: fields[name] for name in ("url", "warc_file", "n_tokens")} == {
            name: row[name] for name in ("url", "warc_file", "n_tokens")
        }


@pytest.mark.parametrize("component", [None, "de", "en"])
def test_documents_are_found_by_id_url_and_row(folder: Path, component: str | None) -> None:
    """Each way alone, and all at once, gives the documents asked for in the order of the shards."""
    found = read(folder, Wanted(component=component))
    one, two, three = found[3], found[9], found[-1]
    by_id = Wanted(component=component, doc_ids=frozenset([one.values["doc_id"]]))
    by_url = Wanted(component=component, urls=frozenset([two.values["url"]]))
    by_row = Wanted(component=component, rows=frozenset([three.row]))
    for wanted, document in ((by_id, one), (by_url, two), (by_row, three)):
        assert [d.readable() for d in read(folder, wanted)] == [document.readable()]
    together = replace(by_id, urls=by_url.urls, rows=by_row.rows)
    assert [d.row for d in read(folder, together)] == [one.row, two.row, three.row]


def test_what_is_not_there_is_named(folder: Path) -> None:
    """An unknown component is an error; ids, URLs and rows that did not come are told."""
    with pytest.raises(MissingError, match="no component 'fr'; there are de, en"):
        read(folder, Wanted(component="fr"))
    there = read(folder)[0]
    wanted = Wanted(
        doc_ids=frozenset([there.values["doc_id"], bytes(16)]),
        urls=frozenset(["https://nowhere.example/"]),
        rows=frozenset([0, 1000]),
    )
    seen = Seen(wanted)
    for document in read(folder, wanted):
        seen.add(document)
    assert seen.missing == ["00" * 16, "https://nowhere.example/", "row 1,000"]


@pytest.mark.parametrize("text", ["", "zz", "00" * 15, "00" * 17])
def test_what_is_no_document_id_is_refused(text: str) -> None:
    """Anything but 32 hex digits."""
    with pytest.raises(SettingError, match="32 hex digits"):
        doc_id_of(text)


def test_segments_come_as_one_document(tmp_path: Path) -> None:
    """A document that was split over row groups has its whole text; a row of it is that segment alone."""
    page = Page(number=1, text=text_of(1, 200))
    write_pages(tmp_path, [[page, Page(number=2, text="short")]])
    tokenizer = replace(small_tokenizer(tmp_path), bos="<s>")
    run(stages(tmp_path, tokenizer=tokenizer, parts=PartSettings(segment_tokens=50), row_group_tokens=60))
    folder = tmp_path / "shards"
    text = decoder(load_manifest(folder))
    (long,) = read(folder, Wanted(doc_ids=frozenset([page.id])))
    assert long.segments > 2
    assert text(long.ids) == page.text
    (piece,) = read(folder, Wanted(rows=frozenset([long.row + 1])))
    assert piece.ids.tolist() == long.ids[50:100].tolist()


def test_damage_is_an_error(tmp_path: Path) -> None:
    """Ids that are not those of the checksum, and another tokenizer, are not shown."""
    folder = make_shards(tmp_path, count=40)
    manifest = load_manifest(folder)
    path = folder / "en" / "shard-00000.parquet"
    with pq.ParquetFile(path) as file:
        tables = [file.read_row_group(i) for i in range(file.num_row_groups)]
        with pq.ParquetWriter(tmp_path / "new", file.schema_arrow) as out:
            for table in reversed(tables):
                out.write_table(table)
    (tmp_path / "new").replace(path)
    with pytest.raises(ShardError, match=r"checksum|not those of the manifest"):
        read(folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ShardError, match="not the tokenizer"):
        decoder(manifest)
