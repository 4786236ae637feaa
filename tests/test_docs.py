"""The pages under docs/ say what the code says."""

import ast
import re
import runpy
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from corpus.quality.columns import COLUMNS
from corpus.quality.rulefile import load_rules
from corpus.reader import ReaderSettings
from corpus.tokens.layout import shard_schema
from corpus.tokens.manifest import ROW_GROUPS, SHARDS

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def test_the_page_of_signals_is_the_one_that_the_code_gives() -> None:
    """`python docs/signals.py` writes it; each column has its row, and no section is without one."""
    page = (DOCS / "signals.md").read_text()
    assert page == runpy.run_path(str(DOCS / "signals.py"))["page"](), "run: python docs/signals.py"
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == sorted(COLUMNS, key=list(COLUMNS).index)


def test_the_page_of_shards_has_every_column() -> None:
    """The columns of a shard with their meaning, in order; the columns of the manifest's tables; no others."""
    page = (DOCS / "shards.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", page.partition("## The manifest")[0], re.MULTILINE)
    schema = shard_schema(np.dtype("uint16"))
    assert [name for name, _ in rows] == schema.names
    for name, meaning in rows:
        told = (schema.field(name).metadata or {})[b"meaning"].decode()
        assert meaning.startswith(told), name
    for schema in (SHARDS, ROW_GROUPS):
        for name in schema.names:
            assert name.startswith("lengths_") or f"`{name}`" in page, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_are_valid(page: Path, tmp_path: Path) -> None:
    """Rule files load; Python parses, and the reader's settings in it exist."""
    for number, text in enumerate(blocks(page, "toml")):
        rules = tmp_path / f"{number}.toml"
        rules.write_text(text)
        assert load_rules(str(rules)).thresholds
    known = {field.name for field in fields(ReaderSettings)}
    for text in blocks(page, "python"):
        for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == "ReaderSettings":
                assert {keyword.arg for keyword in call.keywords} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Relative links, and files of the project named in code quotes, exist."""
    text = page.read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / target).exists(), target
    for target in re.findall(r"`((?:corpus|docs|pipelines|sitegraph|tests)/[\w/.-]+\.(?:py|md|toml))`", text):
        assert (REPOSITORY / target).exists(), target
