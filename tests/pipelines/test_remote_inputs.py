"""Archives behind https:// and s3:// give what the same archives give locally, whatever their servers do."""

import contextlib
import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from httpfaults import Site, make_certificate, serving
from running import corpus, outcome
from s3server import CREDENTIALS, fill_bucket, s3_process, spoiling

from corpus import journal
from corpus.inputs import open_input
from corpus.report import ledger
from pipelines.web import web

CRAWL = Path(__file__).resolve().parents[2] / "sample_data" / "crawl"
NAMES = ("crawl-00003.warc.gz", "crawl-00004.warc", "crawl-00006.warc.wet.gz")
ARCHIVES = {name: (CRAWL / name).read_bytes() for name in NAMES}


def run(root: Path, *arguments: str, code: int = 0) -> str:
    """Run the recipe web in one process and return what it said of errors; the exit code must be `code`."""
    done = corpus("run", "web", "--root", str(root), "--workers", "0", "--set", "extractor=resiliparse", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def result(root: Path) -> dict[str, object]:
    """Return what must not depend on where archives lie: everything but the bytes of shards, which name archives."""
    found = outcome(root)
    buckets = ledger.summary(root)["buckets"]
    return {"dataset": found["dataset"], "row groups": found["row groups"], "buckets": buckets}


def second_half(name: str) -> str:
    """Return the range that is asked for after the first half of an archive had come."""
    size = len(ARCHIVES[name])
    return f"bytes={size // 2}-{size - 1}"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Result of the same archives read from files."""
    root = tmp_path_factory.mktemp("local") / "root"
    run(root, *(argument for name in NAMES for argument in ("--input", str(CRAWL / name))))
    found = result(root)
    assert found["row groups"]
    return found


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The archives behind https, with a certificate that the environment vouches for."""
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(Site({f"/crawl/{name}": data for name, data in ARCHIVES.items()}), certificate) as served:
        assert served.url.startswith("https://")
        yield served


def test_https_with_faults_gives_what_files_give(tmp_path: Path, site: Site, local: dict[str, object]) -> None:
    """A listing with prefix: throttled, cut and slow answers change nothing; a missing file is named, exit code 3."""
    first, second, third = (f"/crawl/{name}" for name in NAMES)
    entries = [f"crawl/{name}" for name in (NAMES[0], "crawl-00003a.warc.gz", *NAMES[1:])]
    site.files["/warc.paths.gz"] = gzip.compress("\n".join(entries).encode(), mtime=0)
    site.faults_of = {
        "/warc.paths.gz": ["503", "cut"],
        first: ["503", "", "cut", "slow"],
        second: ["slow", "429", "slow"],
        third: ["", "cut", "500"],
    }
    root = tmp_path / "root"
    said = run(root, "--input", f"{site.url}/warc.paths.gz", "--set", f"prefix={site.url}/", code=3)
    assert "1 input could not be read, not in the result:" in said
    assert f"{site.url}/crawl/crawl-00003a.warc.gz: there is no such file (404)" in said
    assert journal.load(root).state == journal.INCOMPLETE
    assert result(root) == local
    assert not any(site.faults_of.values())
    assert (first, second_half(NAMES[0])) in site.requests


def test_files_that_are_all_missing_end_the_run_in_a_sentence(tmp_path: Path, site: Site) -> None:
    """With nothing to read there is no result, and the exit code says so."""
    said = run(tmp_path / "root", "--input", f"{site.url}/a.warc.gz", "--input", f"{site.url}/b.warc.gz", code=1)
    assert said.strip() == f"corpus: {site.url}/a.warc.gz: there is no such file (404); check the URL"
    assert not (tmp_path / "root" / "shards").exists()


@contextlib.contextmanager
def bucket(log: Path, objects: Mapping[str, bytes], *, public: bool = False) -> Iterator[str]:
    """A server process with the bucket `crawl`; yields its URL."""
    with s3_process(log) as url:
        fill_bucket(url, "crawl", objects, public=public)
        yield url


def test_s3_with_faults_gives_what_files_give(
    tmp_path: Path, local: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A glob of a bucket behind SlowDown, cut and slow answers; endpoint and keys come from the environment."""
    first, second, third = (f"/crawl/cc/{name}" for name in NAMES)
    faults = {first: ["503 SlowDown", "", "cut", "403 SlowDown", "slow"], second: ["slow", "cut"], third: ["", "500"]}
    objects = {f"cc/{name}": data for name, data in ARCHIVES.items()} | {"cc/notes.txt": b"none of these"}
    with bucket(tmp_path / "log", objects) as server, spoiling(server, faults) as (url, requests):
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": url}.items():
            monkeypatch.setenv(name, value)
        run(tmp_path / "root", "--input", "s3://crawl/cc/*.w*")
    assert result(tmp_path / "root") == local
    assert not any(faults.values())
    assert (first, second_half(NAMES[0])) in requests


def test_a_public_bucket_needs_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe's s3_anonymous reaches both the list of inputs and the reading of them."""
    with bucket(tmp_path / "log", {NAMES[2]: ARCHIVES[NAMES[2]]}, public=True) as url:
        for name in CREDENTIALS:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        ingest = web(tmp_path / "root", (f"s3://crawl/{NAMES[2]}",), s3_anonymous=True).stages[0]
        assert [found.size for found in ingest.archives] == [len(ARCHIVES[NAMES[2]])]  # type: ignore[attr-defined]
        with open_input(f"s3://crawl/{NAMES[2]}", ingest.settings().remote) as stream:
            assert stream.read() == ARCHIVES[NAMES[2]]
