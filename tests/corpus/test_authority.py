"""Authority of hosts: what stands for a host, two sources, an absent set, many row groups."""

import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from site_ranks import site, write_ranks

from corpus.authority import COLUMNS, TABLE, Authority, site_names
from corpus.errors import SettingError, StorageError
from corpus.storage import ShardSet

Row = dict[str, Any]

ROWS: list[Row] = [
    site("host", "a.example.org", 0.8, in_domains=5),
    site("domain", "example.com", 0.3, in_domains=2),
    site("host", "example.com", 0.6, in_domains=1),
    site("domain", "example.org", 0.9, in_domains=7),
    site("host", "news.example.net", None, in_domains=3),
    site("host", "news.example.net", 0.7, source="cc-ranks.txt.gz"),
    site("host", "both.example.net", 0.2, source="cc-ranks.txt.gz"),
    site("host", "both.example.net", 0.9, in_domains=4),
]


def looked_up(shards: ShardSet | None, host: str, unknown: float | None = None) -> Row:
    """Return what is known of one host."""
    (row,) = Authority(shards, unknown).lookup([host]).to_pylist()
    found: Row = row
    return found


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
def test_host_then_site_then_null(tmp_path: Path, host: str, expected: tuple[float | None, ...]) -> None:
    """A host's own row, else its registered domain's, else null; an import before the crawl, value by value."""
    row = looked_up(write_ranks(tmp_path, ROWS), host)
    assert tuple(row[name] for name in COLUMNS[:3]) == expected
    assert row["known"] == (expected != (None, None, None))


def test_the_other_ranks_spam_mass_and_the_chance_to_be_good_follow_the_same_rule(tmp_path: Path) -> None:
    """Percentiles, not the raw ranks; each value from the host's row, else from its site's."""
    percentiles = {"trust": 0.5, "robust": 0.6, "truncated": 0.8, "quality": 0.7}
    rows = [
        site("host", "a.example.org", 0.8, trust_percentile=0.4, trust=1e-9, spam_mass=-0.5, good=0.3),
        site("domain", "example.org", 0.9, **{f"{name}_percentile": value for name, value in percentiles.items()}),
    ]
    row = looked_up(write_ranks(tmp_path, rows), "a.example.org")
    assert [row[name] for name in COLUMNS[3:]] == [0.4, 0.6, 0.8, 0.7, -0.5, 0.3]


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("a.b.example.co.uk", ["a.b.example.co.uk", "b.example.co.uk", "example.co.uk"]),
        ("www.example.org", ["example.org"]),
        ("a.b.github.io", ["a.b.github.io", "b.github.io"]),
        ("github.io", ["github.io"]),
        ("192.0.2.1", ["192.0.2.1"]),
        ("localhost", ["localhost"]),
        ("", [""]),
    ],
)
def test_names_that_may_stand_for_a_host_end_at_its_registered_domain(host: str, names: list[str]) -> None:
    """Never a public suffix, unless it is the host itself."""
    assert site_names(host) == names


def test_the_nearest_domain_stands_for_a_host(tmp_path: Path) -> None:
    """A site that the graph sets apart below a registered domain goes before that domain."""
    shards = write_ranks(tmp_path, [site("domain", "shop.example.org", 0.2), site("domain", "example.org", 0.9)])
    assert looked_up(shards, "de.shop.example.org")["authority_domain"] == 0.2
    assert looked_up(shards, "de.example.org")["authority_domain"] == 0.9


def test_a_platform_stands_for_itself_alone(tmp_path: Path) -> None:
    """The rank of a platform that no suffix list knows does not reach its tenants; one with a row has its own."""
    rows = [
        site("domain", "platform.example", 0.99, platform=True),
        site("domain", "good.platform.example", 0.6),
    ]
    shards = write_ranks(tmp_path, rows)
    for host, expected in (("spam", None), ("good", 0.6), ("blog.good", 0.6), ("www", 0.99)):
        assert looked_up(shards, f"{host}.platform.example")["authority_domain"] == expected, host
    assert looked_up(shards, "platform.example")["authority_host"] == 0.99


