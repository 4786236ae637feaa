"""Why a site has its ranks: flows, supporters, discounts, ways from seeds, and sentences."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import HeadwaterError, InputError, MissingError, SettingError, StorageError
from corpus.schema import AUTHORITY
from corpus.storage import ShardSet
from sitegraph.building.small import graph_of
from sitegraph.cli import main
from sitegraph.explaining.explain import Asked, explain
from sitegraph.explaining.explanation import Explanation, Trail
from sitegraph.explaining.flows import Flows
from sitegraph.explaining.reasons import percent, reasons
from sitegraph.explaining.support import FLAGGED, NO_LINK, NOFOLLOW, OWNER, SITEWIDE, SPONSORED, TECHNICAL, reason_of
from sitegraph.explaining.trails import LONGEST, ways
from sitegraph.layout import GraphSets
from sitegraph.ranks.pagerank import PageRank
from sitegraph.ranks.ranking import Ranking, rank
from sitegraph.ranks.settings import SETTINGS_KEY
from sitegraph.store.classes import Weights

Arc = tuple[str, str, tuple[int, int, int, int, int, int]]
PLAIN = (1, 0, 0, 1, 0, 0, 0)

ARCS: Sequence[Arc] = [
    ("good.org", "hub.net", PLAIN),
    ("hub.net", "shop.com", PLAIN),
    ("hub.net", "good.org", (9, 0, 0, 1, 0, 0, 0)),
    ("a.farm.com", "shop.com", (20, 0, 0, 1, 0, 0, 1)),  # on most of its pages
    ("b.farm.com", "shop.com", (5, 0, 0, 1, 0, 0, 0)),
    ("c.farm.com", "shop.com", PLAIN),
    ("d.farm.com", "shop.com", PLAIN),
    ("e.farm.com", "shop.com", PLAIN),
    ("a.farm.com", "b.farm.com", PLAIN),
    ("b.farm.com", "a.farm.com", PLAIN),
    ("paid.net", "shop.com", (0, 0, 4, 1, 0, 0, 0)),
    ("paid.net", "good.org", PLAIN),
    ("twin.com", "shop.com", (7, 0, 0, 1, 0, 1, 0)),  # one owner
    ("twin.com", "hub.net", PLAIN),
    ("timid.net", "shop.com", (0, 2, 0, 1, 0, 0, 0)),
    ("shop.com", "bad.biz", PLAIN),
    ("lost.net", "good.org", PLAIN),
]
"""A shop with links of every kind; bad.biz links nowhere, and nobody links to the last four."""


@pytest.fixture
def graph(tmp_path: Path) -> GraphSets:
    """The graph of ARCS."""
    names = sorted({name for arc in ARCS for name in arc[:2]})
    source, target = (np.array([names.index(arc[side]) for arc in ARCS]) for side in (0, 1))  # type: ignore[arg-type]
    pages = np.array([20 if name == "a.farm.com" else 0 for name in names])
    return graph_of(tmp_path / "graph", names, source, target, np.array([arc[2] for arc in ARCS]), pages=pages)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Trusted and bad sites."""
    (tmp_path / "seeds.txt").write_text("good.org,press,en\nlost.net,lists\n")
    (tmp_path / "bad.txt").write_text("bad.biz,casino\n")
    return tmp_path / "seeds.txt", tmp_path / "bad.txt"


def ranked(graph: GraphSets, tmp_path: Path, **settings: Any) -> Path:
    """Return the ranks of a graph."""
    path = tmp_path / "ranks.parquet"
    rank(graph, ShardSet(tmp_path, "ranks"), Ranking(balls=None, **settings), path=path)
    return path


def weight(arc: Arc, how: Weights) -> float:
    """Return the weight of an arc, by the formula of classes.py."""
    pages, nofollow, sponsored, _, _, owner, sitewide = arc[2]
    counts = [min(p, 1) if sitewide and how.collapse else p for p in (pages, nofollow, sponsored)]
    parts = np.log1p(counts) * [1.0, how.nofollow, how.sponsored]
    return 0.0 if owner and how.fold else float(parts.sum())


