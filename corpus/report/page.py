"""The report page: one HTML file about a root, with everything inside it and no request to any server.

Funnel, drops by rule, languages, documents by the authority of their sites (standing.py), the most authoritative sites,
signals as histograms, and samples of what each rule dropped and of what was kept. Numbers come from the reports, or
from one pass over verdicts and signals; histograms stream the signals once; samples are the documents whose ids hash
lowest, so the same root gives the same page. Text of a crawl is escaped by the template.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus import journal
from corpus.report import figures, funnel, standing
from corpus.report.ledger import in_words, summary
from corpus.report.tables import status
from corpus.report.trace import row_of
from corpus.storage import ShardSet, write_text

SAMPLES, EXCERPT, SITES, BINS = 4, 700, 25, 40
SITE_COLUMNS = [
    *("position", "name", "percentile", "in_domains"),
    *("trust_percentile", "robust_percentile", "truncated_percentile", "quality_percentile", "spam_mass", "good"),
]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, order=True)
class Sample:
    """A document shown on the page; `place` (a hash of its id) decides which are."""

    place: bytes
    part: int
    row: int


def write(root: Path, target: Path | None = None) -> Path:
    """Write the page of a root (default ROOT/report.html) and return its path."""
    target = target or root / "report.html"
    write_text(target, render(root))
    return target


def render(root: Path) -> str:
    """Return the page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("corpus.report", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    notes, found = journal.load(root), status(root)
    steps = funnel.funnel(root)
    verdicts = funnel.verdicts(root)
    return environment.get_template("page.html").render(
        root=root.name,
        recipe=notes.recipe,
        state=notes.state,
        code=notes.code,
        settings={name: in_line(value) for name, value in notes.settings.items() if value},
        stages=found["stages"],
        sets=found["sets"],
        failures=notes.failures,
        steps=steps,
        first=max(steps[0].left, 1) if steps else 1,
        totals=funnel.totals(root),
        ledger=summary(root) if ShardSet(root, "ledger").parts() else {"records": 0, "buckets": {}, "files": []},
        reasons=funnel.prefixed(verdicts, funnel.REASON),
        failed=funnel.prefixed(verdicts, "failed:"),
        alone=alone(root),
        components=funnel.prefixed(verdicts, funnel.COMPONENT),
        languages=languages(root),
        histograms=list(histograms(root)),
        sites=sites(root),
        standing=standing.shown(root),
        number=number,
        unknown_sites=funnel.counts(root, "select")["unknown_sites"],
        samples=samples(root),
    )


def number(value: float | None) -> str:
    """Return a mean as text of three digits or so; nothing for none."""
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def in_line(value: Any) -> str:
    """Return a setting of the run as text: lists and tables with commas."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={item}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def alone(root: Path) -> Counter[str]:
    """Count, per rule, the documents that fail it and nothing else: what would be kept without it."""
    found: Counter[str] = Counter()
    for path in ShardSet(root, "verdicts").paths():
        failed = pq.read_table(path, columns=["failed"]).column(0)
        one = failed.filter(pc.equal(pc.list_value_length(failed), 1))
        found.update(pc.list_flatten(one).to_pylist())
    return found


def languages(root: Path) -> list[tuple[str, int, int]]:
    """Return (language, documents, kept) by language, most documents first."""
    seen: dict[str, list[int]] = {}
    for part in ShardSet(root, "signals").parts():
        names = pq.read_table(ShardSet(root, "signals").path(part), columns=["language"]).column(0).to_pylist()
        path = ShardSet(root, "verdicts").path(part)
        kept = pq.read_table(path, columns=["kept"]).column(0).to_pylist() if path.exists() else [False] * len(names)
        for name, is_kept in zip(names, kept, strict=True):
            entry = seen.setdefault(name or "unknown", [0, 0])
            entry[0] += 1
            entry[1] += bool(is_kept)
    return sorted(((name, n, kept) for name, (n, kept) in seen.items()), key=lambda item: (-item[1], item[0]))


def histograms(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (signal, what it means, SVG) for every numeric column of the signals; each part is read twice, whole."""
    paths = ShardSet(root, "signals").paths()
    if not paths:
        return
    schema = pq.read_schema(paths[0])
    numeric = [f for f in schema if not str(f.type).startswith(("string", "list", "binary", "dictionary", "bool"))]
    names = [field.name for field in numeric]
    ranges = value_ranges(paths, names)
    edges = {name: np.linspace(*ranges[name], BINS + 1) for name in names if ranges[name][0] < ranges[name][1]}
    heights = {name: np.zeros(BINS, dtype=np.int64) for name in edges}
    for path in paths:
        for name, values in numbers(path, list(edges)):
            heights[name] += np.histogram(np.clip(values, *ranges[name]), edges[name])[0]
    for field in numeric:
        if field.name in heights:
            meaning = ((field.metadata or {}).get(b"meaning") or b"").decode()
            yield field.name, meaning, figures.histogram(heights[field.name].tolist(), *ranges[field.name])


def value_ranges(paths: list[Path], names: list[str]) -> dict[str, tuple[float, float]]:
    """Return the 0.5 and 99.5 percentile of columns, from about a million values of each."""
    found: dict[str, list[Values]] = {name: [] for name in names}
    most = max(1_000_000 // len(paths), 100)
    for path in paths:
        for name, values in numbers(path, names):
            found[name].append(values[:: len(values) // most + 1])
    return {name: spread(np.concatenate(parts)) for name, parts in found.items()}


def spread(values: Values) -> tuple[float, float]:
    """Return the 0.5 and 99.5 percentile of values, zeros when there are none."""
    low, high = np.quantile(values, (0.005, 0.995)) if len(values) else (0.0, 0.0)
    return float(low), float(high)


def numbers(path: Path, names: list[str]) -> Iterator[tuple[str, Values]]:
    """Yield columns by name with their finite values."""
    table = pq.read_table(path, columns=names)
    for name in names:
        values = np.asarray(pc.drop_null(table.column(name)).to_numpy(), dtype=np.float64)
        yield name, values[np.isfinite(values)]


def sites(root: Path) -> list[dict[str, Any]]:
    """Return the most authoritative registered domains."""
    rows: list[dict[str, Any]] = []
    best = (pc.field("level") == "domain") & (pc.field("position") <= SITES)
    for path in ShardSet(root, "authority").paths():
        rows += pq.read_table(path, columns=SITE_COLUMNS, filters=best).to_pylist()
    return sorted(rows, key=lambda row: row["position"])[:SITES]


def samples(root: Path) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return per reason (kept first) some documents that ended so."""
    chosen: dict[str, list[Sample]] = {}
    for part in ShardSet(root, "verdicts").parts():
        verdicts = pq.read_table(ShardSet(root, "verdicts").path(part), columns=["kept", "reason"])
        ids = pq.read_table(ShardSet(root, "documents").path(part), columns=["id"]).column(0).to_pylist()
        for row, (reason, identity) in enumerate(zip(verdicts.column("reason").to_pylist(), ids, strict=True)):
            place = hashlib.blake2b(identity, digest_size=8, key=b"sample").digest()
            best = chosen.setdefault(reason or "kept", [])
            best.append(Sample(place, part, row))
            best.sort()
            del best[SAMPLES:]
    named = sorted(chosen.items(), key=lambda item: (item[0] != "kept", item[0]))
    return [(reason, [excerpt(root, sample) for sample in best]) for reason, best in named]


def excerpt(root: Path, sample: Sample) -> dict[str, Any]:
    """Return what the page shows of a document."""
    became = in_words(row_of(ShardSet(root, "verdicts").path(sample.part), sample.row))
    path = ShardSet(root, "documents").path(sample.part)
    found = row_of(path, sample.row, ["id", "url", "title", "text"])
    text = found["text"]
    shown = text[:EXCERPT] + (f" ... ({len(text):,} characters)" if len(text) > EXCERPT else "")
    return found | {"text": shown, "became": became}
