"""Make the sample crawl: archives, labels and checksums from the prose in `pages/` and the rules in `maker/`.

    python sample_data/make.py              writes sample_data/crawl, labels.jsonl and checksums.json
    python sample_data/make.py --out DIR    writes the same into another folder

It needs nothing but the standard library, reads no clock and draws no random numbers, so the same prose gives the same
bytes each time. Only the compressed bytes depend on the zlib that Python was built with; `checksums.json` holds a probe
of it, and a digest of each file's content for machines whose zlib packs differently.
"""

import argparse
import hashlib
import json
import sys
import zlib
from pathlib import Path

from maker.plan import Packed, build_files, labels_text
from maker.warc import gzip_member

HERE = Path(__file__).resolve().parent


def unpacked(packed: Packed) -> bytes:
    """A file's content after gzip, damaged members left as they are stored."""
    if not packed.name.endswith(".gz"):
        return packed.data
    parts = []
    for line, (offset, length) in zip(packed.lines, packed.spans, strict=True):
        if line["expect"] != "damaged":
            parts.append(zlib.decompress(packed.data[offset : offset + length], 31))
    return b"".join(parts)


def zlib_probe() -> str:
    """A digest of some text packed by this machine's zlib."""
    text = "".join(f"{number * number % 997} ebb and flow {number}\n" for number in range(4000)).encode()
    return hashlib.sha256(gzip_member(text)).hexdigest()


def checksums(files: list[Packed]) -> dict[str, object]:
    return {
        "zlib_probe": zlib_probe(),
        "files": {
            packed.name: {
                "bytes": len(packed.data),
                "sha256": hashlib.sha256(packed.data).hexdigest(),
                "content_sha256": hashlib.sha256(unpacked(packed)).hexdigest(),
            }
            for packed in files
        },
    }


def write(out: Path) -> list[Packed]:
    """Write everything below `out` and, beside the script, take away archives of an earlier make."""
    files = build_files(HERE / "pages")
    crawl = out / "crawl"
    crawl.mkdir(parents=True, exist_ok=True)
    if out == HERE:
        for stale in {*crawl.iterdir()} - {crawl / packed.name for packed in files}:
            stale.unlink()
    for packed in files:
        (crawl / packed.name).write_bytes(packed.data)
    (out / "labels.jsonl").write_text(labels_text(files), encoding="utf-8", newline="\n")
    (out / "checksums.json").write_text(json.dumps(checksums(files), indent=2) + "\n", encoding="utf-8", newline="\n")
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the sample crawl from its prose.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write into (default: beside this script)")
    files = write(parser.parse_args().out)
    records = sum(len(packed.lines) for packed in files)
    size = sum(len(packed.data) for packed in files)
    print(f"{len(files)} files, {records} records, {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
