"""The sample crawl goes the whole road, and what comes out is what its labels say."""

import json
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tokenizers
from running import corpus, outcome

from corpus.archive.reader import read_at
from corpus.reader import ReaderSettings, TokenReader
from corpus.report import ledger
from corpus.stage import load_reports
from corpus.storage import ShardSet
from corpus.tokens.manifest import load_manifest
from corpus.tokens.verify import verify
from corpus.url import normalise

Labels = list[dict[str, Any]]


def read(root: Path, name: str, columns: list[str]) -> list[dict[str, Any]]:
    """Return rows of a shard set, parts in order, each with its part and row."""
    shard_set = ShardSet(root, name)
    found = []
    for part in shard_set.parts():
        rows = pq.read_table(shard_set.path(part), columns=columns).to_pylist()
        found += [row | {"_part": part, "_row": i} for i, row in enumerate(rows)]
    return found


@pytest.fixture(scope="module")
def pages(root: Path, labels: Labels) -> dict[tuple[str, int], dict[str, Any]]:
    """Documents with signals and verdicts by (file name, offset of the record)."""
    columns = [
        "id",
        "url",
        "host",
        "text",
        "charset",
        "title",
        "warc_file",
        "warc_offset",
        "warc_length",
        "payload_digest",
    ]
    documents = read(root, "documents", columns)
    signals = read(root, "signals", ["language", "language_score"])
    verdicts = read(root, "verdicts", ["kept", "reason", "failed", "component", "duplicate_of", "authority_domain"])
    rows = (d | s | v for d, s, v in zip(documents, signals, verdicts, strict=True))
    return {(Path(row["warc_file"]).name, row["warc_offset"]): row for row in rows}


def place(label: dict[str, Any]) -> tuple[str, int]:
    return label["file"], label["offset"]


def test_every_record_is_in_exactly_one_bucket(root: Path, labels: Labels) -> None:
    """Per file, the ledger has as many records as the file has labelled records and faults."""
    summary = ledger.summary(root)
    expected = Counter(label["file"] for label in labels)
    assert {Path(file["file"]).name: file["records"] for file in summary["files"]} == dict(expected)
    assert summary["records"] == sum(summary["buckets"].values()) == len(labels)


def test_every_record_ends_where_its_label_says(root: Path, labels: Labels) -> None:
    """File by file and offset by offset, ingest's bucket is the labelled one; a fault lies within the damaged bytes."""
    found: dict[tuple[str, int], str] = {}
    for part in ShardSet(root, "ledger").parts():
        for row in pq.read_table(ShardSet(root, "ledger").path(part)).to_pylist():
            found[Path(row["file"]).name, row["offset"]] = row["bucket"]
    for label in labels:
        file, offset = place(label)
        length = label["length"] if label["expect"] == "damaged" else 1
        buckets = [found[file, at] for at in range(offset, offset + length) if (file, at) in found]
        assert buckets == [label["expect"]], label


def test_charsets_are_told_right(pages: dict[Any, Any], labels: Labels) -> None:
    """Every written page is decoded with the charset that it was encoded in, so its title is readable."""
    written = [label for label in labels if label["expect"] == "document" and label["kind"] == "good"]
    assert len(written) > 200
    for label in written:
        assert "\ufffd" not in pages[place(label)]["text"], label["url"]


def test_languages_are_told_right(pages: dict[Any, Any], labels: Labels) -> None:
    """At least 99 of 100 good pages have the language that they were written in."""
    written = [label for label in labels if label["expect"] == "document" and label["kind"] == "good"]
    right = [pages[place(label)]["language"] == label["language"].partition("-")[0] for label in written]
    assert sum(right) / len(right) >= 0.99


def test_good_pages_are_kept_and_planted_junk_is_not(pages: dict[Any, Any], labels: Labels) -> None:
    """Nine of ten good pages stay; nine of ten lists, lorem ipsum, logins and cookie walls go."""
    kept: dict[str, list[bool]] = defaultdict(list)
    for label in labels:
        if label["expect"] == "document":
            kept[label["kind"]].append(pages[place(label)]["kept"])
    assert np.mean(kept["good"]) >= 0.9
    junk = [stays for kind in ("list", "lorem", "login", "cookie_wall", "farm") for stays in kept[kind]]
    assert np.mean(junk) <= 0.1


