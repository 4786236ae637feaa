"""Remote inputs against real servers on loopback that throttle, cut, stall and change."""

import contextlib
import hashlib
import io
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from httpfaults import Site, make_certificate, serving
from s3server import CREDENTIALS, fill_bucket, s3_process, spoiling

from corpus.errors import MissingError, RemoteError, SettingError
from corpus.inputs import Input, resolve
from corpus.remote import Known, RemoteSettings, open_remote, probe
from corpus.remote.stream import RemoteStream

CONTENT = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(9_375))
QUICK = RemoteSettings(block_size=64 << 10, attempts=5, first_wait=0.01, longest_wait=0.05, deadline=5)


@contextlib.contextmanager
def site(**options: object) -> Iterator[Site]:
    """Serve CONTENT at /a.warc.gz."""
    with serving(Site({"/a.warc.gz": CONTENT, "/empty.warc.gz": b""}, **options)) as served:  # type: ignore[arg-type]
        yield served


def read(url: str, settings: RemoteSettings = QUICK) -> bytes:
    """Return the whole of a remote file."""
    with open_remote(url, settings) as stream:
        return stream.read()


def test_reads_in_ranges_of_the_block_size() -> None:
    """A file arrives whole, asked for in ranges of one block each."""
    with site() as served:
        assert read(f"{served.url}/a.warc.gz") == CONTENT
        assert [wanted for _, wanted in served.requests][:2] == ["bytes=0-65535", "bytes=65536-131071"]
        assert len(served.requests) == 5


@pytest.mark.parametrize("fault", ["503", "403", "429", "500", "cut", "short"])
def test_goes_on_after_passing_faults(fault: str) -> None:
    """Throttling, cut connections and short answers cost a retry, not a byte."""
    with site(faults=["", fault, fault, "", fault]) as served:
        assert read(f"{served.url}/a.warc.gz") == CONTENT


def test_resumes_at_the_byte_reached() -> None:
    """What a cut connection gave is kept: the next request asks for the rest of the block only."""
    with site(faults=["cut"]) as served:
        assert read(f"{served.url}/a.warc.gz") == CONTENT
        assert [wanted for _, wanted in served.requests][:2] == ["bytes=0-65535", "bytes=32768-65535"]


def test_progress_renews_the_attempts() -> None:
    """A connection cut every time is no failure as long as each request brings enough."""
    settings = replace(QUICK, block_size=300_000, attempts=1)
    with site(faults=["cut", "cut"]) as served:
        assert read(f"{served.url}/a.warc.gz", settings) == CONTENT


def test_stalled_answers_meet_the_deadline() -> None:
    """A server that falls silent is left at the deadline, and the block is asked for again."""
    with site(faults=["stall"]) as served:
        assert read(f"{served.url}/a.warc.gz", replace(QUICK, deadline=0.3)) == CONTENT
        assert served.requests[1] == ("/a.warc.gz", "bytes=32768-65535")


@pytest.mark.parametrize("faults", [[], ["cut", "503", "cut"]])
def test_reads_servers_that_ignore_ranges(faults: list[str]) -> None:
    """A server that sends the whole file each time is read as one stream, once per connection."""
    with site(faults=list(faults), ignore_range=True) as served:
        assert read(f"{served.url}/a.warc.gz") == CONTENT
        assert len(served.requests) == 1 + len(faults)


def test_change_while_reading_is_an_error() -> None:
    """A new ETag between two blocks stops the reading: the blocks belong to different files."""
    with site() as served, open_remote(f"{served.url}/a.warc.gz", QUICK) as stream:
        assert stream.read(10) == CONTENT[:10]
        served.tags["/a.warc.gz"] = '"2"'
        with pytest.raises(RemoteError, match=r'changed while it was read \(ETag "1", now "2"\)'):
            stream.read()


def test_missing_file_is_not_retried() -> None:
    """404 is final, and the message says what to check."""
    with site() as served:
        with pytest.raises(RemoteError, match=r"/b\.warc\.gz: there is no such file \(404\)"):
            read(f"{served.url}/b.warc.gz")
        assert len(served.requests) == 1


def test_lasting_refusal_is_given_up() -> None:
    """A 403 that stays is an error after the attempts, naming credentials and rate."""
    with site(faults=["403"] * 9) as served:
        with pytest.raises(RemoteError, match=r"given up after 5 attempts, at last: status 403; check the credentials"):
            read(f"{served.url}/a.warc.gz")
        assert len(served.requests) == 5


