"""Quality of sites' own text: the mean of a signal over the pages of each host, as a table that a ranking starts from.

Documents and signals of one part number hold the same documents in the same order (corpus/schema.py), so a part is
added up by host as it is read; the sums of all parts are added by DuckDB, which spills. Values are added as whole
multiples of 1 / SCALE, so the result does not depend on the order of additions. A page without a value does not count.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import SettingError, StorageError
from corpus.schema import column
from corpus.stage import tick
from corpus.storage import ShardSet, TableWriter, Written, open_parquet
from sitegraph.engine import Engine, database

SCALE: Final = 1 << 20

QUALITY: Final = pa.schema(
    [
        column("name", pa.string(), "host, as in the documents"),
        column("quality", pa.float64(), "mean of the signal over its pages"),
        column("pages", pa.int64(), "pages with a value"),
    ]
)
_SUMS = pa.schema([("host", pa.string()), ("total", pa.int64()), ("pages", pa.int64())])


def site_quality(
    documents: ShardSet,
    signals: ShardSet,
    signal: str,
    out: ShardSet,
    *,
    path: Path | None = None,
    engine: Engine | None = None,
) -> tuple[Written, dict[str, int]]:
    """Write the mean of a signal per host as part 0 of `out` (or the file `path` under its root); return it and counts.

    Raises SettingError when there is no such numeric signal, StorageError when parts do not fit together.
    """
    parts = [(documents.path(number), signals.path(number)) for number in signals.parts()]
    check_signal(parts, signal)
    name = f"quality-{path.name}" if path else "quality"
    with database(out.root, name, engine or Engine()) as db:
        sums = db.folder / "sums.parquet"
        pages = 0
        with pq.ParquetWriter(sums, _SUMS) as writer:
            for pair in parts:
                for table in sums_of(*pair, signal):
                    writer.write_table(table)
                    pages += int(pc.sum(table["pages"]).as_py() or 0)
        db.view("sums", [sums], _SUMS)
        query = f"""
            SELECT host AS name, sum(total)::DOUBLE / {SCALE} / sum(pages) AS quality, sum(pages)::BIGINT AS pages
            FROM sums GROUP BY host ORDER BY host"""
        with TableWriter(out, 0, QUALITY, path=path) as writer_out:
            for table in db.stream(query, QUALITY):
                writer_out.write(table)
    return writer_out.written, {"hosts": writer_out.rows, "pages": pages}


def check_signal(parts: Sequence[tuple[Path, Path]], signal: str) -> None:
    """Raise SettingError unless the signals have a numeric column of that name."""
    for _, path in parts[:1]:
        schema = pq.read_schema(path)
        numeric = [f.name for f in schema if pa.types.is_floating(f.type) or pa.types.is_integer(f.type)]
        if signal not in numeric:
            raise SettingError("site_quality", "signal", signal, f"one of {', '.join(numeric)}")


def sums_of(documents: Path, signals: Path, signal: str) -> Iterator[pa.Table]:
    """Yield the sums per host of each row group of a part."""
    with open_parquet(documents) as hosts, open_parquet(signals) as values:
        if hosts.num_row_groups != values.num_row_groups:
            raise StorageError(f"{signals}: not the row groups of {documents.name} in documents; run annotate again")
        for group in range(values.num_row_groups):
            names = hosts.read_row_group(group, columns=["host"])["host"]
            found = np.asarray(values.read_row_group(group, columns=[signal])[signal].to_numpy(), np.float64)
            if len(names) != len(found):
                raise StorageError(f"{signals}: row group {group} is not that of its documents; run annotate again")
            some = np.isfinite(found)
            whole = np.round(found[some] * SCALE).astype(np.int64)
            pages = np.ones(len(whole), np.int64)
            table = pa.table({"host": names.filter(pa.array(some)), "total": whole, "pages": pages})
            added = table.group_by("host", use_threads=False).aggregate([("total", "sum"), ("pages", "sum")])
            tick(len(names))
            yield added.select(["host", "total_sum", "pages_sum"]).rename_columns(_SUMS.names).cast(_SUMS)