def test_copies_are_found_and_different_pages_are_not(root: Path, pages: dict[Any, Any], labels: Labels) -> None:
    """Exact copies and copies at Jaccard 0.9 and above share a cluster with their source; those below 0.75 do not."""
    clusters = {(row["part"], row["row"]): row["cluster"] for row in read(root, "clusters", ["part", "row", "cluster"])}
    by_url = {pages[place(label)]["url"]: pages[place(label)] for label in labels if place(label) in pages}

    def cluster(page: dict[str, Any]) -> bytes | None:
        return clusters.get((page["_part"], page["_row"]))

    seen: Counter[str] = Counter()
    for label in labels:
        source = by_url.get(normalise(label["of"]).href) if label.get("of") else None  # type: ignore[union-attr]
        if label["kind"] not in ("exact_copy", "near_copy") or source is None:
            continue
        page = pages[place(label)]
        together = cluster(page) is not None and cluster(page) == cluster(source)
        similarity = label.get("jaccard", 1.0)
        if similarity >= 0.9 or similarity < 0.75:
            assert together == (similarity >= 0.9), (label["url"], similarity)
            seen["together" if together else "apart"] += 1
    assert seen["together"] >= 20
    assert seen["apart"] >= 8


def test_the_link_farm_is_not_among_the_best_sites(root: Path, labels: Labels) -> None:
    """None of the first twenty registered domains by PageRank belongs to the farm."""
    rows = [row for row in read(root, "authority", ["level", "name", "position"]) if row["level"] == "domain"]
    best = {row["name"] for row in sorted(rows, key=lambda row: row["position"])[:20]}
    farm = {
        (normalise(label["url"]) or normalise("http://x.example")).registered_domain  # type: ignore[union-attr]
        for label in labels
        if label["kind"] == "farm"
    }
    assert best.isdisjoint(farm)


def test_a_document_leads_back_to_its_record(root: Path, pages: dict[Any, Any]) -> None:
    """File, offset and length of any document give the record again, by its URL."""
    for page in list(pages.values())[::40]:
        record = read_at(page["warc_file"], page["warc_offset"], page["warc_length"])
        assert normalise(record.target_uri).href == page["url"]  # type: ignore[union-attr]


def test_kept_documents_are_in_the_shards_and_no_others(root: Path, pages: dict[Any, Any]) -> None:
    """Each kept document once, under its component; the manifest's totals are those of the shards."""
    kept = {page["id"]: page["component"] for page in pages.values() if page["kept"]}
    manifest = load_manifest(root / "shards")
    found = []
    for shard in manifest.shards().to_pylist():
        ids = pq.read_table(root / "shards" / shard["path"], columns=["doc_id"]).column(0).to_pylist()
        found += [(identity, shard["component"]) for identity in ids]
    assert len(found) == len(kept)
    assert dict(found) == kept
    assert verify(root / "shards") == []


def test_the_tokens_spell_the_documents(root: Path, pages: dict[Any, Any]) -> None:
    """Decoded with the tokenizer that travels with the shards, every row is its document's text and one end mark."""
    tokenizer = tokenizers.Tokenizer.from_file(str(root / "shards" / "tokenizer.json"))
    end = tokenizer.token_to_id("<|endoftext|>")
    texts = {page["id"]: page["text"] for page in pages.values()}
    for path in sorted((root / "shards").glob("*/*.parquet")):
        for row in pq.read_table(path, columns=["doc_id", "tokens"]).to_pylist():
            assert row["tokens"][-1] == end
            assert tokenizer.decode(row["tokens"][:-1], skip_special_tokens=False) == texts[row["doc_id"]]


def test_ranks_together_read_the_same_tokens_at_any_world_size(root: Path) -> None:
    """The batches of 1, 2 and 4 ranks, put together, are the same stream."""
    settings = ReaderSettings(sequence_length=128, batch_size=8, lanes=4)
    streams = []
    for world in (1, 2, 4):
        ranks = []
        for rank in range(world):
            reader = TokenReader(root / "shards", settings, rank=rank, world_size=world)
            ranks.append([batch["input_ids"] for batch in reader])
        streams.append(np.concatenate([np.concatenate(step) for step in zip(*ranks, strict=True)]))
    assert len(streams[0]) > 0
    assert (streams[0] == streams[1]).all()
    assert (streams[0] == streams[2]).all()


