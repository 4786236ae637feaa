"""Planted graphs: what a sketch becomes, how it folds, and that web and farms are what they say."""

import numpy as np
import pytest

from benchmarks.graph_eval.farms import CLIQUE, KINDS, NO_LEAKS, Leaks, Planter, plant, sizes
from benchmarks.graph_eval.planted import PlantedGraph, Sketch, folded, numbered
from benchmarks.graph_eval.web import PLATFORM, SINK, Web, good_web, power_law, syllables
from corpus.url import Suffixes
from sitegraph.hosts import node_name, reverse

SMALL = Web(sites=1_500)


def sketched(*names: str) -> Sketch:
    """Return a sketch with nodes of these names."""
    sketch = Sketch()
    sketch.add_nodes(names, language=0, quality=0.0)
    return sketch


def arcs(graph: PlantedGraph) -> list[tuple[str, str]]:
    """Return arcs by name."""
    return list(zip(graph.names[graph.source], graph.names[graph.target], strict=True))


@pytest.fixture(scope="module")
def web() -> Sketch:
    """A small web of good sites."""
    return good_web(SMALL)


def test_nodes_stand_in_the_order_of_reversed_names() -> None:
    """`com.a-b` before `com.a.b`, as bytes do; arcs follow their nodes."""
    sketch = sketched("b.a.com", "z.org", "a-b.com")
    sketch.add_arcs([0, 1], [1, 2])
    graph = sketch.finish()
    assert graph.names.tolist() == ["a-b.com", "b.a.com", "z.org"]
    assert arcs(graph) == [("b.a.com", "z.org"), ("z.org", "a-b.com")]


def test_arcs_added_twice_become_one_and_loops_are_left_out() -> None:
    """Pages add up by kind."""
    sketch = sketched("a.com", "b.com")
    sketch.add_arcs([0, 0, 0], [1, 1, 0], pages=[3, 4, 9], nofollow=[False, True, False])
    sketch.add_arcs(0, 1, pages=2, sponsored=True)
    graph = sketch.finish()
    assert arcs(graph) == [("a.com", "b.com")]
    counts = (graph.pages, graph.pages_nofollow, graph.pages_sponsored, graph.sitewide, graph.owner)
    assert [column.tolist() for column in counts] == [[3], [4], [2], [False], [False]]


def test_a_link_is_on_fewer_than_half_of_the_pages_or_on_all() -> None:
    """Of twenty pages nine at most, unless it is everywhere."""
    sketch = sketched("a.com", "b.com", "c.com")
    sketch.add_arcs([0, 0], [1, 2], pages=100, everywhere=[False, True])
    graph = sketch.finish()
    assert (graph.pages.tolist(), graph.sitewide.tolist()) == ([9, 20], [False, True])


def test_one_owner_is_one_in_either_direction() -> None:
    """A redirect from a to b: the link from b to a endorses nothing either; that from c to a does."""
    sketch = sketched("a.com", "b.com", "c.com")
    sketch.add_arcs([0, 1, 2], [1, 0, 0], owner=[True, False, False])
    assert sketch.finish().owner.tolist() == [True, True, False]


def test_two_nodes_of_one_name_are_refused() -> None:
    """They would be one node in the engine."""
    with pytest.raises(ValueError, match="one name"):
        sketched("a.com", "a.com").finish()


def test_a_graph_without_arcs_is_a_graph() -> None:
    """Nothing links."""
    graph = sketched("a.com").finish()
    assert (graph.n, graph.m, graph.links.tolist()) == (1, 0, [False])


def test_hosts_fold_into_registered_domains() -> None:
    """Two hosts of a.com become one; pages add up, source hosts count once each, the arc within is gone."""
    sketch = sketched("x.a.com", "y.a.com", "b.com", "z.b.com")
    sketch.add_arcs([0, 1, 0, 0], [2, 2, 1, 3], pages=[2, 3, 1, 4])
    graph, site = folded(sketch.finish().with_seeds(np.array([1])))
    assert graph.names.tolist() == ["a.com", "b.com"]
    assert site.tolist() == [0, 0, 1, 1]
    assert arcs(graph) == [("a.com", "b.com")]
    assert (graph.pages.tolist(), graph.hosts.tolist(), graph.seeds.tolist()) == ([9], [2], [0])


