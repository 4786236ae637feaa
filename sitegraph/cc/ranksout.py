"""A ranks file written as Common Crawl writes them: the header, then a line per node, by harmonic position.

Positions count from 1 by descending value, ties in the order of ids, which is that of the reversed names (the rule of
cc-webgraph, `JoinSortRanks`). Values are printed as Java does it (digits.py): a float32 array as Java floats, which is
what published harmonic centralities are, a float64 array as doubles, which published PageRanks are.

Names come by id and lines go by harmonic position, and a graph's lines are more than memory holds. So lines are made in
the order of ids and laid down in buckets by position, temporary files without a name that vanish with the process;
then a bucket at a time is sorted and written. Memory is the two values and two positions of every node (20 bytes, more
while they are sorted), and one bucket.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.kernels import kernel
from corpus.stage import tick
from corpus.storage import Written, as_storage_error
from sitegraph.cc.digits import NEWLINE, TAB, put_java, put_number
from sitegraph.cc.ranksfile import COLUMNS, N_HOSTS
from sitegraph.cc.textblocks import Text
from sitegraph.cc.textout import name_blocks, text_out

BUCKET: Final = 1 << 21
"""Lines per bucket: some 130 MB of text, and 125 open files for the hosts of a release."""
_FIELDS: Final = 3 * 11 + 2 * 25 + 1  # bytes of a line without its name
Values = NDArray[np.float32] | NDArray[np.float64]
Places = NDArray[np.uint32]
Offsets = NDArray[np.int64]
_U: Any = np.uint64
_I: Any = np.int64


@dataclass(frozen=True, slots=True)
class Nodes:
    """What the lines of nodes say, by id: values, places by them, and hosts (empty when they are not told)."""

    harmonic: Values
    pagerank: Values
    harmonic_place: Places
    pagerank_place: Places
    hosts: NDArray[np.int64]

    def part(self, first: int, stop: int) -> "Nodes":
        """Return the nodes from id first to below stop."""
        return Nodes(*(getattr(self, field.name)[first:stop] for field in fields(self)))


def write_ranks(
    path: Path,
    names: Iterable[pa.Array],
    harmonic: Values,
    pagerank: Values,
    hosts: NDArray[np.int64] | None = None,
    *,
    bucket: int = BUCKET,
) -> Written:
    """Write the ranks of nodes: reversed names in the order of ids, values by id, and hosts of domains by id.

    Raises StorageError when a value can be no rank, names and values are not equally many, or the file cannot be
    written.
    """
    nodes = ranked(path, harmonic, pagerank, hosts)
    header = "\t".join(COLUMNS if hosts is None else (*COLUMNS, N_HOSTS)) + "\n"
    with text_out(path) as out, ExitStack() as stack:
        out.write(np.frombuffer(header.encode(), np.uint8), 1)
        spools = [stack.enter_context(Spool(path)) for _ in range(0, len(harmonic), bucket)]
        lay_down(path, names, nodes, spools, bucket)
        for spool in spools:
            out.write(*spool.sorted())
            tick(bucket)
    return out.written


def ranked(path: Path, harmonic: Values, pagerank: Values, hosts: NDArray[np.int64] | None) -> Nodes:
    """Return nodes with their places; values that cannot be ranks are an error."""
    if not len(harmonic) == len(pagerank) == (len(harmonic) if hosts is None else len(hosts)):
        raise StorageError(f"{path}: not written, as not every node has all its values")
    for values in (harmonic, pagerank):
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise StorageError(f"{path}: not written, as a rank is below 0 or no number")
    counts = np.empty(0, np.int64) if hosts is None else hosts
    return Nodes(harmonic, pagerank, positions(harmonic), positions(pagerank), counts)


def positions(values: Values) -> Places:
    """Return the place of each node from 1, the highest value first, equal ones by id."""
    places = np.empty(len(values), np.uint32)
    places[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1, dtype=np.uint32)
    return places


def lay_down(path: Path, names: Iterable[pa.Array], nodes: Nodes, spools: Sequence["Spool"], bucket: int) -> None:
    """Lay the lines of nodes down in the spools that their places belong to."""
    first, n = 0, len(nodes.harmonic)
    for data, ends in name_blocks(path, names):
        part = nodes.part(first, first + len(ends) - 1)
        first += len(ends) - 1
        if first > n:
            break
        text, bounds = lines_of(data, ends, part)
        for spool, lines in zip(spools, parted(text, bounds, part.harmonic_place, bucket, len(spools)), strict=True):
            spool.put(*lines)
    if first != n:
        raise StorageError(f"{path}: not written, as {n:,} nodes have ranks and {first:,} or more have names")


def lines_of(data: Text, ends: Offsets, nodes: Nodes) -> tuple[Text, Offsets]:
    """Return the lines of nodes, and the places between which each lies; names are data[ends[k] : ends[k + 1]]."""
    text = np.empty(ends[-1] - ends[0] + _FIELDS * len(nodes.harmonic), np.uint8)
    bounds = np.zeros(len(ends), np.int64)
    places = nodes.harmonic_place, nodes.pagerank_place
    values = decimals(nodes.harmonic), decimals(nodes.pagerank)
    format_ranks((data, ends), places, values, nodes.hosts.astype(np.uint64), text, bounds)
    return text[: bounds[-1]], bounds


def decimals(values: Values) -> tuple[Text, Offsets]:
    """Return numbers as the shortest decimals that read back as them: their bytes, and the places between."""
    array = pc.cast(pa.array(values + 0), pa.string()).cast(pa.large_string())  # + 0 makes zeros positive
    _, ends, data = array.buffers()
    return np.frombuffer(data, np.uint8), np.frombuffer(ends, np.int64)[: len(array) + 1]


def parted(
    text: Text, bounds: Offsets, places: Places, bucket: int, buckets: int
) -> Iterator[tuple[Places, Offsets, Text]]:
    """Yield for each bucket its lines of a text, ascending by place: places, lengths, bytes."""
    text, bounds, places = by_place(text, bounds, places)
    cuts = np.searchsorted(places, np.arange(buckets + 1) * bucket, side="right")
    for low, high in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        yield places[low:high], np.diff(bounds[low : high + 1]), text[bounds[low] : bounds[high]]


def by_place(text: Text, bounds: Offsets, places: Places) -> tuple[Text, Offsets, Places]:
    """Return lines in the order of their places."""
    order = np.argsort(places, kind="stable")
    sorted_bounds = np.zeros(len(bounds), np.int64)
    np.cumsum(np.diff(bounds)[order], out=sorted_bounds[1:])
    sorted_text = np.empty(len(text), np.uint8)
    gather(text, bounds, order, sorted_text)
    return sorted_text, sorted_bounds, places[order]


class Spool:
    """Lines of one bucket, laid down in a temporary file without a name beside `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[tuple[int, int]] = []  # lines and bytes of text of each

    def __enter__(self) -> "Spool":
        with as_storage_error(self.path):
            self._file = cast("BinaryIO", tempfile.TemporaryFile(dir=self.path.parent))
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, places: Places, lengths: Offsets, text: Text) -> None:
        """Lay down lines."""
        if len(places):
            self.records.append((len(places), len(text)))
            with as_storage_error(self.path):
                for array in (places, lengths.astype(np.uint32), text):
                    self._file.write(array.tobytes())

    def sorted(self) -> tuple[Text, int]:
        """Return all lines laid down in the order of their places, and how many they are."""
        places, lengths, texts = [], [], []
        with as_storage_error(self.path):
            self._file.seek(0)
            for rows, size in self.records:
                places.append(np.frombuffer(self._file.read(4 * rows), np.uint32))
                lengths.append(np.frombuffer(self._file.read(4 * rows), np.uint32))
                texts.append(np.frombuffer(self._file.read(size), np.uint8))
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(lengths), dtype=np.int64)])
        return by_place(np.concatenate(texts), bounds, np.concatenate(places))[0], len(bounds) - 1


@kernel
def gather(text: Any, bounds: Any, order: Any, out: Any) -> None:
    """Copy line order[0] of a text, then line order[1] and so on; line k is text[bounds[k] : bounds[k + 1]]."""
    at = _U(0)
    for k in order:
        for i in range(bounds[k], bounds[k + 1]):
            out[at] = text[i]
            at += _U(1)


@kernel
def format_ranks(names: Any, places: Any, values: Any, hosts: Any, text: Any, bounds: Any) -> None:
    """Write the lines of m nodes into text, line k into text[bounds[k] : bounds[k + 1]].

    names: bytes (uint8) and the m + 1 places between which each lies (int64). places: by harmonic centrality, by
    PageRank (uint32[m]). values: of the same, decimals as names are. hosts: uint64[m] or empty.
    """
    at = _I(0)
    for k in range(len(bounds) - 1):
        at = _I(put_number(_U(places[0][k]), text, _U(at)))
        text[at] = TAB
        at = put_java(values[0][0], values[0][1][k], values[0][1][k + 1], text, at + 1)
        text[at] = TAB
        at = _I(put_number(_U(places[1][k]), text, _U(at + 1)))
        text[at] = TAB
        at = put_java(values[1][0], values[1][1][k], values[1][1][k + 1], text, at + 1)
        text[at] = TAB
        at += 1
        for i in range(names[1][k], names[1][k + 1]):
            text[at] = names[0][i]
            at += 1
        if len(hosts):
            text[at] = TAB
            at = _I(put_number(hosts[k], text, _U(at + 1)))
        text[at] = NEWLINE
        at += 1
        bounds[k + 1] = at
