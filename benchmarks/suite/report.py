"""The results file to the tables of docs/performance.md."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.suite import tables
from benchmarks.suite.figures import milliseconds, rate, ratios, spread
from benchmarks.suite.tables import between, number, table

WHY: Final[Mapping[str, str]] = {
    "read": "zlib's inflate. Checksums of members, digests of block and payload, heads, and every gap accounted for",
    "judge": "SHA-1 of the payload. The URL by the WHATWG rules, the HTTP head, media type",
    "decode": "UTF-8 decoding. Byte order mark, declarations, and the detector for what is no UTF-8",
    "parse": "the parser alone, so it is its own floor",
    "facts": "none. Controls, title, canonical, robots, licences: a walk over the tree and what it finds",
    "links": "every link and its address one by one. Only those that may leave the host are looked at; hosts and rel",
    "text": "resiliparse: its extraction; trafilatura: lxml's parse. Cleaning; for trafilatura all that it does then",
    "language": "lid.176 on the first 1,000 characters. Choice of the sample, script, second opinion",
    "signals": "one pass over the text as UTF-8. Words, lines, n-grams of ten lengths",
    "signature": "BLAKE2b of the text, its digest. Words, shingles, the distinct ones, 112 permutations of each",
}
"""The floor of each step, and after the full stop what the step does besides."""
HEADLINES: Final = ("pages-trafilatura", "pages-resiliparse", "annotate", "signatures-datasketch", "signatures-rensa",
                    "tokens-sample-batch", "tokens-sample-single", "tokens-larger-batch")  # fmt: skip
STEPPED: Final = (
    "pages-trafilatura",
    "pages-trafilatura-drop",
    "pages-trafilatura-newer",
    "pages-resiliparse",
    "annotate",
)


def sections(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the Markdown of every section that the results have figures for."""
    clock, made = found["clock"], {"machine": machine(found)}
    compared = found.get("comparisons", {})
    if compared:
        made["targets"] = targets(compared, found.get("profiles", {}), clock)
        made["comparisons"] = tables.comparisons(compared, clock)
        made["steps"] = tables.steps_of(compared, STEPPED)
        made["memory"] = tables.memory(compared)
    for name, rows in found.get("profiles", {}).items():
        made[f"profile-{name}"] = tables.profile(tables.derived(rows), WHY, clock)
    if found.get("quality"):
        made["quality"] = quality(found["quality"])
    if "extractors" in found:
        made["extractors"] = extractors(found["extractors"], found.get("profiles", {}), clock)
    if "scaling" in found:
        made["scaling"] = scaling(found["scaling"], found.get("startup", []))
    if "sizes" in found:
        made["sizes"] = "\n\n".join(sizes(name, one) for name, one in found["sizes"].items())
    return made


def machine(found: Mapping[str, Any]) -> str:
    """Return what was measured, when and on what."""
    one, crawl = found["machine"], found["crawl"]
    read = crawl["read"]
    names = {
        "seconds": "wall time, the whole tree of processes pinned to one core",
        "cpu": "CPU time of the whole tree",
    }
    rows = [
        ("date", found["date"]),
        ("clock", names[found["clock"]]),
        ("processor", f"{one['processor']}, {one['cores']} cores, level 3 cache {one['cache']}"),
        ("memory, kernel", f"{one['memory_gib']} GiB, Linux {one['kernel']}"),
        ("crawl", f"{crawl['name']}: {crawl['pages']:,} pages measured, {crawl['html'] / 1e6:.1f} MB of HTML"),
        ("pages read", f"headwater {read['headwater']:,}, datatrove {read['datatrove']:,}, both {read['both']:,}"),
        ("Python", one["python"]),
        ("ours", ", ".join(f"{name} {version}" for name, version in one["ours"].items())),
        ("peers", ", ".join(f"{name} {version}" for name, version in one["peers"].items())),
    ]
    return table(["", ""], rows)


def targets(found: Mapping[str, Any], profiles: Mapping[str, Any], clock: str) -> str:
    """Return the headline ratios beside their targets."""
    rows = []
    for one in (found[name] for name in HEADLINES if name in found):
        ratio = ratios(one["ours"], one["peer"], clock)
        rows.append([one["title"], one["names"]["peer"], f"at least {one['target']:g}x", between(ratio, "x")])
    if "resiliparse" in profiles and "pages-resiliparse" in found:
        profile = tables.derived(profiles["resiliparse"])
        steps = [name for name in profile[0]["profile"] if not name.endswith(".floor")]
        each = [1e3 * sum(one["profile"][name][clock] for name in steps) / one["items"] for one in profile]
        links, whole = tables.profiled(profile, "links", clock).median, spread(each).median
        share = f"{links / whole:.1%} ({number(links)} of {number(whole)} ms)"
        rows.append(
            [
                "links and who they lead to, share of the steps of the page path (`resiliparse`)",
                "",
                "at most 10 %",
                share,
            ]
        )
    return table(["comparison", "with", "target", "measured, median (min to max)"], rows)


