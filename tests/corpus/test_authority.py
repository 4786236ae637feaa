"""Authority of hosts: the fallbacks, two sources, an absent set, many row groups."""

from pathlib import Path

import pytest

from corpus.authority import TABLE, Authority
from corpus.schema import AUTHORITY
from corpus.storage import ShardSet, TableWriter

Row = tuple[str, str, float | None, int | None, str]


def write(root: Path, rows: list[Row], group: int = 2) -> ShardSet:
    """Write authority rows (level, name, percentile, in_domains, source), sorted by name, in small row groups."""
    shards = ShardSet(root, "authority")
    fields = ("level", "name", "percentile", "in_domains", "source")
    with TableWriter(shards, 0, AUTHORITY) as out:
        for start in range(0, len(rows), group):
            out.write([dict(zip(fields, row, strict=True)) for row in rows[start : start + group]])
    return shards


ROWS: list[Row] = [
    ("host", "a.example.org", 0.8, 5, "crawl"),
    ("domain", "example.com", 0.3, 2, "crawl"),
    ("host", "example.com", 0.6, 1, "crawl"),
    ("domain", "example.org", 0.9, 7, "crawl"),
    ("host", "news.example.net", None, 3, "crawl"),
    ("host", "news.example.net", 0.7, None, "cc-ranks.txt.gz"),
    ("host", "both.example.net", 0.2, None, "cc-ranks.txt.gz"),
    ("host", "both.example.net", 0.9, 4, "crawl"),
]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("a.example.org", (0.8, 0.9, 5)),
        ("b.example.org", (0.9, 0.9, 7)),
        ("www.example.com", (0.6, 0.3, 1)),
        ("news.example.net", (0.7, None, 3)),
        ("both.example.net", (0.2, None, 4)),
        ("unknown.test", (None, None, None)),
        ("192.0.2.1", (None, None, None)),
        ("localhost", (None, None, None)),
        ("", (None, None, None)),
    ],
)
def test_host_then_domain_then_null(tmp_path: Path, host: str, expected: tuple[float | None, ...]) -> None:
    """A host's own row, else its registered domain's, else null; an import before the crawl, value by value."""
    row = Authority(write(tmp_path, ROWS)).lookup([host]).to_pylist()[0]
    assert tuple(row.values()) == expected


def test_rows_follow_the_hosts_asked(tmp_path: Path) -> None:
    """One row per host, in order, repeated hosts repeated."""
    found = Authority(write(tmp_path, ROWS)).lookup(["x.test", "a.example.org", "x.test"])
    assert found.schema.equals(TABLE)
    assert found.column("authority_host").to_pylist() == [None, 0.8, None]


def test_second_question_is_answered_alone(tmp_path: Path) -> None:
    """What was found for earlier hosts is forgotten, so memory is that of one question."""
    authority = Authority(write(tmp_path, ROWS))
    authority.lookup(["a.example.org"])
    assert authority.lookup(["www.example.com"]).column("authority_host").to_pylist() == [0.6]


@pytest.mark.parametrize("absent", [True, False])
def test_without_ranks_nothing_is_known(tmp_path: Path, absent: bool) -> None:
    """No shard set, or an empty one, gives nulls and no error."""
    found = Authority(None if absent else ShardSet(tmp_path, "authority")).lookup(["a.example.org"])
    assert found.to_pylist() == [{"authority_host": None, "authority_domain": None, "in_domains": None}]


def test_no_hosts(tmp_path: Path) -> None:
    """An empty part asks nothing and gets an empty table."""
    assert Authority(write(tmp_path, ROWS)).lookup([]).num_rows == 0
