"""Runs the programs of this folder, each in a process of its own, and returns the JSON that they print."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SUPPORT = Path(__file__).resolve().parent


def program(name: str, *arguments: str | Path | int) -> dict[str, Any]:
    """Run tests/support/NAME.py with arguments."""
    path = os.pathsep.join([str(SUPPORT), str(SUPPORT.parent.parent)])
    command = [sys.executable, str(SUPPORT / f"{name}.py"), *map(str, arguments)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
