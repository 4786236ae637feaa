"""The tokenizer's speed on one core: our kernels, and the tokenizers library alone."""

import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from corpus.tokens.tokenizer import Tokenizer, TokenizerSettings
from corpus.tokens.train import train_tokenizer

TEXT: Final = Path(sysconfig.get_paths()["stdlib"])
"""What is encoded by default: Python's own library, which every machine has."""


def texts(folder: Path, limit: int = 12_000_000) -> Iterator[str]:
    """Yield the texts of the files below `folder`, up to `limit` characters in all."""
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".txt", ".md", ".rst") and p.is_file()):
        text = path.read_text(encoding="utf-8", errors="replace")
        yield text
        limit -= len(text)
        if limit < 0:
            return


def measure(folder: Path, rounds: int) -> dict[str, Any]:
    """Return seconds of both paths by round, in turn; ValueError when they give other ids."""
    documents = list(texts(folder))
    serialized = train_tokenizer(documents[::4], 32_000)
    start = time.perf_counter()
    fast = Tokenizer(TokenizerSettings(source="benchmark", eos="<|endoftext|>"), serialized)
    found: dict[str, Any] = {"load": time.perf_counter() - start, "kernels": [], "library": []}
    slow = Tokenizer(TokenizerSettings(source="benchmark", eos="<|endoftext|>", fast=False), serialized)
    pairs = zip(fast.encode_batch(documents), slow.encode_batch(documents), strict=True)
    if not all(np.array_equal(one, two) for one, two in pairs):
        raise ValueError("the kernels and the library give other ids")
    for _ in range(rounds):
        for name, side in (("kernels", fast), ("library", slow)):
            start = time.perf_counter()
            side.encode_batch(documents)
            found[name].append(time.perf_counter() - start)
    size = sum(len(text.encode()) for text in documents) / 1e6
    return found | {"documents": len(documents), "megabytes": size, "vocabulary": fast.vocabulary}
