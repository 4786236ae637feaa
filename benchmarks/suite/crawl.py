"""What is measured on: a crawl, cut down to the pages that both sides read.

datatrove takes a record when it recognises its payload; we take what is declared or looks like HTML. So both are asked
which records they read (by record id), and the gzip members of the common ones are copied, byte for byte, into
archives that hold nothing else. Both then read the same bytes, and every page counts on both sides.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.suite.side import REPOSITORY, Place, Side

SAMPLE: Final = REPOSITORY / "sample_data" / "crawl"
TOOLS: Final = REPOSITORY.parent / "shared" / "tools"
FILES: Final = 4
WARM: Final = 8
"""Pages of the round that is not counted."""


@dataclass(frozen=True, kw_only=True)
class Common:
    """A crawl of common pages: its folder, the folder of a few of them, and how both came about.

    `read` is how many records of the crawl each side takes for pages, `html` the bytes of HTML in the common ones.
    """

    name: str
    folder: str
    warm: str
    pages: int
    html: int
    read: Mapping[str, int]


def find_crawl(given: Path | None, cache: Path, tool: str, name: str) -> Path:
    """Return the folder of a crawl: the given one, else made by a tool beside the repository, else the sample."""
    if given is not None:
        return given
    script, folder = TOOLS / tool, cache / name
    if not script.is_file():
        return SAMPLE
    if not folder.is_dir():
        partial = folder.with_suffix(".tmp")
        try:
            subprocess.run([sys.executable, str(script), str(partial)], check=True)  # noqa: S603 - our own script
        except subprocess.CalledProcessError as error:
            print(f"{tool} failed ({error.returncode}); the sample crawl is used instead", file=sys.stderr)
            return SAMPLE
        partial.rename(folder)
    return folder


def label(crawl: Path) -> str:
    """Return what results call a crawl."""
    return "sample_data" if crawl == SAMPLE else crawl.name


def common_pages(crawl: Path, work: Path, ours: Place, peer: Place, most: int | None, core: int) -> Common:
    """Copy the pages of `crawl` that both sides read, at most `most` of them, to a folder below `work`."""
    places = listed(ours, crawl, core)
    theirs = set(listed(peer, crawl, core))
    members = {(place[1], place[2]): place for place in places if place[0] in theirs}
    both = list(members.values())
    kept = both[:: max(1, len(both) // most)][:most] if most else both
    folder, warm = work / "pages", work / "warm"
    copy(crawl, kept, folder)
    copy(crawl, kept[:WARM], warm)
    return Common(
        name=label(crawl),
        folder=str(folder),
        warm=str(warm),
        pages=len(kept),
        html=sum(place[4] for place in kept),
        read={"headwater": len(places), "datatrove": len(theirs), "both": len(both)},
    )


def listed(place: Place, crawl: Path, core: int) -> list[Any]:
    """Return what a side says that it reads."""
    with Side(place, core) as side:
        side.prepare("urls", {"crawl": str(crawl)})
        found: list[Any] = side.run("urls")["check"]
    return found


def copy(crawl: Path, places: Sequence[Sequence[Any]], folder: Path) -> None:
    """Copy gzip members (file, offset, length of each place) round-robin into the archives of a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.warc.gz"):
        old.unlink()
    for number in range(min(FILES, len(places))):
        with open(folder / f"pages-{number:05d}.warc.gz", "wb") as out:
            for _, file, offset, length, _ in places[number::FILES]:
                with open(crawl / file, "rb") as source:
                    source.seek(offset)
                    out.write(source.read(length))


def as_json(common: Common) -> dict[str, Any]:
    """Return what the results say of a crawl: no paths."""
    return {name: value for name, value in asdict(common).items() if name not in ("folder", "warm")}
