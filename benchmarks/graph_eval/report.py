"""Rows to one Markdown page and one JSON file."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.graph_eval.lab import Rows
from corpus.storage import write_text


@dataclass(frozen=True, slots=True)
class Section:
    """One experiment: its title, what to read in it, its rows, and how long it took."""

    name: str
    title: str
    text: str
    rows: Rows
    seconds: float


def page(sections: Sequence[Section], told: Mapping[str, Any]) -> str:
    """Return the report as Markdown."""
    head = ["# Ranks on planted and real graphs", "", table([{"": k, "value": v} for k, v in told.items()]), ""]
    for section in sections:
        head += [f"## {section.title}", "", section.text, "", table(section.rows), ""]
    return "\n".join(head)


def table(rows: Rows) -> str:
    """Return rows as a Markdown table, columns in the order of their first appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns), *([shown(row.get(name, "")) for name in columns] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def shown(value: Any) -> str:
    """Return a cell: whole numbers with separators, others with three places or two significant ones."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).replace("|", "/")
    if math.isnan(value):
        return ""
    if float(value).is_integer() and abs(value) >= 1:
        return f"{int(value):,}"
    return f"{value:.3f}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"


def write(folder: Path, sections: Sequence[Section], told: Mapping[str, Any]) -> None:
    """Write graph-eval.md and graph-eval.json into a folder."""
    write_text(folder / "graph-eval.md", page(sections, told))
    found = {section.name: {"seconds": section.seconds, "rows": section.rows} for section in sections}
    text = json.dumps({"told": dict(told), "sections": found}, indent=1, default=str)
    write_text(folder / "graph-eval.json", text.replace("NaN", "null") + "\n")
