"""Nothing is faster by doing less: what stages wrote equals the plain form of every step, from record to signature."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasketch import MinHash as Oracle
from plain_shingles import plain_shingles
from plain_signals import plain_measure
from running import corpus

from corpus.dedup.minhash import DEFAULT, band_keys

REPOSITORY = Path(__file__).resolve().parents[2]
FACTS = ("url", "text", "title", "declared_language", "meta_robots", "canonical_url", "licences", "charset")
BEYOND_WARCIO = {  # archives of the labelled data of which warcio makes something else, and what
    "clipped.warc.gz": "hands out the cut record as if it were whole",
    "double-single-inflate-error.gz": "ends at the damage",
    "example-bad.warc.gz.bad": "wants it recompressed",
    "example-extra.warc": "takes HTTPX/1.1 for HTTP",
    "example-space-in-url.arc": "hands out the cut record as if it were whole",
    "example-trunc.warc": "gives nothing of a body that ends early",
    "example-wrong-chunks.warc.gz": "stops at a wrong Content-Length",
    "whirlwind.warc.wet.gz": "reads it, but its texts need no page path",
}
MOST_SIGNALS = 12
"""Documents of a part whose signals are measured plainly: that takes half a second for a long one."""


def reference(archives: list[Path]) -> list[dict[str, Any]]:
    """Return the plain form of each archive, worked out by a process of its own."""
    program = REPOSITORY / "tests" / "support" / "reference_path.py"
    command = [sys.executable, str(program), *map(str, archives)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows(root: Path, name: str, part: int) -> list[dict[str, Any]]:
    """Return the rows of a part of a shard set."""
    (path,) = (root / name).glob(f"*{part:05d}*.parquet")
    return list(pq.read_table(path).to_pylist())


def check_part(root: Path, part: int, plain: dict[str, Any]) -> int:
    """Hold one part of every shard set to the plain form of its archive; return its documents."""
    documents = rows(root, "documents", part)
    assert [found["id"].hex() for found in documents] == [told["id"] for told in plain["documents"]]
    for found, told in zip(documents, plain["documents"], strict=True):
        assert {name: found[name] for name in FACTS} == {name: told[name] for name in FACTS}
    assert len(rows(root, "ledger", part)) == plain["records"]
    check_links(rows(root, "links", part), plain["votes"], plain["pages"])
    for found, signals in list(zip(documents, rows(root, "signals", part), strict=True))[:MOST_SIGNALS]:
        for name, value in plain_measure(found["text"], signals["language"]).items():
            expected = np.float32(value) if isinstance(value, float) else value
            assert signals[name] == expected, (found["url"], name)
    check_signatures(documents, rows(root, "signatures", part))
    return len(documents)


def check_links(found: list[dict[str, Any]], votes: list[list[Any]], parsed: list[list[str]]) -> None:
    """Hold links to the votes: a page votes once for each target and flags, with the links of its first capture."""
    of_host = Counter(host for _, host in {(page, host) for page, host in parsed})
    pages: dict[str, set[tuple[str, str, int]]] = {}
    for page, source, target, flags in votes:
        pages.setdefault(page, set()).add((source, target, flags))
    counted = Counter(vote for cast in pages.values() for vote in cast)
    assert {tuple(list(row.values())[:3]): row["pages"] for row in found} == dict(counted)
    assert all(row["source_pages"] == of_host[row["source_host"]] for row in found)


def check_signatures(documents: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    """Hold band keys to datasketch's signatures of plainly made shingles."""
    expected = set()
    for row, document in enumerate(documents):
        hashes = plain_shingles(document["text"], 5, 9)
        if hashes:
            oracle = Oracle(DEFAULT.permutations, seed=DEFAULT.seed, scheme="affine32", hashfunc=int)
            oracle.update_batch([h & 0xFFFFFFFF for h in hashes])
            keys = band_keys(np.array(oracle.hashvalues, np.uint32))
            expected |= {(band + 1, int(key), row, len(hashes)) for band, key in enumerate(keys)}
    assert {(r["partition"], r["key"], r["row"], r["shingles"]) for r in found if r["partition"]} == expected


def test_the_sample_crawl(root: Path) -> None:
    """Documents, links, signals and band keys of the sample's intact archives are those of the plain path."""
    crawl = sorted((REPOSITORY / "sample_data" / "crawl").iterdir())
    chosen = [part for part, path in enumerate(crawl) if path.name.startswith("crawl") and path.suffixes[-1] != ".zst"]
    chosen = [part for part in chosen if "wet" not in crawl[part].name]
    plain = reference([crawl[part] for part in chosen])
    documents = sum(check_part(root, part, told) for part, told in zip(chosen, plain, strict=True))
    assert documents > 100


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_real_archives(shared: Path, tmp_path: Path) -> None:
    """The same of the archives collected from the field, but for those named above."""
    names = sorted(path for path in (shared / "data" / "warc").iterdir() if path.suffix != ".md")
    assert set(BEYOND_WARCIO) <= {path.name for path in names}
    chosen = [path for path in names if path.name not in BEYOND_WARCIO]
    done = corpus("run", "web", *(f"--input={path}" for path in chosen), "--root", str(tmp_path / "root"))
    assert done.returncode == 0, done.stderr
    for part, told in enumerate(reference(chosen)):
        check_part(tmp_path / "root", part, told)
