"""The machine and the versions that figures belong to."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

OURS: Final = (
    "headwater", "fastwarc", "fasttext-numpy2", "lxml", "numba", "numpy", "pyarrow", "pycld2", "resiliparse",
    "tokenizers", "trafilatura", "zstandard",
)  # fmt: skip
PEERS: Final = (
    "datatrove", "datasketch", "fasttext-numpy2-wheel", "lxml", "nltk", "numpy", "rensa", "spacy", "tokenizers",
    "trafilatura", "warcio", "xxhash",
)  # fmt: skip
_ASK: Final = (
    "import importlib.metadata as m, json, sys\n"
    "def v(n):\n  try: return m.version(n)\n  except m.PackageNotFoundError: return None\n"
    "print(json.dumps({n: v(n) for n in sys.argv[1:]}))"
)


def versions(python: str, names: Sequence[str]) -> dict[str, str]:
    """Return the versions of packages in an environment."""
    done = subprocess.run([python, "-c", _ASK, *names], capture_output=True, text=True, check=True)  # noqa: S603
    return {name: version for name, version in json.loads(done.stdout).items() if version}


def first(path: str, key: str) -> str:
    """Return the first value of `key : value` lines in a file of the kernel."""
    lines = Path(path).read_text().splitlines() if Path(path).exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "unknown")


def describe(ours: str, peers: str) -> dict[str, Any]:
    """Return processor, cores, memory, kernel, Python and package versions of both sides."""
    return {
        "processor": first("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(first("/proc/meminfo", "MemTotal").split()[0]) / 2**20, 1),
        "cache": Path("/sys/devices/system/cpu/cpu0/cache/index3/size").read_text().strip()
        if Path("/sys/devices/system/cpu/cpu0/cache/index3/size").exists()
        else "unknown",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "ours": versions(ours, OURS),
        "peers": versions(peers, PEERS),
    }
