"""Read the ranks that Common Crawl publishes with its web graphs (`*-host-ranks.txt.gz`, `*-domain-ranks.txt.gz`).

Format (cc-webgraph, `process_webgraph.sh`): gzip, one node per line, tab-separated, after a header line

    #harmonicc_pos  #harmonicc_val  #pr_pos  #pr_val  #host_rev  [#n_hosts, domain files only]

Names are reversed. A file has hundreds of millions of lines, so it is read once, as a stream, in blocks that are parsed
as a whole; a block that does not parse is gone through line by line for the line to name in the error. Only the rows
of wanted nodes are kept, found by a join that spills.

Percentiles come from the PageRank position and the number of rows of the file: position p of N has (N - p + 1) / N. A
file cut out of a larger table holds positions beyond its own rows; then `nodes` must say how many the table has.

Releases since the end of 2025 rank `com.example.www` and `com.example` apart. Our hosts are www-normalised: a host
takes the row of its own name, and that of its www form only when it has no other. Of several rows of one name it takes
the one of the best position.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from corpus.errors import InputError
from corpus.settings import UNMARKED, require
from corpus.stage import tick
from sitegraph.authority import Scores
from sitegraph.engine import Database
from sitegraph.layout import Level

BLOCK: Final = 8 << 20
MAX_LINE: Final = 1 << 16
COLUMNS: Final = ("#harmonicc_pos", "#harmonicc_val", "#pr_pos", "#pr_val", "#host_rev")
N_HOSTS: Final = "#n_hosts"
_ROWS = pa.schema(
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
        self.path, self.block = path, block
        self.rows = self.last_position = 0
        self._line = 1

    def __enter__(self) -> "RanksFile":
        try:
            self._raw = open(self.path, "rb")  # closed by __exit__
        except OSError as error:
            raise InputError(f"{self.path}: cannot read the ranks ({error.strerror}); check the path") from error
        zipped = self._raw.peek(2)[:2] == b"\x1f\x8b"
        self._stream = cast("BinaryIO", gzip.GzipFile(fileobj=self._raw)) if zipped else self._raw
        try:
            self.columns = self._header()
        except BaseException:
            self._raw.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    @property
    def level(self) -> Level:
        """Level by the header."""
        return "domain" if N_HOSTS in self.columns else "host"

    def _header(self) -> tuple[str, ...]:
        line = self._guarded(lambda: self._stream.readline(MAX_LINE))
        found = tuple(line.decode("utf-8", "replace").strip().split("\t"))
        if found not in (COLUMNS, (*COLUMNS, N_HOSTS)):
            wanted = " ".join(COLUMNS)
            raise InputError(f"{self.path}, line 1: not the header of a ranks file ({wanted}, then perhaps {N_HOSTS})")
        return found

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows: harmonic (float64), position (int64), pagerank (float64), reversed (string)."""
        for block in self._blocks():
            lines = block.count(b"\n")
            table = self._parse(block, lines)
            self._line += lines
            self.rows += lines
            self.last_position = max(self.last_position, pc.max(table["position"]).as_py())
            tick(lines)
            yield table

    def _blocks(self) -> Iterator[bytes]:
        """Yield blocks of whole lines, each line ended."""
        rest = b""
        while data := self._guarded(lambda: self._stream.read(self.block)):
            whole, newline, tail = data.rpartition(b"\n")
            if newline:
                yield rest + whole + newline
                rest = tail
            else:
                rest += tail
            if len(rest) > MAX_LINE:
                line = self._line + 1
                raise InputError(f"{self.path}, line {line:,}: longer than {MAX_LINE:,} bytes; not a ranks file")
        if rest:
            yield rest + b"\n"

    def _guarded(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except (OSError, EOFError, zlib.error) as error:
            where = f"{self.path}, after line {self._line:,}"
            raise InputError(f"{where}: damaged or cut short ({error}); fetch the file again") from error

    def _parse(self, block: bytes, lines: int) -> pa.Table:
        names = list(_FIELDS[: len(self.columns)])
        try:
            table = csv.read_csv(
                pa.BufferReader(block),
                csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
                csv.ParseOptions(delimiter="\t", quote_char=False, ignore_empty_lines=False),
                csv.ConvertOptions(
                    column_types={name: _ROWS.field(name).type for name in _ROWS.names},
                    include_columns=_ROWS.names,
                    null_values=[],
                    strings_can_be_null=False,
                ),
            ).cast(_ROWS)
        except pa.ArrowException as error:
            raise self._fault(block, str(error)) from error
        if table.num_rows != lines or not sound(table):
            raise self._fault(block, "rows that are no ranks")
        return table

    def _fault(self, block: bytes, otherwise: str) -> InputError:
        """Return the error for the first bad line of a block."""
        for number, line in enumerate(block.split(b"\n")[:-1], self._line + 1):
            if reason := line_fault(line, len(self.columns)):
                return InputError(f"{self.path}, line {number:,}: {reason}; fetch the file again or mend the line")
        return InputError(f"{self.path}, after line {self._line:,}: {otherwise}")


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


def shown(cell: bytes) -> str:
    """Return a cell to be printed: ASCII, short."""
    return ascii(cell[:40].decode("utf-8", "replace"))


def import_ranks(db: Database, ranks: ImportedRanks, n: int) -> tuple[Scores, dict[str, int]]:
    """Return the imported scores of a level's n nodes, and counts; the view `LEVEL_nodes` has id and name."""
    level = ranks.covers()
    key = "reversed"
    if level == "host":
        key = "CASE WHEN reversed LIKE '%.%.www' THEN left(reversed, length(reversed) - 4) ELSE reversed END"
    with RanksFile(ranks.path) as file:
        statement = f"""
            CREATE TABLE {level}_imported AS SELECT id, harmonic, pagerank, position, node <> reversed AS folded
            FROM (SELECT *, {key} AS node FROM ranks_file) JOIN
                (SELECT id, array_to_string(list_reverse(string_split(name, '.')), '.') AS node FROM {level}_nodes)
            USING (node)"""
        db.feed("ranks_file", _ROWS, file.tables(), statement)
        total = ranks.nodes or file.rows
        if file.last_position > total:
            raise InputError(
                f"{ranks.path}: it holds position {file.last_position:,} but {total:,} nodes; "
                "it is a part of a larger table: say how many nodes the whole has (`nodes`)"
            )
        counts = {"imported_rows": file.rows}
    found = imported(db, level, n, total, ranks.path.name)
    return found, counts | {"imported_nodes": int((found.position > 0).sum())}


def imported(db: Database, level: Level, n: int, total: int, source: str) -> Scores:
    """Return the scores in the table LEVEL_imported, the best row for each node."""
    harmonic, pagerank = np.full(n, np.nan), np.full(n, np.nan)
    position = np.zeros(n, np.int64)
    query = f"""
        SELECT DISTINCT ON (id) id, harmonic, pagerank, position FROM {level}_imported
        ORDER BY id, folded, position, pagerank DESC, harmonic DESC"""
    for table in db.stream(query):
        ids = table["id"].to_numpy()
        harmonic[ids], pagerank[ids], position[ids] = (
            table[name].to_numpy() for name in ("harmonic", "pagerank", "position")
        )
    percentile = np.where(position > 0, (total - position + 1) / total, np.nan)
    return Scores(pagerank=pagerank, percentile=percentile, position=position, harmonic=harmonic, source=source)
