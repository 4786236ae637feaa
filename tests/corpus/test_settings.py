"""Fingerprints are equal for equal settings, differ for different ones, and never guess."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from corpus.errors import SettingError
from corpus.settings import UNMARKED, fingerprint, require


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Settings for the tests."""

    low: int = 1
    names: tuple[str, ...] = ("a", "b")
    workers: int = field(default=1, metadata=UNMARKED)

    def __post_init__(self) -> None:
        require(self.low >= 0, self, "low", "0 or more")


def test_equal_settings_have_equal_fingerprints() -> None:
    """Order of keys, kind of sequence and unmarked fields make no difference."""
    assert fingerprint({"b": 1, "a": (1, 2)}) == fingerprint({"a": [1, 2], "b": 1})
    assert fingerprint(Limits(workers=1)) == fingerprint(Limits(workers=9))
    assert fingerprint({3, 1, 2}) == fingerprint({1, 2, 3})


def test_different_settings_have_different_fingerprints() -> None:
    """A value, a field or a type that differs shows."""
    marks = [fingerprint(v) for v in (Limits(), Limits(low=2), Limits(names=("a",)), "1", 1, 1.5, None, Path("x/y"))]
    assert len(set(marks)) == len(marks)


def test_the_fingerprint_is_the_sha256_of_the_canonical_form() -> None:
    """Worked out by hand: the JSON text [{"a":1}] and its SHA-256."""
    assert fingerprint({"a": 1}) == hashlib.sha256(b'[{"a":1}]').hexdigest()


def test_unknown_types_are_refused() -> None:
    """An object whose text may change between runs has no fingerprint."""
    with pytest.raises(TypeError, match="no fingerprint for a object"):
        fingerprint(object())


def test_a_wrong_setting_names_field_value_and_what_is_valid() -> None:
    """The message is enough to mend it."""
    with pytest.raises(SettingError, match="Limits: low = -3 is not valid; 0 or more"):
        Limits(low=-3)
