"""Tables for the terminal: recipes, status, ledger, trace. Control characters in a crawl's text are shown dead."""

import inspect
import re
import typing
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from corpus import journal, recipes
from corpus.pipeline import Pipeline
from corpus.stage import load_reports
from corpus.storage import Written

SCRATCH = Path("ROOT")
"""Stands for the root when a pipeline is built only to be shown."""


def harmless(value: Any) -> Text:
    """Return a value as plain text: no markup, and no control characters that a terminal would obey."""
    text = "" if value is None else str(value)
    return Text("".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], numbers: Sequence[str] = ()) -> Table:
    """Return a table; columns named in `numbers` are set to the right, with thousands marked."""
    made = Table(title=harmless(title), title_justify="left", box=box.SIMPLE_HEAD)
    for name in columns:
        made.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(harmless(f"{v:,}" if isinstance(v, int) else v) for v in row))
    return made


def recipes_table() -> Table:
    """Return the recipes by name with the first line of what they say of themselves."""
    rows = [(name, (inspect.getdoc(recipes.load(name).build) or "").partition("\n")[0]) for name in recipes.names()]
    return table("Recipes (corpus show RECIPE for its stages and parameters)", ("recipe", "what it does"), rows)


def recipe_table(recipe: recipes.Recipe) -> Group:
    """Return a recipe's stages, with what each reads and writes, and its parameters."""
    pipeline: Pipeline = recipe.build(root=SCRATCH.absolute(), **({"inputs": None} if recipe.takes_inputs else {}))
    stages = [
        (
            stage.name,
            ", ".join(s.name for s in stage.inputs),
            ", ".join(s.name for s in stage.outputs),
            (inspect.getdoc(type(stage)) or "").partition("\n")[0],
        )
        for stage in pipeline.stages
    ]
    meanings = recipe.meanings
    parameters = [
        (name, shown(parameter.default), kind(parameter.annotation), meanings.get(name, ""))
        for name, parameter in recipe.parameters.items()
    ]
    named = re.compile(r"\w+(, \w+)*\s{2,}\S")  # these lines are in the table of parameters
    about = [line for line in (inspect.getdoc(recipe.build) or "").splitlines() if not named.match(line)]
    return Group(
        Text("\n".join(about).strip()),
        table("Stages", ("stage", "reads", "writes", "what it does"), stages),
        table("Parameters (--set NAME=VALUE)", ("parameter", "default", "value", "meaning"), parameters),
    )


def shown(default: Any) -> str:
    """Return a parameter's default as one would write it; a path below the working directory is shown from there."""
    if isinstance(default, str) and Path(default).is_absolute():
        return str(Path(default).relative_to(Path.cwd())) if Path(default).is_relative_to(Path.cwd()) else default
    if isinstance(default, tuple):
        return ",".join(map(str, default)) or "none"
    if isinstance(default, bool):
        return str(default).lower()
    return "none" if default is None else f"{default:_}" if isinstance(default, int) else str(default)


