"""A page to be parsed, and what came of it."""

from dataclasses import dataclass, field

from corpus.document import Drop
from corpus.extract.page import Facts, Headers
from corpus.url import Url


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A page to be parsed: its body (content codings undone), where it is from, and its HTTP headers."""

    body: bytes
    url: Url
    headers: Headers = field(default_factory=Headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResult:
    """What came of a page: what it says (None when not even that could be read), and its text or why it has none."""

    facts: Facts | None
    text: str = ""
    extractor: str = ""
    drop: Drop | None = None
