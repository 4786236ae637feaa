"""One run of the sample recipe, shared by the tests that look at it."""

import json
from pathlib import Path
from typing import Any

import pytest
from running import corpus

from corpus import journal

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Root and printed output of `corpus run sample`, run as a user would."""
    root = tmp_path_factory.mktemp("sample") / "root"
    done = corpus("run", "sample", "--root", str(root), "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert journal.load(root).state == journal.DONE
    return root, done.stdout


@pytest.fixture(scope="session")
def root(sample_run: tuple[Path, str]) -> Path:
    """Root of the sample run; tests must not write there."""
    return sample_run[0]


@pytest.fixture(scope="session")
def labels() -> list[dict[str, Any]]:
    """What each record of the sample crawl is, as written down when it was made."""
    with open(REPOSITORY / "sample_data" / "labels.jsonl") as file:
        return [json.loads(line) for line in file]
