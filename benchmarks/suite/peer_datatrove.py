"""datatrove's side: its own classes with the settings of its FineWeb example, served step by step.

`pages` runs the steps as a generator chain, as its executor does, from WARC files to signature files. A filter drops
what fails, so later steps see what earlier ones left (`drop=True`, how its users run it). With `drop=False` every page
goes through every step, as on our side, where everything about a page is measured and rules decide later; the C4
filter rewrites a text, so each filter is given the extracted one. Only signatures are written, no documents.
"""

import hashlib
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import fasttext
import trafilatura
from datatrove.data import Document
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.pipeline.readers import WarcReader
from datatrove.pipeline.tokens import DocumentTokenizer
from loguru import logger

from benchmarks.suite.serve import Step, Work, repeated, serve
from benchmarks.suite.texts import read_texts

TIMEOUT = 30.0
"""Seconds a page may take. The default, 1, drops pages on a slow or busy machine; what is dropped would look fast."""


def reader(crawl: str) -> WarcReader:
    """Return the reader of a folder of WARC files."""
    return WarcReader(crawl, glob_pattern="*.warc.gz")


def extractor() -> Trafilatura:
    """Return the extractor with its default settings: favour_precision, deduplicate."""
    return Trafilatura(favour_precision=True, timeout=TIMEOUT)


def filters(model: str) -> list[Any]:
    """Return the filters of the FineWeb example. The language model is the one that is here, not a download."""
    language = LanguageFilter()
    language.model._model = fasttext.FastText._FastText(model)
    quality = C4QualityFilter(filter_no_terminal_punct=False)
    return [language, GopherRepetitionFilter(), GopherQualityFilter(), quality, FineWebQualityFilter()]


def signer(folder: str, bands: int = 14, rows: int = 8) -> MinhashDedupSignature:
    """Return the signature step: 5-word shingles, `bands` times `rows` permutations."""
    config = MinhashConfig(n_grams=5, num_buckets=bands, hashes_per_bucket=rows)
    return MinhashDedupSignature(output_folder=folder, config=config)


class Clocked:
    """Seconds spent in each of several steps that pull from one another."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.counts: Counter[str] = Counter()

    def pulls(self, name: str, source: Iterable[Any]) -> Iterator[Any]:
        """Yield what `source` does, and book the time until each item to `name`, and to all that it pulls from."""
        items = iter(source)
        while True:
            start = time.perf_counter()
            item = next(items, None)
            self.seconds[name] += time.perf_counter() - start
            if item is None:
                return
            self.counts[name] += 1
            yield item


def judged(documents: Iterable[Document], steps: list[Any]) -> Iterator[Document]:
    """Put every document through every filter, drop none, and give each filter the text as extracted."""
    for document in documents:
        text = document.text
        for step in steps:
            document.text = text
            step.filter(document)
        document.text = text
        yield document


def chained(documents: Iterable[Document], steps: list[Any]) -> Iterable[Document]:
    """Put documents through filters that drop."""
    for step in steps:
        documents = step.run(documents)
    return documents


def pages(crawl: str, size: int, model: str, drop: bool) -> Step:
    """Return the page path: read, extract, filter, sign."""
    steps = filters(model)

    def once() -> Work:
        clocked, folder = Clocked(), tempfile.mkdtemp(prefix="bench-datatrove-")
        try:
            read = clocked.pulls("read", reader(crawl).run())
            extracted = clocked.pulls("extract", extractor().run(read))
            left = clocked.pulls("filters", chained(extracted, steps) if drop else judged(extracted, steps))
            start = time.perf_counter()
            signer(folder).run(left)
            clocked.seconds["signatures"] += time.perf_counter() - start
        finally:
            shutil.rmtree(folder)
        return {"items": clocked.counts["read"], "bytes": size, **split(clocked)}

    return once


def split(clocked: Clocked) -> dict[str, Any]:
    """Return each step's own seconds (what it pulled from taken off) and the documents that left it."""
    names = ["read", "extract", "filters", "signatures"]
    whole = [clocked.seconds[name] for name in names]
    own = {name: after - before for name, after, before in zip(names, whole, [0.0, *whole], strict=False)}
    return {"steps": own, "left": dict(clocked.counts), "versions": {"trafilatura": trafilatura.__version__}}


def urls(crawl: str) -> Step:
    """Return a step that says which records are read, by record id; a file that stops it counts up to there."""

    def once() -> Work:
        found = [number for path in sorted(Path(crawl).glob("*.warc.gz")) for number in ids(path)]
        return {"items": len(found), "bytes": 0, "check": found}

    return once


def ids(path: Path) -> Iterator[str]:
    """Yield the record ids of an archive, up to where the reader gives up."""
    try:
        for document in WarcReader(str(path.parent), glob_pattern=path.name).run():
            yield document.id
    except Exception as error:
        print(f"datatrove stops in {path.name}: {error}")


def annotate(texts: str, model: str, limit: int | None = None) -> Step:
    """Return filters and signatures alone, on texts extracted before."""
    rows, steps = read_texts(texts, limit), filters(model)
    size = sum(len(row.encode()) for row in rows)

    def once() -> Work:
        clocked, folder = Clocked(), tempfile.mkdtemp(prefix="bench-datatrove-")
        try:
            documents = (Document(text=text, id=str(number)) for number, text in enumerate(rows))
            left = clocked.pulls("filters", judged(documents, steps))
            start = time.perf_counter()
            signer(folder).run(left)
            clocked.seconds["signatures"] += time.perf_counter() - start
        finally:
            shutil.rmtree(folder)
        return {"items": len(rows), "bytes": size, **split(clocked)}

    return once


def tokens(texts: str, tokenizer: str, eos: str, limit: int | None = None) -> Step:
    """Return its tokenizer step: ids of every text and an end mark, written to a file."""
    rows = read_texts(texts, limit)
    size = sum(len(row.encode()) for row in rows)

    def once() -> Work:
        folder = tempfile.mkdtemp(prefix="bench-datatrove-")
        try:
            step = DocumentTokenizer(folder, tokenizer_name_or_path=tokenizer, eos_token=eos, shuffle_documents=False)
            step.run(iter([Document(text=text, id=str(number)) for number, text in enumerate(rows)]))
            digest = ids_digest(folder)
        finally:
            shutil.rmtree(folder)
        return {"items": len(rows), "bytes": size, "check": digest}

    return once


def ids_digest(folder: str) -> str:
    """Return the SHA-256 of the ids written, as stored (16 bits each for a vocabulary below 65,536)."""
    files = sorted(Path(folder).rglob("*.ds"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def language(texts: str, model: str, limit: int | None = None) -> Step:
    """Return fastText on whole texts, through datatrove's own class."""
    rows = [Document(text=text, id="") for text in read_texts(texts, limit)]
    size = sum(len(row.text.encode()) for row in rows)
    step = LanguageFilter()
    step.model._model = fasttext.FastText._FastText(model)
    return lambda: repeated(lambda: [step.model.predict(row) for row in rows], len(rows), size)


if __name__ == "__main__":
    logger.remove()
    serve({"pages": pages, "urls": urls, "annotate": annotate, "tokens": tokens, "language": language})
