"""Shards behind real servers on loopback: the local stream, in exact ranges, through faults, or an error that tells."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from httpfaults import Site, serving
from s3server import CREDENTIALS, fill_bucket, s3_process, spoiling
from served_shards import PREFIX, QUICK, digest_of, quick, shard_requests, shards_of, site_of

from corpus.errors import ShardError
from corpus.reader import ReaderSettings, TokenReader, hedge
from corpus.reader.settings import PACKINGS, Packing
from corpus.tokens.layout import writer_options
from corpus.tokens.manifest import load_manifest

SETTINGS = ReaderSettings(sequence_length=32, batch_size=8, lanes=4, seed=3, window=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two components, one with a name that a URL must quote, of two shards each."""
    return shards_of(tmp_path_factory.mktemp("remote"), 500, ("a", "b c%"), shard_tokens=5000)


@pytest.fixture(scope="module")
def local(folder: Path) -> str:
    return digest_of(TokenReader(folder, SETTINGS))


def remote(site: Site, settings: ReaderSettings = SETTINGS, **more: object) -> TokenReader:
    return TokenReader(site.url + PREFIX, settings, reading=quick(**more))


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("packing", PACKINGS)
def test_the_stream_is_the_local_one(folder: Path, packing: Packing, threads: int) -> None:
    """Byte for byte, with and without threads, in every packing; provenance comes too."""
    settings = replace(SETTINGS, packing=packing)
    here = TokenReader(folder, settings)
    with serving(site_of(folder)) as site, remote(site, settings, threads=threads) as reader:
        assert digest_of(reader) == digest_of(here)
        assert reader.document(7, 1) == here.document(7, 1)


def range_of(group: Mapping[str, int]) -> range:
    """Return the bytes of a row group's tokens and n_tokens, which lie side by side."""
    return range(group["offset"], group["lengths_offset"] + group["lengths_bytes"])


def test_ranges_are_those_of_tokens_alone(folder: Path) -> None:
    """Each row group's tokens and their numbers are asked for once, to the byte, and no footer is."""
    groups = load_manifest(folder).row_groups().to_pylist()
    wanted = {f"bytes={range_of(group)[0]}-{range_of(group)[-1]}" for group in groups}
    with serving(site_of(folder)) as site, remote(site, replace(SETTINGS, lanes=1, batch_size=2)) as reader:
        list(reader)
        asked = shard_requests(site)
        assert len(asked) == len(set(asked)) == len(groups)
        assert {range_ for _, range_ in asked} == wanted
        assert reader.io.fetched == reader.io.used
        assert reader.io.fetched == sum(len(range_of(group)) for group in groups)
        assert (reader.io.requests, reader.io.retries) == (len(groups), 0)


def test_lanes_share_row_groups_at_their_edges_only(folder: Path) -> None:
    """Fetched is used, but for one row group less than there are lanes: 5 % when each has 20 times as many."""
    with serving(site_of(folder)) as site, remote(site) as reader:
        list(reader)
        assert len(shard_requests(site)) <= len(reader.plan.sources["*"].members) + 3
        assert reader.io.fetched <= 1.1 * reader.io.used


@pytest.mark.parametrize("fault", ["503", "403", "429", "500", "cut", "short", "stall"])
def test_passing_faults_cost_a_retry_and_nothing_else(folder: Path, local: str, fault: str) -> None:
    """Throttling, cut, short and stalled answers: the same stream, the retries counted."""
    remote_settings = replace(QUICK, deadline=1)
    with serving(site_of(folder)) as site, remote(site, remote=remote_settings) as reader:
        site.faults += [fault, "", fault]
        assert digest_of(reader) == local
        assert reader.io.retries >= 2


def test_one_answer_in_ten_failing_is_no_matter(folder: Path, local: str) -> None:
    """Many faults spread over the run end in the same stream."""
    with serving(site_of(folder)) as site, remote(site) as reader:
        site.faults += ["", "", "503", "", "", "", "cut", "", "", ""] * 8
        assert digest_of(reader) == local
        assert reader.io.retries >= 8


def test_what_is_slow_to_come_is_asked_for_again(folder: Path, local: str) -> None:
    """An answer that stalls after twenty quick ones: its deadline never comes, the second request is counted."""
    with serving(site_of(folder)) as site, remote(site, threads=0, hedge=1) as reader:
        batches, asked = iter(reader), 0
        while asked <= hedge.ENOUGH:
            next(batches)
            asked = len(shard_requests(site))
        site.faults += ["stall"]
        for _ in batches:
            pass
        assert reader.io.hedged >= 1  # a busy machine may be slow to answer others too
        assert reader.io.retries == 0
        assert reader.io.requests >= len(shard_requests(site))
    with serving(site_of(folder)) as site, remote(site, hedge=1) as reader:
        assert digest_of(reader) == local


def test_giving_up_says_what_where_how_long_and_how_often(folder: Path) -> None:
    """Before any batch with it: URL, row group, range, cause, requests, seconds."""
    with serving(site_of(folder)) as site, remote(site) as reader:
        site.faults += ["503"] * 500
        message = (
            rf"{site.url}{PREFIX}/.*shard-0000\d.parquet: given up after 5 attempts, at last: status 503 "
            r"\(wanted: row group \d+, bytes [\d,]+ to [\d,]+; 5 requests in \d+\.\d s\)"
        )
        with pytest.raises(ShardError, match=message):
            next(iter(reader))


