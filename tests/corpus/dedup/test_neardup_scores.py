"""Scores on labelled near-duplicates kept outside the repository, by the scoring script that stands beside them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEMS = Path(__file__).resolve().parents[2] / "evals"


@pytest.mark.shared
def test_pairs_are_true_and_nearly_all_there(shared: Path) -> None:
    """Page variants: precision at least 0.999 and recall 0.99 over 2,204 true pairs; all labelled article copies."""
    command = [sys.executable, "neardup.py", str(shared / "data"), "--system", "systems:neardup"]
    path = os.pathsep.join([str(SYSTEMS), str(shared / "evals")])
    environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=shared / "evals", env=environment, capture_output=True, text=True, check=True)
    scores = {line["set"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert scores["page-variants"]["true_pairs"] == 2204
    assert scores["page-variants"]["precision"] >= 0.999
    assert scores["page-variants"]["recall"] >= 0.99
    assert scores["articles"]["labelled_found"] == [10, 10]
