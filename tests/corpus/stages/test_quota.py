"""The quota of sites: by hand, and against a dictionary of sorted lists whatever the parts and partitions."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import Document
from corpus.errors import SettingError, StorageError
from corpus.quality.columns import SIGNALS_SCHEMA
from corpus.quality.thresholds import Quota
from corpus.schema import DOCUMENTS, LIMITS, VERDICTS
from corpus.settings import fingerprint
from corpus.stages.quota import ApplyQuota, Limits, Places
from corpus.storage import ShardSet, TableWriter
from corpus.url import www_normalised

Row = Mapping[str, Any]


def write_parts(root: Path, parts: Sequence[Sequence[Row]], group: int = 3) -> None:
    """Write documents, signals and judged; a row gives host, registered_domain, id, kept, words and trust."""
    number = 0
    for part, rows in enumerate(parts):
        pages, signals, judged = [], [], []
        for row in rows:
            own = row.get("id", number)
            host, domain, kept = row.get("host", "a.example"), row.get("registered_domain"), row.get("kept", True)
            page = Document(id=own.to_bytes(16, "big"), url="", host=host, registered_domain=domain)
            pages.append({name: getattr(page, name) for name in DOCUMENTS.names})
            signals.append({"language": "en", "characters": 10, "words": row.get("words")})
            reason = None if kept else "short"
            judged.append(
                {"kept": kept, "component": "en" if kept else None, "reason": reason, "cluster_size": 1}
                | {"failed": [reason] if reason else [], "trust": row.get("trust")}
            )
            number += 1
        for name, schema, made in (
            ("documents", DOCUMENTS, pages),
            ("signals", SIGNALS_SCHEMA, signals),
            ("judged", VERDICTS, judged),
        ):
            with TableWriter(ShardSet(root, name), part, schema) as out:
                out.write(made, row_group_size=group)


def stages(root: Path, quota: Quota | None, splits: int = 4) -> tuple[Places, Limits, ApplyQuota]:
    documents, signals, judged = (ShardSet(root, name) for name in ("documents", "signals", "judged"))
    places, limits, verdicts = (ShardSet(root, name) for name in ("places", "limits", "verdicts"))
    return (
        Places(documents=documents, signals=signals, judged=judged, output=places, quota=quota, splits=splits),
        Limits(places=places, output=limits, quota=quota, splits=splits),
        ApplyQuota(documents=documents, signals=signals, judged=judged, limits=limits, verdicts=verdicts, quota=quota),
    )


def run(root: Path, quota: Quota | None, splits: int = 4) -> list[dict[str, Any]]:
    """Run the stages, units backwards; return the verdicts of all parts."""
    for stage in stages(root, quota, splits):
        for shard in reversed(range(stage.shards())):
            stage.run(shard)
    verdicts = ShardSet(root, "verdicts")
    return [row for path in verdicts.paths() for row in pq.read_table(path).to_pylist()]


def digest(number: int) -> int:
    return int.from_bytes(hashlib.blake2b(number.to_bytes(16, "big"), digest_size=8, key=b"quota").digest(), "big")


def test_the_lowest_hashes_of_a_site_stay_over_all_parts(tmp_path: Path) -> None:
    """Five documents of one host in two parts, quota two: by hand, the two with the lowest hashes; others untouched."""
    parts = [[{}, {"host": "b.example"}, {}, {"kept": False}], [{"host": "www.a.example"}, {}, {}]]
    write_parts(tmp_path, parts)
    rows = run(tmp_path, Quota(documents=2))
    stay = {*sorted([0, 2, 4, 5, 6], key=digest)[:2], 1}
    assert [n for n, row in enumerate(rows) if row["kept"]] == sorted(stay)
    over = next(row for n, row in enumerate(rows) if n not in {*stay, 3})
    assert (over["reason"], over["failed"], over["component"]) == ("quota", ["quota"], None)
    assert (rows[3]["reason"], rows[3]["failed"]) == ("short", ["short"])


def test_www_is_the_same_host(tmp_path: Path) -> None:
    """A host with and without www. has one quota; a registered domain has one for all its hosts."""
    pages = [{"host": host, "registered_domain": "x.org"} for host in ("x.org", "www.x.org", "a.x.org", "b.x.org")]
    write_parts(tmp_path, [[*pages, {"host": "192.0.2.1"}]])
    assert sum(row["kept"] for row in run(tmp_path, Quota(documents=1))) == 4
    assert sum(row["kept"] for row in run(tmp_path, Quota(documents=1, by="registered_domain"))) == 2


def test_the_best_by_a_column_stay(tmp_path: Path) -> None:
    """Highest, or with a minus lowest; missing values go first; columns of signals and of verdicts."""
    values = [(3, 0.1), (None, 0.9), (9, None), (5, 0.2)]
    write_parts(tmp_path, [[{"words": words, "trust": trust} for words, trust in values]])
    for order, stay in (("words", [2, 3]), ("-words", [0, 3]), ("trust", [1, 3]), ("-trust", [0, 3])):
        rows = run(tmp_path, Quota(documents=2, order=order))
        assert [n for n, row in enumerate(rows) if row["kept"]] == stay, order


def test_equal_documents_do_not_slip_through(tmp_path: Path) -> None:
    """Three records with one id and one value: the first by place stays."""
    write_parts(tmp_path, [[{"id": 7}], [{"id": 7}, {"id": 7}]])
    assert [row["kept"] for row in run(tmp_path, Quota(documents=1))] == [True, False, False]


def test_without_a_quota_the_judged_rows_are_the_verdicts(tmp_path: Path) -> None:
    """The first two stages have no unit, and the last writes what it read."""
    write_parts(tmp_path, [[{}] * 5, []])
    places, limits, last = stages(tmp_path, None)
    assert (places.shards(), limits.shards(), last.shards()) == (0, 0, 2)
    run(tmp_path, None)
    for part in (0, 1):
        assert pq.read_table(last.verdicts.path(part)).equals(pq.read_table(last.judged.path(part)))


def test_counts_are_those_of_the_final_verdicts(tmp_path: Path) -> None:
    """Two of four kept documents stay; the reason, the component and the characters say so."""
    write_parts(tmp_path, [[{}, {}, {}, {}, {"kept": False}]])
    run(tmp_path, Quota(documents=2))
    places, limits, last = stages(tmp_path, Quota(documents=2))
    assert dict(places.run(0).counts) == {"kept": 4, "passed_on": 3}
    assert sum(limits.run(part).counts["over"] for part in range(4)) == 1
    assert dict(last.run(0).counts) == {
        "documents": 5, "kept": 2, "characters": 50, "kept_characters": 20,
        "reason:quota": 2, "reason:short": 1, "failed:quota": 2, "failed:short": 1,
        "language:en": 5, "kept_language:en": 2, "component:en": 2,
    }  # fmt: skip


pages = st.fixed_dictionaries(
    {
        "host": st.sampled_from(["a.example", "www.a.example", "b.example", "c.example"]),
        "kept": st.booleans(),
        "words": st.none() | st.integers(0, 3),
        "id": st.integers(0, 40),
    }
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(pages, max_size=12), min_size=1, max_size=4),
    st.integers(1, 5),
    st.sampled_from(["hash", "words", "-words"]),
    st.integers(1, 5),
)
def test_plain_oracle(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[Row]], most: int, order: str, splits: int
) -> None:
    """Sort each site's kept documents by (value, hash, place) and keep the first: the same documents stay."""
    root = tmp_path_factory.mktemp("quota")
    write_parts(root, parts)
    by_site: dict[str, list[tuple[float, int, int]]] = defaultdict(list)
    flat = [row for rows in parts for row in rows]
    for place, row in enumerate(flat):
        value = math.inf if row["words"] is None else float(row["words"])
        value = 0.0 if order == "hash" else -value if order == "words" and math.isfinite(value) else value
        if row["kept"]:
            by_site[www_normalised(row["host"])].append((value, digest(row["id"]), place))
    stay = {place for entries in by_site.values() for *_, place in sorted(entries)[:most]}
    rows = run(root, Quota(documents=most, order=order), splits)
    assert {n for n, row in enumerate(rows) if row["kept"]} == stay
    assert all(len(row["failed"]) == (not row["kept"]) for row in rows)


