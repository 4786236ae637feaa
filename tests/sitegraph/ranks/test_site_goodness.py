"""The chance that a site is good."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.storage import ShardSet
from sitegraph.building.small import graph_of
from sitegraph.explaining.explain import Asked, explain
from sitegraph.layout import GraphSets
from sitegraph.ranks.goodness import DISTANCES, SIGNS, auc, floats, learned, needed, possible
from sitegraph.ranks.logistic import chances
from sitegraph.ranks.ranking import Ranking, rank

PLAIN = (1, 0, 0, 1, 0, 0, 0)
GOOD = [f"g{i}.org" for i in range(30)]
SPAM = [f"s{i}.biz" for i in range(30)]


def drawn(n: int = 200, seed: int = 0) -> tuple[dict[str, Any], Any]:
    """Columns of sites, and which are good: bad ones have more PageRank than trust explains."""
    random = np.random.default_rng(seed)
    good = random.random(n) < 0.7
    pagerank = np.exp(random.normal(size=n)) * np.where(good, 1.0, 4.0) / n
    columns = {
        "pagerank": pagerank,
        "trust": pagerank * np.exp(random.normal(size=n)) * np.where(good, 1.0, 0.1),
        "in_domains": random.integers(0, 50, n),
        "supporters": np.sort(random.integers(0, 1000, (n, DISTANCES)), axis=1).astype(np.float64),
    }
    return columns, good


def test_it_tells_sites_that_were_not_labelled_apart() -> None:
    """Better than either rank alone, about as well as is told of it."""
    columns, good = drawn(2000)
    found = learned({name: values[:300] for name, values in columns.items()}, good[:300])
    rest = {name: values[300:] for name, values in columns.items()}
    reached = auc(found.chance(rest), good[300:])
    assert reached > max(auc(rest["trust"], good[300:]), auc(-rest["pagerank"], good[300:])) + 0.02
    assert found.auc == pytest.approx(reached, abs=0.04)
    assert (found.good, found.bad) == (good[:300].sum(), (~good[:300]).sum())
    assert found.alone == auc(columns["pagerank"][:300], good[:300])


def test_chances_come_true() -> None:
    """Of 20,000 sites, among those with a chance of p about p are good, tenth by tenth."""
    columns, good = drawn(20_000)
    found = learned({name: values[:1000] for name, values in columns.items()}, good[:1000])
    chance = found.chance(columns)
    order = np.argsort(chance)
    for part in np.array_split(order, 10):
        assert chance[part].mean() == pytest.approx(good[part].mean(), abs=0.07)
    low, high = found.bounds(columns)
    assert (low < chance).all()
    assert (chance < high).all()


def test_the_parts_are_what_the_chance_is_made_of() -> None:
    """With the log-odds of the mean site they add up to its log-odds."""
    columns, good = drawn()
    found = learned(columns, good)
    total = found.model.weights[0] + np.sum(list(found.parts(columns).values()), axis=0)
    assert chances(total) == pytest.approx(found.chance(columns))


def test_a_missing_value_says_nothing() -> None:
    """It moves nothing, in whichever form it comes; a column of one value is not looked at, nor one without any."""
    columns, good = drawn()
    columns["robust"] = np.full(len(good), np.nan)
    columns["spam_mass"] = np.full(len(good), 0.25)
    found = learned(columns, good)
    assert not {"robust by pagerank", "spam mass"} & set(found.names)
    one = {name: floats(values)[:1] for name, values in columns.items()}
    whole = found.chance(one)
    assert found.chance(one | {"trust": np.array([np.nan])}) != pytest.approx(whole)
    for absent in (np.array([np.nan]), np.ma.masked_array([0.0], [True]), pa.array([None], pa.float64())):
        assert found.parts(one | {"trust": absent})["trust by pagerank"] == [0.0]
    lists = pa.array([None], pa.list_(pa.int64()))
    assert found.parts(one | {"supporters": lists})["supporters within 4"] == [0.0]


def test_a_site_unlike_all_labelled_ones_counts_as_one_at_their_edge() -> None:
    """A rank a thousand times as high as any says no more than one of three spreads above the mean."""
    columns, good = drawn()
    found = learned(columns, good)
    edge = found.centre[found.names.index("pagerank")] + 3.0 * found.scale[found.names.index("pagerank")]
    one = {name: floats(values)[:1] for name, values in columns.items()}
    at, beyond = (found.parts(one | {"pagerank": np.array([value])})["pagerank"] for value in (10.0**edge, 1e9))
    assert beyond == pytest.approx(at)


def test_columns_of_arrow_are_those_of_numpy() -> None:
    """Lists of whole numbers among them, in chunks or not."""
    columns, good = drawn()
    rows = columns["supporters"].astype(np.int64)
    table = pa.table({name: values for name, values in columns.items() if name != "supporters"})
    table = table.append_column("supporters", pa.array(rows.tolist(), pa.list_(pa.int64())))
    table = pa.concat_tables([table.slice(0, 7), table.slice(7)])
    same = {name: table[name] for name in columns}
    assert learned(same, good).chance(same) == pytest.approx(learned(columns, good).chance(columns), rel=1e-12)


def test_the_area_under_the_curve_by_hand() -> None:
    """Of four pairs three are right and one ties."""
    assert auc(np.array([3.0, 2.0, 1.0, 2.0]), np.array([True, True, False, False])) == 3.5 / 4


def test_signs_name_their_columns() -> None:
    """Neither whom a site links to, nor a percentile, is among them."""
    assert set(needed(tuple(SIGNS))) == {
        *("pagerank", "trust", "spam_mass", "robust", "truncated", "quality", "in_domains", "harmonic", "supporters")
    }
    assert possible({"pagerank": 0, "robust": 0}) == ("pagerank", "robust by pagerank")


@pytest.fixture
def graph(tmp_path: Path) -> GraphSets:
    """Good sites that link to the three behind them, and spam that all links to one site and back."""
    names = sorted([*GOOD, *SPAM])
    arcs = [(GOOD[i], GOOD[(i + d) % len(GOOD)]) for i in range(len(GOOD)) for d in (1, 2, 3)]
    arcs += [pair for one in SPAM[1:] for pair in ((one, SPAM[0]), (SPAM[0], one))]
    arcs.append((GOOD[0], SPAM[0]))
    source, target = (np.array([names.index(arc[side]) for arc in arcs]) for side in (0, 1))
    return graph_of(tmp_path / "graph", names, source, target, np.array([PLAIN] * len(arcs)))


def test_a_ranking_with_labels_fills_the_column(graph: GraphSets, tmp_path: Path) -> None:
    """By the model that the table itself gives again; what labelled sites teach is told, and reasons say it."""
    seeds, labels, out = (tmp_path / name for name in ("seeds.txt", "labels.txt", "ranks.parquet"))
    seeds.write_text("g0.org\ng15.org\n")
    some = [f"{name}, good" for name in GOOD[:12]] + [f"{name}, bad" for name in SPAM[5:17]]
    labels.write_text("\n".join([*some, "unknown.net, bad"]))
    ranking = Ranking(seeds=seeds, labels=labels)
    _, counts, notes = rank(graph, ShardSet(tmp_path, "ranks"), ranking, path=out)
    assert (counts["labels"], counts["labels_unknown"]) == (25, 1)
    assert any("'unknown.net'" in note for note in notes)
    assert any(note.startswith("host level: `good` was learned from 12 good and 12 bad sites") for note in notes)
    table = pq.read_table(out)
    hosts = table.filter(pa.compute.equal(table["level"], "host"))
    chance = dict(zip(hosts["name"].to_pylist(), hosts["good"].to_pylist(), strict=True))
    members = SPAM[1:]  # what they link to is like no labelled site, so nothing is known of it
    assert min(chance[name] for name in GOOD) > max(chance[name] for name in members)
    verdicts = {name: "good" in line for line in some for name in [line.split(",")[0]]}
    labelled = hosts.filter(pa.compute.is_in(hosts["name"], pa.array(list(verdicts))))
    columns = {name: labelled[name] for name in needed(possible(hosts.column_names))}
    again = learned(columns, np.array([verdicts[name] for name in labelled["name"].to_pylist()]))
    assert again.chance({name: hosts[name] for name in columns}) == pytest.approx(hosts["good"].to_numpy(), rel=1e-9)
    told = explain(SPAM[1], out, graph, Asked(labels=labels))
    assert told.lesson is not None
    assert told.lesson.chance == pytest.approx(chance[SPAM[1]], rel=1e-9)
    assert told.lesson.low < told.lesson.chance < told.lesson.high
    assert told.lesson.sites == 24
    sentence = next(line for line in told.reasons if line.startswith("The chance that it is good"))
    assert "as 24 labelled sites teach" in sentence
    assert "; speaking against it above all " in sentence
    assert not any("--labels" in note for note in told.notes)
    assert any("give --labels" in note for note in explain(SPAM[1], out, graph).notes)


def test_too_few_labels_fill_no_column(graph: GraphSets, tmp_path: Path) -> None:
    """Nine of one kind: that is said, and the column is null."""
    labels, out = tmp_path / "labels.txt", tmp_path / "ranks.parquet"
    labels.write_text("\n".join([f"{name}, good" for name in GOOD] + [f"{name}, bad" for name in SPAM[:9]]))
    _, _, notes = rank(graph, ShardSet(tmp_path, "ranks"), Ranking(labels=labels), path=out)
    table = pq.read_table(out)
    assert table["good"].null_count == table.num_rows
    assert [note for note in notes if note.startswith("domain level: 30 good and 9 bad labelled sites are known there")]
    assert explain(SPAM[1], out, graph, Asked(labels=labels)).lesson is None
