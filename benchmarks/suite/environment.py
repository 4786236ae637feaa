"""The peers' environment: made once below the cache folder from benchmarks/peers.txt, and again when that changes.

datatrove 0.10.1 wants trafilatura below 1.12; the version that this project uses is put in a folder of its own, which
a second run of datatrove's side has in front of its packages.
"""

import hashlib
import importlib.metadata
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

from benchmarks.suite.side import REPOSITORY

LIST = REPOSITORY / "benchmarks" / "peers.txt"


class Peers(NamedTuple):
    """The peers' Python, and the folder with the trafilatura that this project uses."""

    python: str
    newer: str


def make_peers(cache: Path) -> Peers:
    """Return the peers' environment, made if it is not there."""
    folder, newer = cache / "peers", cache / "trafilatura"
    version = importlib.metadata.version("trafilatura")
    mark = hashlib.sha256(LIST.read_bytes() + version.encode() + sys.version.encode()).hexdigest()
    stamp, python = folder / ".headwater", str(folder / "bin" / "python")
    if not (stamp.exists() and stamp.read_text() == mark):
        print(f"making the peers' environment in {folder} (once; a few minutes)", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--no-deps"]
        call([*pip, "--requirement", str(LIST)])
        call([*pip, "--upgrade", "--target", str(newer), f"trafilatura=={version}"])
        stamp.write_text(mark)
    return Peers(python, str(newer))


def call(command: list[str]) -> None:
    """Run a command, or end with what it was."""
    if subprocess.run(command, check=False).returncode:  # noqa: S603 - our own command
        raise SystemExit(f"failed: {' '.join(command)}\nThe peers could not be installed; is a package index in reach?")


def listed_environment(folder: Path, packages: Path) -> tuple[str, dict[str, str]]:
    """Make an environment of a list of pinned packages, each alone, unless it is there; the list is all it needs.

    Return its Python, and which packages could not be installed, with pip's last words.
    """
    mark = hashlib.sha256(packages.read_bytes() + sys.version.encode()).hexdigest()
    stamp, python = folder / ".headwater", str(folder / "bin" / "python")
    if stamp.exists() and stamp.read_text() == mark:
        return python, {}
    venv.create(folder, with_pip=True, clear=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--no-deps"]
    failed = {}
    if subprocess.run([*pip, "-r", str(packages)], capture_output=True, check=False).returncode:  # noqa: S603 - ours
        for package in (line.strip() for line in packages.read_text().splitlines()):
            if package and not package.startswith("#"):
                done = subprocess.run([*pip, package], capture_output=True, text=True, check=False)  # noqa: S603 - ours
                if done.returncode:
                    words = done.stderr.strip().splitlines()
                    failed[package.partition("==")[0]] = words[-1] if words else "no reason given"
    if not failed:
        stamp.write_text(mark)
    return python, failed
