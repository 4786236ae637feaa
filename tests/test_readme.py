"""The README and the docs say what is true now."""

import re
from pathlib import Path

import click
import pytest

from corpus import recipes
from corpus.cli import main as corpus
from sitegraph.cli import main as sitegraph

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text()
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def commands() -> list[str]:
    """Return the command lines for corpus and sitegraph in README and docs."""
    found = []
    for page in PAGES:
        found += re.findall(r"^(?:\.venv/bin/)?((?:corpus|sitegraph) [^\n#]*)", page.read_text(), re.MULTILINE)
    return sorted({line.strip() for line in found})


def test_the_tree_has_a_phrase_for_every_module() -> None:
    """Each Python module of the three packages stands in the tree, and the tree names no file that is gone."""
    tree = README.partition("## The tree\n```\n")[2].partition("\n```")[0]
    named, folders = set(), {0: ""}
    for line in tree.splitlines():
        depth, name = (len(line) - len(line.lstrip())) // 2, line.split()[0]
        assert len(line.split(maxsplit=1)) == 2, f"no phrase: {line}"
        if name.endswith("/"):
            folders[depth + 1] = folders[depth] + name
        named.add(folders[depth] + name)
    for package in ("corpus", "sitegraph", "pipelines"):
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            if path.name not in ("__init__.py", "__main__.py"):
                assert path.relative_to(REPOSITORY).as_posix() in named
    assert [name for name in sorted(named) if not (REPOSITORY / name).exists()] == []


@pytest.mark.parametrize("line", commands())
def test_every_command_in_the_docs_is_one(line: str) -> None:
    """Its subcommands and options exist, and its recipe and its parameters do."""
    program, *words = re.findall(r"'[^']*'|\S+", line)
    command: click.Command = corpus if program == "corpus" else sitegraph
    while isinstance(command, click.Group):
        assert words[0] in command.commands, line
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in options, f"{line}: {word}"
    if command.name == "run":
        recipe = recipes.load(words[0])
        for name in re.findall(r"--set '?(\w+)=", line):
            assert name in recipe.parameters, line


def test_make_targets_in_the_docs_exist() -> None:
    """Every `make target` that README and docs name is in the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for target in re.findall(r"(?:^|`)make ([a-z-]+[a-z])(?![\w.-]*\.\.\.)", page.read_text(), re.MULTILINE):
            assert target in targets, f"{page.name}: make {target}"


def test_nothing_tells_of_this_machine() -> None:
    """No file of the project holds a path of the machine that it was written on."""
    home = str(REPOSITORY.parent) + "/"
    for path in [*PAGES, REPOSITORY / "Makefile", REPOSITORY / "pyproject.toml", REPOSITORY / "constraints.txt"]:
        assert home not in path.read_text()
