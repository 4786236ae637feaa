"""The comparisons of docs/performance.md, made ready: pages, texts, hashes and tokenizers that both sides are given."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from benchmarks.suite.comparisons import Comparison, End, alone, once, say
from benchmarks.suite.crawl import Common, common_pages
from benchmarks.suite.side import REPOSITORY, Place, Side
from benchmarks.suite.texts import read_texts, write_texts

SAMPLE_TOKENIZER: Final = REPOSITORY / "sample_data" / "tokenizer.json"
EOS: Final = "<|endoftext|>"
VOCABULARY: Final = 32_000
"""Of the larger tokenizer, trained on the texts at hand."""


@dataclass(frozen=True)
class Places:
    """Where the sides run."""

    ours: Place
    datatrove: Place
    newer: Place
    libraries: Place


def places(ours: str, peers: str, newer: str) -> Places:
    """Return the places for our Python, the peers', and the folder with a newer trafilatura."""
    datatrove = Place(python=peers, module="benchmarks.suite.peer_datatrove", name="datatrove")
    return Places(
        ours=Place(python=ours, module="benchmarks.suite.ours", name="headwater"),
        datatrove=datatrove,
        newer=replace(datatrove, path=(newer,), name="datatrove, our trafilatura"),
        libraries=Place(python=peers, module="benchmarks.suite.peer_libraries"),
    )