def test_a_changed_quota_changes_the_marks_and_sources_are_named(tmp_path: Path) -> None:
    """Each of the three stages has the quota in its settings; a unit of the last reads its part and all limits."""
    write_parts(tmp_path, [[{}]])
    one, two = (stages(tmp_path, Quota(documents=n)) for n in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert fingerprint(a.settings()) != fingerprint(b.settings())
    run(tmp_path, Quota(documents=1), splits=2)
    names = [path.relative_to(tmp_path).as_posix() for path in one[2].sources(0)]
    assert names[:3] == [f"{name}/part-00000.parquet" for name in ("documents", "signals", "judged")]
    assert names[3:] == ["limits/part-00000.parquet", "limits/part-00001.parquet"]
    assert pq.read_schema(one[2].limits.path(0)).equals(LIMITS)
    with pytest.raises(SettingError, match="splits"):
        stages(tmp_path, None, splits=0)


def test_judged_rows_of_other_documents_are_refused(tmp_path: Path) -> None:
    """A judged part with another number of rows is an error that says what to run again."""
    write_parts(tmp_path, [[{}, {}]])
    with TableWriter(ShardSet(tmp_path, "judged"), 0, VERDICTS) as out:
        out.write([{"kept": True, "failed": [], "cluster_size": 1}])
    with pytest.raises(StorageError, match="1 rows for 2 documents; run select again"):
        stages(tmp_path, Quota(documents=1))[0].run(0)
