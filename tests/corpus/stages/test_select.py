"""Select: verdicts on hand-made signals, clusters and authority; what is counted; the check of the kept share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from site_ranks import site, write_ranks

from corpus.document import Document
from corpus.errors import PipelineError, StorageError
from corpus.quality.columns import SIGNALS_SCHEMA
from corpus.quality.rulefile import parse_rules
from corpus.schema import CLUSTERS, DOCUMENTS
from corpus.settings import fingerprint
from corpus.stage import Report
from corpus.stages.select import Select, check_kept
from corpus.storage import ShardSet, TableWriter

RULES = """
expected_kept = [0.2, 0.8]
[thresholds.short]
signal = "words"
min = 50
[thresholds.host]
signal = "host"
refused = ["spam.example"]
[thresholds.noai]
signal = "noai"
max = 0
[components]
name = "{language}-{authority}"
[components.bands.authority]
signal = "authority_host"
cuts = [0.5]
names = ["low", "high"]
null = "unranked"
"""


def identity(number: int) -> bytes:
    return number.to_bytes(16, "big")


def write_part(root: Path, part: int, groups: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    """Write documents and signals; each row gives `host` and signals, ids count up from 100 * part."""
    number = 100 * part
    with (
        TableWriter(ShardSet(root, "documents"), part, DOCUMENTS) as documents,
        TableWriter(ShardSet(root, "signals"), part, SIGNALS_SCHEMA) as signals,
    ):
        for group in groups:
            rows = []
            for row in group:
                page = Document(id=identity(number), url="", host=row.get("host", "a.example"), registered_domain=None)
                rows.append({name: getattr(page, name) for name in DOCUMENTS.names})
                number += 1
            documents.write(rows)
            signals.write([{"language": "en", "characters": 10, "words": 60, "noai": False} | dict(r) for r in group])


def select(root: Path, rules: str = RULES, **fields: Any) -> Select:
    sets = {name: ShardSet(root, name) for name in ("documents", "signals", "judged", "clusters", "authority")}
    return Select(**(sets | fields), rules=parse_rules(rules))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Part 1 with two row groups of documents, one cluster of three, and ranks of two hosts."""
    first = [{"words": 49, "host": "spam.example"}, {}, {"noai": True}]
    second = [{"host": "b.example", "language": None, "words": None}, {}]
    write_part(tmp_path, 1, [first, second])
    with TableWriter(ShardSet(tmp_path, "clusters"), 0, CLUSTERS) as out:
        names = CLUSTERS.names
        out.write([dict(zip(names, (0, 1, identity(7), 2, True, 1.0, True), strict=True))])
        rows = [(1, 1, identity(101), 3, True, 1.0, True), (1, 2, identity(101), 3, False, 0.9, False),
                (1, 4, identity(101), 3, False, 1.0, True)]  # fmt: skip
        out.write([dict(zip(names, row, strict=True)) for row in rows])
    write_ranks(tmp_path, [site("host", "b.example", 0.5, in_domains=9, trust_percentile=0.25, spam_mass=0.75)])
    return tmp_path


def verdicts(stage: Select, part: int = 1) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(stage.judged.path(part)).to_pylist()
    return rows


def test_verdicts_by_hand(root: Path) -> None:
    """All failed rules are kept, the first is the reason, duplicates come last, the rest has a component."""
    stage = select(root)
    stage.run(1)
    rows = verdicts(stage)
    assert [row["failed"] for row in rows] == [["short", "host"], [], ["noai", "duplicate"], [], ["duplicate"]]
    assert [row["reason"] for row in rows] == ["short", None, "noai", None, "duplicate"]
    assert [row["kept"] for row in rows] == [False, True, False, True, False]
    assert [row["component"] for row in rows] == [None, "en-unranked", None, "und-high", None]
    assert [row["cluster_size"] for row in rows] == [1, 3, 3, 1, 3]
    assert [row["duplicate_of"] for row in rows] == [None, None, identity(101), None, identity(101)]
    assert [row["authority_host"] for row in rows] == [None, None, None, 0.5, None]
    assert [row["in_domains"] for row in rows] == [None, None, None, 9, None]
    assert [row["trust"] for row in rows] == [None, None, None, 0.25, None]
    assert [row["spam_mass"] for row in rows] == [None, None, None, 0.75, None]


def test_counts_by_hand(root: Path) -> None:
    """Reasons and kept add up to documents; failures, components, languages and characters are counted beside."""
    counts = dict(select(root).run(1).counts)
    assert counts == {
        "documents": 5, "kept": 2, "characters": 50, "kept_characters": 20, "unknown_sites": 4,
        "reason:short": 1, "reason:noai": 1, "reason:duplicate": 1,
        "failed:short": 1, "failed:host": 1, "failed:noai": 1, "failed:duplicate": 2,
        "language:en": 4, "language:und": 1, "kept_language:en": 1, "kept_language:und": 1,
        "component:en-unranked": 1, "component:und-high": 1,
    }  # fmt: skip


