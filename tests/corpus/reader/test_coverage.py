"""What an epoch holds: each token once, but for what is reported; epochs are other orders of the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from coded_roots import Coded, draw, write_coded
from coded_streams import digest, expected_ids, first_seen, labels_follow, real_ids
from scipy.stats import spearmanr

from corpus.reader import ReaderSettings, TokenReader
from corpus.reader.settings import TooLong
from corpus.tokens.manifest import load_manifest

SETTINGS = ReaderSettings(sequence_length=32, batch_size=12, lanes=6, seed=2, window=3)
DOCUMENTS = draw(900, 4, multiple=32 * 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of 1 to 1,600 tokens whose sum is a whole number of batches."""
    return write_coded(tmp_path_factory.mktemp("coverage"), DOCUMENTS, row_group_tokens=600)


def test_an_epoch_is_every_token_exactly_once(folder: Path) -> None:
    """All ids of the corpus, none twice, when they fill whole batches."""
    reader = TokenReader(folder, SETTINGS)
    assert np.array_equal(np.sort(real_ids(reader)), expected_ids(DOCUMENTS))
    (told,) = reader.plan.report()
    assert told["left_over"] == 0


def test_what_does_not_fill_a_batch_is_what_is_reported(folder: Path) -> None:
    """With sequences of 31 some tokens are left over: as many as the report says, and those of unfinished batches."""
    reader = TokenReader(folder, replace(SETTINGS, sequence_length=31))
    ids = real_ids(reader)
    assert len(np.unique(ids)) == len(ids)
    (told,) = reader.plan.report()
    missing = len(expected_ids(DOCUMENTS)) - len(ids)
    assert missing == told["left_over"] + 31 * (told["sequences_per_pass"] - told["sequences"])
    assert 0 < missing <= 6 * 31 * 2


def test_best_fit_leaves_over_whole_sequences_at_most(folder: Path) -> None:
    """No id twice; what is missing is in the sequences by which the other lanes are longer than the shortest."""
    reader = TokenReader(folder, replace(SETTINGS, packing="best_fit"))
    ids = real_ids(reader)
    assert len(np.unique(ids)) == len(ids)
    (source,) = reader.plan.sources.values()
    made = sum(int(source.pass_at(0).windows(lane)[1][-1]) for lane in range(6))
    (told,) = reader.plan.report()
    missing = len(expected_ids(DOCUMENTS)) - len(ids)
    assert told["left_over"] <= missing <= 32 * (made - told["sequences"])


def test_padding_gives_each_document_its_own_sequences(tmp_path: Path) -> None:
    """Each document once, and never two of them in a sequence."""
    documents = [Coded(number=n, tokens=1 + n * 7 % 30) for n in range(360)]
    folder = write_coded(tmp_path, documents)
    batches = list(TokenReader(folder, replace(SETTINGS, packing="pad")))
    assert np.array_equal(np.sort(real_ids(batches)), expected_ids(documents))
    for batch in batches:
        assert batch["segment_ids"].max() == 1


@pytest.mark.parametrize("too_long", ["split", "truncate", "drop"])
def test_what_padding_drops_is_reported(tmp_path: Path, too_long: TooLong) -> None:
    """Two documents of three have 40 tokens, 8 too many; with all batches read, the rest is there."""
    documents = [Coded(number=n, tokens=40 if n % 3 else 10) for n in range(360)]
    folder = write_coded(tmp_path, documents)
    reader = TokenReader(folder, replace(SETTINGS, packing="pad", too_long=too_long))
    ids = real_ids(reader)
    (told,) = reader.plan.report()
    assert told["dropped"] == {"split": 0, "truncate": 240 * 8, "drop": 240 * 40}[too_long]
    assert told["units"] == {"split": 600, "truncate": 360, "drop": 120}[too_long]
    assert (told["sequences"], told["left_over"]) == (told["units"], 0)
    assert len(np.unique(ids)) == len(ids) == len(expected_ids(documents)) - told["dropped"]


@pytest.mark.parametrize("packing", ["concat", "best_fit", "pad"])
def test_no_token_is_predicted_from_another_document(folder: Path, packing: str) -> None:
    """Where there is a label it is the next token of the same document; only last tokens, and cuts, have none."""
    settings = replace(SETTINGS, packing=packing)  # type: ignore[arg-type]
    unlabelled, seen = 0, 0
    for batch in TokenReader(folder, settings):
        assert labels_follow(batch)
        real = batch["segment_ids"] > 0
        unlabelled += int(np.count_nonzero(real & ~batch["loss_mask"]))
        seen += len(np.unique(batch["input_ids"][real] >> 12))
    assert unlabelled <= seen


def test_an_epoch_is_another_order_of_the_same_tokens(folder: Path) -> None:
    """The same ids in both epochs; ranks of documents are not correlated, nor are those of two seeds.

    Documents of a row group travel together, so row groups are what is counted: four standard errors of that many.
    """
    batches = list(TokenReader(folder, replace(SETTINGS, epochs=2)))
    half = len(batches) // 2
    one, two = batches[:half], batches[half:]
    assert np.array_equal(np.sort(real_ids(one)), np.sort(real_ids(two)))
    other = list(TokenReader(folder, replace(SETTINGS, seed=3)))
    groups = load_manifest(folder).row_groups().num_rows
    places = [np.argsort(first_seen(stream)) for stream in (one, two, other)]
    for first, second in ((0, 1), (0, 2)):
        assert abs(spearmanr(places[first], places[second]).statistic) < 4 / np.sqrt(groups - 1)
    again = TokenReader(folder, replace(SETTINGS, epochs=2))
    assert digest([batch] for batch in again) == digest([batch] for batch in batches)
