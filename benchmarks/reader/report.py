"""Results to Markdown tables, and whether targets are met. M is 10**6, MiB 2**20."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.reader import checking, encodings
from benchmarks.suite.figures import Spread, spread
from benchmarks.suite.tables import between, number, table

Results = Mapping[str, Any]
OURS: Final = "headwater, concat"
ALONE: Final = "headwater, concat, ids and labels alone"
"""Ours with no more fields than the others have."""


def sections(found: Results) -> dict[str, str]:
    """Return the Markdown of every section that the results have figures for."""
    made = {"machine": machine(found)}
    if "tokenizer" in found:
        made["tokenizer"] = tokenizer(found["tokenizer"])
    for name, one in found.get("encodings", {}).items():
        made[f"encodings-{name}"] = encodings.report(one)
    if "peers" in found:
        made |= {"peers": peers(found["peers"]), "targets": targets(found["peers"])}
    if "features" in found:
        made["features"] = checking.report(found["features"])
    return made


def machine(found: Results) -> str:
    """Return when and on what it was measured."""
    one = found["machine"]
    rows = [
        ("date", found["date"]),
        ("processor", f"{one['processor']}, {one['cores']} cores, level 3 cache {one['cache']}"),
        ("memory, kernel", f"{one['memory_gib']} GiB, Linux {one['kernel']}"),
        ("Python", one["python"] + "; " + ", ".join(f"{name} {version}" for name, version in one["ours"].items())),
    ]
    if "peers" in found:
        given = found["peers"]["versions"]
        rows.append(("peers", ", ".join(f"{name} {version}" for name, version in given.items())))
    return table(["", ""], rows)


def tokenizer(found: Results) -> str:
    """Return MB/s of both paths."""
    head = ["documents", "MB", "vocabulary", "kernels, MB/s", "tokenizers, MB/s", "times", "load with proof, s"]
    fast, slow = (spread([found["megabytes"] / one for one in found[side]]) for side in ("kernels", "library"))
    times = spread([b / a for a, b in zip(found["kernels"], found["library"], strict=True)])
    row = [f"{found['documents']:,}", number(found["megabytes"]), f"{found['vocabulary']:,}", between(fast),
           between(slow), between(times), number(found["load"])]  # fmt: skip
    return table(head, [row])


def rounds(found: Results, title: str, *, cold: bool) -> list[Results]:
    """Return what the rounds of a side gave, those that failed apart."""
    return [one for one in found["rounds"] if one["title"] == title and one["cold"] == cold and "failed" not in one]


def per_core(one: Results) -> float:
    """Return M tokens per second of CPU time, which is what one core does in a second."""
    return float(one["tokens"] / one["cpu"] / 1e6)


def per_second(one: Results) -> float:
    """Return M tokens per second of wall time."""
    return float(one["tokens"] / one["seconds"] / 1e6)


def peers(found: Results) -> str:
    """Return the table: a row for each side, page cache warm, then cold."""
    rows = []
    for cold in (False, True):
        for title in dict.fromkeys(one["title"] for one in found["rounds"]):
            rows.append([title, "cold" if cold else "warm", *side_row(found, title, cold=cold)])
    head = ["loader", "page cache", "M tokens/s/core", "M tokens/s of wall time", "median batch, ms", "p99, ms",
            "worst, ms", "first batch, s", "first batch after resume, s", "MiB, anonymous", "rounds"]  # fmt: skip
    lead = (
        f"{found['documents']:,} documents, {number(found['tokens'] / 1e6)} M tokens ({number(found['distinct'] / 1e6)}"
        f" M different ones, of `{found['corpus']}`). Bytes a token on disk: "
    )
    sizes = [f"{kind} {size / found['tokens']:.2f}" for kind, size in found["bytes"].items() if kind != "failed"]
    return f"{lead}{', '.join(sizes)}.\n\n{table(head, rows)}"


def side_row(found: Results, title: str, *, cold: bool) -> list[str]:
    """Return the cells of a side, or why it has none."""
    some = rounds(found, title, cold=cold)
    if not some:
        why = [one["failed"] for one in found["rounds"] if one["title"] == title and "failed" in one]
        return [f"did not run: {why[0]}" if why else "not run", *[""] * 8]

    def cell(name: str, scale: float) -> str:
        return between(spread([one[name] * scale for one in some]))

    return [
        between(spread([per_core(one) for one in some])), between(spread([per_second(one) for one in some])),
        cell("p50", 1e3), cell("p99", 1e3), cell("worst", 1e3), cell("first", 1), cell("resume", 1),
        number(spread([one["anonymous"] / 2**20 for one in some]).median), str(len(some)),
    ]  # fmt: skip


def ratio(found: Results, title: str, other: str) -> Spread | None:
    """Return how many times as fast as another a side is, per core, by round, page cache warm; None without figures."""
    pairs = list(zip(rounds(found, title, cold=False), rounds(found, other, cold=False), strict=False))
    return spread([per_core(a) / per_core(b) for a, b in pairs]) if pairs else None


def verdict(value: float | None, least: float) -> str:
    """Say whether a target is met."""
    return "not measured" if value is None else "yes" if value >= least else "no"


def targets(found: Results) -> str:
    """Return the targets, what was measured, and whether it is enough."""
    rows: list[Sequence[str]] = []
    for title in (OURS, ALONE, "headwater, best_fit"):
        rate = spread([per_core(one) for one in rounds(found, title, cold=False)])
        rows.append([f"{title}: at least 20 M tokens/s/core, verified", between(rate), verdict(rate.median, 20)])
    for ours, other, least, words in (
        (OURS, "datasets, streaming", 10, "at least 10 times datasets"),
        (ALONE, "datasets, streaming", 10, "the same, ids and labels alone"),
        (OURS, "litdata", 1, "not slower than litdata"),
        (ALONE, "litdata", 1, "the same, ids and labels alone"),
        (OURS, "mosaicml-streaming", 1, "not slower than mosaicml-streaming"),
        (OURS, "mosaicml-streaming, hashes checked", 1, "the same, its hashes checked"),
        (OURS, "grain", 1, "not slower than Grain (no target)"),
        (OURS, "memory map", 1 / 3, "at least a third of the memory map"),
        (ALONE, "memory map", 1 / 3, "the same, ids and labels alone"),
    ):
        times = ratio(found, ours, other)
        rows.append([words, f"{between(times)} times" if times else "", verdict(times and times.median, least)])
    for cold in (False, True):
        resumed = spread([one["resume"] for one in rounds(found, OURS, cold=cold)])
        words = f"first batch after resume under 2 s, {'cold' if cold else 'warm'}"
        rows.append([words, f"{between(resumed)} s", verdict(-resumed.median, -2)])
    return table(["target", "measured", "met"], rows)
