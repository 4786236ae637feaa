"""Damaged graphs are an error that names the file, or no different from whole ones: no crash, no wrong rank."""

import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import damaged_graphs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from damaged_graphs import KINDS, everything, file_of, make

from corpus.errors import MissingError, StorageError
from sitegraph.building.small import graph_of
from sitegraph.layout import GraphSets
from sitegraph.store.arcs import INDEX, MAGIC, Arcs, ArcsWriter, Description
from sitegraph.store.lists import ESCAPE
from sitegraph.store.opened import Graph
from sitegraph.store.vbyte import PADDING

FLIPS, CUTS = 300, 100
TAIL = struct.Struct("<QQI8s")
Trials = dict[str, list[tuple[str, str]]]


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Trials:
    """What became of every damaged file, each tried in one process that must not crash."""
    program = Path(damaged_graphs.__file__)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(program.parent), *filter(None, sys.path)])}
    arguments = [str(tmp_path_factory.mktemp("damaged") / "graph"), str(FLIPS), str(CUTS)]
    done = subprocess.run(
        [sys.executable, str(program), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: Trials = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_changed_and_cut_off_anywhere(trials: Trials, kind: str) -> None:
    """300 bytes and 100 lengths: a StorageError that names the file, or exactly what the whole graph gives."""
    whole = trials["whole"][0][1]
    suffix = {"arcs": r"host-arcs/part-00001.arcs", "names": r"host-names/part-00000.names"}.get(kind, f"host-{kind}")
    assert len(trials[kind]) > FLIPS + CUTS - 20
    for what, became in trials[kind]:
        assert became == whole or (became.startswith("StorageError: ") and suffix in became), what
    if kind in ("arcs", "names"):  # every byte of these is held to account
        assert all(became != whole for _, became in trials[kind])


def test_a_file_made_whole_again_is_as_before(trials: Trials) -> None:
    """Nothing but the file is remembered."""
    assert {became for _, became in trials["whole"]} == {trials["whole"][0][1]}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[GraphSets, str]:
    """A graph of several parts and classes, and a digest of all there is of it."""
    sets = make(tmp_path_factory.mktemp("sound"))
    return sets, everything(sets)


@pytest.fixture
def copied(tmp_path: Path, sound: tuple[GraphSets, str]) -> GraphSets:
    """A copy to damage."""
    shutil.copytree(sound[0].root, tmp_path / "graph")
    return GraphSets(tmp_path / "graph", "")


# Blocks that lie, under check sums that are right

Row = Any
Change = Callable[[Row, bytearray], bytearray | None]


def forge(path: Path, change: Change, pick: Callable[[Any], bool] = lambda row: row["arcs"] > 0) -> None:
    """Have `change` alter the first block that `pick` picks, and its row of the index; put every check sum right."""
    body = path.read_bytes()
    rows, text, _, _ = TAIL.unpack(body[-TAIL.size :])
    start = len(body) - TAIL.size - rows - text
    index = np.frombuffer(body[start : start + rows], INDEX).copy()
    number = next(i for i, row in enumerate(index) if pick(row))
    row = index[number]
    begin, end = int(row["offset"]), int(row["offset"] + row["bytes"])
    block = bytearray(body[begin:end])
    given = change(row, block)
    block = block if given is None else given
    row["crc"] = zlib.crc32(block)
    foot = index.tobytes() + body[start + rows : -TAIL.size]
    path.unlink()
    path.write_bytes(body[:begin] + block + body[end:start] + foot + TAIL.pack(rows, text, zlib.crc32(foot), MAGIC))


def places(row: Row) -> dict[str, int]:
    """Return where the sections of a block begin."""
    control = int(row["targets"] + row["escapes"])
    data = control + (int(row["arcs"]) + 3) // 4
    codes = (data + int(row["data"]) + PADDING + 7) // 8 * 8
    return {"degrees": 0, "escapes": int(row["targets"]), "control": control, "data": data, "codes": codes}


def put(section: str, offset: int, value: int) -> Change:
    """Return a change of one byte of a section."""

    def change(row: Row, block: bytearray) -> None:
        block[places(row)[section] + offset] = value

    return change


def set_row(name: str, value: Callable[[int], int]) -> Change:
    """Return a change of a number of the index."""

    def change(row: Row, block: bytearray) -> None:
        row[name] = value(int(row[name]))

    return change


def far_right(row: Row, block: bytearray) -> None:
    """Have the last source be far behind the last one: its gap takes as many bytes as it did, all of them full."""
    last = (int(row["arcs"]) - 1) % 4
    control = block[places(row)["control"] + (int(row["arcs"]) - 1) // 4]
    sizes = [(control >> 2 * lane & 3) + 1 for lane in range(4)]
    end = places(row)["data"] + int(row["data"]) - sum(sizes[last + 1 :])
    block[end - sizes[last] : end] = b"\xff" * sizes[last]


def of_zigzag(value: int) -> Change:
    """Return a change of the first gap of a block, which takes one byte: where its first source lies."""

    def change(row: Row, block: bytearray) -> None:
        assert block[places(row)["control"]] & 3 == 0
        block[places(row)["data"]] = value

    return change


LIES: dict[str, Change] = {
    "a first source before the first": of_zigzag(255),
    "a first source behind the last": of_zigzag(254),
    "a source behind the last": far_right,
    "a degree too large": put("degrees", 0, 254),
    "a degree that wants an escape": put("degrees", 0, ESCAPE),
    "a class that does not exist": put("codes", 0, 255),
    "a control byte that wants more data": put("control", 0, 255),
    "fewer arcs": set_row("arcs", lambda n: n - 1),
    "more arcs": set_row("arcs", lambda n: n + 1),
    "many more arcs": set_row("arcs", lambda n: n + 10**12),
    "no arcs": set_row("arcs", lambda n: 0),
    "negative arcs": set_row("arcs", lambda n: -n),
    "less data": set_row("data", lambda n: n - 1),
    "more data": set_row("data", lambda n: n + 8),
    "negative data": set_row("data", lambda n: -1),
    "escapes where there are none": set_row("escapes", lambda n: n + 4),
    "fewer targets": set_row("targets", lambda n: n - 1),
    "more targets": set_row("targets", lambda n: n + 1),
    "no targets": set_row("targets", lambda n: 0),
    "negative targets": set_row("targets", lambda n: -n),
    "another first target": set_row("first", lambda n: n + 1),
    "a first target far away": set_row("first", lambda n: n + 2**40),
    "a negative first target": set_row("first", lambda n: -1),
    "another place": set_row("offset", lambda n: n + 8),
    "a place between words": set_row("offset", lambda n: n + 1),
    "a place behind the file": set_row("offset", lambda n: 2**50),
    "a place before the file": set_row("offset", lambda n: -8),
    "fewer bytes": set_row("bytes", lambda n: n - 8),
    "bytes behind the file": set_row("bytes", lambda n: 2**50),
    "negative bytes": set_row("bytes", lambda n: -n),
    "a reference behind all sources": set_row("low", lambda n: 2**40),
    "a last reference behind all sources": set_row("high", lambda n: 2**62),
    "a negative reference": set_row("low", lambda n: -1),
    "a negative last reference": set_row("high", lambda n: -1),
}


@pytest.mark.parametrize("lie", list(LIES))
def test_blocks_that_lie(copied: GraphSets, lie: str) -> None:
    """A StorageError for everyone who reads the block: a rank, the arcs of a node, all arcs."""
    path = file_of(copied, "arcs")
    forge(path, LIES[lie])
    with pytest.raises(StorageError, match="host-arcs"):
        everything(copied)
    with pytest.raises(StorageError, match="host-arcs"):
        Graph(copied, "host").csr()
    with pytest.raises(StorageError, match="host-arcs"):
        for node in range(64, 128):
            Graph(copied, "host").in_arcs(node)


def test_an_error_is_an_error_again(copied: GraphSets) -> None:
    """A block that was refused once is refused whenever it is asked for."""
    forge(file_of(copied, "arcs"), LIES["a class that does not exist"])
    graph = Graph(copied, "host")
    for _ in range(2):
        with pytest.raises(StorageError, match="an arc of a class that does not exist"):
            graph.csr()


def test_escapes_that_lie(tmp_path: Path) -> None:
    """A target of 300 arcs: an escape cut off, one for a degree that needs none, and one of billions."""
    names = [f"n{i:04d}.com" for i in range(400)]
    sets = graph_of(tmp_path, names, np.arange(1, 301), np.zeros(300))
    path = sets.arcs("host").path(0)
    body = path.read_bytes()
    lies: list[Change] = [
        put("escapes", 1, 0),
        put("escapes", 1, 2),
        put("escapes", 3, 255),
        set_row("escapes", lambda n: n - 4),
    ]
    for lie in lies:
        path.write_bytes(body)
        forge(path, lie)
        with pytest.raises(StorageError, match=r"part-00000.arcs: block \d+ at byte [\d,]+: its lengths do not agree"):
            Graph(sets, "host").csr()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "7",
        "nonsense",
        '{"nodes": 250}',
        '{"code_bytes": 3, "nodes": 250, "sources": 9}',
        '{"code_bytes": 1, "nodes": "250", "sources": 9}',
        '{"code_bytes": 1, "nodes": 250, "sources": 251}',
        '{"code_bytes": 1, "nodes": -1, "sources": -1}',
        '{"code_bytes": 1, "nodes": 250.0, "sources": 9}',
        '{"code_bytes": true, "nodes": 250, "sources": 9}',
        '{"code_bytes": 1, "nodes": 250, "sources": 9, "more": 1}',
        "\udcff",
    ],
)
def test_descriptions_that_lie(copied: GraphSets, text: str) -> None:
    """Whatever stands there under a check sum that is right."""
    path = file_of(copied, "arcs")
    body = path.read_bytes()
    rows, old, _, _ = TAIL.unpack(body[-TAIL.size :])
    start = len(body) - TAIL.size - rows - old
    foot = body[start : start + rows] + text.encode(errors="surrogateescape")
    path.write_bytes(body[:start] + foot + TAIL.pack(rows, len(foot) - rows, zlib.crc32(foot), MAGIC))
    with pytest.raises(StorageError, match=r"part-00001\.arcs"):
        Arcs([path])


# Files of different graphs


def test_parts_that_are_missing_doubled_or_exchanged(copied: GraphSets) -> None:
    """The blocks must be those of one whole graph."""
    parts = copied.arcs("host").paths()
    bodies = [path.read_bytes() for path in parts]
    assert len(parts) == 4
    for left in ([1, 2, 3], [0, 2, 3], [0, 1, 2], [0, 0, 2, 3], [0, 1, 2, 3, 3]):
        for path in parts:
            path.unlink(missing_ok=True)
        for number, body in enumerate(left):
            copied.arcs("host").path(number).write_bytes(bodies[body])
        with pytest.raises(StorageError, match="host-arcs: its blocks are not those of one whole graph"):
            Graph(copied, "host")
        copied.arcs("host").path(4).unlink(missing_ok=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_file_that_is_missing(copied: GraphSets, kind: str) -> None:
    """There is no such graph, then."""
    for path in getattr(copied, kind)("host").paths():
        path.unlink()
    with pytest.raises(MissingError, match=f"host-{kind}: no such graph"):
        Graph(copied, "host")


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_another_graph(copied: GraphSets, tmp_path: Path, kind: str) -> None:
    """Of another number of nodes, or classes of codes of another width."""
    other = graph_of(tmp_path / "other", ["a.com", "b.com"], np.array([0]), np.array([1]))
    for path in getattr(copied, kind)("host").paths():
        path.unlink()
    for path in getattr(other, kind)("host").paths():
        shutil.copy(path, getattr(copied, kind)("host").root / f"host-{kind}" / path.name)
    with pytest.raises(StorageError, match="build the graph again"):
        Graph(copied, "host")


def test_nodes_of_a_graph_as_large(tmp_path: Path) -> None:
    """As many nodes, as many of them linking, but others: all slots would be wrong."""
    names = [f"n{i}.com" for i in range(5)]
    one = graph_of(tmp_path / "one", names, np.array([0, 1]), np.array([1, 2]))
    other = graph_of(tmp_path / "other", names, np.array([0, 2]), np.array([1, 1]))
    shutil.copy(other.nodes("host").path(0), one.nodes("host").path(0))
    with pytest.raises(StorageError, match="its linking nodes, or their tiers, are not those of its arcs"):
        Graph(one, "host")


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("tier", [255, 1, 0, 0, 0], "tier 255; there are at most 4"),
        ("tier", [1, 2, 0, 0, 0], "its linking nodes, or their tiers, are not those of its arcs"),
        ("tier", [None, 1, 0, 0, 0], "not the columns of a graph"),
        ("links", [True, False, True, False, False], "its columns links and tier are not of one graph"),
    ],
)
def test_nodes_that_lie(tmp_path: Path, column: str, values: list[Any], told: str) -> None:
    """Tiers that there cannot be, other ones, none, and links of others than those that have a tier."""
    names = [f"n{i}.com" for i in range(5)]
    sets = graph_of(tmp_path, names, np.array([0, 1]), np.array([1, 2]))
    path = sets.nodes("host").path(0)
    table = pq.read_table(path)
    assert table[column].to_pylist()[:3] == [1, 1, 0]
    place = table.schema.get_field_index(column)
    lying = table.set_column(
        place, table.schema.field(column).with_nullable(True), pa.array(values, table.schema.field(column).type)
    )
    pq.write_table(lying.cast(table.schema) if None not in values else lying, path)
    with pytest.raises(StorageError, match=f"{told}|not the columns of a graph"):
        Graph(sets, "host")


def test_a_graph_without_arcs_files() -> None:
    """Is none."""
    with pytest.raises(StorageError, match="without arcs files"):
        Arcs([])


def test_a_file_that_was_not_finished(tmp_path: Path) -> None:
    """What it holds is asked for too early; and one whose writer failed is not there."""
    sets = GraphSets(tmp_path, "")
    out = ArcsWriter(sets.arcs("host"), 0, Description(nodes=1, sources=0, code_bytes=0))
    with pytest.raises(StorageError, match="before it was finished"):
        _ = out.written
    with pytest.raises(ZeroDivisionError), out:
        raise ZeroDivisionError
    assert not list((tmp_path / "host-arcs").iterdir())
