r"""Train a byte-level BPE tokenizer: deterministic, from a bounded sample of documents.

Pieces are cut as in recent open models (contractions, words with at most one leading character that is no letter,
digits in threes, punctuation, line ends), except that combining marks count as part of a word (`[\p{L}\p{M}]+`), so
that Devanagari, Thai or vocalised Arabic words are not cut at every vowel sign.

The sample is the documents with the smallest keyed hashes of their ids that fit a byte budget: the same documents
whatever the order in which they come, and memory no larger than the budget and one document.
"""

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from corpus.errors import MissingError, SettingError
from corpus.settings import require
from corpus.storage import ShardSet, open_parquet, read_parquet

PATTERN: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
END_OF_TEXT: Final = "<|endoftext|>"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSettings:
    """Bounds of a training sample: `max_bytes` of UTF-8 in all, `max_document` characters of one document."""

    max_bytes: int = 256 << 20
    max_document: int = 1 << 20
    key: str = "tokenizer sample"

    def __post_init__(self) -> None:
        require(self.max_bytes > 0, self, "max_bytes", "give a positive number of bytes")
        require(self.max_document > 0, self, "max_document", "give a positive number of characters")
        require(0 < len(self.key.encode()) <= 64, self, "key", "give 1 to 64 bytes of text")


def train_tokenizer(
    texts: Iterable[str], vocab_size: int, special_tokens: Sequence[str] = (END_OF_TEXT,), min_frequency: int = 2
) -> bytes:
    """Return a serialized tokenizer.json (UTF-8) with at most `vocab_size` ids; the same bytes for the same texts.

    The special tokens have the first ids. Fewer ids result when the texts have too few pairs that occur
    `min_frequency` times. Raises SettingError for a size below 256 bytes plus the special tokens.
    """
    least = 256 + len(special_tokens)
    if vocab_size < least:
        raise SettingError("train_tokenizer", "vocab_size", vocab_size, f"give at least {least} (bytes and specials)")
    if len(set(special_tokens)) != len(special_tokens):
        raise SettingError("train_tokenizer", "special_tokens", list(special_tokens), "name each token once")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in special_tokens],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return (tokenizer.to_str(pretty=True) + "\n").encode()


def sample(documents: Iterable[tuple[bytes, str]], settings: SampleSettings) -> list[str]:
    """Return the texts of the (id, text) pairs with the smallest keyed hashes that fit the budget, in hash order."""
    heap: list[tuple[int, str]] = []  # largest hash first, as its negative
    total, key = 0, settings.key.encode()
    for identifier, text in documents:
        place = int.from_bytes(hashlib.blake2b(identifier, key=key, digest_size=16).digest(), "big")
        clipped = text[: settings.max_document]
        heapq.heappush(heap, (-place, clipped))
        total += _size(clipped)
        while len(heap) > 1 and total > settings.max_bytes:
            total -= _size(heapq.heappop(heap)[1])
    return [text for _, text in sorted(heap, reverse=True)]


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def texts_with_ids(texts: Iterable[str]) -> Iterator[tuple[bytes, str]]:
    """Give plain texts ids of their own (BLAKE2b of the text), so that they can be sampled."""
    for text in texts:
        yield hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), text


def kept_documents(root: Path) -> Iterator[tuple[bytes, str]]:
    """Yield (id, text) of the documents under ROOT; only the kept ones where ROOT has verdicts.

    Raises MissingError when ROOT has no documents.
    """
    documents, verdicts = ShardSet(root, "documents"), ShardSet(root, "verdicts")
    if not documents.parts():
        raise MissingError(f"{root}: no documents to train on; run a pipeline on this root first")
    judged = set(verdicts.parts())
    for part in sorted(judged & set(documents.parts())) if judged else documents.parts():
        kept = read_parquet(verdicts.path(part), ["kept"])["kept"].to_pylist() if judged else None
        row = 0
        with open_parquet(documents.path(part)) as file:
            for batch in file.iter_batches(batch_size=512, columns=["id", "text"]):
                for identifier, text in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                    if kept is None or kept[row]:
                        yield identifier, text
                    row += 1


def train_from_root(
    root: Path,
    vocab_size: int,
    special_tokens: Sequence[str] = (END_OF_TEXT,),
    settings: SampleSettings | None = None,
) -> bytes:
    """Train on a bounded sample of the kept documents under ROOT; see `train_tokenizer` and `sample`."""
    return train_tokenizer(sample(kept_documents(root), settings or SampleSettings()), vocab_size, special_tokens)
