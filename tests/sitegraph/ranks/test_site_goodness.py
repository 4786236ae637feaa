"""The chance that a site is good."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.errors import InputError
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
    assert found.by_pagerank == auc(columns["pagerank"][:300], good[:300])


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
    assert possible({"pagerank": 0, "robust": 0}, alone=True) == ("pagerank",)


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


def test_too_few_labels_are_told(graph: GraphSets, tmp_path: Path) -> None:
    """Nine of one kind, before anything is ranked; where one level alone has too few, its column is null."""
    labels, out = tmp_path / "labels.txt", tmp_path / "ranks.parquet"
    labels.write_text("\n".join([f"{name}, good" for name in GOOD] + [f"{name}, bad" for name in SPAM[:9]]))
    with pytest.raises(InputError, match=r"labels\.txt: of its 39 sites 39 are in the graph; it takes 10 good and 10"):
        rank(graph, ShardSet(tmp_path, "ranks"), Ranking(labels=labels), path=out)
    folded = graph_of(
        tmp_path / "folded",
        sorted(f"a.{name}" for name in [*GOOD, *SPAM]),
        np.zeros(1, np.int64),
        np.ones(1, np.int64),
        np.array([PLAIN]),
    )
    labels.write_text("\n".join([f"{name}, good" for name in GOOD] + [f"{name}, bad" for name in SPAM]))
    _, counts, notes = rank(folded, ShardSet(tmp_path, "ranks"), Ranking(labels=labels), path=out)
    assert "host level: 0 good and 0 bad labelled sites are known there, and it takes 10 of each to learn" in notes[-1]
    assert (counts["host_labelled_good"], counts["domain_labelled_good"]) == (0, 30)
    table = pq.read_table(out)
    assert table.filter(pa.compute.equal(table["level"], "host"))["good"].null_count == 60
    told = explain(f"a.{SPAM[1]}", out, folded, Asked(labels=labels))
    assert told.lesson is None
    assert any("0 good and 0 bad" in note for note in told.notes)


def test_labelled_sites_that_nothing_tells_apart_teach_nothing(graph: GraphSets, tmp_path: Path) -> None:
    """All without a link: that is said, and no rank is lost."""
    labels, out = tmp_path / "labels.txt", tmp_path / "ranks.parquet"
    names = [f"n{i}.net" for i in range(22)]
    lone = graph_of(tmp_path / "lone", names, np.array([20]), np.array([21]), np.array([PLAIN]))
    labels.write_text("\n".join(f"{name}, {'good' if i < 10 else 'bad'}" for i, name in enumerate(names[:20])))
    _, _, notes = rank(lone, ShardSet(tmp_path, "ranks"), Ranking(labels=labels), path=out)
    assert "host level: nothing tells the labelled sites apart; the column `good` is null" in notes
    told = explain("n3.net", out, lone, Asked(labels=labels))
    assert (told.lesson, told.row["good"]) == (None, None)
    assert "host level: nothing tells the labelled sites apart" in told.notes


def test_the_chance_is_the_same_however_many_rows_are_asked_for() -> None:
    """To the last bit, alone or among others."""
    columns, good = drawn(2003)
    found = learned({name: values[:300] for name, values in columns.items()}, good[:300])
    whole = found.chance(columns)
    for start, stop in ((0, 1), (5, 8), (17, 2003)):
        part = {name: values[start:stop] for name, values in columns.items()}
        assert found.chance(part).tobytes() == whole[start:stop].tobytes()


def test_ranks_of_two_graphs_are_no_shares_of_one_another() -> None:
    """Beside an imported PageRank the others count by what they say themselves; one of 0 is none."""
    columns, good = drawn()
    columns["pagerank"][:3] = 0.0
    found = learned(columns, good, alone=True)
    assert not any("by pagerank" in name for name in found.names)
    assert np.isfinite(found.centre).all()
    missing, beyond = found.strange({name: values[:4] for name, values in columns.items()})
    assert missing.tolist() == [1, 1, 1, 0]
    assert beyond.max() <= len(found.names)
