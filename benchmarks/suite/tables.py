"""Results to Markdown tables, and tables into a page between markers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.suite.figures import Spread, milliseconds, rate, ratios, spread

Rows = Sequence[Mapping[str, Any]]


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows])


def number(value: float) -> str:
    """Return a number with three significant digits, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def between(found: Spread, unit: str = "") -> str:
    """Return `median (least to greatest)`."""
    return f"{number(found.median)}{unit} ({number(found.least)} to {number(found.greatest)})"


def comparison_row(one: Mapping[str, Any], clock: str) -> list[str]:
    """Return a comparison as a row: what, whom, ratio, target, milliseconds of both, throughput, MB/s, rounds."""
    ours, peer = one["ours"], one["peer"]
    ratio = ratios(ours, peer, clock)
    wanted = f"{one['target']:g}x" if one["target"] else ""
    met = "" if not one["target"] else " yes" if ratio.median >= one["target"] else " no"
    each = f"{number(milliseconds(ours, clock).median)} / {number(milliseconds(peer, clock).median)}"
    many = f"{number(rate(ours, clock).median)} / {number(rate(peer, clock).median)}"
    size = " / ".join(number(rate(side, clock, "bytes").median / 1e6) for side in (ours, peer))
    other = ratios(ours, peer, "cpu" if clock == "seconds" else "seconds")
    sides = [one["title"], one["names"]["peer"], between(ratio, "x"), wanted + met, number(other.median) + "x"]
    return [*sides, each, many, size, str(ratio.rounds)]


def comparisons(found: Mapping[str, Mapping[str, Any]], clock: str) -> str:
    """Return the table of all comparisons."""
    second = "CPU" if clock == "seconds" else "wall"
    head = ["comparison", "with", "ratio, median (min to max)", "target", f"by {second} time", "ms each, ours / theirs",
            "per second", "MB/s", "rounds"]  # fmt: skip
    return table(head, [comparison_row(one, clock) for one in found.values()])


def memory(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return peak memory by side: the process, and the largest child that it started."""
    rows = []
    for one in found.values():
        cells = [one["title"]]
        for side in ("ours", "peer"):
            peak, child = (max(row[name] for row in one[side]) / 2**20 for name in ("peak", "peak_child"))
            cells.append(f"{one['names'][side]}: {peak:,.0f}" + (f" + {child:,.0f}" if child else ""))
        rows.append(cells)
    return table(["comparison", "ours, MiB", "peer, MiB"], rows)


def steps_of(found: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    """Return the steps of both sides where a comparison knows them, in milliseconds per item by wall time."""
    rows = []
    for one in (found[name] for name in names if name in found):
        for side in ("ours", "peer"):
            for step in (step for step, seconds in one[side][0]["steps"].items() if seconds):
                each = spread([1e3 * row["steps"][step] / row["items"] for row in one[side]])
                left = one[side][0].get("left", {})
                rows.append([one["title"], one["names"][side], step, between(each), left.get(step, "")])
    return table(["comparison", "side", "step", "ms each (min to max)", "left after it"], rows)


def profile(found: Rows, why: Mapping[str, str], clock: str) -> str:
    """Return the steps of the page path: milliseconds, floor, distance, and why it is not nearer."""
    rows = []
    for name in (name for name in found[0]["profile"] if not name.endswith(".floor")):
        each = profiled(found, name, clock)
        floor = profiled(found, f"{name}.floor", clock) if f"{name}.floor" in found[0]["profile"] else None
        distance = f"{each.median / floor.median:.1f}" if floor and floor.median else ""
        rows.append([name, between(each), number(floor.median) if floor else "", distance, why.get(name, "")])
    return table(
        ["step", "ms a page (min to max)", "floor, ms", "times the floor", "the floor, and why we are not there"], rows
    )


def profiled(found: Rows, name: str, clock: str) -> Spread:
    """Return milliseconds per item of a step in a profile."""
    return spread([1e3 * one["profile"][name][clock] / one["items"] for one in found])


def derived(found: Rows) -> list[dict[str, Any]]:
    """Return a profile with `facts` and `links` in place of the pages without and with links that they follow from."""
    rows = []
    for one in found:
        old = one["profile"]
        clocks = ("seconds", "cpu")
        linkless, whole = old["linkless page"], old["whole page"]
        facts = {clock: linkless[clock] - old["decode"][clock] - old["parse"][clock] for clock in clocks}
        links = {clock: whole[clock] - linkless[clock] for clock in clocks}
        renamed = {"linkless page": ("facts", facts), "whole page": ("links", links)}
        rows.append({**one, "profile": dict(renamed.get(name, (name, old[name])) for name in old)})
    return rows


def replace_between(page: str, name: str, content: str) -> str:
    """Return `page` with `content` between the two markers of that name; raises ValueError when there are none."""
    pattern = re.compile(
        rf"(<!-- {re.escape(name)} begins[^>]*-->\n).*?(\n?<!-- {re.escape(name)} ends -->)", re.DOTALL
    )
    if not pattern.search(page):
        raise ValueError(f"no markers for {name!r}")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2].lstrip()}", page)
