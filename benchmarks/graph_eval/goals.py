"""Whether what was hoped for came out."""

from collections.abc import Mapping
from typing import Any

from benchmarks.graph_eval.experiments import SIZES
from benchmarks.graph_eval.lab import Rows


def goals(found: Mapping[str, Rows], least: float = 0.95, where: float = 0.7, moved: float = 0.02) -> Rows:
    """Return whether what was hoped for came out, from the rows of `spam` and `growth`.

    Trust, and spam mass beside it, put good above spam with an AUC of `least` where PageRank has at most `where`; and a
    farm of 10,000 moves its money site by less than `moved` of the good sites under trust, against no farm at all and
    against one of 10.
    """
    rows: Rows = []
    tables: dict[tuple[str, str, float], dict[str, dict[str, Any]]] = {}
    for row in found.get("spam", ()):
        tables.setdefault((row["web"], row["farms"], row["share"]), {})[row["rank"]] = row
    for (web, farms, share), ranks in tables.items():
        if share == 0.10 and ranks["pagerank"]["auc"] <= where:
            row = {"goal": f"AUC of at least {least:g}", "where": f"{web} web, {farms}, {share:.0%}"}
            for measure in ("auc", "auc of known"):
                title = measure.removeprefix("auc").strip()
                row |= {f"{name} {title}".strip(): ranks[name][measure] for name in ("pagerank", "trust", "spam mass")}
            rows.append(row | {"trust reaches it": reached(ranks["trust"], least)})
    for row in found.get("growth", ()):
        if row["members"] == max(SIZES):
            like = [r for r in found["growth"] if all(r[key] == row[key] for key in ("farm", "leaking"))]
            of = {r["members"]: r["trust"] for r in like}
            rows.append(
                {
                    "goal": f"moves less than {moved:g}",
                    "where": f"{row['farm']}, members {'linked too' if row['leaking'] else 'unlinked'}",
                    "moved from none": row["trust"] - of[0],
                    "moved from 10": row["trust"] - of[10],
                    "trust reaches it": "yes" if row["trust"] - of[0] < moved else "no",
                }
            )
    return rows


def reached(row: Mapping[str, Any], least: float) -> str:
    """Say whether an AUC is reached: over all hosts, or only over those that three domains link to."""
    if row["auc"] >= least:
        return "yes"
    return "known hosts only" if row["auc of known"] >= least else "no"