@pytest.mark.parametrize("how", [Weights(), Weights(nofollow=1.0, sponsored=0.5, collapse=False, fold=False)])
@pytest.mark.parametrize("dangling", ["strong", "pseudo"])
def test_flows_add_up_to_the_rank(graph: GraphSets, tmp_path: Path, how: Weights, dangling: Any) -> None:
    """Each flow is damping * x_s * w / W; with what every node is given, and dangling mass, they are the PageRank."""
    ranks = ranked(graph, tmp_path, weights=how, pagerank=PageRank(dangling=dangling, tolerance=1e-12))
    table = pq.read_table(ranks, filters=[("level", "=", "host")])
    x = dict(zip(table["name"].to_pylist(), table["pagerank"].to_pylist(), strict=True))
    found = explain("shop.com", ranks, graph)
    flows = {link.name: link.flow for supporter in found.supporters for link in supporter.links}
    rest = found.from_links
    for arc in ARCS:
        if arc[1] == "shop.com":
            whole = sum(weight(other, how) for other in ARCS if other[0] == arc[0])
            wanted = 0.85 * x[arc[0]] * weight(arc, how) / whole if whole else 0.0
            rest -= wanted
            if "farm" not in arc[0] or arc[0] in flows:  # of one domain the largest three are named
                assert flows.get(arc[0], 0.0) == pytest.approx(wanted), arc
    assert rest == pytest.approx(0.0)
    assert found.from_teleport == pytest.approx(0.15 / len(x))
    lost = sum(value for name, value in x.items() if not any(weight(a, how) for a in ARCS if a[0] == name))
    mass = 0.85 * lost / len(x) if dangling == "strong" else 0.0
    assert found.from_dangling == pytest.approx(mass, abs=1e-10)
    assert found.from_links + 0.15 / len(x) + mass == pytest.approx(x["shop.com"])


def test_a_supporter_is_a_registered_domain(graph: GraphSets, tmp_path: Path) -> None:
    """Hosts of one domain are one, at host level; the cap takes of each what the robust rank lacks."""
    ranks = ranked(graph, tmp_path, cap=0.2)
    found = explain("shop.com", ranks, graph)
    farm = found.supporters[0]
    assert (farm.name, farm.nodes) == ("farm.com", 5)
    assert [link.name for link in farm.links] == ["b.farm.com", "c.farm.com", "d.farm.com"]
    assert farm.flow == pytest.approx(found.from_links - sum(other.flow for other in found.supporters[1:]))
    assert farm.taken == pytest.approx(farm.flow - 0.2 * found.row["pagerank"])
    assert found.taken == pytest.approx(found.row["pagerank"] - found.row["robust"])
    assert found.capped == sum(supporter.taken > 0 for supporter in found.supporters)
    domain = explain("shop.com", ranks, graph, Asked(level="domain"))
    assert [(one.name, one.nodes) for one in domain.supporters if one.name == "farm.com"] == [("farm.com", 1)]
    assert domain.taken == pytest.approx(domain.row["pagerank"] - domain.row["robust"])
    assert len(explain("shop.com", ranks, graph, Asked(top=1)).supporters) == 1


def test_links_that_count_less_are_told_with_the_reason(graph: GraphSets, tmp_path: Path) -> None:
    """Sponsored ones, those of one owner, and templates; not those that count in full."""
    found = explain("shop.com", ranked(graph, tmp_path), graph)
    told = {one.reason: (one.links, one.pages, one.examples, one.nothing) for one in found.discounts}
    assert told == {
        OWNER: (1, 7, ("twin.com",), True),
        SPONSORED: (1, 4, ("paid.net",), True),
        SITEWIDE: (1, 20, ("a.farm.com",), False),
    }


