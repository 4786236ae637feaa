"""A web server on loopback that misbehaves on request, for tests of remote inputs."""

import contextlib
import datetime
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Site:
    """What a server serves: files by path, and faults taken one per request, in order.

    A fault is a status ("503"), "cut" (half of the body, then the connection ends), "stall" (half of the body, then
    silence), "slow" (the body in drops), "short" (half of the body with a matching Content-Length). `faults_of` has
    faults by path, which come before those for all. Each answer comes `latency` seconds late, and all together send
    `rate` bytes a second at most.
    """

    files: dict[str, bytes]
    faults: list[str] = field(default_factory=list)
    faults_of: dict[str, list[str]] = field(default_factory=dict)
    ignore_range: bool = False
    latency: float = 0.0
    rate: float = float("inf")
    tags: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    _free: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_for_room(self, size: int) -> None:
        """Wait until `size` bytes more may be sent."""
        with self._lock:
            self._free = max(self._free, time.monotonic()) + size / self.rate
            free = self._free
        time.sleep(max(0.0, free - time.monotonic()))


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    """Return the request handler that serves `site`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer takes 40 ms, until the client acknowledges its head

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            site.requests.append((self.path, wanted))
            queue = site.faults_of.get(self.path) or site.faults
            fault = queue.pop(0) if queue else ""
            time.sleep(site.latency)
            data = site.files.get(self.path)
            if fault.isdigit() or data is None:
                self.send_response(int(fault) if fault else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.answer(data, wanted, fault)

        def answer(self, data: bytes, wanted: str, fault: str) -> None:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if wanted and not site.ignore_range else 0
            body = data[start : int(last) + 1] if wanted and not site.ignore_range else data
            if wanted and not site.ignore_range and start >= len(data):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if wanted and not site.ignore_range else 200)
            if wanted and not site.ignore_range:
                self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(data)}")
            self.send_header("ETag", site.tags.get(self.path, '"1"'))
            half = body[: len(body) // 2]
            self.send_header("Content-Length", str(len(half if fault == "short" else body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                for piece in drops(body) if fault == "slow" else [half if fault else body]:
                    site.wait_for_room(len(piece))
                    self.wfile.write(piece)
                    self.wfile.flush()
            if fault == "stall":
                site.released.wait(20)
            self.close_connection = bool(fault) or self.close_connection

    return Handler


def drops(body: bytes) -> Iterator[bytes]:
    """Yield a body in ten pieces, with a pause before each."""
    for start in range(0, len(body), len(body) // 10 + 1):
        time.sleep(0.03)
        yield body[start : start + len(body) // 10 + 1]


@contextlib.contextmanager
def serving(site: Site, certificate: Path | None = None) -> Iterator[Site]:
    """Serve `site` on loopback, over TLS when a certificate (PEM with its key) is given; sets `site.url`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(site))
    server.daemon_threads = True
    if certificate:
        with_tls(server, certificate)
    site.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield site
    finally:
        site.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def with_tls(server: ThreadingHTTPServer, certificate: Path) -> None:
    """Have a server that is not serving yet speak TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)


def make_certificate(folder: Path) -> Path:
    """Write a self-signed certificate for 127.0.0.1 and its key as one PEM file."""
    from cryptography import x509  # noqa: PLC0415 - only the TLS test needs it
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
