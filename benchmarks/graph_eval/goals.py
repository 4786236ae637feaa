"""Whether what was hoped for came out."""

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.graph_eval.lab import Rows

HOPED: Final = 0.95


def separated(rows: Rows, least: float = HOPED, where: float = 0.7, share: float = 0.10) -> Rows:
    """Return, from the rows of `spam`, where PageRank has an AUC of at most `where`, whether trust has `least`.

    Spam mass stands beside it; over all hosts, and over those that three domains link to.
    """
    tables: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in rows:
        if row["share"] == share:
            tables.setdefault((row["web"], row["farms"]), {})[row["rank"]] = row
    found: Rows = []
    for (web, farms), ranks in tables.items():
        if ranks["pagerank"]["auc"] <= where:
            row = {"web": web, "farms": farms, "pagerank": ranks["pagerank"]["auc"]}
            for name in ("trust", "spam mass"):
                row |= {name: ranks[name]["auc"], f"{name}, known hosts": ranks[name]["auc of known"]}
                row |= {f"{name} reaches it": reached(ranks[name], least)}
            found.append(row)
    return found


def unmoved(rows: Rows, moved: float = 0.02) -> Rows:
    """Return, from the rows of `growth`, whether the largest farm moves its money site less than `moved` under trust.

    Told are the places of the money site by size, then by other ranks with the largest farm.
    """
    found: Rows = []
    for group in dict.fromkeys((row["farm"], row["leaking"]) for row in rows):
        of = {row["members"]: row for row in rows if (row["farm"], row["leaking"]) == group}
        row: dict[str, Any] = {"farm": group[0], "members linked by good sites": bool(group[1])}
        row |= {f"trust, {members:,.0f}": one["trust"] for members, one in of.items()}
        row |= {"moved": of[max(of)]["trust"] - of[min(of)]["trust"]}
        row |= {"under 2 points": row["moved"] < moved}
        others = ("pagerank", "harmonic", "truncated", "spam mass")
        found.append(row | {f"{name}, {max(of):,.0f}": of[max(of)][name] for name in others if name in of[max(of)]})
    return found


def reached(row: Mapping[str, Any], least: float) -> str:
    """Say whether an AUC is reached: over all hosts, or only over those that three domains link to."""
    if row["auc"] >= least:
        return "yes"
    return "on known hosts" if row["auc of known"] >= least else "no"
