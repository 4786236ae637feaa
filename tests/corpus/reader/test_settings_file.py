"""A reader's settings come back from their file as they were, and a file that is wrong says where."""

import json
from pathlib import Path
from typing import Any

import pytest
from token_roots import make_shards

from corpus.errors import MissingError, SettingError
from corpus.reader import ReaderSettings, Stage, TokenReader
from corpus.reader.settings_file import SavedReader, load_settings, save_settings

SIZE: dict[str, Any] = {"sequence_length": 16, "batch_size": 4}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"components": ("de", "en"), "packing": "pad", "too_long": "truncate", "mask": False, "epochs": None},
        {"mixture": {"en": 0.7, "de": 0.1}, "repeat": 3, "places": ()},
        {
            "stages": (Stage(mixture={"en": 1}, steps=2), Stage(mixture={"en": 1, "de": 0.1}, steps=3)),
            "repeat": 2,
            "places": ("segment_ids",),
        },
    ],
    ids=["plain", "pad", "mixture", "stages"],
)
def test_settings_come_back_as_they_were(tmp_path: Path, more: dict[str, Any]) -> None:
    """All fields, the hash of the plan, and the quarantine."""
    settings = ReaderSettings(**SIZE, **more)
    reader = TokenReader(make_shards(tmp_path, count=60), settings)
    reader.quarantine([1])
    save_settings(tmp_path / "reader.json", reader)
    expected = SavedReader(settings=settings, plan=reader.plan.hash, quarantine=(1,))
    assert load_settings(tmp_path / "reader.json") == expected


def test_a_file_by_hand_needs_no_more_than_what_has_no_default(tmp_path: Path) -> None:
    """Two fields are enough; there is no plan to compare with."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(SIZE))
    assert load_settings(path) == SavedReader(settings=ReaderSettings(**SIZE), plan=None, quarantine=())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is no JSON"),
        ("[]", "write the fields as a JSON object"),
        ('{"sequence_length": 16}', "batch_size = None is not valid; it has no default"),
        ('{"sequence_length": 16, "batch_size": 4, "sed": 1}', "sed = 1 is not valid; did you mean seed"),
        ('{"sequence_length": 16, "batch_size": "4"}', "a value has the wrong type"),
        ('{"sequence_length": 16, "batch_size": 4, "stages": [{"mixture": {"en": 1}}]}', "a value has the wrong type"),
        ('{"sequence_length": 16, "batch_size": 4, "packing": "best"}', "use one of concat, best_fit, pad"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    """It names the field or the file, and what would be valid."""
    path = tmp_path / "reader.json"
    path.write_text(text)
    with pytest.raises(SettingError, match=message):
        load_settings(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The path, and what to name instead."""
    with pytest.raises(MissingError, match=r"reader.json: cannot be read .*; name the reader.json of the run"):
        load_settings(tmp_path / "reader.json")
