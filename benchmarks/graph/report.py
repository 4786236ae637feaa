"""Results to Markdown tables. M/s are millions a second; G and M are powers of ten, GiB and MiB of two."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.graph.figures import Results, against, millions, named, rates, reached
from benchmarks.graph.plan import plan_tables, ready
from benchmarks.suite.figures import spread
from benchmarks.suite.tables import between, number, table

NAMES: Final = ("machine", "shape", "build", "sweeps", "ranks", "slice", "text", "peers", "plan", "assumptions")
"""Sections, as the markers of a page name them."""


def sections(found: Results) -> dict[str, str]:
    """Return the Markdown of every section that the results have figures for."""
    clock = found["clock"]
    made = {"machine": machine(found)}
    if "series" in found:
        sizes = found["series"]
        made |= {"shape": shape(sizes), "build": build(sizes, clock)}
        made |= {"sweeps": sweeps(sizes, clock), "ranks": ranks(sizes)}
    if "slice" in found:
        made["slice"] = slice_table(found["slice"], clock)
    if "text" in found:
        made["text"] = text(found["text"])
    if "peers" in found:
        made["peers"] = peers(found["peers"])
    if ready(found):
        made["plan"], made["assumptions"] = plan_tables(found)
    return made


def machine(found: Results) -> str:
    """Return when and on what it was measured."""
    one = found["machine"]
    clock = {"seconds": "wall time", "cpu": "CPU time of all threads of the process"}[found["clock"]]
    rows = [
        ("date", found["date"]),
        ("processor", f"{one['processor']}, {one['cores']} cores, level 3 cache {one['cache']}"),
        ("memory, kernel", f"{one['memory_gib']} GiB, Linux {one['kernel']}"),
        ("rates by", clock),
        ("Python", one["python"] + "; " + ", ".join(f"{name} {version}" for name, version in one["ours"].items())),
    ]
    return table(["", ""], rows)


def memory(step: Mapping[str, Any]) -> str:
    """Return the peak memory of a step: all, and without pages of mapped files."""
    return f"{number(step['peak'] / 2**20)} ({number(step['anonymous'] / 2**20)})"


def shape(sizes: Sequence[Results]) -> str:
    """Return what the graphs are like, and the bytes that an arc takes."""
    rows = []
    for one in sizes:
        spill, lists = one["spill"]["value"], one["lists"]["value"]
        like, size = lists["shape"], lists["bytes"]
        rows.append([
            millions(spill["hosts"]), millions(spill["arcs"]), f"{like['tail_share']:.1%}",
            f"{spill['largest_out'] / spill['hosts']:.1%}", f"{like['largest_in'] / spill['hosts']:.1%}",
            f"{like['top_share']:.0%}", f"{like['gini']:.2f}", f"{spill['forward_gap']:.1f}",
            f"{like['gap_loop']:.1f} / {like['gap_tail']:.1f}",
            f"{size['gaps_loop']:.2f} / {size['gaps']:.2f}", f"{size['loop']:.2f} / {size['tail']:.2f}",
            f"{size['files']:.2f}",
        ])  # fmt: skip
    head = ["hosts", "arcs", "into dangling", "largest out-degree, of hosts", "largest in-degree",
            "arcs into the top 1 %", "Gini of in-degrees", "log2 gap, out", "log2 gap, in-lists: linking / dangling",
            "bytes an arc: gaps, linking / all", "lists, linking / dangling", "files"]  # fmt: skip
    return table(head, rows)


def build(sizes: Sequence[Results], clock: str) -> str:
    """Return what spilling and building took."""
    rows = []
    for one in sizes:
        spill, built = one["spill"], one["build"]
        arcs, put, made = spill["value"]["arcs"], spill["value"]["spill"], built["value"]
        both = {name: put[name] + made[name] for name in ("seconds", "cpu")}
        rows.append([
            millions(arcs), number(arcs / spill["value"]["generate"][clock] / 1e6),
            number(arcs / put[clock] / 1e6), number(arcs / made[clock] / 1e6),
            number(arcs / both["seconds"] / 1e6), number(arcs / both["cpu"] / 1e6), f"{both['seconds']:.1f} s",
            f"{spill['value']['bytes'] / arcs:.1f}", memory(spill), memory(built),
        ])  # fmt: skip
    head = ["arcs", "generator, M/s", "spill, M/s", "sort and encode, M/s", "whole build, M/s of wall time",
            "M/s of CPU time", "seconds", "temporary bytes an arc", "peak MiB, spill (anonymous)",
            "peak MiB, build (anonymous)"]  # fmt: skip
    return table(head, rows)


def sweep_row(step: Mapping[str, Any], vectors: int, threads: int, clock: str) -> list[str]:
    """Return vectors, threads, rate, arc-vectors, gather, ratio, rounds."""
    sweep = rates(step, "sweep", clock)
    ratio = against(step, clock)
    many = number(sweep.median * vectors)
    return [str(vectors), str(threads), between(sweep), many, between(rates(step, "gather", clock)),
            f"{ratio.median:.2f} ({ratio.least:.2f} to {ratio.greatest:.2f})", str(ratio.rounds)]  # fmt: skip


SWEEP_HEAD: Final = ["vectors", "threads", "sweep, M arcs/s", "M arc-vectors/s", "gather, M/s", "sweep / gather",
                     "rounds"]  # fmt: skip


def sweeps(sizes: Sequence[Results], clock: str) -> str:
    """Return rates of sweeps over the loop part, decoding included."""
    rows = []
    for one in sizes:
        for (vectors, threads), step in named(one, "sweeps"):
            row = sweep_row(step["value"], int(vectors), int(threads), clock)
            rows.append([millions(one["spill"]["value"]["arcs"]), *row])
    return table(["arcs", *SWEEP_HEAD], rows)


def until(trace: Sequence[Sequence[float]], tolerance: float) -> str:
    """Return `sweeps, seconds` until a tolerance."""
    found = reached(trace, tolerance)
    return f"{found[0]}, {number(found[1])} s" if found else f"not within {len(trace)}"


def ranks(sizes: Sequence[Results]) -> str:
    """Return sweeps and seconds of ranks."""
    rows = []
    for one in sizes:
        arcs = millions(one["spill"]["value"]["arcs"])
        for (personalised,), step in named(one, "ranks"):
            value, checked = step["value"], one.get(f"error {personalised}")
            worst = max(rank["l1"] for rank in checked["value"]["ranks"]) if checked else None
            rows.append([
                arcs, "PageRank" if personalised == "0" else f"PageRank + {personalised} personalised",
                until(value["trace"], 1e-6), until(value["trace"], 1e-9), f"{value['weights']['seconds']:.2f} s",
                f"{value['tail']:.2f} s", "" if worst is None else f"{worst:.1e}", memory(step),
            ])  # fmt: skip
        inverse = one["inverse"]
        rows.append([arcs, "inverse rank", until(inverse["value"]["trace"], 1e-6), "", "",
                     "", "", memory(inverse)])  # fmt: skip
    head = ["arcs", "what", "sweeps, time to 1e-6", "to 1e-9", "out-weights before", "last pass and scaling",
            "largest L1 error against scipy", "peak MiB (anonymous)"]  # fmt: skip
    return table(head, rows)


def slice_table(found: Results, clock: str) -> str:
    """Return the tables of the slice: what it is, rates, and cold reads."""
    made, figures = found["make"]["value"], found["figures"]["value"]
    size, like = figures["bytes"], figures["shape"]
    share = made["targets"] / made["hosts"]
    told = (
        f"{millions(made['sources'])} sources (contributions: {number(made['sources'] * 8 / 1e6)} MB, narrow ones "
        f"{number(made['sources'] * 4 / 1e6)}), "
        f"{millions(made['targets'])} of {millions(made['hosts'])} hosts ({share:.1%}) as targets, "
        f"{millions(figures['arcs'])} arcs, {like['tail_share']:.1%} of them into dangling hosts. Mean log2 gap "
        f"{like['gap_loop']:.1f} (dangling {like['gap_tail']:.1f}). Bytes an arc: gaps {size['gaps_loop']:.2f} in the "
        f"loop and {size['gaps']:.2f} in all, lists {size['loop']:.2f} and {size['tail']:.2f} (dangling), files "
        f"{size['files']:.2f} in all."
    )
    rows = []
    for part, told_as in (("narrow", "loop, narrow"), ("loop", "loop"), ("tail", "tail")):
        for (vectors, threads), step in named(found, part):
            rows.append([told_as, *sweep_row(step["value"], int(vectors), int(threads), clock)])
    first = []
    for (vectors, kind), step in named(found, "memory"):
        value = step["value"]
        per = [number(value["arcs"] / value[name]["seconds"] / 1e6) for name in ("first", "second")]
        first.append([vectors, kind, *per, memory(step)])
    head = ["vectors", "page cache", "first sweep, with check sums, M/s", "second, M/s", "peak MiB (anonymous)"]
    return "\n\n".join([told, table(["part", *SWEEP_HEAD], rows), table(head, first)])


def text(found: Results) -> str:
    """Return what reading and importing text took."""
    wrote, read = found["write"]["value"], found["read"]["value"]
    whole = found["whole"]["value"]
    counts = whole["counts"]
    rows = []
    for name, rounds in read.items():
        kind = name.partition(":")[0]
        size, lines = wrote[kind]["text"], counts["edges"] if kind == "edges" else wrote["hosts"]
        wall = spread([took["seconds"] for took in rounds])
        cpu = spread([took["cpu"] for took in rounds])
        rows.append([name, between(wall, " s"), number(cpu.median) + " s", number(size / wall.median / 1e6),
                     number(lines / wall.median / 1e6), ""])  # fmt: skip
    size = wrote["edges"]["text"] + wrote["vertices"]["text"]
    rows.append(["whole import, both levels", number(whole["seconds"]) + " s", number(whole["cpu"]) + " s",
                 number(size / whole["seconds"] / 1e6), number(counts["edges"] / whole["seconds"] / 1e6),
                 memory(found["whole"])])  # fmt: skip
    told = (
        f"{millions(wrote['hosts'])} hosts, {millions(counts['edges'])} arcs; edges "
        f"{number(wrote['edges']['text'] / 1e6)} MB of text, {number(wrote['edges']['gzip'] / 1e6)} compressed; "
        f"vertices {number(wrote['vertices']['text'] / 1e6)} and {number(wrote['vertices']['gzip'] / 1e6)} MB."
    )
    head = ["what", "wall time", "CPU time", "MB/s of text", "M lines/s", "peak MiB (anonymous)"]
    return told + "\n\n" + table(head, rows)


def peers(found: Results) -> str:
    """Return ours beside the peers."""
    rounds, versions = found["rounds"], found["versions"]
    rows = [[name, "could not be installed: " + why, *[""] * 7] for name, why in found["failed"].items()]
    for name in rounds[0]:
        kind, _, cores = name.partition(", ")
        ours = "headwater" + (f", {cores}" if cores else "")
        title = f"{kind} {versions.get(kind, '')}".strip() + (f", {cores}" if cores else "")
        if any("failed" in one[name] for one in rounds):
            rows.append([title, "failed: " + next(one[name]["failed"] for one in rounds if "failed" in one[name]),
                         *[""] * 7])  # fmt: skip
            continue
        built = spread([one[name]["value"]["build"]["seconds"] for one in rounds])
        ranked = spread([one[name]["value"]["rank"]["seconds"] for one in rounds])
        total = spread([whole(one[name]) for one in rounds])
        ratio = spread([whole(one[name]) / whole(one[ours]) for one in rounds])
        rank = spread([ranking(one[name]) / ranking(one[ours]) for one in rounds])
        most = {key: max(one[name]["differences"][key] for one in rounds) for key in ("l1", "largest", "error")}
        peak = max(one[name]["peak"] for one in rounds) / 2**20
        same = [f"{most['l1']:.1e} / {most['largest']:.1e}", f"{most['error']:.1e}"]
        rows.append([title, between(built, " s"), between(ranked, " s"), between(total, " s"), between(ratio, "x"),
                     between(rank, "x"), number(peak), *same])  # fmt: skip
    head = ["", "build", "rank", "both", "both, times ours", "rank alone, times ours", "peak MiB",
            "difference to ours, L1 / largest", "L1 error"]  # fmt: skip
    graph = found["graph"]
    told = f"{millions(graph['hosts'])} hosts, {millions(graph['arcs'])} arcs; {len(rounds)} rounds, wall time."
    return told + "\n\n" + table(head, rows)


def whole(side: Mapping[str, Any]) -> float:
    """Return the seconds of building and ranking."""
    return float(side["value"]["build"]["seconds"]) + ranking(side)


def ranking(side: Mapping[str, Any]) -> float:
    """Return the seconds of ranking."""
    return float(side["value"]["rank"]["seconds"])