@pytest.mark.parametrize(
    ("counts", "how", "reason"),
    [
        ((1, 0, 0, 1, 0, 0, 0), Weights(), ""),
        ((9, 0, 0, 1, 0, 0, 1), Weights(), SITEWIDE),
        ((1, 0, 0, 1, 0, 0, 1), Weights(), ""),  # one page anyway
        ((9, 0, 0, 1, 0, 0, 1), Weights(collapse=False), ""),
        ((9, 0, 0, 1, 0, 2, 1), Weights(), OWNER),
        ((9, 0, 0, 1, 0, 2, 0), Weights(fold=False), ""),
        ((0, 0, 0, 0, 0, 1, 0), Weights(fold=False), NO_LINK),
        ((0, 2, 0, 1, 0, 0, 0), Weights(nofollow=0.0), NOFOLLOW),
        ((0, 2, 0, 1, 0, 0, 1), Weights(), SITEWIDE),
        ((0, 0, 3, 1, 0, 0, 0), Weights(), SPONSORED),
        ((0, 0, 3, 1, 0, 0, 0), Weights(sponsored=0.5), ""),
        ((0, 2, 3, 1, 0, 0, 0), Weights(nofollow=0.0), FLAGGED),
        ((0, 2, 3, 1, 0, 0, 0), Weights(), ""),
        ((0, 0, 3, 1, 0, 3, 1), Weights(preset="distinct-hosts"), ""),
        ((0, 0, 0, 0, 0, 3, 0), Weights(preset="distinct-hosts"), NO_LINK),
        ((0, 0, 0, 0, 0, 3, 0), Weights(preset="cc"), ""),
        ((0, 0, 0, 0, 7, 0, 0), Weights(), TECHNICAL),
        ((0, 0, 0, 0, 7, 0, 0), Weights(preset="distinct-hosts"), TECHNICAL),
        ((0, 0, 0, 0, 7, 1, 0), Weights(), OWNER),
        ((0, 0, 0, 0, 7, 0, 0), Weights(preset="cc"), ""),
        ((1, 0, 0, 1, 7, 0, 0), Weights(), ""),
    ],
)
def test_why_a_class_of_links_is_discounted(counts: tuple[int, ...], how: Weights, reason: str) -> None:
    """By the weights: nothing for what has no reason, and a weight of 0 always has one."""
    row = dict(
        zip(
            ("pages", "pages_nofollow", "pages_sponsored", "hosts", "pages_technical", "owner", "sitewide"),
            counts,
            strict=True,
        )
    )
    assert reason_of(row, how) == reason
    schema = pa.table({name: [value] for name, value in row.items()})
    assert (float(how.of(schema)[0]) > 0.0) == (reason in ("", SITEWIDE))


def test_ways_lead_from_trusted_sites(graph: GraphSets, files: tuple[Path, Path], tmp_path: Path) -> None:
    """The best way from each seed, with its group and what each step brings; the same seeds without their file."""
    ranks = ranked(graph, tmp_path, seeds=files[0], pagerank=PageRank(tolerance=1e-12))
    found = explain("shop.com", ranks, graph, Asked(seeds=files[0]))
    assert found.trust
    assert [(way.seed, way.groups) for way in found.trust] == [("good.org", ("press",))]
    steps = found.trust[0].steps
    assert [step.name for step in steps] == ["good.org", "hub.net"]
    assert steps[1].share == pytest.approx(1.0)  # nobody else who has trust links to the shop
    assert found.trust[0].share == pytest.approx(steps[0].share * steps[1].share)
    unnamed = explain("shop.com", ranks, graph)
    assert unnamed.trust
    assert [(way.seed, way.groups, way.steps) for way in unnamed.trust] == [("good.org", (), steps)]
    assert explain("shop.com", ranks, graph, Asked(settings={"preset": "cc"})).trust is None
    hub = explain("good.org", ranks, graph, Asked(seeds=files[0]))
    assert hub.trust
    assert [(way.seed, way.own, len(way.steps)) for way in hub.trust] == [("good.org", True, 0), ("lost.net", False, 1)]
    assert explain("paid.net", ranks, graph).trust == ()
    assert "No trusted site leads here: its trust is 0." in explain("paid.net", ranks, graph).reasons


