"""Fixtures of the store's tests."""

import os
from collections.abc import Iterator

import pytest

import sitegraph.ranks.passes


@pytest.fixture(scope="module", autouse=True)
def no_syncing() -> Iterator[None]:
    """These tests write thousands of small files and cut no power, so nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(
            sitegraph.ranks.passes, "HELD", 0
        )  # what is stored is what they are about: it is decoded in each pass
        yield
