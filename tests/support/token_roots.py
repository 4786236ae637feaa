"""A small root with documents, signals and verdicts, and the three token stages over it."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus.document import document_id
from corpus.schema import DOCUMENTS, VERDICTS
from corpus.stage import Result, Stage
from corpus.stages.tokenize import Manifest, Shards, Tokenize
from corpus.storage import ShardSet, TableWriter
from corpus.tokens.parts import PartSettings
from corpus.tokens.tokenizer import TokenizerSettings
from corpus.tokens.train import train_tokenizer

SIGNALS = pa.schema([("language", pa.string()), ("quality", pa.float64())])
WORDS = [
    "water",
    "stone",
    "river",
    "cloud",
    "forest",
    "light",
    "winter",
    "harbour",
    "bridge",
    "letter",
    "Wasser",
    "Fluss",
]


def text_of(number: int, words: int) -> str:
    """Return a text that says its own number and is the same on every machine."""
    chosen = random.Random(number)  # fixed seed, nothing secret
    return f"Document {number}. " + " ".join(chosen.choices(WORDS, k=words))


@dataclass(frozen=True, kw_only=True)
class Page:
    """One row of documents, signals and verdicts."""

    number: int
    text: str
    component: str | None = "en"
    language: str | None = "eng"
    quality: float | None = 0.5

    @property
    def id(self) -> bytes:
        return document_id(f"https://example.org/{self.number}", "2026-01-01T00:00:00Z", "")

    def document(self, part: int) -> dict[str, Any]:
        """Return the documents row."""
        row: dict[str, Any] = {f.name: None if f.nullable else "" for f in DOCUMENTS}
        row |= {"id": self.id, "url": f"https://example.org/{self.number}", "host": "example.org", "licences": []}
        row |= {"registered_domain": "example.org" if self.number % 3 else None, "text": self.text}
        return row | {"warc_file": f"crawl-{part}.warc.gz", "warc_offset": 100 * self.number, "warc_length": 90}

    def verdict(self) -> dict[str, Any]:
        """Return the verdicts row; a page without a component is dropped."""
        row: dict[str, Any] = {f.name: None for f in VERDICTS} | {"failed": [], "cluster_size": 1}
        return row | {"kept": self.component is not None, "component": self.component}


def pages(count: int, words: int = 40) -> list[Page]:
    """Return pages of two components, every seventh dropped, of 1 to `words` words."""
    kinds = [None if n % 7 == 6 else ("de" if n % 4 == 0 else "en") for n in range(count)]
    return [Page(number=n, text=text_of(n, 1 + n % words), component=kind) for n, kind in enumerate(kinds)]


def write_pages(root: Path, parts: Sequence[Sequence[Page]]) -> None:
    """Write aligned documents, signals and verdicts parts."""
    for number, rows in enumerate(parts):
        with TableWriter(ShardSet(root, "documents"), number, DOCUMENTS) as out:
            out.write([page.document(number) for page in rows], row_group_size=7)
        with TableWriter(ShardSet(root, "signals"), number, SIGNALS) as out:
            out.write([{"language": page.language, "quality": page.quality} for page in rows])
        with TableWriter(ShardSet(root, "verdicts"), number, VERDICTS) as out:
            out.write([page.verdict() for page in rows])


def small_tokenizer(root: Path, vocab_size: int = 400) -> TokenizerSettings:
    """Train a small tokenizer beside the root's shard sets and return its settings."""
    path = root / "tokenizer" / "tokenizer.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(train_tokenizer([text_of(n, 30) for n in range(40)], vocab_size, ["<|endoftext|>", "<s>"]))
    return TokenizerSettings(source=str(path), eos="<|endoftext|>")


def wide_tokenizer(root: Path) -> TokenizerSettings:
    """Make a tokenizer of 65,537 ids beside the root's shard sets, the last of them EOS; return its settings."""
    spec = json.loads(Path(small_tokenizer(root).source).read_text())
    vocabulary = spec["model"]["vocab"]
    vocabulary.update({f"unused{number}": number for number in range(len(vocabulary), 65_536)})
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    spec["added_tokens"].append({"id": 65_536, "content": "<end>"} | flags)
    path = root / "wide.json"
    path.write_text(json.dumps(spec))
    return TokenizerSettings(source=str(path), eos="<end>")


def stages(
    root: Path, *, parts: PartSettings | None = None, shard_tokens: int = 1500, row_group_tokens: int = 300, **more: Any
) -> tuple[Tokenize, Shards, Manifest]:
    """Return the three stages with sizes that make several shards and row groups of a few hundred documents."""
    documents, signals, verdicts = (ShardSet(root, name) for name in ("documents", "signals", "verdicts"))
    tokens, shards, index = (ShardSet(root, name) for name in ("tokens", "shards", "shard_index"))
    tokenizer = more.pop("tokenizer", None) or small_tokenizer(root)
    return (
        Tokenize(
            documents=documents,
            signals=signals,
            verdicts=verdicts,
            output=tokens,
            tokenizer=tokenizer,
            parts=parts or PartSettings(row_group_tokens=200),
            **more,
        ),
        Shards(tokens=tokens, output=shards, index=index, shard_tokens=shard_tokens, row_group_tokens=row_group_tokens),
        Manifest(shard_files=shards, index=index, tokenizer=tokenizer),
    )


def run(made: Sequence[Stage], order: Callable[[list[int]], list[int]] = list) -> list[list[Result]]:
    """Run every unit of the stages, one stage after the other, units in the order that `order` gives."""
    return [[stage.run(unit) for unit in order(list(range(stage.shards())))] for stage in made]


def make_shards(root: Path, count: int = 200, parts: int = 3, **settings: Any) -> Path:
    """Write pages in `parts` parts, run the stages and return the shards folder."""
    made = pages(count)
    write_pages(root, [made[number::parts] for number in range(parts)])
    run(stages(root, **settings))
    return root / "shards"