def test_ways_lead_to_bad_sites(graph: GraphSets, files: tuple[Path, Path], tmp_path: Path) -> None:
    """Forward, from the site on; a site that leads to none has no anti-trust."""
    ranks = ranked(graph, tmp_path, bad=files[1])
    found = explain("timid.net", ranks, graph, Asked(bad=files[1]))
    assert found.anti_trust
    (way,) = found.anti_trust
    assert (way.seed, way.groups, [step.name for step in way.steps]) == (
        "bad.biz",
        ("casino",),
        ["shop.com", "bad.biz"],
    )
    assert way.share == pytest.approx(1.0)
    assert explain("bad.biz", ranks, graph, Asked(bad=files[1])).anti_trust == (
        Trail(seed="bad.biz", groups=("casino",), share=1.0, steps=()),
    )
    assert any("give --bad" in note for note in explain("timid.net", ranks, graph).notes)


def test_seeds_that_are_domains_stand_for_their_hosts(graph: GraphSets, tmp_path: Path) -> None:
    """A seed that is no host is found by its hosts' domain, at host level (c, d and e give all they have to the shop,
    and more than b, which gives a part to a); at domain level it is itself."""
    (tmp_path / "farm.txt").write_text("farm.com,shady\nnowhere.net\n")
    ranks = ranked(graph, tmp_path, seeds=tmp_path / "farm.txt")
    for level, seed in (("host", "c.farm.com"), ("domain", "farm.com")):
        found = explain("shop.com", ranks, graph, Asked(seeds=tmp_path / "farm.txt", level=level))  # type: ignore[arg-type]
        assert found.trust
        assert (found.trust[0].seed, found.trust[0].groups) == (seed, ("shady",))
        assert any("1 of 2 sites are not in the graph: 'nowhere.net'" in note for note in found.notes)


Share = st.floats(0.05, 1.0)
Small = st.lists(st.lists(Share, min_size=5, max_size=5), min_size=5, max_size=5)


@settings(deadline=None, max_examples=60)
@given(Small, st.sets(st.integers(1, 4), min_size=1))
def test_the_best_ways_are_those_of_all_ways(table: list[list[float]], seeds: set[int]) -> None:
    """Against every way without a node twice, and with no seed in between: the largest product for each seed."""
    shares = np.array(table) / 5
    best: dict[int, float] = {}
    for length in range(1, 5):
        for nodes in permutations(range(1, 5), length):
            if nodes[0] in seeds and not seeds & set(nodes[1:]):
                product = float(np.prod([shares[a, b] for a, b in zip(nodes, (*nodes[1:], 0), strict=True)]))
                best[nodes[0]] = max(best.get(nodes[0], 0.0), product)

    def expand(node: int) -> tuple[Flows, float]:
        others = np.array([i for i in range(5) if i != node])
        return Flows(others, np.zeros(4, np.uint8), 3.0 * shares[others, node]), 3.0

    found = ways(0, expand, np.array(sorted(seeds)), most=5)
    assert [way.nodes[0] for way in found] == sorted(best, key=lambda seed: -best[seed])
    assert [way.share for way in found] == pytest.approx(sorted(best.values(), reverse=True))
    assert ways(0, expand, np.array(sorted(seeds)), most=1) == found[:1]


def test_ways_are_bounded() -> None:
    """A chain longer than LONGEST, and more nodes than may be looked at, give no way, and end."""

    def chain(node: int) -> tuple[Flows, float]:
        return Flows(np.array([node + 1]), np.zeros(1, np.uint8), np.array([0.9])), 1.0

    assert len(ways(0, chain, np.array([LONGEST]))[0].nodes) == LONGEST + 1
    assert ways(0, chain, np.array([LONGEST + 1])) == []
    assert ways(0, chain, np.array([5]), expanded=6)[0].share == pytest.approx(0.9**5)
    assert ways(0, chain, np.array([5]), expanded=5) == []
    assert ways(0, lambda node: (chain(node)[0], 0.0), np.array([1])) == []


