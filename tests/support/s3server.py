"""A real S3 server process on loopback, and a server in front of it that spoils its answers."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from httpfaults import drops, with_tls

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}
"""Environment with which the server is content (it checks no signatures, only that there is one)."""


@contextlib.contextmanager
def s3_process(log: Path) -> Iterator[str]:
    """Start the server with its output in `log`; yields its URL."""
    pytest.importorskip("moto.server", reason="needs moto[server]")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            wait_for(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(20)


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the server answers."""
    for _ in range(300):
        assert process.poll() is None, "the S3 server ended"
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - loopback
            return
        time.sleep(0.1)
    raise AssertionError("the S3 server does not answer")


def fill_bucket(url: str, bucket: str, objects: Mapping[str, bytes], *, public: bool = False) -> None:
    """Make a bucket and put objects into it, with or without public read access."""
    for key, data in {"": b"", **objects}.items():
        kind = {"Content-Type": "application/octet-stream", "x-amz-acl": "public-read" if public else "private"}
        target = f"{url}/{bucket}/{key}".rstrip("/")
        request = urllib.request.Request(target, data=data, method="PUT", headers=kind)  # noqa: S310 - loopback
        urllib.request.urlopen(request, timeout=20).close()  # noqa: S310 - loopback


@contextlib.contextmanager
def spoiling(
    target: str, faults: dict[str, list[str]], certificate: Path | None = None
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server in front of `target` that spoils answers; yields its URL and (path, range) of the requests so far.

    It speaks TLS when a certificate (PEM with its key) is given.

    `faults` are taken one per request from those of its path: a status ("503", or "403 SlowDown" with S3's code),
    "cut" (half of the body), "slow" (the body in drops).
    """
    requests: list[tuple[str, str]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), spoiler(target, faults, requests))
    if certificate:
        with_tls(server, certificate)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def spoiler(target: str, faults: dict[str, list[str]], requests: list[tuple[str, str]]) -> type[BaseHTTPRequestHandler]:
    """Return the request handler of `spoiling`."""

    class Spoiler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

        def do_GET(self) -> None:
            requests.append((self.path, self.headers.get("Range", "")))
            queue = faults.get(self.path)
            fault = queue.pop(0) if queue else ""
            status, headers, body = refused(fault) if fault[:3].isdigit() else passed_on(target, self)
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("connection", "server", "date", "transfer-encoding"):
                    self.send_header(name, value)
            self.end_headers()
            for piece in drops(body) if fault == "slow" else [body[: len(body) // 2] if fault == "cut" else body]:
                self.wfile.write(piece)
            self.close_connection = fault == "cut"

    return Spoiler


def passed_on(target: str, handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of what the real server answers."""
    request = urllib.request.Request(target + handler.path, headers=dict(handler.headers))  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def refused(fault: str) -> tuple[int, dict[str, str], bytes]:
    """Return the answer that a fault such as "503 SlowDown" stands for."""
    status, _, code = fault.partition(" ")
    body = f"<Error><Code>{code}</Code><Message>Please reduce your request rate.</Message></Error>" if code else ""
    return int(status), {"Content-Type": "application/xml", "Content-Length": str(len(body))}, body.encode()
