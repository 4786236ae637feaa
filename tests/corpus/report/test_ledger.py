"""The ledger puts every record in one bucket, before and after select."""

import re
from pathlib import Path

import pytest
from rootmaker import IDS, limit, make

from corpus.errors import MissingError
from corpus.report import ledger
from corpus.stages import ingest, ingest_reading, ingest_records


def test_after_select_documents_are_kept_duplicate_or_dropped_by_a_rule(tmp_path: Path) -> None:
    """Two kept, one duplicate, one too short, one warcinfo, one damaged: six records."""
    found = ledger.summary(make(tmp_path))
    assert found["records"] == 6
    assert found["buckets"] == {"kept": 2, "damaged": 1, "duplicate": 1, "rule:too_short": 1, "warcinfo": 1}
    assert found["files"][1] == {
        "file": "crawl-1.warc.gz",
        "records": 3,
        "buckets": {"damaged": 1, "duplicate": 1, "kept": 1},
    }


def test_before_select_a_document_is_a_document(tmp_path: Path) -> None:
    """The ledger is true at any moment of a run."""
    assert ledger.summary(make(tmp_path, selected=False))["buckets"] == {"document": 4, "damaged": 1, "warcinfo": 1}


def test_the_records_of_a_bucket_are_listed_with_their_place(tmp_path: Path) -> None:
    """File, offset and detail of the damaged spot; URL and id of the duplicate."""
    root = make(tmp_path)
    (fault,) = ledger.first(root, "damaged", 10)
    assert (fault["file"], fault["offset"], fault["detail"]) == ("crawl-1.warc.gz", 100, "bad CRC")
    (copy,) = ledger.first(root, "duplicate", 10)
    assert (copy["url"], copy["document"]) == ("https://site-2.example/", IDS[2].hex())
    assert copy["detail"] == f"duplicate of {IDS[0].hex()}"
    assert [record["detail"] for record in ledger.first(root, "kept", 10)] == ["in en", "in en"]
    assert [record["detail"] for record in ledger.first(root, "rule:too_short", 10)] == ["failed too_short"]
    assert len(ledger.first(root, "document", 10)) == 4
    assert len(ledger.first(root, "document", 3)) == 3


def test_documents_over_the_quota_have_a_bucket_of_their_own(tmp_path: Path) -> None:
    """Every record is still in exactly one; the detail says why; without any the bucket is empty, not unknown."""
    root = make(tmp_path)
    assert ledger.first(root, "quota", 10) == []
    limit(root)
    found = ledger.summary(root)
    assert found["buckets"] == {"damaged": 1, "duplicate": 1, "kept": 1, "quota": 1, "rule:too_short": 1, "warcinfo": 1}
    assert sum(found["buckets"].values()) == found["records"] == 6
    assert [record["detail"] for record in ledger.first(root, "quota", 10)] == ["over the quota of its site"]


def test_an_unknown_bucket_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """The message lists the buckets there are."""
    with pytest.raises(MissingError, match=r"no record is in bucket 'timeouts'; buckets are: kept, "):
        ledger.first(make(tmp_path), "timeouts", 10)


def test_a_bucket_that_is_empty_is_an_empty_list(tmp_path: Path) -> None:
    """A script that asks a clean run for its timeouts gets none, not an error."""
    assert ledger.first(make(tmp_path), "timeout", 10) == []


def test_the_buckets_of_ingest_are_known() -> None:
    """Every bucket that the source of ingest names is one of BUCKETS."""
    source = "".join(Path(module.__file__).read_text() for module in (ingest, ingest_reading, ingest_records))
    assert set(re.findall(r'drop\(\s*"(\w+)"', source)) | ingest_records.PAGELESS <= ledger.BUCKETS


def test_a_root_without_a_ledger_says_so(tmp_path: Path) -> None:
    """An empty folder is not a run."""
    with pytest.raises(MissingError, match="no ledger here yet"):
        ledger.summary(tmp_path)