def test_tenants_fold_by_what_counts_as_a_suffix() -> None:
    """weebly.com is a platform; by the ICANN section its tenants are one site."""
    graph = sketched("a.weebly.com", "b.weebly.com", "weebly.com").finish()
    assert folded(graph)[0].n == 3
    assert folded(graph, Suffixes(level="icann"))[0].names.tolist() == ["weebly.com"]


def test_a_site_is_spam_where_most_of_its_hosts_are() -> None:
    """One of two is not most."""
    sketch = sketched("x.a.com", "x.b.com")
    sketch.add_nodes(["y.a.com", "y.b.com", "z.b.com"], language=0, quality=0.0, spam=True, farm=0)
    graph, _ = folded(sketch.finish())
    assert graph.spam.tolist() == [False, True]


def test_linking_domains_are_counted_once_and_without_ones_own() -> None:
    """b.com links from two hosts, a.com links to itself."""
    sketch = sketched("a.com", "x.a.com", "x.b.com", "y.b.com", "c.com")
    sketch.add_arcs([1, 2, 3, 4], [0, 0, 0, 0])
    graph = sketch.finish()
    assert dict(zip(graph.names, graph.in_domains.tolist(), strict=True))["a.com"] == 2


def test_numbers_follow_reversed_names() -> None:
    """Equal names have equal numbers."""
    assert numbered(["b.com", "a.org", "b.com"]).tolist() == [0, 1, 0]


def test_a_sketch_that_is_copied_grows_apart(web: Sketch) -> None:
    """Farms leave the web as it was."""
    before = (len(web.names), len(web.arcs()[0]), web.node("spam").sum())
    plant(web, ["expired", "star"], 0.1)
    assert (len(web.names), len(web.arcs()[0]), web.node("spam").sum()) == before


def test_a_web_is_the_same_for_the_same_seed(web: Sketch) -> None:
    """To the byte; another seed gives another one."""
    one, two, other = web.finish(), good_web(SMALL).finish(), good_web(Web(sites=1_500, seed=2)).finish()
    assert one.names.tolist() == two.names.tolist()
    assert one.source.tobytes() + one.pages.tobytes() == two.source.tobytes() + two.pages.tobytes()
    assert one.m != other.m


def test_names_of_a_web_are_names_of_nodes(web: Sketch) -> None:
    """Each in the form that the graph has it in, so the engine has the same nodes."""
    assert all(node_name(name) == name for name in web.names)


def test_a_web_has_the_skew_it_says() -> None:
    """Dangling share, communities, and a heavy tail of in-links."""
    graph = good_web(Web(sites=10_000)).finish()
    entering = np.bincount(graph.target, minlength=graph.n)
    usual = graph.role < SINK
    assert (~graph.links[usual]).mean() == pytest.approx(0.74, abs=0.03)
    assert (graph.language[graph.source] == graph.language[graph.target]).mean() > 0.7
    assert np.median(entering) <= 2
    assert entering.max() > 0.03 * graph.n


def test_a_power_law_has_its_quantiles() -> None:
    """Exponent 2: half of the values are 1, a quarter 4 or more; none above the widest."""
    assert power_law(np.array([0.0, 0.49, 0.75, 0.9999999]), 2.0, 50).tolist() == [1, 1, 4, 50]


def test_labels_of_numbers_are_distinct() -> None:
    """Over several lengths."""
    assert len({syllables(i) for i in range(20_000)}) == 20_000


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_about_the_share_asked_for_is_spam(web: Sketch, kind: str, share: float) -> None:
    """Of all nodes; every farm has a money site; spam is labelled in the order of names."""
    graph = plant(web, [kind], share).finish()
    assert graph.spam.mean() == pytest.approx(share, abs=0.02)
    assert set(graph.farm[graph.spam]) == set(graph.farm[graph.money])
    assert (graph.farm[~graph.spam] == -1).all()
    assert list(graph.names) == sorted(graph.names, key=lambda name: reverse(name).encode())


def test_farms_are_the_same_for_the_same_seed(web: Sketch) -> None:
    """To the byte."""
    one, two = (plant(web, list(KINDS), 0.1, seed=3).finish() for _ in range(2))
    assert one.names.tolist() == two.names.tolist()
    assert one.source.tobytes() + one.target.tobytes() == two.source.tobytes() + two.target.tobytes()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("network", "expired")])
