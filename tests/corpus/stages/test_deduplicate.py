"""The four stages of deduplication on small documents parts, against the in-memory function and by hand."""

import dataclasses
import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from site_ranks import site, write_ranks

from corpus.dedup.clusters import of_part
from corpus.dedup.pairs import Pairing, expand, near_duplicates
from corpus.dedup.tables import read_pairs, read_tables
from corpus.errors import SettingError
from corpus.schema import CANDIDATES, DOCUMENTS, EDGES, MEMBERS
from corpus.stage import Stage, load_reports, run_unit, unit_fingerprint
from corpus.stages.deduplicate import Candidates, Clusters, Signatures, Verify
from corpus.storage import ShardSet, TableWriter

BASE = [f"word{i}" for i in range(40)]  # 36 shingles
NEAR = [*BASE[:-1], "last"]  # 35 of 37 shared: 0.946
FAR = [*BASE[:-2], "very", "last"]  # 34 of 38 shared with BASE: 0.895; with NEAR 34 of 38
OTHER = [f"other{i}" for i in range(40)]


def text_id(text: str, salt: int = 0) -> bytes:
    """An id that depends on the text, as a capture's does on its payload."""
    return hashlib.blake2b(f"{salt} {text}".encode(), digest_size=16).digest()


def document(words: Sequence[str] | str, salt: int = 0, **fields: Any) -> dict[str, Any]:
    """A row of schema.DOCUMENTS around a text."""
    text = words if isinstance(words, str) else " ".join(words)
    row = {field.name: None if field.nullable else "" for field in DOCUMENTS}
    numbers = {"warc_offset": 0, "warc_length": 1, "licences": []}
    return row | numbers | {"id": text_id(text, salt), "text": text, "host": "a.example"} | fields


def write_documents(root: Path, parts: Sequence[Sequence[dict[str, Any]] | None]) -> ShardSet:
    """Write documents parts in row groups of three; None leaves a part out."""
    documents = ShardSet(root, "documents")
    for number, rows in enumerate(parts):
        if rows is not None:
            with TableWriter(documents, number, DOCUMENTS) as out:
                out.write(list(rows), 3)
    return documents


def stages(documents: ShardSet, splits: int = 1, pairing: Pairing | None = None, **clusters: Any) -> list[Stage]:
    """Return the four stages, wired."""
    root, pairing = documents.root, pairing or Pairing()
    sets = {name: ShardSet(root, name) for name in ("signatures", "members", "candidates", "edges", "clusters")}
    shared: dict[str, Any] = {"splits": splits, "threshold": pairing.threshold}
    return [
        Signatures(documents=documents, output=sets["signatures"], members=sets["members"], splits=splits),
        Candidates(signatures=sets["signatures"], output=sets["candidates"], splits=splits, pairing=pairing),
        Verify(documents=documents, candidates=sets["candidates"], output=sets["edges"], **shared),
        Clusters(
            documents=documents,
            members=sets["members"],
            candidates=sets["candidates"],
            edges=sets["edges"],
            output=sets["clusters"],
            **shared,
            **clusters,
        ),
    ]


def run(documents: ShardSet, seed: int = 0, **settings: Any) -> Counter[str]:
    """Run all units that have their sources, in an order drawn by seed; return the counts."""
    counts: Counter[str] = Counter()
    for stage in stages(documents, **settings):
        units = [unit for unit in range(stage.shards()) if all(path.exists() for path in stage.sources(unit))]
        random.Random(seed).shuffle(units)
        for unit in units:
            counts.update(run_unit(stage, unit, unit_fingerprint(stage, unit, {})).counts)
    return counts


def rows_of(documents: ShardSet, part: int) -> list[dict[str, Any]]:
    """Return the cluster rows of a part."""
    found: list[dict[str, Any]] = of_part(ShardSet(documents.root, "clusters"), part).to_pylist()
    return found


def found_pairs(documents: ShardSet) -> list[tuple[int, int]]:
    """Return every duplicate pair of places that the stages found."""
    candidates, edges = ShardSet(documents.root, "candidates"), ShardSet(documents.root, "edges")
    same = read_tables([candidates.path(0)], CANDIDATES)
    return expand(read_pairs(same), read_pairs(read_tables(edges.paths(), EDGES)))


def crawl(seed: int, size: int) -> list[str]:
    """Texts of which many are near-copies of one another, some equal, some in Chinese, some without a word."""
    draw = random.Random(seed)
    texts = ["", "...", "好好学习天天向上" * 4, "好好学习，天天向上！" * 4]
    for _ in range(size):
        words = draw.choice(texts).split() if draw.random() < 0.6 else []
        words = words or [draw.choice("abcdefghij") + str(draw.randrange(300)) for _ in range(draw.randrange(3, 120))]
        for _ in range(draw.randrange(3)):
            words[draw.randrange(len(words))] = f"new{draw.randrange(1000)}"
        texts.append(" ".join(words))
    return texts


