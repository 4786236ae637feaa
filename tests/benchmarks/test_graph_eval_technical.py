"""The experiment with technical links: services rise under `cc` with them, and with nothing else."""

from benchmarks.graph_eval.lab import Lab
from benchmarks.graph_eval.rankers import RANKERS
from benchmarks.graph_eval.technical import SERVICES, technical_links
from benchmarks.graph_eval.web import Web


def test_services_rise_where_technical_links_count() -> None:
    """Of 20 that half of the sites load from, most are among the first 20 domains by `cc`, none otherwise."""
    rows = technical_links(Lab(ranker=RANKERS["engine"], web=Web(sites=2_000), rounds=1, seeds=50))
    first = {(row["weights"], row["rank"]): row["services among the first 20"] for row in rows}
    assert first["cc", "pagerank"] > SERVICES / 2
    assert {count for (weights, _), count in first.items() if weights != "cc"} == {0}
    places = {row["weights"]: row["median place"] for row in rows if row["rank"] == "trust"}
    assert places["cc"] < places["log-pages"] / 10
