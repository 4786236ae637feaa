"""Hosting platforms learned from a graph."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import InputError, SettingError
from corpus.url import Suffixes
from sitegraph.building.platforms import EVIDENCE, Detection, budget, evidence, learn, read_list, write_list
from sitegraph.building.small import graph_of
from sitegraph.store.opened import open_graph

Arc = tuple[int, int]
EVERYTHING = Detection(hosts=2, linked=2, arcs=1, inside=1.0, overlap=1.0)


def chunked(arcs: Iterable[Arc], size: int = 7) -> Callable[[], list[tuple[Any, Any]]]:
    """Return arcs as a function that gives chunks of them, by target."""
    found = sorted(set(arcs), key=lambda arc: (arc[1], arc[0]))
    parts = [np.array(found[i : i + size], np.int32).reshape(-1, 2).T for i in range(0, len(found), size)]
    return lambda: [(part[0], part[1]) for part in parts]


def linking(domain: list[int], arcs: Iterable[Arc]) -> list[int]:
    """Return how many other domains link to each domain."""
    counts = Counter(t for _, t in {(domain[s], domain[t]) for s, t in arcs if domain[s] != domain[t]})
    return [counts[d] for d in range(max(domain, default=-1) + 1)]


def plain(domain: list[int], arcs: set[Arc], one: int) -> dict[str, Any]:
    """Return the evidence on one domain, from its definition."""
    own = [arc for arc in arcs if domain[arc[0]] == one]
    within = [arc for arc in own if domain[arc[1]] == one]
    head = max((sum(t == host for _, t in within) for host in range(len(domain))), default=0)
    friends = [
        {domain[s] for s, t in arcs if t == host and domain[s] != one}
        for host in range(len(domain))
        if domain[host] == one
    ]
    linked = [found for found in friends if found]
    links = sum(len(found) for found in linked)
    counts = [sum(d in found for found in linked) for d in set(domain)]
    left = len(own) - head
    row = {
        "domain": one,
        "hosts": domain.count(one),
        "linked": len(linked),
        "arcs": left,
        "inside": (len(within) - head) / left if left else None,
        "in_domains": len(set().union(*friends)),
        "links": links,
    }
    asked = len(linked) >= 2 and left >= 1
    overlap = sum(c * (c - 1) for c in counts) / (links * (len(linked) - 1)) if asked else None
    return row | {"overlap": pytest.approx(overlap) if asked else None, "proposed": asked}


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.integers(0, 3), min_size=2, max_size=12), st.data())
def test_evidence_is_what_its_definition_says(domain: list[int], data: st.DataObject) -> None:
    """Every figure equals a plain count over sets, however the arcs are cut into chunks."""
    host = st.integers(0, len(domain) - 1)
    arcs = {arc for arc in data.draw(st.sets(st.tuples(host, host), max_size=40)) if arc[0] != arc[1]}
    given_arcs = chunked(arcs, data.draw(st.integers(1, 9)))
    found = evidence(np.array(domain, np.int32), np.array(linking(domain, arcs)), given_arcs, EVERYTHING)
    assert found.schema.equals(EVIDENCE)
    wanted = [plain(domain, arcs, one) for one in set(domain) if domain.count(one) >= 2]
    assert found.to_pylist() == sorted(wanted, key=lambda row: (-row["hosts"], row["domain"]))


class World:
    """Domains 0 to 4 have 300 hosts each, 3,000 others have one."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(3)
        self.size = 300
        self.domain = [d for d in range(5) for _ in range(self.size)] + list(range(5, 3005))
        self.arcs: set[Arc] = set()

    def outside(self, count: int, most: int = 3000) -> list[int]:
        """Draw hosts of other domains."""
        return [5 * self.size + int(i) for i in self.random.integers(0, most, count)]

    def own(self, kind: int, count: int) -> list[int]:
        """Draw hosts of a large domain."""
        return [kind * self.size + int(i) for i in self.random.integers(0, self.size, count)]

    def link(self, kind: int, inside: int, out: int, friends: int, crowd: int = 3000) -> None:
        """Have each host link to its head, `inside` of its own and `out` others; `friends` of a crowd link to it."""
        for host in range(kind * self.size, (kind + 1) * self.size):
            self.arcs |= {
                (host, t) for t in [kind * self.size, *self.own(kind, inside), *self.outside(out)] if t != host
            }
            self.arcs |= {(s, host) for s in self.outside(friends, crowd)}


@pytest.fixture(scope="module")
def world() -> World:
    """A platform, a company, a university, a house of brands, and a farm, in this order."""
    made = World()
    made.link(0, inside=1, out=8, friends=6)
    made.link(1, inside=9, out=3, friends=6)
    made.link(2, inside=4, out=4, friends=12)
    made.link(3, inside=0, out=8, friends=30, crowd=90)  # the same people know all of it
    made.link(4, inside=0, out=3, friends=20, crowd=20)  # the farm's other domains
    return made


def test_a_platform_is_told_from_large_domains(world: World) -> None:
    """Strangers on one platform are proposed; a company, a university, brands with the same friends, a farm are not."""
    found = evidence(
        np.array(world.domain, np.int32),
        np.array(linking(world.domain, world.arcs)),
        chunked(world.arcs, 999),
        Detection(),
    ).to_pylist()
    assert [row["domain"] for row in found] == [0, 1, 2, 3, 4]
    assert [row["proposed"] for row in found] == [True, False, False, False, False]
    assert [row["inside"] > 0.2 for row in found] == [False, True, True, False, False]
    assert [row["overlap"] is not None for row in found] == [True, False, False, True, True]
    assert found[0]["overlap"] < 0.01
    assert min(found[3]["overlap"], found[4]["overlap"]) > 0.2


