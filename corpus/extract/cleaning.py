"""Text as it is kept: no control characters, no invisible junk, one kind of line end.

Removed: C0 and C1 controls (but newline and tab), byte order marks, soft hyphens, word joiners, directional embeddings
and overrides, tag characters and noncharacters; a zero-width space stays only after a Thai, Lao, Myanmar or Khmer
letter, where it marks a word border. Zero-width joiners stay: Persian, Indic scripts and emoji are spelt with them.

Text is not put into a Unicode normal form: NFC would change what the page says (it maps CJK compatibility ideographs
and other singletons to different characters), and tokenizers that want it do it themselves.
"""

import re
from typing import Final

# Everything that the three patterns after it can match: most text has none of it, and one search is cheap.
_SUSPECT: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u180e\u200b\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_BREAKS: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_JUNK: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u180e\u202a-\u202e\u2060-\u2069\u206a-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e007f]|(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b"
)
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_BLANK_LINES: Final = re.compile("\n{3,}")
_SPACES: Final = re.compile(r"\s+")


def clean(text: str) -> str:
    """Return the text without control characters and junk; at most one blank line between lines."""
    if _SUSPECT.search(text):
        text = _JUNK.sub("", _BREAKS.sub("\n", text))
        text = _SURROGATES.sub("\ufffd", text)
    text = "\n".join(map(str.rstrip, text.split("\n")))
    return (_BLANK_LINES.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def one_line(text: str | None, most: int = 2000) -> str | None:
    """Return the text cleaned, on one line and cut to `most` characters; None when nothing is left."""
    found = _SPACES.sub(" ", clean(text[: most * 4])).strip() if text else ""
    return found[:most] or None