@dataclass
class Plan:
    """All that can be run, on one crawl. What a comparison needs is made when it is first asked for."""

    crawl: Path
    work: Path
    places: Places
    model: str
    most: int | None
    core: int
    tokenizer: Path | None = None

    @cached_property
    def common(self) -> Common:
        """The pages that both sides read."""
        return common_pages(self.crawl, self.work, self.places.ours, self.places.datatrove, self.most, self.core)

    @cached_property
    def texts(self) -> dict[str, Any]:
        """Root and texts of the common pages as trafilatura gives them."""
        root, texts = self.work / "root", self.work / "texts.jsonl"
        options = {"crawl": self.common.folder, "root": str(root), "texts": str(texts), "extractor": "trafilatura"}
        once(self.places.ours, "extracted", options, self.core)
        return {"root": str(root), "texts": str(texts)}

    @cached_property
    def alike(self) -> str:
        """Texts of which both shinglings make the same number of distinct shingles."""
        ends = (self.places.ours, self.places.libraries)
        one, two = (once(place, "shingle_counts", {"texts": self.texts["texts"]}, self.core)["check"] for place in ends)
        rows = zip(read_texts(self.texts["texts"]), one, two, strict=True)
        path = self.work / "alike.jsonl"
        write_texts(path, (text for text, mine, theirs in rows if mine == theirs))
        return str(path)

    @cached_property
    def hashes(self) -> str:
        """Shingle hashes of all texts."""
        path = str(self.work / "hashes.npz")
        once(self.places.ours, "write_hashes", {"texts": self.texts["texts"], "hashes": path}, self.core)
        return path

    @cached_property
    def larger(self) -> str:
        """A tokenizer of a usual size: the given one, or one trained on the texts."""
        if self.tokenizer is not None:
            return str(self.tokenizer)
        path = str(self.work / "tokenizer.json")
        options = {"texts": self.texts["texts"], "out": path, "vocabulary": VOCABULARY}
        once(self.places.ours, "train", options, self.core)
        return path

    def pages(self, extractor: str, place: Place, drop: bool) -> tuple[End, End]:
        """Return the two ends of the page path."""
        crawl, warm = {"crawl": self.common.folder, "size": self.common.html}, {"crawl": self.common.warm}
        return (
            End(place=self.places.ours, step="pages", options=crawl | {"extractor": extractor}, warm=warm),
            End(place=place, step="pages", options=crawl | {"model": self.model, "drop": drop}, warm=warm),
        )

    def library(self, ours: str, peer: str, name: str, one: dict[str, Any], two: dict[str, Any]) -> tuple[End, End]:
        """Return the two ends of a comparison with a single library; texts are cut to a few in the small round."""
        warm = {"limit": 10} if "texts" in one else {}
        place = replace(self.places.libraries, name=name)
        ends = End(place=self.places.ours, step=ours, options=one, warm=warm)
        return ends, End(place=place, step=peer, options=two, warm=warm)

    def comparisons(self) -> dict[str, Callable[[], Comparison]]:
        """Return every comparison by name, to be made when wanted."""
        return dict((*self._pages(), *self._texts(), *self._tokens(), *self._records()))

    def _pages(self) -> Iterator[tuple[str, Callable[[], Comparison]]]:
        """Record to signature."""
        rows = (
            ("pages-trafilatura", "trafilatura", self.places.datatrove, False, 4.0, "all pages through all steps"),
            ("pages-trafilatura-drop", "trafilatura", self.places.datatrove, True, None, "datatrove's filters drop"),
            (
                "pages-trafilatura-newer",
                "trafilatura",
                self.places.newer,
                False,
                None,
                "datatrove with our trafilatura",
            ),
            ("pages-resiliparse", "resiliparse", self.places.datatrove, False, 20.0, "all pages through all steps"),
            ("pages-resiliparse-drop", "resiliparse", self.places.datatrove, True, None, "datatrove's filters drop"),
        )
        for name, extractor, place, drop, target, note in rows:

            def make(
                n: str = name, e: str = extractor, p: Place = place, d: bool = drop, t: Any = target, x: str = note
            ) -> Comparison:
                one, two = self.pages(e, p, d)
                return Comparison(name=n, title=f"page path, `{e}`; {x}", ours=one, peer=two, target=t)

            yield name, make

    def _texts(self) -> Iterator[tuple[str, Callable[[], Comparison]]]:
        """Filters, signatures and languages."""

        def annotate() -> Comparison:
            one = End(place=self.places.ours, step="annotate", options={"root": self.texts["root"]}, warm={})
            options = {"texts": self.texts["texts"], "model": self.model}
            two = End(place=self.places.datatrove, step="annotate", options=options, warm={"limit": 10})
            title = "annotate + signature, against filters + signature"
            return Comparison(name="annotate", title=title, ours=one, peer=two, target=60.0, unit="texts")

        yield "annotate", annotate
        for peer, target in (("datasketch", 20.0), ("rensa", 8.0)):

            def text(p: str = peer, t: float = target) -> Comparison:
                options = {"texts": self.alike}
                one, two = self.library("signatures", f"{p}_text", p, options, options)
                title = "signatures from raw text, same shingles"
                return Comparison(name=f"signatures-{p}", title=title, ours=one, peer=two, target=t, unit="texts")

            def kernel(p: str = peer) -> Comparison:
                options = {"hashes": self.hashes}
                one, two = self.library("hashes_signature", f"hashes_{p}", p, options, options)
                same = "same" if p == "datasketch" else "none"
                title = "MinHash kernel alone, same hashes" + (", same signatures" if p == "datasketch" else "")
                return Comparison(name=f"kernel-{p}", title=title, ours=one, peer=two, unit="texts", check=same)  # type: ignore[arg-type]

            yield f"signatures-{peer}", text
            yield f"kernel-{peer}", kernel

        def language() -> Comparison:
            options = {"texts": self.texts["texts"]}
            one, two = self.library("language", "fasttext_whole", "fastText", options, options | {"model": self.model})
            title = "language: two opinions on bounded text, against lid.176 on whole text"
            return Comparison(name="language", title=title, ours=one, peer=two, unit="texts")

        yield "language", language

    def _tokens(self) -> Iterator[tuple[str, Callable[[], Comparison]]]:
        """Ids by each tokenizer, in batches, one by one, and written to a file."""
        for kind in ("sample", "larger"):
            for batch in (True, False):

                def make(k: str = kind, b: bool = batch) -> Comparison:
                    options = {"texts": self.texts["texts"], "tokenizer": self.vocabulary(k)}
                    one, two = self.library("tokenize", "tokenize", "tokenizers", options, options | {"batch": b})
                    form = "`encode_batch_fast`" if b else "`encode` one by one"
                    title = f"tokenizing, {k} tokenizer, {form}"
                    name = f"tokens-{k}-{'batch' if b else 'single'}"
                    return Comparison(
                        name=name, title=title, ours=one, peer=two, target=4.0, unit="texts", check="same"
                    )

                yield f"tokens-{kind}-{'batch' if batch else 'single'}", make

        def written() -> Comparison:
            options = {"texts": self.texts["texts"], "tokenizer": self.vocabulary("sample"), "eos": EOS}
            ends = [
                End(place=p, step="tokens", options=options, warm={"limit": 10})
                for p in (self.places.ours, self.places.datatrove)
            ]
            title = "tokenizing, sample tokenizer, with end marks, to a file"
            return Comparison(
                name="tokens-datatrove", title=title, ours=ends[0], peer=ends[1], unit="texts", check="same"
            )

        yield "tokens-datatrove", written

    def vocabulary(self, kind: str) -> str:
        """Return the path of a tokenizer."""
        return str(SAMPLE_TOKENIZER) if kind == "sample" else self.larger

    def _records(self) -> Iterator[tuple[str, Callable[[], Comparison]]]:
        """Reading archives."""
        for digests in (True, False):

            def make(d: bool = digests) -> Comparison:
                options = {"crawl": self.common.folder, "digests": d}
                one, two = self.library("archive", "warcio_read", "warcio", options, options)
                title = "reading records, " + ("digests checked" if d else "digests not checked")
                name = "archive-warcio" + ("-digests" if d else "")
                return Comparison(name=name, title=title, ours=one, peer=two, unit="records", check="same")

            yield "archive-warcio" + ("-digests" if digests else ""), make

        def fastwarc() -> Comparison:
            options = {"crawl": self.common.folder}
            ours, place = (
                End(place=self.places.ours, step="archive", options=options | {"digests": False}, warm={}),
                self.places.ours,
            )
            peer = End(place=replace(place, name="FastWARC"), step="fastwarc", options=options, warm={})
            title = "reading records, against FastWARC alone (no checks, no faults)"
            return Comparison(name="archive-fastwarc", title=title, ours=ours, peer=peer, unit="records", check="same")

        yield "archive-fastwarc", fastwarc

    def extractors(self, rounds: int) -> dict[str, list[dict[str, Any]]]:
        """Return rounds of the page path with each extractor in turn."""
        options = {"crawl": self.common.folder, "size": self.common.html}
        names = ("resiliparse", "trafilatura", "adaptive")
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        with ExitStack() as stack:
            sides = {name: stack.enter_context(Side(self.places.ours, self.core)) for name in names}
            for name, side in sides.items():
                side.prepare("pages", options | {"extractor": name}, {"crawl": self.common.warm})
            for number in range(rounds):
                for name in names if number % 2 == 0 else names[::-1]:
                    found[name].append(sides[name].run("pages"))
                    say(f"{name} {number + 1}/{rounds}", found[name][-1])
        return found

    def profile(self, extractor: str, rounds: int) -> list[dict[str, Any]]:
        """Return rounds of the page path step by step, each beside its floor."""
        options = {"crawl": self.common.folder, "size": self.common.html, "extractor": extractor}
        found: list[dict[str, Any]] = alone(
            self.places.ours, "profile", options, rounds, self.core, {"crawl": self.common.warm}
        )
        return found