def test_duplicates_can_be_kept_and_limited(root: Path) -> None:
    """`duplicates = "keep"` keeps members of clusters; a threshold may still look at size and similarity."""
    stage = select(root, 'duplicates = "keep"\n[thresholds.near]\nsignal = "similarity"\nmin = 0.95')
    stage.run(1)
    assert [row["failed"] for row in verdicts(stage)] == [[], [], ["near"], [], []]
    stage = select(root, 'duplicates = "keep"\n[thresholds.many]\nsignal = "cluster_size"\nmax = 2')
    stage.run(1)
    assert [row["kept"] for row in verdicts(stage)] == [True, False, False, True, False]


def test_without_clusters_and_ranks(root: Path) -> None:
    """Both are optional: everyone stands for itself and no host is ranked."""
    stage = select(root, clusters=None, authority=None)
    stage.run(1)
    assert stage.inputs == (stage.documents, stage.signals)
    assert [row["component"] for row in verdicts(stage)] == [None, "en-unranked", None, "und-unranked", "en-unranked"]


def test_unknown_sites_stand_where_the_rules_say(root: Path) -> None:
    """Their percentile is the one that `unknown` names, for thresholds and bands too; a known site keeps its own."""
    trusted = '\n[thresholds.trusted]\nsignal = "trust"\nmin = 0.2\n[authority]\nunknown = 0.1\n'
    stage = select(root, RULES + trusted, clusters=None)
    assert stage.run(1).counts["unknown_sites"] == 4
    rows = verdicts(stage)
    assert [row["authority_host"] for row in rows] == [0.1, 0.1, 0.1, 0.5, 0.1]
    assert ["trusted" in row["failed"] for row in rows] == [True, True, True, False, True]
    assert {row["component"] for row in verdicts(stage) if row["kept"]} == {"und-high"}
    stage = select(root, RULES + "\n[authority]\nunknown = 0.1\n", clusters=None)
    stage.run(1)
    assert [row["component"] for row in verdicts(stage)] == [None, "en-low", None, "und-high", "en-low"]


def test_units_and_sources(root: Path) -> None:
    """A unit reads its documents and signals, the clusters and the ranks."""
    stage = select(root)
    assert stage.shards() == 2
    names = [path.relative_to(root).as_posix() for path in stage.sources(1)]
    assert names == [
        "documents/part-00001.parquet", "signals/part-00001.parquet", "clusters/part-00000.parquet",
        "authority/part-00000.parquet",
    ]  # fmt: skip


def test_rules_are_the_settings(root: Path) -> None:
    """A changed threshold changes the fingerprint, a quota does not; running again gives the same bytes."""
    assert fingerprint(select(root).settings()) != fingerprint(select(root, RULES.replace("50", "51")).settings())
    assert select(root).run(1).files[0].sha256 == select(root).run(1).files[0].sha256
    assert fingerprint(select(root).settings()) == fingerprint(
        select(root, f"{RULES}[quota]\ndocuments = 1").settings()
    )


def test_empty_part(root: Path) -> None:
    """A part without documents has a verdicts part without rows."""
    write_part(root, 0, [])
    assert select(root, clusters=None).run(0).files[0].rows == 0


def test_signals_of_other_documents_are_refused(root: Path) -> None:
    """Parts that do not align are an error, not wrong verdicts."""
    with TableWriter(ShardSet(root, "signals"), 1, SIGNALS_SCHEMA) as out:
        out.write([{"words": 1}])
    with pytest.raises(StorageError, match=r"signals part 1 is not aligned .* \[1\] rows for \[3, 2\]"):
        select(root).run(1)


def test_clusters_of_other_documents_are_refused(root: Path) -> None:
    """A cluster row beyond the part is an error that says what to run again."""
    with TableWriter(ShardSet(root, "clusters"), 0, CLUSTERS) as out:
        out.write([dict(zip(CLUSTERS.names, (1, 5, identity(1), 2, True, 1.0, True), strict=True))])
    with pytest.raises(StorageError, match="row 5 of part 1, which has 5"):
        select(root).run(1)


def reports(*kept: int) -> list[Report]:
    """Reports of units of ten documents, `kept` of which stayed."""
    return [
        Report(stage="select", shard=i, fingerprint="", files=[], counts={
            "documents": 10, "kept": number, "reason:short": 9 - number, "reason:noai": 1})
        for i, number in enumerate(kept)
    ]  # fmt: skip


def test_kept_share_is_checked_over_the_whole_run(root: Path) -> None:
    """One unit may lose nearly all; the sum decides. 2 of 10 and 8 of 10 are still inside the band."""
    stage = select(root)
    stage.finish(reports(0, 9))
    stage.finish(reports(2))
    stage.finish(reports(8))
    stage.finish([])


def test_kept_share_outside_the_band_stops_the_run() -> None:
    """The message names the share, the setting and the most frequent reasons."""
    with pytest.raises(PipelineError) as caught:
        check_kept(reports(1, 0), parse_rules(RULES))
    assert "select kept 1 of 20 documents (5.0%), expected_kept in the rules is 20% to 80%" in str(caught.value)
    assert "most frequent reasons: short 17, noai 2" in str(caught.value)
    with pytest.raises(PipelineError, match="kept 9 of 10"):
        check_kept(reports(9), parse_rules(RULES))
