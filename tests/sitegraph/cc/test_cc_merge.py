"""Ranks files joined with the names of a graph."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from corpus.errors import InputError
from sitegraph.cc.merge import Merged, merge_ranks, node_names
from sitegraph.cc.ranksfile import COLUMNS, ImportedRanks

Row = tuple[float, int, float, str]
"""Harmonic centrality, position, PageRank, reversed name."""


class Names:
    """The names of a graph in a dict."""

    def __init__(self, names: Sequence[str]) -> None:
        self.ids = {name: node for node, name in enumerate(names)}

    def find(self, names: pa.Array) -> NDArray[np.int64]:
        """Return the ids of names."""
        return np.array([self.ids.get(name, -1) for name in names.to_pylist()], np.int64)


def ranks_file(path: Path, rows: Sequence[Row], *, domains: bool = False) -> Path:
    """Write a ranks file with these rows."""
    lines = ["\t".join(COLUMNS) + "\t#n_hosts" * domains]
    for place, (harmonic, position, pagerank, name) in enumerate(rows, 1):
        lines.append(f"{place}\t{harmonic}\t{position}\t{pagerank}\t{name}" + "\t7" * domains)
    path.write_text("\n".join(lines) + "\n")
    return path


def of(found: Merged, node: int) -> tuple[float, int, float]:
    """Return what is known of a node."""
    return found.harmonic[node], int(found.position[node]), found.pagerank[node]


ROWS: list[Row] = [
    (3.5e7, 2, 0.02, "com.alpha.www"),
    (3.0e7, 1, 0.05, "org.beta"),
    (2.5e7, 4, 0.0125, "com.alpha"),
    (9.0, 3, 0.015, "net.gamma.www"),
]


def test_a_host_takes_its_own_row_before_that_of_its_www_form(tmp_path: Path) -> None:
    """Though the latter is the better one; where there is no other, it counts."""
    names = Names(["com.alpha", "de.delta", "net.gamma", "org.beta"])
    for rows in (ROWS, ROWS[::-1]):
        found = merge_ranks(names, 4, ImportedRanks(path=ranks_file(tmp_path / "r.txt", rows)))
        assert [of(found, node) for node in (0, 2, 3)] == [(2.5e7, 4, 0.0125), (9.0, 3, 0.015), (3.0e7, 1, 0.05)]
        assert np.isnan([found.harmonic[1], found.pagerank[1]]).all()
        assert (found.position[1], found.rows, found.total, found.known) == (0, 4, 4, 3)
        np.testing.assert_array_equal(found.percentile(), [0.25, np.nan, 0.5, 1.0])


def test_www_forms_that_are_nodes_take_their_own_rows(tmp_path: Path) -> None:
    """As in a graph that was imported with all its nodes; com.alpha.www is one there, net.gamma.www is not."""
    names = Names(["com.alpha", "com.alpha.www", "net.gamma"])
    found = merge_ranks(names, 3, ImportedRanks(path=ranks_file(tmp_path / "r.txt", ROWS)))
    assert [of(found, node) for node in range(3)] == [(2.5e7, 4, 0.0125), (3.5e7, 2, 0.02), (9.0, 3, 0.015)]


def test_domains_are_taken_as_they_are(tmp_path: Path) -> None:
    """A domain named www is a domain: nothing is folded in a domain file."""
    path = ranks_file(tmp_path / "d.txt", [(2.0, 1, 0.5, "uk.co.www"), (1.0, 2, 0.25, "uk.co")], domains=True)
    found = merge_ranks(Names(["uk.co", "uk.co.www"]), 2, ImportedRanks(path=path))
    assert [of(found, node) for node in (0, 1)] == [(1.0, 2, 0.25), (2.0, 1, 0.5)]


def test_only_a_www_before_two_labels_is_folded() -> None:
    """`www.com` is a host of its own; so is `www.alpha.com` once folded, and a label that only begins with www."""
    names = ["com.www", "com.alpha.www", "com.alpha.www.www", "com.alpha.wwwx", "com.www.a", "www"]
    found, www = node_names(pa.array(names), True)
    assert found.to_pylist() == ["com.www", "com.alpha", "com.alpha.www", "com.alpha.wwwx", "com.www.a", "www"]
    assert www.tolist() == [False, True, True, False, False, False]


def test_a_part_of_a_larger_table_needs_its_size(tmp_path: Path) -> None:
    """Positions beyond the rows of the file are an error until the number of nodes is given."""
    path = ranks_file(tmp_path / "r.txt", [(9.0, 76, 0.2, "com.alpha")])
    names = Names(["com.alpha"])
    with pytest.raises(InputError, match=r"r\.txt: it holds position 76 but 1 nodes.*`nodes`"):
        merge_ranks(names, 1, ImportedRanks(path=path))
    assert merge_ranks(names, 1, ImportedRanks(path=path, nodes=100)).percentile().tolist() == [0.25]


def test_a_broken_line_is_an_error(tmp_path: Path) -> None:
    """The error of the reader comes as it is."""
    path = ranks_file(tmp_path / "r.txt", ROWS)
    path.write_text(path.read_text() + "broken\n")
    with pytest.raises(InputError, match=r"r\.txt, line 6: 1 columns, not 5"):
        merge_ranks(Names([]), 0, ImportedRanks(path=path))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from([1.0, 2.0]),
            st.integers(1, 3),
            st.sampled_from([0.25, 0.5]),
            st.sampled_from(["com.a", "com.a.www", "com.b.www", "com.c", "com.x"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_the_best_row_is_kept_whatever_their_order(tmp_path: Path, rows: list[Row]) -> None:
    """Own name, then position, PageRank and harmonic centrality decide, as a sort of all rows says."""
    names = ["com.a", "com.b", "com.c"]
    found = merge_ranks(Names(names), 3, ImportedRanks(path=ranks_file(tmp_path / "r.txt", rows), nodes=100))
    for node, name in enumerate(names):
        own = sorted((row[3] != name, row[1], -row[2], -row[0]) for row in rows if row[3] in (name, name + ".www"))
        if own:
            assert of(found, node) == (-own[0][3], own[0][1], -own[0][2])
        else:
            assert found.position[node] == 0


@pytest.mark.shared
def test_published_ranks(tmp_path: Path, shared: Path) -> None:
    """The top 1,000 hosts of a release, in the published text form, come out value by value."""
    source = shared / "data" / "linkgraph" / "cc-ranks" / "host-cc-main-2025-mar-apr-may.json.gz"
    if not source.exists():
        pytest.skip(f"no published ranks at {source}")
    table = json.loads(gzip.decompress(source.read_bytes()))
    path = tmp_path / "ranks.txt.gz"
    path.write_bytes(
        gzip.compress("".join("\t".join(row) + "\n" for row in [table["header"], *table["rows"]]).encode())
    )
    names = [row[4] for row in table["rows"]]
    found = merge_ranks(Names(names), 1000, ImportedRanks(path=path, nodes=250_000_000))
    for node, row in enumerate(table["rows"]):
        assert of(found, node) == (float(row[1]), int(row[2]), float(row[3]))
