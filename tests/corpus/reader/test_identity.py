"""Shards with other ids than the model's are refused when they are opened."""

from pathlib import Path
from typing import Any

import pytest
from coded_roots import VOCABULARY, Coded, write_coded

from corpus.errors import SettingError, ShardError
from corpus.reader import ReaderSettings, TokenReader


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coded(tmp_path_factory.mktemp("identity"), [Coded(number=n, tokens=20) for n in range(8)])


def opened(folder: Path, **more: Any) -> TokenReader:
    return TokenReader(folder, ReaderSettings(sequence_length=8, batch_size=2, **more))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"tokenizer": "ab" * 32}, r"written with tokenizer e3b0c44298fc\.\.\., the model expects abababababab"),
        ({"vocabulary": VOCABULARY - 1}, r"a vocabulary of 134,217,728 ids, the model has 134,217,727; enlarge"),
        ({"boundary": {"bos": None, "eos": 0}}, r"documents have eos = None, the model expects 0; tokenize again"),
    ],
)
def test_another_tokenizer_vocabulary_or_boundary_is_refused(folder: Path, more: dict[str, Any], message: str) -> None:
    """One sentence that names both."""
    with pytest.raises(ShardError, match=message):
        opened(folder, **more)


def test_what_fits_is_read_and_is_no_part_of_the_plan(folder: Path) -> None:
    """A larger embedding table will do; what is expected does not change the order."""
    expected = opened(folder, vocabulary=VOCABULARY + 64, boundary={"bos": None, "eos": None})
    assert expected.plan.hash == opened(folder).plan.hash


@pytest.mark.parametrize("more", [{"vocabulary": 0}, {"boundary": {"eos": 0}}, {"pad_id": 1 << 31}])
def test_expectations_that_are_none_are_refused(more: dict[str, Any]) -> None:
    """Before any shard is looked at."""
    with pytest.raises(SettingError, match=next(iter(more))):
        ReaderSettings(sequence_length=8, batch_size=2, **more)
