"""A page is found by URL or id and shown at every stage."""

from pathlib import Path

import pytest
from rootmaker import IDS, make

from corpus.errors import MissingError
from corpus.report.trace import trace


@pytest.mark.parametrize("page", ["https://site-2.example/", "HTTPS://SITE-2.example", IDS[2].hex()])
def test_any_name_of_a_page_finds_it(tmp_path: Path, page: str) -> None:
    """Its URL in any spelling, or its id."""
    (place,) = trace(make(tmp_path), page)["places"]
    assert place["record"] == {"file": "crawl-1.warc.gz", "offset": 200, "length": 90, "part": 1, "row": 0}
    assert place["signals"]["words"] == 90
    assert place["verdict"]["duplicate_of"] == IDS[0].hex()
    assert place["cluster"]["cluster"] == IDS[0].hex()
    assert "shards" not in place


def test_a_page_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The message says what to check."""
    with pytest.raises(MissingError, match="neither a document nor a record of this root"):
        trace(make(tmp_path), "https://elsewhere.example/")


@pytest.mark.parametrize("page", ["https://site-9.example/", "https://SITE-9.example"])
def test_a_record_that_became_no_document_is_found_in_the_ledger(tmp_path: Path, page: str) -> None:
    """The warcinfo record of the first file, by its URL as written or one that normalises to it."""
    (place,) = trace(make(tmp_path), page)["places"]
    assert place["ledger"]["bucket"] == "warcinfo"
