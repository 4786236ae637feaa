"""Ranks as Common Crawl publishes them with its web graphs (`*-host-ranks.txt.gz`, `*-domain-ranks.txt.gz`).

Format (cc-webgraph, `process_webgraph.sh`): gzip, one node per line, tab-separated, after a header line

    #harmonicc_pos  #harmonicc_val  #pr_pos  #pr_val  #host_rev  [#n_hosts, domain files only]

Names are reversed, lines sorted by the first column. A file has hundreds of millions of lines, so it is read once, as a
stream, in blocks that are parsed as a whole; a block that does not parse is gone through line by line for the line to
name in the error.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from corpus.errors import InputError
from corpus.settings import UNMARKED, require
from corpus.stage import tick
from sitegraph.cc.textblocks import BLOCK, TextBlock, TextFile, ahead, shown
from sitegraph.layout import Level

COLUMNS: Final = ("#harmonicc_pos", "#harmonicc_val", "#pr_pos", "#pr_val", "#host_rev")
N_HOSTS: Final = "#n_hosts"
ROWS = pa.schema(
    [
        ("harmonic", pa.float64()),
        ("position", pa.int64()),
        ("pagerank", pa.float64()),
        ("reversed", pa.string()),
    ]
)
_FIELDS = ("harmonic_position", "harmonic", "position", "pagerank", "reversed", "hosts")
_INTEGER = re.compile(rb"[1-9][0-9]{0,17}")
_NUMBER = re.compile(rb"[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRanks:
    """A ranks file to take ranks from.

    level: auto tells from the header (domain files have #n_hosts). nodes: nodes of the whole table, when the file is a
    part of it; None counts the rows.
    """

    path: Path = field(metadata=UNMARKED)
    level: Literal["auto", "host", "domain"] = "auto"
    nodes: int | None = None

    def __post_init__(self) -> None:
        require(self.level in ("auto", "host", "domain"), self, "level", "one of auto, host, domain")
        require(self.nodes is None or self.nodes > 0, self, "nodes", "a number above 0, or None")

    def mark(self) -> tuple[str, int, int]:
        """Return what changes when the file changes: name, bytes and time of change."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise InputError(f"{self.path}: cannot read the ranks ({error.strerror}); check the path") from error
        return self.path.name, found.st_size, found.st_mtime_ns

    def covers(self) -> Level:
        """Return the level whose ranks it holds."""
        if self.level != "auto":
            return self.level
        with RanksFile(self.path) as file:
            return file.level


class RanksFile:
    """A ranks file being read: `with RanksFile(path) as file: for table in file.tables(): ...`

    rows and last_position (the highest PageRank position) count what has been read so far.
    """

    def __init__(self, path: Path, block: int = BLOCK) -> None:
        self.path = path
        self.rows = self.last_position = 0
        self._text = TextFile(path, "ranks", block)

    def __enter__(self) -> "RanksFile":
        self._text.__enter__()
        try:
            self.columns = self._header()
        except BaseException:
            self._text.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._text.__exit__()

    @property
    def level(self) -> Level:
        """Level by the header."""
        return "domain" if N_HOSTS in self.columns else "host"

    def _header(self) -> tuple[str, ...]:
        found = tuple(self._text.line().decode("utf-8", "replace").strip().split("\t"))
        if found not in (COLUMNS, (*COLUMNS, N_HOSTS)):
            wanted = " ".join(COLUMNS)
            raise InputError(f"{self.path}, line 1: not the header of a ranks file ({wanted}, then perhaps {N_HOSTS})")
        return found

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows: harmonic (float64), position (int64), pagerank (float64), reversed (string)."""
        for block in ahead(self._text.blocks()):
            table = self._parse(block)
            self.rows += block.lines
            self.last_position = max(self.last_position, pc.max(table["position"]).as_py())
            tick(block.lines)
            yield table

    def _parse(self, block: TextBlock) -> pa.Table:
        names = list(_FIELDS[: len(self.columns)])
        try:
            table = csv.read_csv(
                pa.BufferReader(block.data),
                csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block.data) + 1),
                csv.ParseOptions(delimiter="\t", quote_char=False, ignore_empty_lines=False),
                csv.ConvertOptions(
                    column_types={name: ROWS.field(name).type for name in ROWS.names},
                    include_columns=ROWS.names,
                    null_values=[],
                    strings_can_be_null=False,
                ),
            ).cast(ROWS)
        except pa.ArrowException as error:
            raise self._fault(block, str(error)) from error
        if table.num_rows != block.lines or not sound(table):
            raise self._fault(block, "rows that are no ranks")
        return table

    def _fault(self, block: TextBlock, otherwise: str) -> InputError:
        """Return the error for the first bad line of a block."""
        start = 0
        for line in block.data.tobytes().split(b"\n")[:-1]:
            if reason := line_fault(line, len(self.columns)):
                return block.fault(start, reason)
            start += len(line) + 1
        return InputError(f"{self.path}, after line {block.first - 1:,}: {otherwise}")


def sound(table: pa.Table) -> bool:
    """Say whether all values can be ranks."""
    numbers = [table[name].to_numpy() for name in ("harmonic", "pagerank")]
    return (
        all(bool(np.isfinite(x).all() and (x >= 0).all()) for x in numbers)
        and pc.min(table["position"]).as_py() >= 1
        and pc.min(pc.binary_length(table["reversed"])).as_py() > 0
    )


def line_fault(line: bytes, columns: int) -> str | None:
    """Say what is wrong with a line of a ranks file, or None."""
    cells = line.removesuffix(b"\r").split(b"\t")
    if len(cells) != columns:
        return f"{len(cells)} columns, not {columns}"
    if not _INTEGER.fullmatch(cells[2]):
        return f"{COLUMNS[2]} is no position: {shown(cells[2])}"
    for place in (1, 3):
        if not _NUMBER.fullmatch(cells[place]):
            return f"{COLUMNS[place]} is no number that a rank can be: {shown(cells[place])}"
    try:
        name = cells[4].decode()
    except UnicodeDecodeError:
        return f"{COLUMNS[4]} is not UTF-8: {shown(cells[4])}"
    return None if name else f"{COLUMNS[4]} is empty"