def test_a_server_that_hangs_meets_the_deadline_of_the_range(folder: Path) -> None:
    """Retries do not go on for ever: the deadline is for all of them together."""
    with serving(site_of(folder)) as site, remote(site, deadline=0.5, threads=0) as reader:
        site.faults += ["stall"] * 50
        begin = time.monotonic()
        with pytest.raises(ShardError, match=r"not all there after 0.5 s .*row group"):
            next(iter(reader))
        assert time.monotonic() - begin < 4


def test_no_manifest_no_dataset(folder: Path) -> None:
    """Neither a missing manifest nor a changed table is read; each in a sentence, at opening."""
    site = site_of(folder)
    site.files[f"{PREFIX}/manifest-row-groups.parquet"] += b"x"
    with serving(site):
        with pytest.raises(ShardError, match=r"manifest-row-groups.*: not the table that"):
            remote(site)
        with pytest.raises(ShardError, match=r"no such file \(404\); .*wanted: the manifest"):
            TokenReader(f"{site.url}/nowhere", SETTINGS, reading=quick())


def test_missing_short_and_stale_shards_are_refused(folder: Path) -> None:
    """A shard that is gone, one that is cut and one of another size are told by name, before their batches."""
    name = f"{PREFIX}/a/shard-00000.parquet"
    good = site_of(folder).files[name]
    for content, message in [(None, "no such file"), (good[:-9], "size"), (good + b"x", "size")]:
        site = site_of(folder)
        site.files |= {name: content or b""}
        if content is None:
            del site.files[name]
        with serving(site), remote(site) as reader, pytest.raises(ShardError, match=f"a/shard-00000.*{message}"):
            list(reader)


def test_a_server_without_ranges_is_refused(folder: Path) -> None:
    """A shard for each row group would be the price: the sentence says what is missing."""
    with (
        serving(site_of(folder, ignore_range=True)) as site,
        pytest.raises(ShardError, match="does not answer to ranges"),
    ):
        list(remote(site))


@pytest.mark.parametrize("packing", PACKINGS)
def test_shards_encoded_otherwise_are_read_by_arrow(tmp_path: Path, folder: Path, packing: Packing) -> None:
    """Another codec, learnt from a footer, dictionaries and pages of version 2 are read all the same, and no damage."""
    settings = replace(SETTINGS, packing=packing)
    other = {"compression": "snappy", "compression_level": None, "use_dictionary": True, "data_page_version": "2.0"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("corpus.tokens.gather.writer_options", lambda *given: writer_options(*given) | other)
        rewritten = shards_of(tmp_path, 500, ("a", "b c%"), shard_tokens=5000)
    with serving(site_of(rewritten)) as site, remote(site, settings) as reader:
        assert digest_of(reader) == digest_of(TokenReader(folder, settings))
        assert reader.io.damaged == 0


def test_damage_on_the_server_is_found_before_its_batch(folder: Path) -> None:
    """A flipped bit among the ids of any row group of a shard: fetched three times, then an error naming it."""
    site = site_of(folder)
    name = f"{PREFIX}/a/shard-00001.parquet"
    group = next(g for g in load_manifest(folder).row_groups().to_pylist() if g["shard"] == 1 and g["row_group"] == 4)
    content = bytearray(site.files[name])
    content[(group["offset"] + group["lengths_offset"]) // 2] ^= 4
    site.files[name] = bytes(content)
    with serving(site), remote(site) as reader:
        with pytest.raises(ShardError, match=r"a/shard-00001.parquet: row group 4 .*read 3 times"):
            list(reader)
        place = f"bytes={range_of(group)[0]}-{range_of(group)[-1]}"
        assert shard_requests(site).count((name, place)) == 3


@pytest.fixture(scope="module")
def s3_url(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real S3 server process on loopback with the shards in a bucket; yields its URL."""
    with s3_process(tmp_path_factory.mktemp("moto") / "log") as url:
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("a/*.*")}
        files |= {path.name: path.read_bytes() for path in folder.glob("*.*")}
        fill_bucket(url, "tokens", {f"set/{name}": content for name, content in files.items()})
        yield url


@pytest.mark.parametrize("faults", [[], ["503 SlowDown", "cut", "403"]])
def test_shards_on_s3(folder: Path, s3_url: str, faults: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A real S3 server, throttling and cutting: the same stream."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    settings = replace(SETTINGS, components=("a",))
    with spoiling(s3_url, {"/tokens/set/a/shard-00000.parquet": list(faults)}) as (url, requests):
        reading = quick(remote=replace(QUICK, s3_endpoint=url))
        with TokenReader("s3://tokens/set", settings, reading=reading) as reader:
            assert digest_of(reader) == digest_of(TokenReader(folder, settings))
            assert reader.io.retries == len(faults)
            assert all("listing" not in path and "list-type" not in path for path, _ in requests)


def test_what_is_slow_to_come_from_s3_is_asked_for_again(
    folder: Path, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer in drops, after two that came at once: the second request is first, and the stream the same."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(hedge, "ENOUGH", 2)
    settings = replace(SETTINGS, components=("a",))
    with spoiling(s3_url, {"/tokens/set/a/shard-00000.parquet": ["", "", "slow"]}) as (url, _):
        reading = quick(remote=replace(QUICK, s3_endpoint=url), threads=0, hedge=1.0)
        with TokenReader("s3://tokens/set", settings, reading=reading) as reader:
            assert digest_of(reader) == digest_of(TokenReader(folder, settings))
            assert reader.io.hedged >= 1
            assert reader.io.retries == 0
