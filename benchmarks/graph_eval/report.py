"""Rows to one Markdown page and one JSON file, and to the tables of docs/graph-evaluation.md."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.graph_eval.lab import Rows
from benchmarks.suite.tables import replace_between
from corpus.storage import write_text


@dataclass(frozen=True, slots=True)
class Section:
    """One experiment: its title, what to read in it, its rows, and how long it took."""

    name: str
    title: str
    text: str
    rows: Rows
    seconds: float


def table(rows: Rows) -> str:
    """Return rows as a Markdown table, columns in the order of their first appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns), *([shown(row.get(name, "")) for name in columns] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def shown(value: Any) -> str:
    """Return a cell: whole numbers with separators, others with three places or two significant ones."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    if not isinstance(value, int | float):
        return str(value).replace("|", "/")
    if math.isnan(value):
        return ""
    if value == 0:
        return "0"
    if float(value).is_integer() and abs(value) >= 1:
        return f"{int(value):,}"
    return f"{value:.3f}" if abs(value) >= 0.001 else f"{value:.1e}"


def write(folder: Path, sections: Sequence[Section], told: Mapping[str, Any]) -> None:
    """Write graph-eval.md and graph-eval.json; sections that were not run keep what an earlier run left there."""
    path = folder / "graph-eval.json"
    kept = json.loads(path.read_text())["sections"] if path.exists() else {}
    kept |= {section.name: asdict(section) | {"options": dict(told)} for section in sections}
    write_text(path, json.dumps({"sections": kept}, indent=1).replace("NaN", "null") + "\n")
    write_text(folder / "graph-eval.md", page(kept))


def page(sections: Mapping[str, Any]) -> str:
    """Return the report as Markdown."""
    lines = ["# Ranks on planted and real graphs", ""]
    for one in sections.values():
        options = ", ".join(f"{key} {value}" for key, value in one["options"].items())
        lines += [
            f"## {one['title']}",
            "",
            f"{one['text']} ({options}; {one['seconds']:.0f} s)",
            "",
            table(one["rows"]),
            "",
        ]
    return "\n".join(lines)


def read(folder: Path) -> dict[str, Rows]:
    """Return the rows of every section of a run, null as NaN."""
    found = json.loads((folder / "graph-eval.json").read_text())["sections"]
    return {
        name: [{key: math.nan if value is None else value for key, value in row.items()} for row in section["rows"]]
        for name, section in found.items()
    }


def rewrite(path: Path, tables: Mapping[str, Rows]) -> None:
    """Put tables into a page, between the two comments with their names."""
    text = path.read_text()
    for name, rows in tables.items():
        text = replace_between(text, name, table(rows))
    write_text(path, text)
