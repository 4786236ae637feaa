"""Run the project's commands as a user would, and compare what they leave."""

import subprocess
import sys
from pathlib import Path

from corpus.tokens.manifest import load_manifest


def corpus(*arguments: str, timeout: float = 280) -> subprocess.CompletedProcess[str]:
    """Run `corpus` with these arguments and return what it printed and its exit code."""
    command = [sys.executable, "-m", "corpus", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def outcome(root: Path) -> dict[str, object]:
    """Return what must not depend on how a run went: dataset id, row-group checksums, SHA-256 of every shard."""
    manifest = load_manifest(root / "shards")
    return {
        "dataset": manifest.dataset,
        "row groups": manifest.row_groups(["checksum"]).column(0).to_pylist(),
        "shards": manifest.shards().select(["path", "sha256"]).to_pylist(),
    }
