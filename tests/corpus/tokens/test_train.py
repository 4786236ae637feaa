"""Training a tokenizer: deterministic bytes from a bounded, order-free sample."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.document import document_id
from corpus.errors import MissingError, SettingError
from corpus.schema import VERDICTS
from corpus.storage import ShardSet, TableWriter
from corpus.tokens.tokenizer import Tokenizer, TokenizerSettings
from corpus.tokens.train import SampleSettings, kept_documents, sample, texts_with_ids, train_from_root, train_tokenizer

TEXTS = ["the cat sat on the mat", "कमल कमल हिन्दी", "one two three, one two"]


def test_training_gives_the_same_bytes_in_another_process() -> None:
    """Hash seeds and threads do not reach the result."""
    code = (
        f"import sys; from corpus.tokens.train import train_tokenizer as t; sys.stdout.buffer.write(t({TEXTS!r}, 300))"
    )
    other = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert other == [train_tokenizer(TEXTS, 300)] * 2


def test_any_text_survives_a_round_trip() -> None:
    """All 256 bytes are in the vocabulary, so text never seen in training decodes to itself."""
    tokenizer = Tokenizer(TokenizerSettings(source="t", eos=None), train_tokenizer(TEXTS, 280))
    text = "日本語 \x07 é"
    assert tokenizer.decode(tokenizer.encode_batch([text])[0].tolist()) == text


def test_combining_marks_stay_inside_words() -> None:
    """A frequent Devanagari word with a vowel sign and a virama becomes one token."""
    tokenizer = Tokenizer(TokenizerSettings(source="t", eos=None), train_tokenizer(["हिन्दी"] * 9, 400))
    assert len(tokenizer.encode_batch(["हिन्दी"])[0]) == 1


def test_sizes_and_specials_are_checked() -> None:
    """A vocabulary without room for the bytes, and a token named twice, are refused."""
    with pytest.raises(SettingError, match="at least 257"):
        train_tokenizer(TEXTS, 200)
    with pytest.raises(SettingError, match="once"):
        train_tokenizer(TEXTS, 300, ["a", "a"])


def test_a_sample_is_bounded_and_free_of_order() -> None:
    """Ten texts of 10 bytes under a budget of 35 leave three, the same three in the same order from either end."""
    texts = [f"text {i:05d}" for i in range(10)]
    bounds = SampleSettings(max_bytes=35)
    forward = sample(texts_with_ids(texts), bounds)
    assert forward == sample(texts_with_ids(reversed(texts)), bounds)
    assert len(forward) == 3
    assert sample(texts_with_ids(["x" * 50]), SampleSettings(max_bytes=35, max_document=8)) == ["x" * 8]


def write_root(root: Path) -> None:
    ids = [document_id(t, "", "") for t in TEXTS]
    documents = pa.schema([("id", pa.binary(16)), ("text", pa.string())])
    with TableWriter(ShardSet(root, "documents"), 0, documents) as out:
        out.write([{"id": i, "text": t} for i, t in zip(ids, TEXTS, strict=True)])
    empty = {f.name: None for f in VERDICTS if f.nullable} | {"failed": [], "cluster_size": 1}
    with TableWriter(ShardSet(root, "verdicts"), 0, VERDICTS) as out:
        out.write([empty | {"kept": kept} for kept in (True, False, True)])


def test_training_from_a_root_reads_kept_documents_only(tmp_path: Path) -> None:
    """A dropped document is not in the sample, and the bytes are those of training on the sample."""
    with pytest.raises(MissingError, match="no documents"):
        list(kept_documents(tmp_path))
    write_root(tmp_path)
    assert [text for _, text in kept_documents(tmp_path)] == [TEXTS[0], TEXTS[2]]
    expected = train_tokenizer([TEXTS[0], TEXTS[2]], 290)
    assert train_from_root(tmp_path, 290) == expected