def test_unknown_sites_take_the_stated_percentile(tmp_path: Path) -> None:
    """It stands in all percentiles of a site without a row, and in none of one that has a row with a gap."""
    shards = write_ranks(tmp_path, ROWS)
    row = looked_up(shards, "unknown.test", 0.1)
    assert row == dict.fromkeys(COLUMNS, 0.1) | {
        **dict.fromkeys(("in_domains", "spam_mass", "good_site")),
        "known": False,
    }
    row = looked_up(shards, "news.example.net", 0.1)
    assert (row["authority_host"], row["authority_domain"], row["trust"], row["known"]) == (0.7, None, None, True)
    with pytest.raises(SettingError, match=r"unknown = 1\.5"):
        Authority(shards, 1.5)


def test_rows_follow_the_hosts_asked(tmp_path: Path) -> None:
    """One row per host, in order, repeated hosts repeated."""
    found = Authority(write_ranks(tmp_path, ROWS)).lookup(["x.test", "a.example.org", "x.test"])
    assert found.schema.equals(TABLE)
    assert found.column("authority_host").to_pylist() == [None, 0.8, None]


def test_second_question_is_answered_alone(tmp_path: Path) -> None:
    """One object answers any number of questions."""
    authority = Authority(write_ranks(tmp_path, ROWS))
    authority.lookup(["a.example.org"])
    assert authority.lookup(["www.example.com"]).column("authority_host").to_pylist() == [0.6]


@pytest.mark.parametrize("absent", [True, False])
def test_without_ranks_nothing_is_known(tmp_path: Path, absent: bool) -> None:
    """No shard set, or an empty one, gives nulls and no error."""
    row = looked_up(None if absent else ShardSet(tmp_path, "authority"), "a.example.org")
    assert row == dict.fromkeys(COLUMNS) | {"known": False}


def test_no_hosts(tmp_path: Path) -> None:
    """An empty part asks nothing and gets an empty table."""
    assert Authority(write_ranks(tmp_path, ROWS)).lookup([]).num_rows == 0


@pytest.mark.parametrize("group", [1, 7, 1000])
def test_any_row_groups_give_the_answer_of_a_dictionary(tmp_path: Path, group: int) -> None:
    """Two hundred hosts among as many others, found whatever the size of the row groups."""
    chosen = random.Random(2)  # fixed seed, nothing secret
    names = [f"{chosen.choice('abc')}{n}.{chosen.choice(['com', 'org', 'co.uk', 'de'])}" for n in range(400)]
    ranks = {name: n / 400 for n, name in enumerate(names)}
    rows = [site("host", name, value) for name, value in ranks.items()]
    shards = write_ranks(tmp_path, [*rows, *(site("domain", name, value / 2) for name, value in ranks.items())], group)
    asked = [*chosen.sample(names, 200), *(f"absent{n}.com" for n in range(50))]
    found = Authority(shards).lookup(asked)
    assert found.column("authority_host").to_pylist() == [ranks.get(name) for name in asked]
    assert found.column("authority_domain").to_pylist() == [ranks[n] / 2 if n in ranks else None for n in asked]


def test_row_groups_that_cannot_hold_a_name_are_not_read(tmp_path: Path) -> None:
    """Bytes changed in another row group go unnoticed; in the one that is asked for they are an error."""
    path = write_ranks(tmp_path, [site("host", f"{c}.example", 0.5) for c in "abcdefgh"]).path(0)
    place = pq.read_metadata(path).row_group(3).column(2).data_page_offset
    damaged = bytearray(path.read_bytes())
    damaged[place + 30 : place + 40] = b"\xff" * 10
    path.write_bytes(damaged)
    assert looked_up(ShardSet(tmp_path, "authority"), "a.example")["authority_host"] == 0.5
    with pytest.raises(StorageError, match="cannot be read back"):
        looked_up(ShardSet(tmp_path, "authority"), "g.example")


def test_ranks_of_an_older_version_are_refused(tmp_path: Path) -> None:
    """A table without the columns of today says what to do."""
    path = write_ranks(tmp_path, ROWS).path(0)
    pq.write_table(pq.read_table(path).drop_columns(["reversed"]), path)
    with pytest.raises(StorageError, match="without reversed; rank the sites again"):
        looked_up(ShardSet(tmp_path, "authority"), "a.example.org")