def seconds(root: Path) -> dict[tuple[str, int], float]:
    """Return how long each unit before select took: a number that a re-run would change."""
    stages = ("ingest", "graph", "rank", "annotate", "signatures", "candidates", "verify", "clusters")
    return {(stage, report.shard): report.seconds for stage in stages for report in load_reports(root, stage)}


def test_a_threshold_change_reruns_select_and_what_follows(sample_run: tuple[Path, str], tmp_path: Path) -> None:
    """On a copy of the root: ingest to clusters are reused; select, quota, tokenize, shards and manifest run."""
    copy = tmp_path / "root"
    shutil.copytree(sample_run[0], copy)
    rules = tmp_path / "mine.toml"
    base = Path(__file__).resolve().parents[2] / "pipelines" / "sample.toml"
    rules.write_text(f'extends = ["{base}"]\n[thresholds.gopher_words]\nmin = 120\n')
    before = seconds(copy)
    done = corpus("run", "sample", "--root", str(copy), "--set", f"thresholds={rules}", "--workers", "1")
    assert done.returncode == 0, done.stderr
    status = json.loads(corpus("status", str(copy), "--json").stdout)
    noted = json.loads((copy / "run.json").read_text())["done"]
    ran = {stage["stage"] for stage in status["stages"] if noted[stage["stage"]]["ran"]}
    assert ran == {"select", "quota", "tokenize", "shards", "manifest"}
    assert seconds(copy) == before
    again = corpus("run", "sample", "--root", str(copy), "--set", f"thresholds={rules}", "--workers", "1")
    assert again.returncode == 0
    assert sum(stage["ran"] for stage in json.loads((copy / "run.json").read_text())["done"].values()) == 0


def test_a_quota_reruns_no_judgement_and_leaves_every_record_in_one_bucket(root: Path, tmp_path: Path) -> None:
    """Three documents a site at most: select is reused, no site has more, and what went is told by that reason."""
    copy = tmp_path / "root"
    shutil.copytree(root, copy)
    rules = tmp_path / "mine.toml"
    base = Path(__file__).resolve().parents[2] / "pipelines" / "sample.toml"
    rules.write_text(f'extends = ["{base}"]\n[quota]\ndocuments = 3\nby = "registered_domain"\n')
    done = corpus("run", "sample", "--root", str(copy), "--set", f"thresholds={rules}", "--workers", "1")
    assert done.returncode == 0, done.stderr
    noted = json.loads((copy / "run.json").read_text())["done"]
    assert [stage for stage in noted if noted[stage]["ran"]] == [
        *("places", "limits", "quota", "tokenize", "shards", "manifest")
    ]
    pages = zip(read(copy, "documents", ["registered_domain"]), read(copy, "verdicts", ["kept"]), strict=True)
    kept = Counter(page["registered_domain"] for page, verdict in pages if verdict["kept"])
    assert max(kept.values()) == 3
    summary, before = ledger.summary(copy), ledger.summary(root)
    assert summary["records"] == sum(summary["buckets"].values()) == before["records"]
    assert summary["buckets"]["kept"] + summary["buckets"]["quota"] == before["buckets"]["kept"]


@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_workers_gives_the_same_dataset(root: Path, tmp_path: Path, workers: int) -> None:
    """One and four workers give the shards of two, byte for byte."""
    done = corpus("run", "sample", "--root", str(tmp_path / "root"), "--workers", str(workers))
    assert done.returncode == 0, done.stderr
    assert outcome(tmp_path / "root") == outcome(root)


def test_the_readme_shows_the_funnel_that_the_demo_prints(sample_run: tuple[Path, str]) -> None:
    """Line for line, apart from blanks at line ends."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    shown = readme.partition("on\npurpose, 17 languages):\n```\n")[2].partition("\n```")[0].splitlines()
    printed = [line.rstrip() for line in sample_run[1].splitlines() if line.strip()]
    assert shown
    assert printed[: len(shown)] == shown