def test_the_settings_of_the_ranking_are_those_of_the_table(graph: GraphSets, tmp_path: Path) -> None:
    """Read from its metadata; what is given otherwise counts; flows that are too large then are noted."""
    how = Weights(nofollow=0.7, collapse=False)
    ranks = ranked(graph, tmp_path, weights=how, cap=0.3, pagerank=PageRank(damping=0.5))
    found = explain("shop.com", ranks, graph)
    told = {name: found.settings[name] for name in ("nofollow", "collapse", "cap", "damping", "preset")}
    assert told == {"nofollow": 0.7, "collapse": False, "cap": 0.3, "damping": 0.5, "preset": "log-pages"}
    assert found.notes == ()
    other = explain("shop.com", ranks, graph, Asked(settings={"damping": 0.99, "preset": "cc"}))
    assert other.settings["damping"] == 0.99
    assert any("other settings than those of the ranking were given (damping, preset)" in n for n in other.notes)
    assert any("more flows in than its PageRank" in note for note in other.notes)
    with pytest.raises(SettingError, match="preference"):
        explain("shop.com", ranks, graph, Asked(settings={"preference": 1}))
    table = pq.read_table(ranks).replace_schema_metadata(None)
    pq.write_table(table.slice(0, 0), tmp_path / "none.parquet")
    write(table, tmp_path / "plain.parquet")
    assert any("does not say how" in note for note in explain("shop.com", tmp_path / "plain.parquet", graph).notes)
    write(table.replace_schema_metadata({SETTINGS_KEY: b'{"settings": []}'}), tmp_path / "odd.parquet")
    with pytest.raises(StorageError, match="what it says of its settings cannot be read"):
        explain("shop.com", tmp_path / "odd.parquet", graph)
    told = json.loads(pq.read_schema(ranks).metadata[SETTINGS_KEY])
    assert told["settings"].pop("trust_damping") == 0.5
    write(table.replace_schema_metadata({SETTINGS_KEY: json.dumps(told)}), tmp_path / "before.parquet")
    before = explain("shop.com", tmp_path / "before.parquet", graph)  # trust had the damping of PageRank
    assert before.settings["trust_damping"] == before.settings["damping"] == 0.5


def write(table: pa.Table, path: Path) -> None:
    """Write a table of both levels with a row group for each."""
    with pq.ParquetWriter(path, table.schema) as out:
        for level in ("domain", "host"):
            out.write_table(table.filter(pa.compute.equal(table["level"], level)))


def test_another_file_of_seeds_is_noted(graph: GraphSets, files: tuple[Path, Path], tmp_path: Path) -> None:
    """The table knows which file it was made with by its bytes."""
    ranks = ranked(graph, tmp_path, seeds=files[0])
    assert explain("shop.com", ranks, graph, Asked(seeds=files[0])).notes == ()
    (tmp_path / "other.txt").write_text("good.org\nhub.net\n")
    notes = explain("shop.com", ranks, graph, Asked(seeds=tmp_path / "other.txt")).notes
    assert notes == ("the table was not made with this file of --seeds",)


def test_imported_ranks_are_not_taken_apart(graph: GraphSets, tmp_path: Path) -> None:
    """Flows are shown with a note; teleport, dangling mass and cap are of the ranking that made the file."""
    table = pq.read_table(ranked(graph, tmp_path))
    source = pa.array(["ranks.txt.gz"] * table.num_rows)
    write(table.set_column(table.schema.get_field_index("source"), AUTHORITY.field("source"), source), tmp_path / "i")
    found = explain("shop.com", tmp_path / "i", graph)
    assert (found.from_teleport, found.from_dangling, found.capped) == (None, None, 0)
    assert any("imported (ranks.txt.gz)" in note for note in found.notes)


