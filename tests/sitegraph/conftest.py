"""Fixtures of the site graph's tests: link and document files, and a small graph worked out by hand."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.schema import DOCUMENTS, LINKS
from corpus.storage import ShardSet
from sitegraph.building.assemble import Built
from sitegraph.building.build import build
from sitegraph.engine import Engine
from sitegraph.layout import GraphSets

Link = tuple[str, str, int, int] | tuple[str, str, int, int, int]
"""Source host, target host, flags, pages, and perhaps all pages of the source host that were read."""

HAND_MADE: list[list[Link]] = [
    [
        ("www.alpha.com", "beta.org", 0, 3),
        ("alpha.com", "www.beta.org", 0, 2),
        ("alpha.com", "beta.org", 1, 4),  # nofollow
        ("alpha.com", "beta.org", 2 | 4, 1),  # ugc and sponsored: counts as sponsored
        ("alpha.com", "www.alpha.com", 0, 9),  # to itself
        ("blog.beta.org", "beta.org", 0, 7),  # within a registered domain
        ("blog.beta.org", "alpha.com", 0, 1),
        ("beta.org", "alpha.com", 2, 2),  # ugc
    ],
    [
        ("alpha.com", "beta.org", 0, 10),
        ("alpha.com", "alpha.de", 8, 3),  # same owner
        ("alpha.com", "www.alpha.com", 8, 1),  # same owner, to itself
        ("xn--bcher-kva.de", "alpha.com", 0, 1),
        ("bücher.de", "alpha.com", 0, 1),  # the same host
        ("192.0.2.1", "alpha.com", 0, 1),
        ("alpha.com", "[2001:db8::1]", 0, 1),
        ("alpha.com", "localhost", 0, 1),
        ("alpha.com", "a..b", 0, 1),
        ("u1.github.io", "u2.github.io", 0, 1),  # two registered domains by the private section
    ],
]
"""Two link files whose graph test_site_build.py works out by hand."""


def links_table(links: Sequence[Link]) -> pa.Table:
    """Return links as rows of schema.LINKS; how many pages their sources have is unknown (0) unless they say it."""
    return pa.Table.from_pylist([dict(zip(LINKS.names, (*link, 0)[:5], strict=True)) for link in links], schema=LINKS)


@pytest.fixture
def write_links() -> Callable[[Path, Sequence[Sequence[Link]]], ShardSet]:
    """A function that writes one links part file per list of links."""

    def write(root: Path, files: Sequence[Sequence[Link]]) -> ShardSet:
        (root / "links").mkdir(parents=True, exist_ok=True)
        for part, links in enumerate(files):
            pq.write_table(links_table(links), ShardSet(root, "links").path(part))
        return ShardSet(root, "links")

    return write


@pytest.fixture
def write_documents() -> Callable[[Path, Sequence[str]], ShardSet]:
    """A function that writes a documents part with the given hosts; its other columns have no part in a graph."""

    def write(root: Path, hosts: Sequence[str]) -> ShardSet:
        path = ShardSet(root, "documents").path(0)
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = pa.schema([DOCUMENTS.field("host"), pa.field("url", pa.string())])
        pq.write_table(pa.table([list(hosts), [f"http://{host}/" for host in hosts]], schema=schema), path)
        return ShardSet(root, "documents")

    return write


@pytest.fixture
def build_graph(
    write_links: Callable[[Path, Sequence[Sequence[Link]]], ShardSet],
) -> Callable[[Path, Sequence[Sequence[Link]]], tuple[GraphSets, Built]]:
    """A function that builds the graph of lists of links under a root."""

    def make(root: Path, files: Sequence[Sequence[Link]]) -> tuple[GraphSets, Built]:
        graph = GraphSets(root)
        return graph, build(write_links(root, files).paths(), [], graph, Engine(threads=1))

    return make


@pytest.fixture
def hand_made(
    tmp_path: Path,
    write_links: Callable[[Path, Sequence[Sequence[Link]]], ShardSet],
    write_documents: Callable[[Path, Sequence[str]], ShardSet],
) -> tuple[GraphSets, Built]:
    """The graph of HAND_MADE, with documents of a linked host and of one that nothing links."""
    documents = write_documents(tmp_path, ["www.alpha.com", "lonely.net"])
    graph = GraphSets(tmp_path)
    return graph, build(write_links(tmp_path, HAND_MADE).paths(), documents.paths(), graph)
