"""Imports point downward only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

LAYERS: dict[str, int] = {
    "corpus": 0,
    "corpus.errors": 0,
    "corpus.document": 0,
    "corpus.settings": 1,
    "corpus.schema": 1,
    "corpus.url": 1,
    "corpus.encodings": 1,
    "corpus.strangeness": 1,
    "corpus.kernels": 1,
    "corpus.storage": 2,
    "corpus.archive": 3,
    "corpus.inputs": 4,
    "corpus.remote": 3,
    "corpus.charset": 2,
    "corpus.links": 2,
    "corpus.link_counts": 3,
    "corpus.extract": 3,
    "corpus.language": 3,
    "corpus.quality": 3,
    "corpus.dedup": 3,
    "corpus.tokens": 3,
    "corpus.authority": 3,
    "corpus.stage": 4,
    "corpus.reader": 4,
    "corpus.reader_torch": 5,
    "corpus.reader_jax": 5,
    "corpus.stages": 5,
    "corpus.pipeline": 6,
    "corpus.executors": 7,
    "corpus.recipes": 7,
    "corpus.journal": 7,
    "corpus.progress": 7,
    "corpus.report": 8,
    "corpus.cli_shards": 9,
    "corpus.cli_tools": 9,
    "corpus.cli": 10,
    "corpus.__main__": 11,
}
"""A module or subpackage may import itself and what has a lower number."""

FOR_SITEGRAPH = {
    "corpus",
    "corpus.kernels",
    "corpus.errors",
    "corpus.settings",
    "corpus.schema",
    "corpus.url",
    "corpus.storage",
    "corpus.stage",
}


def modules() -> list[tuple[str, Path]]:
    """Return (dotted name, path) of every module of the three packages."""
    found = []
    for package in ("corpus", "sitegraph", "pipelines"):
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            parts = path.relative_to(REPOSITORY).with_suffix("").parts
            found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


def imports(path: Path) -> set[str]:
    """Return the dotted names of the three packages that a module imports, wherever in the file it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: write absolute imports"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.partition(".")[0] in ("corpus", "sitegraph", "pipelines")}


def unit(name: str) -> str:
    """Return the module or subpackage of corpus that a dotted name belongs to: the key of LAYERS."""
    parts = name.split(".")
    return ".".join(parts[:2]) if ".".join(parts[:2]) in LAYERS else parts[0]


@pytest.mark.parametrize(("name", "path"), modules(), ids=[name for name, _ in modules()])
def test_a_module_imports_only_what_lies_below_it(name: str, path: Path) -> None:
    """corpus by its layers; sitegraph the foundations of corpus; pipelines both; nothing imports pipelines."""
    for target in imports(path):
        top = target.partition(".")[0]
        if name.startswith("corpus"):
            assert top == "corpus", f"{name} imports {target}"
            assert unit(name) in LAYERS, f"{name} has no layer"
            assert unit(target) == unit(name) or LAYERS[unit(target)] < LAYERS[unit(name)], f"{name} imports {target}"
        elif name.startswith("sitegraph"):
            assert top == "sitegraph" or unit(target) in FOR_SITEGRAPH, f"{name} imports {target}"
        else:
            assert name.startswith("pipelines")


def test_importing_corpus_is_cheap() -> None:
    """The package itself loads nothing heavy."""
    code = "import sys, corpus; print([m for m in ('numpy', 'pyarrow', 'numba', 'trafilatura') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