def test_what_cannot_be_explained_is_an_error(graph: GraphSets, tmp_path: Path) -> None:
    """Unknown sites, levels that do not have them, ranks of another graph."""
    ranks = ranked(graph, tmp_path)
    for site, asked, message in (
        ("nowhere.net", Asked(), r"nowhere\.net: neither it nor its registered domain is in this graph"),
        ("farm.com", Asked(level="host"), r"farm\.com: no node of the host level"),
        ("10.0.0.1", Asked(), "is no host"),
    ):
        with pytest.raises(HeadwaterError, match=message):
            explain(site, ranks, graph, asked)
    assert explain("x.farm.com", ranks, graph).notes == ("this is farm.com, the registered domain of x.farm.com",)
    with pytest.raises(MissingError):
        explain("shop.com", ranks, GraphSets(tmp_path / "absent"))
    names = ["x.com", *(f"y{i}.com" for i in range(8))]
    other = graph_of(tmp_path / "other", names, np.array([0]), np.array([1]))
    with pytest.raises(InputError, match="does not rank the 9 hosts of this graph, but 13"):
        explain("x.com", ranks, other)
    other = graph_of(tmp_path / "same", [*names, "t.com", "u.com", "v.com", "w.com"], np.array([0]), np.array([1]))
    with pytest.raises(InputError, match="not the ranks of this graph"):
        explain("x.com", ranks, other)


def example(**row: Any) -> Explanation:
    """Return an explanation without links, with some columns."""
    columns = dict.fromkeys(AUTHORITY.names) | {"pagerank": 0.001, "position": 7, "percentile": 0.9, "platform": False}
    return Explanation(
        name="a.com",
        level="host",
        domain_name="a.com",
        nodes=1000,
        row=columns | row,
        settings={"cap": 0.01, "damping": 0.85, "truncate": 4},
        links=0,
        from_links=0.0,
        from_teleport=0.00015,
        from_dangling=0.00085,
        supporters=(),
        supporters_total=0,
        own_domain=0.0,
        capped=0,
        taken=0.0,
        discounts=(),
    )


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({}, "It is number 7 by PageRank; 90.0 % of 1,000 hosts have no more."),
        ({}, "No host links to it: it has what every host is given."),
        (
            {"trust": 0.1, "trust_percentile": 0.3},
            "By trust, 30.0 % have no more, less than by PageRank: popular, but not with trusted sites.",
        ),
        ({"trust": 0.1, "trust_percentile": 0.8}, "By trust, 80.0 % have no more."),
        (
            {"spam_mass": 0.98},
            "Spam mass 0.98: 98.0 % of its PageRank is not explained by trusted sites; it has 1.0 times the mean "
            "PageRank.",
        ),
        (
            {"spam_mass": -2.5},
            "Spam mass -2.50: trusted sites explain all of its PageRank, and more; it is close to them.",
        ),
        (
            {"truncated": 0.00025, "truncated_percentile": 0.5},
            "By truncated rank, 50.0 % have no more, less than by PageRank: most of its PageRank comes from near, as "
            "in a link farm.",
        ),
        ({"truncated": 0.00025}, "25.0 % of its PageRank came over 4 links or more."),
        ({"anti_trust": 0.0}, "No way leads from it to a known bad site: its anti-trust is 0."),
        (
            {"supporters": [20, 22, 22, 22]},
            "Distinct supporters within 1, 2, 3, 4 links: about 20, 22, 22, 22; few of them have supporters of their "
            "own, as in a link farm.",
        ),
        ({"supporters": [20, 90, 200, 400]}, "Distinct supporters within 1, 2, 3, 4 links: about 20, 90, 200, 400."),
        ({"platform": True}, "It is a public suffix or hosting platform: its rank says nothing of the sites below it."),
        ({"pagerank": None, "position": None}, "It has no PageRank: the imported ranks do not know it."),
    ],
)
def test_facts_are_told_in_sentences(row: dict[str, Any], sentence: str) -> None:
    """One per reason."""
    assert sentence in reasons(example(**row))


