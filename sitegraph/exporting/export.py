"""A subgraph as files that other programs read: GraphML (one file), CSV or Parquet (a folder: nodes and arcs).

    export(subgraph, Path("around.graphml"))          Gephi, yEd, igraph, networkx.read_graphml
    export(subgraph, Path("around"), "csv")           around/nodes.csv, around/arcs.csv
    export(subgraph, Path("around"), "parquet")       around/nodes.parquet, around/arcs.parquet

Nodes are called by their names, in GraphML too. Names and other strings may hold anything: they are escaped, and what
XML 1.0 cannot hold at all (control characters, lone surrogates) becomes U+FFFD. A list, which GraphML and CSV have no
form for, is written as its values with blanks between. Null is an absent value. Files are written whole, in the order
of the subgraph, so equal subgraphs give equal files.

GraphML: http://graphml.graphdrawing.org/specification.html, with the attributes of its 1.0 schema.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from corpus.errors import SettingError
from corpus.storage import ShardSet, TableWriter, whole_file
from sitegraph.exporting.subgraph import Subgraph

Format = Literal["graphml", "csv", "parquet"]
FORMATS: Final[tuple[Format, ...]] = ("graphml", "csv", "parquet")
_ROWS: Final = 1 << 14
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
_WORDS: Final = {"True": "true", "False": "false", "inf": "INF", "-inf": "-INF", "nan": "NaN"}


def export(subgraph: Subgraph, path: Path, form: Format = "graphml") -> None:
    """Write a subgraph to a file (GraphML) or a folder (CSV, Parquet)."""
    if form not in FORMATS:
        raise SettingError("export", "form", form, f"one of {', '.join(FORMATS)}")
    if form == "graphml":
        write_graphml(subgraph, path)
    else:
        for name, table in (("nodes", nodes_table(subgraph)), ("arcs", arcs_table(subgraph))):
            (write_csv if form == "csv" else write_parquet)(table, path / f"{name}.{form}")


def nodes_table(subgraph: Subgraph) -> pa.Table:
    """Return the nodes: name, and the columns."""
    if "name" in subgraph.columns:
        raise SettingError("Subgraph", "columns", sorted(subgraph.columns), "no column called name")
    return pa.table({"name": pa.array(subgraph.names, pa.string()), **subgraph.columns})


def arcs_table(subgraph: Subgraph) -> pa.Table:
    """Return the arcs: source and target by name, and the weight where there is one."""
    names = pa.array(subgraph.names, pa.string())
    columns = {"source": names.take(pa.array(subgraph.source)), "target": names.take(pa.array(subgraph.target))}
    return pa.table(columns if subgraph.weight is None else {**columns, "weight": pa.array(subgraph.weight)})


def write_csv(table: pa.Table, path: Path) -> None:
    """Write a table as CSV with a header, strings in quotes."""
    plain = pa.table({field.name: unlisted(table[field.name]) for field in table.schema})
    with whole_file(path) as out, csv.CSVWriter(out, plain.schema) as writer:
        writer.write_table(plain, _ROWS)


def unlisted(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column whose lists are strings: their values with blanks between."""
    if not pa.types.is_list(column.type):
        return column
    return pc.binary_join(column.cast(pa.list_(pa.string())), " ")


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet."""
    with TableWriter(ShardSet(path.parent, ""), 0, table.schema, path=path) as out:
        out.write(table)


def write_graphml(subgraph: Subgraph, path: Path) -> None:
    """Write a subgraph as GraphML, a directed graph with the nodes' columns and the arcs' weights as data."""
    nodes, arcs = nodes_table(subgraph), arcs_table(subgraph)
    with whole_file(path) as out:
        out.write((_HEAD + keys("node", nodes, 1) + keys("edge", arcs, 2)).encode())
        out.write(b' <graph edgedefault="directed">\n')
        for names, data in elements(nodes, 1):
            out.write("".join(f"  <node id={n[0]}>{d}</node>\n" for n, d in zip(names, data, strict=True)).encode())
        for names, data in elements(arcs, 2):
            lines = (f"  <edge source={n[0]} target={n[1]}>{d}</edge>\n" for n, d in zip(names, data, strict=True))
            out.write("".join(lines).encode())
        out.write(b" </graph>\n</graphml>\n")


def keys(owner: str, table: pa.Table, skipped: int) -> str:
    """Return the declarations of a table's columns, those behind the first `skipped`."""
    lines = []
    for place, field in enumerate(table.schema):
        if place >= skipped:
            name = quoteattr(clean(field.name))
            kind = f'attr.type="{type_of(field.type)}"'
            lines.append(f' <key id="{owner}{place}" for="{owner}" attr.name={name} {kind}/>\n')
    return "".join(lines)


def type_of(kind: pa.DataType) -> str:
    """Return the GraphML type of values."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "long"
    return "double" if pa.types.is_floating(kind) else "string"


def elements(table: pa.Table, named: int) -> Iterator[tuple[list[tuple[str, ...]], list[str]]]:
    """Yield rows in blocks: the first `named` cells of each as attribute values, the others as data elements."""
    owner = "node" if named == 1 else "edge"
    for batch in table.to_batches(_ROWS):
        columns = [column.to_pylist() for column in batch.columns]
        names = list(zip(*([quoteattr(clean(name)) for name in column] for column in columns[:named]), strict=True))
        data = [""] * batch.num_rows
        for place, column in enumerate(columns[named:], named):
            for row, value in enumerate(column):
                if value is not None:
                    data[row] += f'<data key="{owner}{place}">{shown(value)}</data>'
        yield names, data


def shown(value: Any) -> str:
    """Return a value as the text of an element."""
    if isinstance(value, list):
        value = " ".join(map(str, value))
    if isinstance(value, str):
        return escape(clean(value), {"\r": "&#13;"})
    return _WORDS.get(text := str(value), text)


def clean(text: str) -> str:
    """Return a text that XML can hold."""
    return _NO_XML.sub("\ufffd", text)
