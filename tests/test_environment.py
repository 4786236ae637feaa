"""The two commands say plainly what is wrong when the environment cannot be made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPT = REPOSITORY / ".ci" / "environment.py"


def test_a_python_that_is_too_old_is_told(tmp_path: Path) -> None:
    """The range is named, the version found, and how to name another Python; nothing is made."""
    source = SCRIPT.read_text().replace("OLDEST, NEWEST = (3, 11), (3, 13)", "OLDEST, NEWEST = (3, 98), (3, 99)")
    old = tmp_path / ".ci" / "environment.py"
    old.parent.mkdir()
    old.write_text(source)
    command = [sys.executable, str(old), str(tmp_path / "venv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed, this is" in done.stderr
    assert "make demo PYTHON=" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_failing_download_is_told(tmp_path: Path) -> None:
    """Without a reachable package index the sentence says what to check, after pip's own words."""
    environment = os.environ | {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
    }
    command = [sys.executable, str(SCRIPT), str(tmp_path / "venv")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "installing packages failed (see above); check the network" in done.stderr
    assert not (tmp_path / "venv" / ".headwater").exists()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_a_python_that_is_not_there_is_told() -> None:
    """`make demo PYTHON=nowhere` names what was looked for and what to install."""
    done = subprocess.run(
        ["make", "demo", "PYTHON=no-such-python"], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert done.returncode != 0
    assert "no no-such-python here; install Python 3.11 or newer" in done.stderr
