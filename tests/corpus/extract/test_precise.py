"""trafilatura set up once: the same text as trafilatura gives by itself."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import trafilatura

from corpus.extract import precise

PLAIN = """
import gzip, json, sys, trafilatura
pages = [gzip.decompress(open(path, "rb").read()).decode("utf-8", "replace") for path in sys.argv[1:]]
found = [trafilatura.extract(page, favor_precision=True, include_comments=False) or "" for page in pages]
print(json.dumps(found))
"""


def by_itself(paths: list[Path]) -> list[str]:
    """Return the texts that trafilatura gives in a process where nothing of it has been replaced."""
    command = [sys.executable, "-c", PLAIN, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


@pytest.mark.shared
def test_the_same_text_on_labelled_pages(shared: Path) -> None:
    """On every twentieth page of the labelled sets, articles and pages of all kinds, the text is equal to the byte."""
    paths = sorted((shared / "data/extraction").rglob("*.html.gz"))[::20]
    assert len(paths) > 25
    found = [precise.main_text(gzip.decompress(path.read_bytes()).decode("utf-8", "replace")) for path in paths]
    assert found == by_itself(paths)


def test_it_is_in_use_with_the_version_that_is_pinned() -> None:
    """The version of constraints.txt is one whose expressions are replaced."""
    constraints = Path(__file__).resolve().parents[3] / "constraints.txt"
    pinned = next(line for line in constraints.read_text().splitlines() if line.startswith("trafilatura=="))
    assert pinned.removeprefix("trafilatura==").startswith(precise.FIT)
    assert any(not isinstance(e, trafilatura.xpaths.XPath) for e in trafilatura.xpaths.OVERALL_DISCARD_XPATH)


def test_caches_of_text_are_emptied() -> None:
    """What trafilatura remembers of a page is gone after forget."""
    precise.main_text(f"<html><body><article>{'<p>One sentence, and another one.</p>' * 9}</article></body></html>")
    assert trafilatura.utils.trim.cache_info().currsize > 0
    precise.forget()
    assert trafilatura.utils.trim.cache_info().currsize == 0
    assert trafilatura.utils.line_processing.cache_info().currsize == 0


def test_a_page_without_text_gives_none() -> None:
    """No main text is an empty text."""
    assert precise.main_text("<html><body></body></html>") == ""
    assert precise.main_text("") == ""
