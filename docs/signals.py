"""Write docs/signals.md from the code: every column that a threshold may look at (python docs/signals.py)."""

from pathlib import Path

import pyarrow as pa

from corpus.quality.columns import COLUMNS, SIGNALS_SCHEMA
from corpus.quality.rulefile import load_rules, presets
from corpus.quality.signals import SIGNALS
from corpus.schema import CLUSTERS, DOCUMENTS, VERDICTS

PAGE = Path(__file__).with_suffix(".md")
HEAD = """# Signals

Every column that a threshold or a band may look at (see [thresholds.md](thresholds.md)); `docs/signals.py` writes this
page from the code. A share is a number from 0 to 1, null where there is nothing to share. *Preset rules* are the
thresholds that the presets put on a column.
"""
SECTIONS = {
    "Language": "Identified in annotate (`corpus/language/identify.py`).",
    "Text": "Measured in annotate (`corpus/quality/signals.py`); source: the paper or rule set that uses it.",
    "What the page says of its own use": (
        "From headers, meta elements and licence links (`corpus/quality/flags.py`). "
        "True is 1: `max = 0` drops pages that say so."
    ),
    "Document": "Set by ingest (`corpus/schema.py`).",
    "Authority and duplicates": (
        "Joined in select. Ranks are percentiles: the share of the graph's sites that stand no higher. They are null\n"
        "where the ranking did not compute them, and for sites that are not in the graph unless the rules name a\n"
        "percentile for those. In a small crawl most sites have no link from another domain: authority is better as a\n"
        "band of the mixture components than as a cut."
    ),
}


def section_of(name: str) -> str:
    """Return the section that a column belongs to."""
    if name in SIGNALS:
        return "Text"
    if name.startswith(("language", "runner_up")):
        return "Language"
    if name in SIGNALS_SCHEMA.names:
        return "What the page says of its own use"
    return "Document" if name in DOCUMENTS.names else "Authority and duplicates"


def meaning(name: str) -> str:
    """Return what a column holds."""
    if name in SIGNALS:
        return SIGNALS[name].meaning
    schema: pa.Schema = next(s for s in (SIGNALS_SCHEMA, DOCUMENTS, VERDICTS, CLUSTERS) if name in s.names)
    return str((schema.field(name).metadata or {})[b"meaning"].decode())


def kind(name: str) -> str:
    """Return what values a column has, in a word."""
    dtype = COLUMNS[name]
    if pa.types.is_string(dtype):
        return "text"
    if pa.types.is_boolean(dtype):
        return "true or false"
    if pa.types.is_integer(dtype):
        return "count"
    return "share" if meaning(name).startswith("share") else "number"


def uses() -> dict[str, list[str]]:
    """Return the preset thresholds on each column."""
    found: dict[str, dict[str, None]] = {name: {} for name in COLUMNS}
    for preset in sorted(presets()):
        for threshold in load_rules(preset).thresholds:
            found[threshold.signal][threshold.name] = None
    return {name: list(rules) for name, rules in found.items()}


def page() -> str:
    """Return the page as Markdown."""
    used, lines = uses(), [HEAD]
    for title, about in SECTIONS.items():
        names = [name for name in COLUMNS if section_of(name) == title]
        sourced = any(name in SIGNALS for name in names)
        columns = ["column", "values", *(["source"] if sourced else []), "meaning", "preset rules"]
        lines += [f"## {title}\n{about}\n", row(columns), row(["---"] * len(columns))]
        for name in names:
            source = [SIGNALS[name].source] if sourced else []
            rules = ", ".join(f"`{rule}`" for rule in used[name])
            lines.append(row([f"`{name}`", kind(name), *source, meaning(name), rules]))
        lines.append("")
    return "\n".join(lines)


def row(cells: list[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page())