def kind(annotation: Any) -> str:
    """Return what a parameter takes, in words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return ", ".join(map(str, arguments))
    if origin is tuple:
        return f"{kind(arguments[0])}, with commas"
    if arguments:
        return " or ".join("none" if a is type(None) else kind(a) for a in arguments)
    words = {str: "text", int: "whole number", float: "number", bool: "true, false", Path: "path"}
    return words.get(annotation, str(annotation))


def status(root: Path) -> dict[str, Any]:
    """Return how a run stands: its state; per stage, units done and counts; per shard set, what is stored."""
    notes = journal.load(root)
    units = {notes.at["stage"]: notes.at["units"]} if notes.at else {}
    stages = []
    stored: list[Written] = []
    for name in notes.stages:
        reports = load_reports(root, name)
        stored += [written for report in reports for written in report.files]
        counts: Counter[str] = Counter()
        for report in reports:
            counts.update(report.counts)
        noted = notes.done.get(name)
        stages.append(
            {
                "stage": name,
                "units": noted["units"] if noted else units.get(name),
                "done": len(reports),
                "failed": len(noted["failures"]) if noted else 0,
                "seconds": round(sum(report.seconds for report in reports), 3),
                "peak_rss": max((report.peak_rss for report in reports), default=0),
                "counts": dict(sorted(counts.items())),
            }
        )
    return {
        "root": str(root),
        "recipe": notes.recipe,
        "state": notes.state,
        "message": notes.message,
        "settings": notes.settings,
        "stages": stages,
        "sets": shard_sets(stored),
        "failures": [failure.message for failure in notes.failures],
    }


def shard_sets(stored: Sequence[Written]) -> list[dict[str, Any]]:
    """Return files, rows, bytes and bytes per document (of the set `documents`) by set, in the order written."""
    found: dict[str, list[Written]] = {}
    for written in stored:
        found.setdefault(written.path.partition("/")[0], []).append(written)
    documents = sum(written.rows for written in found.get("documents", ()))
    rows = []
    for name, files in found.items():
        size = sum(written.bytes for written in files)
        per = round(size / documents, 1) if documents else None
        row = {"set": name, "files": len(files), "rows": sum(written.rows for written in files), "bytes": size}
        rows.append(row | {"bytes_per_document": per})
    return rows


def status_table(found: dict[str, Any]) -> Group:
    """Return the status as a table, with what failed below it."""
    rows = [
        (
            stage["stage"],
            f"{stage['done']:,}/{stage['units']:,}" if stage["units"] is not None else f"{stage['done'] or '-'}",
            stage["failed"] or "",
            f"{stage['seconds']:,.1f}",
            f"{stage['peak_rss'] / 1e6:,.0f}",
            ", ".join(f"{k} {v:,}" for k, v in stage["counts"].items() if ":" not in k),
        )
        for stage in found["stages"]
    ]
    columns = ("stage", "units", "failed", "unit s", "peak MB", "counts")
    shown = table(f"{found['root']}: {found['recipe']}, {found['state']}", columns, rows, columns[2:5])
    sets = [
        (*list(s.values())[:4], "" if s["bytes_per_document"] is None else f"{s['bytes_per_document']:,.1f}")
        for s in found["sets"]
    ]
    named = ("set", "files", "rows", "bytes", "bytes per document")
    stored = table("Stored", named, sets, named[1:])
    lines = [found["message"], *(f"not read: {message}" for message in found["failures"])]
    return Group(shown, *([stored] if sets else []), *(harmless(line) for line in lines if line))


def ledger_table(summary: dict[str, Any], limit: int) -> Group:
    """Return the ledger's buckets and its first `limit` files."""
    total = summary["records"] or 1
    buckets = [(name, n, f"{n / total:.1%}") for name, n in summary["buckets"].items()]
    files = [
        (file["file"], file["records"], ", ".join(f"{k} {v:,}" for k, v in file["buckets"].items()))
        for file in summary["files"][:limit]
    ]
    left = len(summary["files"]) - len(files)
    more = f" (the first {limit:,} of {len(summary['files']):,}; --limit or --json for more)" if left else ""
    return Group(
        table(f"{summary['records']:,} records", ("bucket", "records", "share"), buckets, ("records", "share")),
        table(f"By file{more}", ("file", "records", "buckets"), files, ("records",)),
    )


def records_table(bucket: str, records: Sequence[dict[str, Any]], limit: int) -> Table:
    """Return the records of a bucket."""
    rows = [(r["file"], str(r["offset"]), r["record_type"], r["url"], r["detail"]) for r in records]
    more = f" (the first {limit}; --limit for more)" if len(records) == limit else ""
    title = f"{bucket}: {len(records):,} record{'s' * (len(records) != 1)}{more}"
    return table(title, ("file", "offset", "type", "url", "detail"), rows, ("offset",))


def trace_tables(found: dict[str, Any]) -> Group:
    """Return everything known of a page, one table per stage."""
    return Group(
        *(
            table(name, ("what", "value"), [(k, shortened(v)) for k, v in entry.items()])
            for place in found["places"]
            for name, entry in place.items()
            if isinstance(entry, dict)
        )
    )


def step_table(found: dict[str, Any]) -> Table:
    """Return the documents of a training step, a row for each stretch of a sequence that one fills."""
    rows = [
        (
            str(sequence["sequence"]),
            f"{document['start']:,}-{document['start'] + document['tokens'] - 1:,}",
            document["url"],
            document["warc_file"],
            str(document["warc_offset"]),
            f"{document['shard']}, row group {document['row_group']}, row {document['row']}",
        )
        for sequence in found["sequences"]
        for document in sequence["documents"]
    ]
    title = f"Step {found['step']} of {found['shards']}: {len(found['sequences']):,} sequences, {len(rows):,} stretches"
    return table(title, ("sequence", "places", "url", "file", "offset", "shard"), rows, ("offset",))


def shortened(value: Any, most: int = 600) -> str:
    """Return a value as text of at most `most` characters; what is unknown or empty is a dash."""
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = f"{value:.6g}" if isinstance(value, float) else text
    return text if len(text) <= most else f"{text[:most]} ... ({len(text):,} characters)"
