"""What counts as HTML."""

import pytest

from corpus.extract.media import is_html

HTML = b"\xef\xbb\xbf \n<!DOCTYPE html><title>x"


@pytest.mark.parametrize(
    ("body", "declared", "identified", "found"),
    [
        (HTML, "text/html", None, True),
        (b"just words", "Text/HTML ", None, True),
        (b"%PDF-1.7", "text/html", None, False),
        (HTML, "application/xhtml+xml", None, True),
        (HTML, "text/plain", None, False),
        (HTML, "text/plain", "text/html", True),
        (HTML, "image/png", "text/html", False),
        (HTML, "", None, True),
        (HTML, "", "application/pdf", False),
        (HTML, "garbage", None, True),
        (HTML, "application/octet-stream", None, True),
        (b"words", "application/octet-stream", None, False),
        (b"words", "", "text/html", True),
        (b"<address>", "", None, False),
        (b"<!-- c --><p>", "", None, True),
        (b"", "", None, False),
    ],
)
def test_html_or_not(body: bytes, declared: str, identified: str | None, found: bool) -> None:
    """Declared HTML is believed unless plainly binary; without a useful type the crawler, then the bytes decide."""
    assert is_html(body, declared, identified) is found
