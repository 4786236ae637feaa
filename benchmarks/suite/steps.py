"""What each step of the page path costs, page by page in one pass, and beside it the least that it could cost.

A floor is the part of a step that nobody who does this step with these libraries gets around: unpacking for reading,
one SHA-1 for judging, the parser or extractor alone, one pass over the text. It is measured on the same page, right
after the step, so both see the same caches and the same machine. A step's share that has no function of its own is a
difference: facts are what parse_page does besides decoding and parsing when it looks for no links, links are what it
takes longer when it does.
"""

import hashlib
import re
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import fasttext
import lxml.html
import pyarrow as pa
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

import corpus.extract.page
from benchmarks.suite.serve import Step, Work
from benchmarks.suite.texts import read_texts
from corpus.archive.http import HttpSettings
from corpus.archive.reader import open_archive
from corpus.charset import decode
from corpus.dedup.sketches import sketch
from corpus.extract.extractors import EXTRACTORS, forget
from corpus.extract.page import Page, parse_page
from corpus.language import LanguageIdentifier
from corpus.language.model import find_model
from corpus.quality.signals import measure
from corpus.stages.ingest_records import judge

FORGET: Final = 200
"""Pages between two calls of `forget`, as the page worker does it."""
_CHUNK: Final = 1 << 16


class Clock:
    """Wall and CPU seconds by name."""

    def __init__(self) -> None:
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.cpu: defaultdict[str, float] = defaultdict(float)

    def __call__(self, name: str, action: Callable[..., Any], *arguments: Any) -> Any:
        """Call `action` and book its time to `name`."""
        cpu, start = time.process_time(), time.perf_counter()
        found = action(*arguments)
        self.wall[name] += time.perf_counter() - start
        self.cpu[name] += time.process_time() - cpu
        return found

    def found(self) -> dict[str, dict[str, float]]:
        """Return the seconds of every name."""
        return {name: {"seconds": self.wall[name], "cpu": self.cpu[name]} for name in self.wall}


def profile(crawl: str, size: int, extractor: str) -> Step:
    """Return a pass over all pages of a crawl, step by step."""
    paths = sorted(Path(crawl).glob("*.warc.gz"))
    identifier, model = LanguageIdentifier(), fasttext.load_model(str(find_model())).f

    def once() -> Work:
        clock, pages = Clock(), 0
        for path in paths:
            texts: list[str] = []
            clock("read.floor", inflate, path)
            for request in requests(path, clock):
                texts.append(page(request, clock, extractor))
                measured(texts[-1], clock, identifier, model)
                pages += 1
                if pages % FORGET == 0:
                    forget()
            signed(texts, clock)
        return {"items": pages, "bytes": size, "profile": clock.found()}

    return once


def requests(path: Path, clock: Clock) -> Iterator[Any]:
    """Yield the page of every record that has one."""
    with path.open("rb") as stream:
        items = iter(open_archive(stream, path.name))
        while (item := clock("read", next, items, None)) is not None:
            entry = clock("judge", judge, item, HttpSettings(), True)
            if entry.request:
                clock("judge.floor", hashlib.sha1, entry.request.body)
                yield entry.request


def page(request: Any, clock: Clock, extractor: str) -> str:
    """Take a page through decoding, parsing and extraction; returns its text."""
    body = request.body
    text = clock("decode", decode, body, request.headers.charset).text
    clock("decode.floor", body.decode, "utf-8", "replace")
    tree = clock("parse", HTMLTree.parse, text)
    clock("links.floor", anchors, tree)
    del tree
    parsed = with_and_without_links(request, clock)
    found: str = clock("text", EXTRACTORS[extractor], parsed)
    if extractor == "trafilatura":
        clock("text.floor", xml, text)
    else:
        clock("text.floor", lambda: extract_plain_text(parsed.tree, main_content=True, alt_texts=False))
    return found


def with_and_without_links(request: Any, clock: Clock) -> Page:
    """Parse a page as it is done, and without looking for links; which is first, and finds nothing cached, changes."""
    selectors = {"linkless page": without_links, "whole page": corpus.extract.page._selector}
    found = {}
    for name in sorted(selectors, reverse=len(request.body) % 2 == 1):
        with mock.patch.object(corpus.extract.page, "_selector", selectors[name]):
            found[name] = clock(name, lambda: parse_page(request.body, url=request.url, headers=request.headers))
    return found["whole page"]


def without_links(host: str) -> str:
    """Return the selector of the elements that carry facts of a page, and of no links."""
    return corpus.extract.page._STATING.format(links="base")


def anchors(tree: HTMLTree) -> int:
    """Visit every link of a page and take its address, nothing more."""
    found = tree.document.query_selector_all("a,area").values() if tree.document else ()
    return sum(1 for element in found if element.get_attribute("href"))


def xml(text: str) -> Any:
    """Parse a page as libraries on lxml do."""
    try:
        return lxml.html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text) or "<p>")
    except (lxml.etree.LxmlError, ValueError):
        return None


def measured(text: str, clock: Clock, identifier: LanguageIdentifier, model: Any) -> None:
    """Take a text through what annotate and signatures compute."""
    language = clock("language", identifier.identify, text)
    sample = text[:1000].replace("\n", " ") + "\n"
    clock("language.floor", model.predict, sample, 1, 0.0, "strict")
    clock("signals", measure, text, language.label)
    clock("signals.floor", one_pass, text)


def signed(texts: list[str], clock: Clock) -> None:
    """Take texts, many at a time as the stage does, from Arrow's bytes to band keys."""
    column = pa.array(texts, pa.string())
    clock("signature", sketch, column)
    clock("signature.floor", hashed, [text.encode() for text in texts])


def hashed(texts: list[bytes]) -> None:
    """Hash every text once, as its digest needs."""
    for text in texts:
        hashlib.blake2b(text, digest_size=16)


def one_pass(text: str) -> bytes:
    """Write a text as UTF-8 and copy it: every byte seen once."""
    return bytes(bytearray(text.encode("utf-8", "surrogatepass")))


def inflate(path: Path) -> int:
    """Unpack a gzip file with zlib; returns the bytes it held."""
    total = 0
    with path.open("rb") as stream:
        unpacker = zlib.decompressobj(31)
        while data := stream.read(_CHUNK):
            while data:
                total += len(unpacker.decompress(data))
                data = unpacker.unused_data
                if unpacker.eof:
                    unpacker = zlib.decompressobj(31)
    return total


def floors_of_texts(texts: str, limit: int | None = None) -> Step:
    """Return a pass over texts with what annotate and signatures compute, each step beside its floor."""
    rows, identifier = read_texts(texts, limit), LanguageIdentifier()
    model = fasttext.load_model(str(find_model())).f
    size = sum(len(row.encode()) for row in rows)

    def once() -> Work:
        clock = Clock()
        for row in rows:
            measured(row, clock, identifier, model)
        signed(rows, clock)
        return {"items": len(rows), "bytes": size, "profile": clock.found()}

    return once