def test_stages_find_the_pairs_of_near_duplicates(tmp_path: Path) -> None:
    """Over three parts the stages find exactly the pairs that near_duplicates finds in one list."""
    texts = crawl(1, 160)
    parts = [texts[:70], texts[70:71], texts[71:]]
    documents = write_documents(tmp_path, [[document(t, i) for i, t in enumerate(part)] for part in parts])
    counts = run(documents)
    places = [(number << 32) + row for number, part in enumerate(parts) for row in range(len(part))]
    expected = near_duplicates(texts)
    assert found_pairs(documents) == [(places[i], places[j]) for i, j in expected]
    assert len(expected) > 80
    assert (counts["documents"], counts["tokenless"]) == (164, 2)


def test_clusters_by_hand(tmp_path: Path) -> None:
    """Longest text stands for its cluster; size, similarity and exactness of each member are as derived by hand."""
    long = [*BASE, "and", "more"]  # 38 shingles, 36 shared with BASE: 0.947
    parts = [[document(OTHER), document(BASE), document("..")], [document(" ".join(BASE).upper()), document(long)]]
    documents = write_documents(tmp_path, parts)
    counts = run(documents)
    best = text_id(" ".join(long))
    common = {"cluster": best, "size": 3}
    near = pytest.approx(36 / 38)
    assert rows_of(documents, 0) == [
        {"part": 0, "row": 1, "representative": False, "similarity": near, "exact": False, **common}
    ]
    assert rows_of(documents, 1) == [
        {"part": 1, "row": 0, "representative": False, "similarity": near, "exact": False, **common},
        {"part": 1, "row": 1, "representative": True, "similarity": 1.0, "exact": True, **common},
    ]
    assert (counts["clusters"], counts["clustered"], counts["duplicates"]) == (1, 3, 2)
    assert (counts["exact_duplicates"], counts["verified"]) == (1, 1)


def test_members_are_aligned_with_documents(tmp_path: Path) -> None:
    """Row for row, members hold id, host, date, length and number of shingles of the documents."""
    documents = write_documents(tmp_path, [[document("héllo", host="x.example", date="2020"), document(BASE)]])
    run(documents)
    assert read_tables([ShardSet(tmp_path, "members").path(0)], MEMBERS).to_pylist() == [
        {"id": text_id("héllo"), "host": "x.example", "date": "2020", "characters": 5, "shingles": 1},
        {"id": text_id(" ".join(BASE)), "host": "a.example", "date": None, "characters": 269, "shingles": 36},
    ]


def test_same_results_for_any_order_splits_and_memory(tmp_path: Path) -> None:
    """Clusters are the same bytes whatever the order of units, the number of splits and the memory."""
    texts = crawl(2, 120)
    seen = set()
    for seed, splits, memory in ((0, 1, 1 << 28), (1, 3, 1 << 20), (2, 2, 1 << 24)):
        root = tmp_path / str(seed)
        documents = write_documents(root, [[document(t, i) for i, t in enumerate(texts[k::3])] for k in range(3)])
        run(documents, seed, splits=splits, memory=memory)
        seen.add(hashlib.sha256(ShardSet(root, "clusters").path(0).read_bytes()).hexdigest())
    assert len(seen) == 1


def test_a_chain_keeps_its_ends_with_their_true_similarity(tmp_path: Path) -> None:
    """A~B~C with A and C below the threshold is one cluster; C carries its computed similarity to A."""
    words, ends = [f"w{i}" for i in range(100)], [f"b{i}" for i in range(8)]
    chain = [[*words, "longest"], [*words[:92], *ends], ["c0", "c1", "c2", "c3", *words[4:92], *ends]]
    documents = write_documents(tmp_path, [[document(text, i) for i, text in enumerate(chain)]])
    counts = run(documents)
    similarity = [row["similarity"] for row in rows_of(documents, 0)]
    # A has 97 shingles, B and C 96. A and B share the 88 within words 0 to 91, A and C the 84 within words 4 to 91.
    assert similarity == [1.0, pytest.approx(88 / 105), pytest.approx(84 / 109)]
    assert [row["representative"] for row in rows_of(documents, 0)] == [True, False, False]
    assert (counts["clusters"], counts["computed"], counts["below_threshold"]) == (1, 1, 1)


