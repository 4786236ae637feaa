"""The sample crawl is what its labels say it is, and can be made again from its prose.

Other tests take the labels as truth, so they are checked here against the committed bytes with readers that the
generator does not use.
"""

import gzip
import io
import json
import re
import subprocess
import sys
import zlib
from collections import Counter, defaultdict
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html
from warcio.archiveiterator import ArchiveIterator

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"
CRAWL = SAMPLE / "crawl"
CODECS = {"windows-874": "cp874"}
BODIES = (
    "//div[contains(@class, 'post-content')]",
    "//div[@itemprop='articleBody']",
    "//div[contains(@class, 'mw-parser-output')]",
    "//div[@class='description']",
    "//div[@id='content']",
)
Label = dict[str, Any]


@cache
def labels() -> tuple[Label, ...]:
    lines = (SAMPLE / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


def by_file() -> dict[str, list[Label]]:
    groups: dict[str, list[Label]] = defaultdict(list)
    for label in labels():
        groups[label["file"]].append(label)
    return groups


def member(label: Label) -> bytes:
    """The bytes of one intact record, found by its offset alone."""
    data = (CRAWL / label["file"]).read_bytes()[label["offset"] : label["offset"] + label["length"]]
    if label["file"].endswith(".gz"):
        return gzip.decompress(data)
    if label["file"].endswith(".zst"):
        zstandard = pytest.importorskip("zstandard")
        return bytes(zstandard.ZstdDecompressor().decompress(data))
    return data


@cache
def body_of(url: str) -> bytes:
    """The HTTP body of a captured page whose body is neither coded nor chunked."""
    label = next(it for it in labels() if it["url"] == url and it["record_type"] == "response")
    record = member(label)
    parts = record.split(b"\r\n\r\n", 2) if record.startswith(b"WARC/") else [b"", *record.split(b"\r\n\r\n", 1)]
    return parts[2].removesuffix(b"\r\n\r\n")


def article(url: str, charset: str) -> str:
    """The article's text, taken from the page's HTML."""
    page = lxml_html.document_fromstring(body_of(url).decode(CODECS.get(charset, charset)))
    root = next(found[0] for path in BODIES if (found := page.xpath(path)))
    return "\n".join(part.text_content() for part in root.xpath(".//p | .//h2 | .//li | .//pre"))


def shingles(text: str, unit: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    units = list("".join(words)) if unit == "char5" else words
    return set(zip(*(units[at:] for at in range(5)), strict=False))


def test_making_it_again_gives_the_same_bytes(tmp_path: Path) -> None:
    command = [sys.executable, str(SAMPLE / "make.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    committed = json.loads((SAMPLE / "checksums.json").read_text())
    made = json.loads((tmp_path / "checksums.json").read_text())
    content = {name: sums["content_sha256"] for name, sums in committed["files"].items()}
    assert {name: sums["content_sha256"] for name, sums in made["files"].items()} == content
    if made["zlib_probe"] != committed["zlib_probe"]:
        pytest.skip("this Python's zlib packs differently: contents are equal, packed bytes cannot be")
    assert (tmp_path / "labels.jsonl").read_bytes() == (SAMPLE / "labels.jsonl").read_bytes()
    assert {it.name: it.read_bytes() for it in (tmp_path / "crawl").iterdir()} == {
        it.name: it.read_bytes() for it in CRAWL.iterdir()
    }


def test_committed_archives_fit_their_checksums() -> None:
    sums = json.loads((SAMPLE / "checksums.json").read_text())["files"]
    assert {it.name: sha256(it.read_bytes()).hexdigest() for it in CRAWL.iterdir()} == {
        name: entry["sha256"] for name, entry in sums.items()
    }


def test_everything_committed_stays_under_six_megabytes() -> None:
    files = [it for it in SAMPLE.rglob("*") if it.is_file() and "__pycache__" not in it.parts]
    assert sum(it.stat().st_size for it in files) < 6_000_000


def test_size_and_variety_are_as_promised() -> None:
    documents = [it for it in labels() if it["expect"] == "document"]
    hosts = {it["url"].split("/")[2] for it in documents}
    languages = {it["language"].split("-")[0] for it in documents if it["kind"] == "good"}
    charsets = {it["charset"] for it in documents}
    assert 300 <= len(documents) <= 600
    assert len(hosts) >= 40
    assert len(languages) >= 10
    assert {"gb18030", "shift_jis", "windows-1251", "utf-8"} <= charsets


def test_every_planted_case_is_there() -> None:
    kinds = Counter(it["kind"] for it in labels())
    assert kinds["good"] >= 150
    assert kinds["farm"] >= 40
    assert kinds["exact_copy"] >= 12
    assert kinds["near_copy"] >= 25
    rare = {"spam", "stuffing", "list", "doorway", "boilerplate", "lorem", "login", "cookie_wall", "code", "noindex"}
    faults = {"nofollow", "redirect", "not_found", "non_html", "empty", "truncated", "damaged", "revisit", "short"}
    assert rare | faults <= set(kinds)


def test_labels_tile_each_file() -> None:
    for name, lines in by_file().items():
        end = 0
        for number, label in enumerate(lines):
            assert (label["index"], label["offset"]) == (number, end), name
            end += label["length"]
        assert end == (CRAWL / name).stat().st_size, name


def test_each_intact_record_lies_where_its_label_says() -> None:
    for label in labels():
        if label["expect"] != "damaged" and not label["file"].endswith(".zst"):
            record = member(label)
            assert (label["record_id"] or label["url"]).encode() in record.split(b"\r\n\r\n", 1)[0], label


def test_damaged_records_cannot_be_read() -> None:
    broken = [it for it in labels() if it["expect"] == "damaged"]
    assert {it["file"] for it in broken} == {"truncated.warc.gz", "cut-short.warc", "damaged-member.warc.gz"}
    for label in broken:
        if label["file"].endswith(".gz"):
            with pytest.raises((EOFError, OSError, zlib.error)):
                member(label)
        else:
            record = member(label)
            head, _, rest = record.partition(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            assert length is not None
            assert len(rest) < int(length.group(1))


def test_a_reference_reader_finds_exactly_the_labelled_records() -> None:
    for name, lines in by_file().items():
        if any(it["expect"] == "damaged" for it in lines):
            continue
        data = (CRAWL / name).read_bytes()
        if name.endswith(".zst"):
            zstandard = pytest.importorskip("zstandard")
            data = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
        found = []
        for record in ArchiveIterator(io.BytesIO(data), arc2warc=True, no_record_parse=False):
            found.append((record.rec_type, record.rec_headers.get_header("WARC-Target-URI") or ""))
            record.raw_stream.read()
        wanted = [(it["record_type"], it["url"]) for it in lines]
        assert [it for it in found if it[0] != "warcinfo"] == [it for it in wanted if it[0] != "warcinfo"], name
        assert len(found) == len(wanted), name


def test_record_ids_are_unique() -> None:
    ids = [it["record_id"] for it in labels() if it["record_id"]]
    assert len(set(ids)) == len(ids)


def test_good_pages_decode_in_their_labelled_charset() -> None:
    coded = ("content coding", "chunk", "in chunks")
    for label in labels():
        plain = not any(word in label.get("note", "") for word in coded)
        if label["record_type"] == "response" and label["expect"] == "document" and plain:
            text = body_of(label["url"]).decode(CODECS.get(label["charset"], label["charset"]))
            assert "<" in text


def test_labelled_similarities_are_exact() -> None:
    charsets = {it["url"]: it["charset"] for it in labels() if it["record_type"] == "response" and "charset" in it}
    copies = [it for it in labels() if "jaccard" in it]
    for copy in copies:
        one = shingles(article(copy["url"], copy["charset"]), copy["shingles"])
        two = shingles(article(copy["of"], charsets[copy["of"]]), copy["shingles"])
        assert len(one & two) / len(one | two) == pytest.approx(copy["jaccard"], abs=1e-6), copy["url"]


def test_near_copies_cover_the_grid_and_share_no_source() -> None:
    near = [it for it in labels() if it["kind"] == "near_copy"]
    for target in (0.95, 0.9, 0.85, 0.7, 0.5):
        assert sum(abs(it["jaccard"] - target) < 0.02 for it in near if it["language"].startswith("en")) >= 4
        assert any(abs(it["jaccard"] - target) < 0.02 for it in near if it["language"].startswith("zh"))
    assert not any(0.72 < it["jaccard"] < 0.83 for it in near)
    sources = [it["of"] for it in labels() if "of" in it]
    assert len(set(sources)) == len(sources)


def test_nobody_vouches_for_the_farm() -> None:
    farm = {it["url"].split("/")[2] for it in labels() if it["kind"] == "farm"}
    for label in labels():
        if label["kind"] in ("good", "short", "index") and label["record_type"] == "response":
            page = body_of(label["url"])
            for anchor in re.findall(rb"<a [^>]*href=\"https://[^>]*>", page):
                host = anchor.split(b'"https://')[1].split(b"/")[0].decode("ascii", "replace")
                assert host not in farm or re.search(rb'rel="[^"]*(nofollow|ugc|sponsored)', anchor), label["url"]
