"""The funnel: how many records, documents and tokens are left after each step, and what took the others.

Everything here comes from the reports of a root (reports/STAGE/*.json), so it costs nothing and is true at any moment
of a run: a stage that is half done shows the half.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.table import Table

from corpus.stage import load_reports

BUCKET, REASON, COMPONENT = "bucket:", "reason:", "component:"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the funnel: what is left, and how many of each cause were lost on the way to it."""

    name: str
    left: int
    lost: Mapping[str, int]


def counts(root: Path, stage: str) -> Counter[str]:
    """Return the counts of a stage, added up over its finished units."""
    total: Counter[str] = Counter()
    for report in load_reports(root, stage):
        total.update(report.counts)
    return total


def verdicts(root: Path) -> Counter[str]:
    """Return the counts of verdicts: those of the stage quota, which has the last word, or of select before it ran."""
    return counts(root, "quota") or counts(root, "select")


def prefixed(found: Mapping[str, int], prefix: str) -> dict[str, int]:
    """Return the counts whose name starts with `prefix`, without it, largest first."""
    named = [(name.removeprefix(prefix), n) for name, n in found.items() if name.startswith(prefix) and n]
    return dict(sorted(named, key=lambda item: (-item[1], item[0])))


def funnel(root: Path) -> list[Step]:
    """Return the steps that have been reached, in order."""
    ingest, found = counts(root, "ingest"), verdicts(root)
    steps = []
    if ingest:
        lost = prefixed(ingest, BUCKET)
        lost.pop("document", None)
        steps = [Step("records", ingest["records"], {}), Step("documents", ingest[BUCKET + "document"], lost)]
    if found:
        reasons = prefixed(found, REASON)
        others: dict[str, int] = {name: reasons.pop(name) for name in ("duplicate", "quota") if name in reasons}
        good = found["kept"] + sum(others.values())
        steps += [Step("pass the rules", good, reasons), Step("kept", found["kept"], others)]
    return steps


def totals(root: Path) -> dict[str, int]:
    """Return the figures at the end of the road: tokens, shards, components."""
    shards = counts(root, "shards")
    return {name: shards[name] for name in ("tokens", "documents", "shards") if shards[name]}


def as_table(steps: list[Step]) -> Table:
    """Return the funnel as a table for a terminal."""
    table = Table(box=box.SIMPLE_HEAD, title="Funnel", title_justify="left")
    table.add_column("left after")
    table.add_column("count", justify="right")
    table.add_column("of all", justify="right")
    table.add_column("lost on the way")
    first = steps[0].left if steps else 0
    for step in steps:
        lost = ", ".join(f"{name} {n:,}" for name, n in step.lost.items())
        share = f"{step.left / first:.1%}" if first else ""
        table.add_row(step.name, f"{step.left:,}", share, lost)
    return table