def test_one_warc_given_twice(tmp_path: Path) -> None:
    """Two parts with the same ids: the first place represents, every other is a duplicate, texts without a word too."""
    rows = [document(BASE), document(OTHER), document("..."), document("")]
    documents = write_documents(tmp_path, [rows, rows])
    counts = run(documents)
    assert [row["representative"] for row in rows_of(documents, 0)] == [True] * 4
    second = rows_of(documents, 1)
    assert [row["cluster"] for row in second] == [row["id"] for row in rows]
    assert not any(row["representative"] for row in second)
    assert (counts["clusters"], counts["duplicates"], counts["candidates"]) == (4, 4, 0)


def test_capped_groups_are_counted(tmp_path: Path) -> None:
    """A group above the cap is reported, and the chain of neighbours still joins it to one cluster."""
    texts = [[*BASE[:-1], f"end{i}"] for i in range(8)]
    documents = write_documents(tmp_path, [[document(text) for text in texts]])
    counts = run(documents, pairing=Pairing(cap=4, neighbours=1))
    assert counts["capped_groups"] > 0
    assert counts["capped_members"] > 4 * counts["capped_groups"]
    assert (counts["clusters"], counts["clustered"]) == (1, 8)
    assert run(documents)["capped_groups"] == 0


def test_many_copies_make_few_candidates(tmp_path: Path) -> None:
    """500 copies of each of two near-duplicates are one candidate pair per band, not a quarter of a million."""
    rows = [document(text, salt) for salt in range(500) for text in (BASE, NEAR)]
    documents = write_documents(tmp_path, [rows])
    counts = run(documents)
    assert (counts["exact_duplicates"], counts["compared"], counts["verified"]) == (998, 1, 1)
    assert counts["candidates"] <= 14
    assert (counts["clusters"], counts["duplicates"], counts["computed"]) == (1, 999, 0)


def test_authority_decides_before_length(tmp_path: Path) -> None:
    """The page on the host with the highest authority stands for its cluster, though it is shorter."""
    rows = [
        document(FAR, host="big.example"),
        document(BASE, host="small.example"),
        document([*NEAR, "and", "on"], host="no.example"),
    ]
    documents = write_documents(tmp_path, [rows])
    authority = write_ranks(tmp_path, [site("host", "big.example", 0.5), site("host", "small.example", 0.9)])
    run(documents, authority=authority)
    assert [row["representative"] for row in rows_of(documents, 0)] == [False, True, False]
    run(documents)
    assert [row["representative"] for row in rows_of(documents, 0)] == [False, False, True]


def test_empty_and_missing_parts(tmp_path: Path) -> None:
    """A part without documents and one that was never written cost nothing but themselves."""
    documents = write_documents(tmp_path, [[document(BASE)], None, [], [document(NEAR)]])
    counts = run(documents)
    assert [report.shard for report in load_reports(tmp_path, "verify")] == [0, 2, 3]
    assert [len(rows_of(documents, part)) for part in range(4)] == [1, 0, 0, 1]
    assert counts["documents"] == 2


def test_no_documents_at_all(tmp_path: Path) -> None:
    """Without documents the stages end with an empty clusters file."""
    run(ShardSet(tmp_path, "documents"))
    assert rows_of(ShardSet(tmp_path, "documents"), 0) == []


def test_only_what_changes_results_is_in_the_fingerprint(tmp_path: Path) -> None:
    """Another threshold re-runs verify; another memory does not."""
    verify = stages(write_documents(tmp_path, [[document(BASE)]]))[2]
    assert isinstance(verify, Verify)
    marks = [
        unit_fingerprint(stage, 0, {})
        for stage in (verify, dataclasses.replace(verify, memory=1 << 21), dataclasses.replace(verify, threshold=0.7))
    ]
    assert marks[0] == marks[1] != marks[2]


def test_bad_settings_are_refused(tmp_path: Path) -> None:
    """Splits, memory and thresholds out of range are refused with the field's name."""
    one = ShardSet(tmp_path, "one")
    with pytest.raises(SettingError, match="splits"):
        Signatures(documents=one, output=one, members=one, splits=0)
    with pytest.raises(SettingError, match="memory"):
        Verify(documents=one, candidates=one, output=one, memory=5)


def test_tables_are_streamed_by_row_group(tmp_path: Path) -> None:
    """Row groups of three rows are read as they lie: duplicates far apart in a part are found."""
    rows = [document(BASE), *(document(f"filler {i} text") for i in range(20)), document(NEAR, 1)]
    documents = write_documents(tmp_path, [rows])
    assert pq.ParquetFile(documents.path(0)).num_row_groups == 8
    run(documents)
    assert [row["row"] for row in rows_of(documents, 0)] == [0, 21]