def test_nothing_listens() -> None:
    """A refused connection is an error after the attempts, in one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(RemoteError, match="given up after 2 attempts, at last: connection failed"):
        read(f"http://127.0.0.1:{port}/a", replace(QUICK, attempts=2))


def test_empty_file_and_probe() -> None:
    """An empty file reads as nothing; a probe gives size and ETag from one byte."""
    with site() as served:
        assert read(f"{served.url}/empty.warc.gz") == b""
        assert probe(f"{served.url}/a.warc.gz", QUICK) == Known(300_000, '"1"')
        assert served.requests[-1] == ("/a.warc.gz", "bytes=0-0")


def test_seeks() -> None:
    """A remote stream can go back and jump, which is how one record is read again."""
    with site() as served, RemoteStream(f"{served.url}/a.warc.gz", QUICK) as stream:
        stream.seek(250_000)
        assert stream.read(4) == CONTENT[250_000:250_004]
        stream.seek(-10, io.SEEK_END)
        assert stream.read() == CONTENT[-10:]
        assert stream.seek(5) == 5
        assert stream.read(3) == CONTENT[5:8]


def test_https_with_own_certificate(tmp_path: Path) -> None:
    """https is read with a CA file that vouches for the server, faults and all, and refused without it."""
    certificate = make_certificate(tmp_path)
    with serving(Site({"/a": CONTENT}, faults=["503", "cut"]), certificate) as served:
        assert read(f"{served.url}/a", replace(QUICK, ca_file=str(certificate))) == CONTENT
        with pytest.raises(RemoteError, match="certificate"):
            read(f"{served.url}/a", QUICK)
    with pytest.raises(RemoteError, match="check ca_file"):
        open_remote("https://127.0.0.1/a", replace(QUICK, ca_file=str(tmp_path / "none.pem")))


def test_http_goes_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With HTTP_PROXY set, the proxy is asked for the whole URL; hosts in NO_PROXY are asked themselves."""
    with site() as served, serving(Site({"http://archives.example/a": b"through the proxy"})) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert read("http://archives.example/a") == b"through the proxy"
        assert read(f"{served.url}/a.warc.gz") == CONTENT
        assert {path for path, _ in proxy.requests} == {"http://archives.example/a"}


def test_settings_name_the_field() -> None:
    """A wrong setting is refused at construction."""
    with pytest.raises(SettingError, match="RemoteSettings: attempts = 0"):
        RemoteSettings(attempts=0)


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real S3 server process on loopback with one bucket; yields its URL."""
    objects = {"x/b.warc.gz": CONTENT, "x/a.arc.gz": b"a", "x/notes.md": b"n"}
    with s3_process(tmp_path_factory.mktemp("moto") / "log") as url:
        fill_bucket(url, "crawl", objects)
        fill_bucket(url, "crawl", {"open": b"o"}, public=True)
        yield url


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> RemoteSettings:
    """Settings and credentials for the S3 server."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return replace(QUICK, s3_endpoint=s3_server)


def test_s3_object(s3: RemoteSettings) -> None:
    """An object of a real S3 server arrives whole; its ETag is the MD5 of its content."""
    assert read("s3://crawl/x/b.warc.gz", s3) == CONTENT
    tag = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    assert resolve(["s3://crawl/x/b.warc.gz"], settings=s3) == [Input("s3://crawl/x/b.warc.gz", 300_000, f'"{tag}"')]


@pytest.mark.parametrize("faults", [["503", "403"], ["cut", "cut"], ["429", "cut", "500"]])
def test_s3_behind_faults(s3: RemoteSettings, s3_server: str, faults: list[str]) -> None:
    """Throttled and cut S3 answers cost retries, each asking for the rest only."""
    with spoiling(s3_server, {"/crawl/x/b.warc.gz": list(faults)}) as (url, requests):
        assert read("s3://crawl/x/b.warc.gz", replace(s3, s3_endpoint=url)) == CONTENT
        ranges = [wanted for _, wanted in requests]
        assert len(ranges) == 5 + len(faults)
        assert ("bytes=32768-65535" in ranges) == ("cut" in faults)


def test_s3_folder_and_glob(s3: RemoteSettings) -> None:
    """An S3 folder or glob gives its archives, sorted, and nothing else."""
    both = ["s3://crawl/x/a.arc.gz", "s3://crawl/x/b.warc.gz"]
    assert [item.url for item in resolve(["s3://crawl/x/"], settings=s3)] == both
    assert [item.url for item in resolve(["s3://crawl/x/*.warc.gz"], settings=s3)] == both[1:]


def test_s3_errors_are_sentences(s3: RemoteSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing object, a missing bucket and missing credentials are told apart."""
    with pytest.raises(RemoteError, match="no such file"):
        read("s3://crawl/none.warc.gz", s3)
    with pytest.raises(RemoteError, match="no such file"):
        read("s3://nowhere/none.warc.gz", s3)
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(RemoteError, match="no S3 credentials found; set AWS_ACCESS_KEY_ID"):
        read("s3://crawl/x/b.warc.gz", s3)
    assert read("s3://crawl/open", replace(s3, s3_anonymous=True)) == b"o"
    with pytest.raises(RemoteError, match="status 403; check the credentials"):
        read("s3://crawl/x/b.warc.gz", replace(s3, s3_anonymous=True))


def test_s3_with_own_certificate(
    s3: RemoteSettings, s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown certificate is told at once, not retried; AWS_CA_BUNDLE or ca_file vouch for it."""
    certificate = make_certificate(tmp_path)
    with spoiling(s3_server, {}, certificate) as (url, _):
        settings = replace(s3, s3_endpoint=url, first_wait=30, longest_wait=30)
        with pytest.raises(RemoteError, match="certificate verify failed"):
            read("s3://crawl/open", settings)
        assert read("s3://crawl/open", replace(settings, ca_file=str(certificate))) == b"o"
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        assert read("s3://crawl/open", settings) == b"o"


def test_s3_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without s3fs an s3:// URL names the extra to install; nothing else needs it."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingError, match=r"headwater\[s3\]"):
        open_remote("s3://crawl/x")
    code = "import corpus.inputs, sys; assert 's3fs' not in sys.modules and 'botocore' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