def test_platforms_of_a_graph_on_disk(world: World, tmp_path: Path) -> None:
    """The arcs of a stored graph, in the order in which it keeps them, give the same evidence."""
    labels = ["pages", "company", "university", "brands", "farm"]
    names = [f"h{i}.{labels[d]}.com" if d < 5 else f"other{d}.org" for i, d in enumerate(world.domain)]
    source, target = np.array(sorted(world.arcs)).T
    graph = open_graph(graph_of(tmp_path / "graph", names, source, target))
    found = learn(graph)
    plainly = evidence(
        np.array(world.domain, np.int32), np.array(linking(world.domain, world.arcs)), chunked(world.arcs), Detection()
    )
    for column in ("hosts", "linked", "arcs", "inside", "in_domains", "links", "proposed"):
        assert sorted(found[column].to_pylist()) == sorted(plainly[column].to_pylist())
    assert write_list(tmp_path / "platforms.txt", found, graph["domain"].names) == 1
    assert read_list(tmp_path / "platforms.txt") == {"pages.com"}


def test_a_sample_estimates_the_overlap(world: World) -> None:
    """With a fifth of the hosts and of the pairs, overlaps are near those of all, and the same at every run."""
    domain, known = np.array(world.domain, np.int32), np.array(linking(world.domain, world.arcs))
    arcs = chunked(world.arcs, 500)
    whole = evidence(domain, known, arcs, Detection(inside=1.0, sample=300))
    sampled = evidence(domain, known, arcs, Detection(inside=1.0, sample=60, pairs=1200))
    assert sampled.equals(
        evidence(domain, known, chunked(world.arcs, 77), Detection(inside=1.0, sample=60, pairs=1200))
    )
    differences = np.array(sampled["overlap"]) - np.array(whole["overlap"])
    assert 0 < np.abs(differences).max() < 0.1
    assert sampled["proposed"].to_pylist() == whole["proposed"].to_pylist() == [True] * 3 + [False] * 2


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=9), st.integers(10, 3000))
def test_the_largest_give_way_to_a_budget(expected: list[float], pairs: int) -> None:
    """Cut at the budget, all together have at most that many pairs, or all have what they need."""
    most = budget(np.array(expected), pairs)
    total = sum(min(e, most) for e in expected)
    assert total <= pairs * (1 + 1e-9)
    assert total >= min(sum(expected), pairs) * (1 - 1e-9)


def test_no_domain_is_large_enough() -> None:
    """Without candidates, or without any host, there are no rows."""
    for domain in ([0, 1, 2], []):
        found = evidence(np.array(domain, np.int32), np.zeros(len(domain), np.int64), chunked([]), Detection())
        assert (found.num_rows, found.schema.equals(EVIDENCE)) == (0, True)


def test_the_list_of_what_was_proposed_is_read_back(world: World, tmp_path: Path) -> None:
    """Names with their evidence as comments; what a user takes out or adds counts."""
    domain, known = np.array(world.domain, np.int32), np.array(linking(world.domain, world.arcs))
    found = evidence(domain, known, chunked(world.arcs, 999), Detection(overlap=0.5))
    path = tmp_path / "platforms.txt"
    names = {0: "org.pages", 3: "com.brands", 4: "com.farm"}
    assert write_list(path, found, names) == 2  # type: ignore[arg-type]
    lines = path.read_text().splitlines()
    assert lines[1].startswith("pages.org  # 300 hosts, 300 linked by")
    assert read_list(path) == {"pages.org", "brands.com"}
    path.write_text("\ufeff# mine\n\nBücher.example.  # by hand\npages.org\n")
    assert Suffixes("icann", read_list(path)).registered_domain("a.pages.org") == "a.pages.org"
    assert read_list(path) == {"pages.org", "xn--bcher-kva.example"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a.com\nb\n", "line 2: 'b' is no domain"),
        (b"\na.com, b.com\n", "line 2: 'a.com, b.com'"),
        (b"a\0b.com\n", "line 1"),
        (b"\xff.com\n", "line 1"),
        (b"a.com #" + b"x" * 5000, "line 1"),
    ],
)
def test_a_wrong_line_of_a_list_is_named(text: bytes, reason: str, tmp_path: Path) -> None:
    """File and line; so is a file that is not there."""
    path = tmp_path / "platforms.txt"
    path.write_bytes(text)
    with pytest.raises(InputError, match=rf"platforms\.txt, {reason}"):
        read_list(path)
    with pytest.raises(InputError, match="check the path"):
        read_list(tmp_path / "none")


@pytest.mark.parametrize(
    "wrong", [{"hosts": 1}, {"linked": 0}, {"arcs": 0}, {"inside": 1.1}, {"overlap": -0.1}, {"sample": 1}, {"pairs": 9}]
)
def test_refuses_wrong_detection(wrong: dict[str, float]) -> None:
    """Each wrong setting is named."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Detection(**wrong)  # type: ignore[arg-type]