def test_no_good_site_links_to_a_farm_that_does_not_leak(web: Sketch, kind: str) -> None:
    """But for kinds that take over good sites."""
    graph = plant(web, [kind], 0.1, leaks=NO_LEAKS).finish()
    assert not (~graph.spam[graph.source] & graph.spam[graph.target]).any()


def farm(web: Sketch, kind: str, members: int) -> tuple[PlantedGraph, np.ndarray]:
    """Return a web with one farm that neither leaks nor hides, and the weights of arcs among spam, dense."""
    sketch = web.copy()
    Planter(sketch, 1, Leaks(hijacked=0, comments=0, listed=0, member_comments=0, camouflage=0)).farm(kind, members)
    graph = sketch.finish()
    dense = np.zeros((graph.n, graph.n), bool)
    dense[graph.source, graph.target] = True
    return graph, dense[np.ix_(graph.spam, graph.spam)]


def test_a_star_has_links_between_members_and_money_site_only(web: Sketch) -> None:
    """Both ways."""
    graph, links = farm(web, "star", 20)
    money = graph.money[graph.spam]
    assert links[~money][:, money].all()
    assert links[money][:, ~money].all()
    assert links.sum() == 40


def test_a_ring_goes_round(web: Sketch) -> None:
    """Each member links to one other and to the money site, which links to one."""
    graph, links = farm(web, "ring", 20)
    money = graph.money[graph.spam]
    assert (links[~money].sum(axis=1) == 2).all()
    assert links[money].sum() == 1
    assert links[~money][:, money].all()


def test_a_clique_is_complete(web: Sketch) -> None:
    """Within each group of its members."""
    graph, links = farm(web, "clique", CLIQUE)
    money = graph.money[graph.spam]
    inner = links[~money][:, ~money]
    assert inner.sum() == CLIQUE * (CLIQUE - 1)


def test_a_pyramid_has_tiers(web: Sketch) -> None:
    """Ten below the money site, a hundred below those; every arc goes both ways."""
    graph, links = farm(web, "pyramid", 110)
    assert sorted(links.sum(axis=0).tolist()) == [1] * 100 + [10] + [11] * 10
    assert (links == links.T).all()
    assert graph.spam.sum() == 111


def test_subdomains_share_one_domain(web: Sketch) -> None:
    """And the money site has another."""
    graph, _ = farm(web, "subdomains", 30)
    members = graph.spam & ~graph.money
    assert len(set(graph.group[members])) == 1
    assert set(graph.group[graph.money]).isdisjoint(graph.group[members])


def test_tenants_live_on_a_platform(web: Sketch) -> None:
    """Each is a site of its own there."""
    graph, _ = farm(web, "tenants", 30)
    members = graph.spam & ~graph.money
    parents = {name.partition(".")[2] for name in graph.names[members]}
    assert parents <= set(graph.names[graph.role == PLATFORM])
    assert len(parents) == 1
    assert len(set(graph.group[members])) == 30


def test_domains_that_change_hands_keep_what_links_to_them(web: Sketch) -> None:
    """Their in-links from good sites are those of before, their own links are gone but for the money site's."""
    plain = web.finish()
    graph, _ = farm(web, "expired", 30)
    old = {name for name in graph.names[graph.spam] if name in set(plain.names)}
    assert len(old) == 30
    entering = [pair for pair in arcs(plain) if pair[1] in old and pair[0] not in old]
    assert set(entering) <= set(arcs(graph))
    leaving = {t for s, t in arcs(graph) if s in old}
    assert leaving <= old | set(graph.names[graph.money])


def test_a_farm_gets_the_links_it_is_to_get(web: Sketch) -> None:
    """Exactly seven plain ones; the draws are the same for a farm of another size."""
    found = []
    for members in (1, 50):
        sketch = web.copy()
        Planter(sketch, 1, Leaks(hijacked=7, comments=0, listed=0, member_comments=0, exact=True)).farm("star", members)
        graph = sketch.finish()
        into = graph.money[graph.target] & ~graph.spam[graph.source]
        found.append(sorted(graph.names[graph.source[into]]))
    assert len(found[0]) == 7
    assert found[0] == found[1]


def test_sizes_of_farms_add_up() -> None:
    """To the total, within the bounds but for the last one."""
    found = sizes(5_000, np.random.default_rng(1))
    assert sum(found) == 5_000
    assert all(10 <= size <= 2_000 for size in found[:-1])
