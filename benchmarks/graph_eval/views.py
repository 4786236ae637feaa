"""From the rows of a run to the tables of docs/graph-evaluation.md: what is told there of each experiment."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from benchmarks.graph_eval.goals import separated, unmoved
from benchmarks.graph_eval.lab import Rows

RANKS: Final = (
    "in-links",
    "pagerank",
    "harmonic",
    "robust",
    "truncated",
    "supporters",
    "anti-trust",
    "trust",
    "spam mass",
)
SHARE: Final = 0.10
GOODNESS: Final = (
    *("web", "farms", "pagerank", "trust", "spam mass", "good, domains", "good", "good, known", "good, money"),
    *("good, top 5%", "good reaches it", "calibration"),
)


def across(rows: Rows, keys: tuple[str, ...], measure: str) -> Rows:
    """Return a row for each combination of keys with the measure of every rank as a column."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        group = tuple(row[key] for key in keys)
        found.setdefault(group, dict(zip(keys, group, strict=True)))[row["rank"]] = row[measure]
    return [{key: row[key] for key in (*keys, *RANKS) if key in row} for row in found.values()]


def spam(measure: str) -> Callable[[Rows], Rows]:
    """Return the view of one measure of the main table, at one share of spam."""
    return lambda rows: across([row for row in rows if row["share"] == SHARE], ("web", "farms"), measure)


def beside(keys: tuple[str, ...], *ranks: str) -> Callable[[Rows], Rows]:
    """Return the view of some ranks: a row for each combination of keys, four measures of each rank."""
    measures = {"auc": "", "auc of known": ", known", "auc of money sites": ", money", "spam in top 5%": ", top 5%"}

    def view(rows: Rows) -> Rows:
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in rows:
            if row["rank"] in ranks:
                group = tuple(row[key] for key in keys)
                into = found.setdefault(group, dict(zip(keys, group, strict=True)))
                into |= {f"{row['rank']}{title}": row[measure] for measure, title in measures.items()}
        return list(found.values())

    return view


def by_share(rows: Rows) -> Rows:
    """Return PageRank, trust and spam mass by share of spam, all kinds of farms together."""
    mixed = [row for row in rows if row["farms"] == "mixed" and row["web"] == "sparse"]
    return beside(("share",), "pagerank", "trust", "spam mass")(mixed)


def columns(*names: str) -> Callable[[Rows], Rows]:
    """Return the view of some columns."""
    return lambda rows: [{name: row[name] for name in names if name in row} for row in rows]


def capped(rows: Rows) -> Rows:
    """Return the ranks with capped supporters, two kinds of farms."""
    some = [row for row in rows if row["farms"] in ("clique", "mixed")]
    return columns("farms", "rank", "auc", "auc of known", "auc of money sites", "spam in top 25%")(some)


def turned(rows: Rows) -> Rows:
    """Return a table with few rows and many columns the other way round."""
    first, *names = rows[0]
    return [{"": name} | {str(row[first]): row[name] for row in rows} for name in names]


def ends(rows: Rows) -> Rows:
    """Return the least, the median and the largest agreement of neighbouring releases, and that of the ends."""
    *pairs, last = rows
    measures = ("in both", "spearman", "kendall", "RBO")
    ordered = {name: sorted(pair[name] for pair in pairs) for name in measures}
    told: Rows = []
    for title, at in (
        ("least of neighbours", 0),
        ("median of neighbours", len(pairs) // 2),
        ("most of neighbours", -1),
    ):
        told.append({"releases": title} | {name: ordered[name][at] for name in measures})
    return [*told, {"releases": f"{last['from']} to {last['to']}"} | {name: last[name] for name in measures}]


VIEWS: Final[Mapping[str, tuple[str, Callable[[Rows], Rows]]]] = {
    "shape": ("shape", list),
    "baselines": ("baselines", list),
    "separated": ("spam", separated),
    "goodness": ("goodness", columns(*GOODNESS)),
    "answers": ("answers", columns("web", "labelled", "auc", "range of auc", "auc as told", "calibration")),
    "unseen": ("unseen", columns("web", "farms", "good", "good, domains", "spam mass")),
    "unmoved": ("growth", unmoved),
    "auc": ("spam", spam("auc")),
    "auc-known": ("spam", spam("auc of known")),
    "auc-money": ("spam", spam("auc of money sites")),
    "top": ("spam", spam("spam in top 5%")),
    "shares": ("spam", by_share),
    "hijacked": ("hijacked", list),
    "seeds": ("seeds", beside(("seeds", "count"), "trust", "spam mass")),
    "robustness": ("robustness", list),
    "leaks": (
        "leaks",
        beside(
            ("leaks", "of links to spam from good", "of linking good sites with one"), "pagerank", "trust", "spam mass"
        ),
    ),
    "webs": (
        "webs",
        columns(
            "web",
            "arcs per node",
            "pagerank: auc",
            *(f"{r}: {m}" for r in ("trust", "spam mass") for m in ("auc", "known", "top 5%")),
        ),
    ),
    "caps": ("caps", capped),
    "truncation": ("truncation", list),
    "technical": (
        "technical",
        columns(
            "weights", "rank", "services among the first 20", "median place", "auc", "auc of known", "spam in top 5%"
        ),
    ),
    "ablations": ("ablations", beside(("setting",), "trust", "spam mass")),
    "canadian": ("canadian", list),
    "farmed": ("farmed", turned),
    "agreements": ("agreements", list),
    "drift": ("drift", ends),
}
"""Name of the table in the page: the experiment it is of, and what is shown of it."""


def views(found: Mapping[str, Rows]) -> dict[str, Rows]:
    """Return every table that the rows of a run have figures for."""
    return {name: show(found[of]) for name, (of, show) in VIEWS.items() if found.get(of)}
