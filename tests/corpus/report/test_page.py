"""The report page holds everything, asks no server, and shows crawled text as text."""

import re
from html.parser import HTMLParser
from pathlib import Path

from rootmaker import IDS, make

from corpus.report import page


class References(HTMLParser):
    """Collects what a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "img", "iframe", "link"):
            self.found.append(tag)
        self.found += [
            f"{tag} {name}" for name, value in attrs if name in ("src", "href") and not (value or "").startswith("#")
        ]


def test_the_page_asks_no_server_and_runs_no_script(tmp_path: Path) -> None:
    """No element fetches anything; a page's own script tag is shown, not run."""
    html = page.write(make(tmp_path)).read_text()
    references = References()
    references.feed(html)
    assert references.found == []
    assert "url(http" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_the_page_shows_funnel_rules_languages_and_samples(tmp_path: Path) -> None:
    """What a researcher looks for is there."""
    text = re.sub(r"<[^>]+>", " ", page.render(make(tmp_path)))
    for wanted in (
        "pass the rules",
        "too_short",
        "duplicate",
        "https://site-3.example/",
        "stop_words",
        "words of the text",
    ):
        assert wanted in text


def test_the_page_says_what_each_rule_took_alone_and_why_a_sample_went(tmp_path: Path) -> None:
    """One document is too short and nothing else; the sample of the copy names the document that stands for it."""
    root = make(tmp_path)
    assert page.alone(root) == {"too_short": 1, "duplicate": 1}
    html = page.render(root)
    assert "failed too_short" in html
    assert f"duplicate of {IDS[0].hex()}" in html


def test_the_same_root_gives_the_same_page(tmp_path: Path) -> None:
    """Nothing of time gets in."""
    root = make(tmp_path)
    assert page.render(root) == page.render(root)


def test_a_run_half_done_has_a_page_too(tmp_path: Path) -> None:
    """Before select there are no verdicts and no samples."""
    assert "records, each in one bucket" in page.render(make(tmp_path, selected=False))