def test_most_of_a_rank_from_one_domain_is_said(graph: GraphSets, tmp_path: Path) -> None:
    """So is what the cap took, and links that count nothing."""
    found = explain("shop.com", ranked(graph, tmp_path), graph)
    assert found.supporters[0].share > 0.5
    share = percent(found.supporters[0].share)
    assert f"{share} of its PageRank comes from hosts of one registered domain, farm.com." in found.reasons
    assert f"1 of its 9 links counts nothing: {SPONSORED}." in found.reasons
    assert any("the cap that makes the robust rank took" in reason for reason in found.reasons)
    own = replace(found, domain_name="farm.com", own_domain=found.supporters[0].flow)
    assert f"{share} of its PageRank comes from hosts of its own registered domain, farm.com." in reasons(own)
    assert [percent(value) for value in (0.0, 0.5, 0.00012, 1e-9)] == ["0.0 %", "50.0 %", "0.01 %", "under 0.01 %"]


def test_the_command_prints_tables_and_json(graph: GraphSets, files: tuple[Path, Path], tmp_path: Path) -> None:
    """Sentences first; JSON holds all of it; settings given by options reach the flows; notes go to standard error."""
    ranks = ranked(graph, tmp_path, seeds=files[0], bad=files[1])
    line = ["explain", "shop.com", "--graph", str(tmp_path / "graph"), "--ranks", str(ranks)]
    shown = CliRunner().invoke(main, [*line, "--seeds", str(files[0]), "--bad", str(files[1])])
    assert shown.exit_code == 0, shown.output
    for text in (
        "- It is number",
        "of shop.com",
        "ways from trusted sites",
        "ways to bad sites",
        OWNER[:20],
    ):
        assert text in shown.stdout, text
    found = json.loads(CliRunner().invoke(main, [*line, "--json", "--nofollow", "1"]).stdout)
    assert (found["name"], found["level"], found["settings"]["nofollow"]) == ("shop.com", "host", 1.0)
    assert found["reasons"]
    noted = CliRunner().invoke(main, line)
    assert "sitegraph: give --bad" in noted.stderr
    wrong = CliRunner().invoke(main, line[:4])
    assert (wrong.exit_code, wrong.stdout) == (1, "")


def test_arcs_of_which_nothing_is_known_weigh_the_same(tmp_path: Path) -> None:
    """As in imported graphs: a node gives each of its targets an equal part."""
    names = ["a.com", "b.com", "c.com", "d.com"]
    graph = graph_of(tmp_path / "graph", names, np.array([0, 0, 1, 2]), np.array([1, 2, 2, 0]))
    ranks = ranked(graph, tmp_path)
    table = pq.read_table(ranks, filters=[("level", "=", "host")])
    x = dict(zip(table["name"].to_pylist(), table["pagerank"].to_pylist(), strict=True))
    flows = {one.name: one.flow for one in explain("c.com", ranks, graph).supporters}
    assert flows == pytest.approx({"a.com": 0.85 * x["a.com"] / 2, "b.com": 0.85 * x["b.com"]}, rel=1e-6)
    alone = explain("d.com", ranks, graph)
    assert (alone.links, alone.supporters, alone.from_links) == (0, (), 0.0)
    assert "No host links to it: it has what every host is given." in alone.reasons


def test_ways_of_weak_ranks_need_the_file_of_seeds(graph: GraphSets, files: tuple[Path, Path], tmp_path: Path) -> None:
    """Every node has some trust without a link there, so seeds cannot be told by it."""
    ranks = ranked(graph, tmp_path, seeds=files[0], pagerank=PageRank(dangling="weak"))
    found = explain("shop.com", ranks, graph)
    assert found.trust is None
    assert any("give --seeds" in note for note in found.notes)
    named = explain("shop.com", ranks, graph, Asked(seeds=files[0])).trust
    assert named
    assert named[0].seed == "good.org"
