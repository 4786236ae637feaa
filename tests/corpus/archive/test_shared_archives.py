"""Real archives, some damaged, against a plain byte scan: nothing intact is lost, nothing else handed out."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from corpus.archive.http import HttpProblem, HttpResponse, parse_payload
from corpus.archive.reader import open_archive, read_at
from corpus.archive.records import ArchiveSettings, Fault, Record

pytestmark = pytest.mark.shared


@pytest.fixture
def scan(shared: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The scoring script that scans archives byte by byte."""
    monkeypatch.syspath_prepend(str(shared / "evals"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location("shared_warc", shared / "evals" / "warc.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def archives(shared: Path) -> list[Path]:
    """Return the real archives."""
    return sorted(path for path in (shared / "data" / "warc").iterdir() if path.suffix != ".md")


def read(path: Path, **settings: int | bool) -> list[Record | Fault]:
    """Read an archive through."""
    with open(path, "rb") as stream:
        return list(open_archive(stream, path.name, ArchiveSettings(**settings)))  # type: ignore[arg-type]


@pytest.mark.parametrize("spool", [1, 64 << 20])
def test_same_records_as_the_scan(shared: Path, scan: ModuleType, spool: int) -> None:
    """For every file the records are exactly those that the scan calls intact."""
    for path in archives(shared):
        records = [r for r in read(path, spool=spool) if isinstance(r, Record)]
        ours = [(r.record_type, scan.plain(r.target_uri or ""), scan.digest(r.block)) for r in records]
        _, intact = scan.scan(path)
        assert scan.compare(ours, intact) == ([], 0), path.name


def test_damaged_files_are_reported(shared: Path) -> None:
    """Each damaged file that loses something has a fault with its place, and no other file has any."""
    found = {
        p.name: [(i.offset, i.length, i.reason) for i in read(p) if isinstance(i, Fault)] for p in archives(shared)
    }
    assert {name: faults for name, faults in found.items() if faults} == {
        "clipped.warc.gz": [(0, 18184, "truncated")],
        "double-single-inflate-error.gz": found["double-single-inflate-error.gz"],
        "example-space-in-url.arc": [(151, 1722, "truncated")],
    }
    assert "damaged" in {reason for _, _, reason in found["double-single-inflate-error.gz"]}


def test_records_are_found_again(shared: Path) -> None:
    """Every record of every file is read again from its offset and length."""
    for path in archives(shared):
        for record in [item for item in read(path) if isinstance(item, Record)][:40]:
            if record.index == 0:
                again = read_at(path, record.offset, record.length, target_uri=record.target_uri, date=record.date)
                assert (again.block, again.offset) == (record.block, record.offset), (path.name, record.offset)


def test_http_of_real_crawls(shared: Path) -> None:
    """Only DNS records and one with a spoiled version line are no HTTP; 25 bodies only claim to be chunked."""
    notes: dict[str, int] = {}
    problems = set()
    for path in archives(shared):
        for record in read(path):
            if isinstance(record, Record) and record.record_type == "response":
                found = parse_payload(record)
                if isinstance(found, HttpResponse):
                    for note in found.notes:
                        notes[note] = notes.get(note, 0) + 1
                elif isinstance(found, HttpProblem):
                    problems.add((found.reason, (record.target_uri or "")[:4]))
    assert problems == {("not-http", "dns:"), ("not-http", "http")}
    assert notes["not-chunked"] == 25