def quality(found: list[dict[str, Any]]) -> str:
    """Return the scores of the extractors."""
    rows = [[one["name"], *(f"{one[key]:.4f}" for key in ("precision", "recall", "f1", "f1_sd"))] for one in found]
    return f"zyte, {found[0]['pages']} pages:\n\n" + table(
        ["extraction", "precision", "recall", "F1", "sd of F1"], rows
    )


def extractors(found: Mapping[str, Any], profiles: Mapping[str, Any], clock: str) -> str:
    """Return the page path by extractor, and adaptive beside the cheap path and a share of the precise one."""
    rows = []
    for name, rounds in found.items():
        each, left = milliseconds(rounds, clock), rounds[0]["left"]
        counts = ", ".join(f"{bucket} {count:,}" for bucket, count in left.items())
        size, many = (rate(rounds, clock, of).median for of in ("bytes", "items"))
        rows.append([name, between(each), number(many), number(size / 1e6), counts])
    text = table(
        ["extractor", "ms a page (min to max)", "pages per second", "MB/s of HTML", "what became of them"], rows
    )
    if "trafilatura" not in profiles:
        return text
    counts = found["adaptive"][0]["left"]
    gated = sum(count for bucket, count in counts.items() if bucket.startswith("gate_"))
    passed = 1 - gated / found["adaptive"][0]["items"]
    precise = tables.profiled(profiles["trafilatura"], "text", clock).median
    expected = milliseconds(found["resiliparse"], clock).median + passed * precise
    ratio = milliseconds(found["adaptive"], clock).median / expected
    return text + (
        f"\n\n`adaptive` takes {ratio:.2f} times the cheap path for every page plus trafilatura for the "
        f"{passed:.1%} of them that pass the gates."
    )


def scaling(found: Mapping[str, Any], startup: list[dict[str, float]]) -> str:
    """Return workers, their memory and their start."""
    ratio = found["ratio"]
    rows = []
    for count, runs in found["runs"].items():
        seconds = spread([run["seconds"] for run in runs])
        flat = [run["late_over_early"] for run in runs if run["late_over_early"] is not None]
        peak = max(run["peak"] for run in runs) / 2**20
        late = f"{max(flat):.2f}" if flat else "too short to say"
        rows.append([count, between(seconds), f"{runs[0]['documents'] / seconds.median:,.0f}", f"{peak:,.0f}", late])
    head = [
        "workers",
        "seconds (min to max)",
        "documents per second",
        "peak of a worker, MiB",
        "memory late over early",
    ]
    text = [
        f"`{found['crawl']}`, extractor `{found['extractor']}`: ingest, annotate and signatures, a core per worker.",
        "",
        table(head, rows),
        "",
    ]
    spanned = f"{ratio['least']:.2f} to {ratio['greatest']:.2f}, {ratio['rounds']} pairs"
    text.append(f"Two workers do {ratio['median']:.2f} times what one does ({spanned}).")
    if startup:
        first, *rest = startup
        warm = ", ".join(f"{name} {spread([max(one[name], 0.0) for one in rest]).median:.2f} s" for name in first)
        cold = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in first.items())
        text += ["", f"Start of a worker (its first unit less the same unit again), median of {len(rest)}: {warm}."]
        text += ["", f"The same with no compiled kernels, the first time on a machine: {cold}."]
    return "\n".join(text)


def sizes(name: str, found: Mapping[str, Any]) -> str:
    """Return the bytes per document of every shard set of a root."""
    count = found["documents"]
    rows = [[part, f"{size:,}", f"{size / count:,.0f}"] for part, size in found["sets"].items()]
    rows.append(["all", f"{sum(found['sets'].values()):,}", f"{sum(found['sets'].values()) / count:,.0f}"])
    return f"`{name}`, {count:,} documents:\n\n" + table(["shard set", "bytes", "bytes a document"], rows)


def write_page(page: Path, made: Mapping[str, str]) -> None:
    """Put every section that was made into the page, between its markers."""
    text = page.read_text()
    for name, content in made.items():
        text = tables.replace_between(text, name, content)
    page.write_text(text)


def publish(made: Mapping[str, str], results: Path, page: Path | None) -> None:
    """Print all sections, write them beside the results, and into a page between its markers where one is given."""
    results.with_suffix(".md").write_text(everything(made))
    print(everything(made))
    if page:
        write_page(page, made)


def everything(made: Mapping[str, str]) -> str:
    """Return all sections, one behind the other."""
    return "\n".join(f"## {name}\n\n{content}\n" for name, content in made.items())
