"""The ledger of a root: every record in exactly one bucket, from what ingest saw to what select decided.

Ingest puts each record or fault in a bucket; `document` is the bucket of those that became one. Once there is a verdict
(of the stages select and quota), a document's bucket is what became of it: `kept`, `duplicate`, `quota` (its site has
as many as it may have), or `rule:NAME` after the first rule it failed. Documents and verdicts are aligned, so the join
is by position, one part at a time. Buckets always add up to the records.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import MissingError, StorageError
from corpus.report import funnel
from corpus.storage import ShardSet

DOCUMENT, KEPT, DUPLICATE, QUOTA, RULE = "document", "kept", "duplicate", "quota", "rule:"
OWN = pa.array([DUPLICATE, QUOTA])
"""Reasons that are buckets by their own name."""
INGESTED = {
    *("document", "status", "not_html", "url", "undecodable", "oversize", "timeout", "crash", "empty", "gate_length"),
    *("gate_language", "damaged", "truncated", "request", "metadata", "warcinfo", "revisit", "continuation"),
    *("resource", "unknown_type"),
}
BUCKETS = frozenset(INGESTED | {KEPT, DUPLICATE, QUOTA})
"""Buckets that any root may have: ingest's (stages/ingest.py explains them), kept, duplicate and quota. Rules add
theirs."""


@dataclass(frozen=True, slots=True)
class FileLedger:
    """The ledger of one input file."""

    file: str
    records: int
    buckets: Counter[str]


def parts(root: Path) -> list[int]:
    """Return the numbers of the ledger's parts; MissingError when there are none."""
    found = ShardSet(root, "ledger").parts()
    if not found:
        raise MissingError(f"{root}: no ledger here yet; run a recipe into this root, or wait for its first archive")
    return found


def verdict_buckets(root: Path, part: int) -> pa.Array | None:
    """Return the final bucket of each document of a part, or None when there is no verdict on them yet."""
    path = ShardSet(root, "verdicts").path(part)
    if not path.exists():
        return None
    table = pq.read_table(path, columns=["kept", "reason"])
    reason = table.column("reason").combine_chunks()
    named = pc.if_else(pc.is_in(reason, value_set=OWN), reason, pc.binary_join_element_wise(RULE, reason, ""))
    return pc.if_else(table.column("kept").combine_chunks(), KEPT, named)


def final_buckets(table: pa.Table, verdicts: pa.Array | None) -> pa.Array:
    """Return the bucket of each ledger row: ingest's, or for documents what select decided."""
    buckets = table.column("bucket").combine_chunks()
    if verdicts is None:
        return buckets
    rows = table.column("row").combine_chunks()
    documents = pc.is_valid(rows)
    if pc.sum(documents).as_py() not in (len(verdicts), None) and len(verdicts):
        raise StorageError("ledger and verdicts disagree on the number of documents; run the recipe again")
    decided = verdicts.take(rows)
    return pc.if_else(documents, decided, buckets)


def per_file(root: Path) -> Iterator[FileLedger]:
    """Yield the ledger of each input file, in the order of the inputs."""
    for part in parts(root):
        table = pq.read_table(ShardSet(root, "ledger").path(part), columns=["file", "bucket", "row"])
        buckets = final_buckets(table, verdict_buckets(root, part))
        files = pc.unique(table.column("file").combine_chunks().cast(pa.string())).to_pylist()
        yield FileLedger(files[0] if files else f"part {part}", table.num_rows, tally(buckets))


def tally(buckets: pa.Array) -> Counter[str]:
    """Count the values of a string array."""
    found = pc.value_counts(buckets)
    return Counter(dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)))


def summary(root: Path) -> dict[str, Any]:
    """Return {"records": N, "buckets": {name: count}, "files": [{"file", "records", "buckets"}]}."""
    total: Counter[str] = Counter()
    files: list[dict[str, Any]] = []
    for ledger in per_file(root):
        total.update(ledger.buckets)
        files.append({"file": ledger.file, "records": ledger.records, "buckets": dict(sorted(ledger.buckets.items()))})
    records = sum(file["records"] for file in files)
    return {"records": records, "buckets": dict(sorted(total.items(), key=lambda b: (-b[1], b[0]))), "files": files}


def first(root: Path, bucket: str, limit: int) -> list[dict[str, Any]]:
    """Return the first `limit` records of a bucket, none when it is empty; MissingError when there is none such."""
    found = list(islice(records_of(root, bucket), limit))
    if not found and not known(root, bucket):
        there = summary(root)["buckets"]
        raise MissingError(f"{root}: no record is in bucket {bucket!r}; buckets are: {', '.join(there)}")
    return found


def known(root: Path, bucket: str) -> bool:
    """Return whether there is such a bucket, though it may be empty: a name above, or a rule that documents failed."""
    failed = funnel.prefixed(funnel.verdicts(root), "failed:")
    return bucket in BUCKETS or (bucket.startswith(RULE) and bucket.removeprefix(RULE) in failed)


def what_became(root: Path, part: int) -> list[str]:
    """Return in words what was decided on each document of a part: its component, all it failed, what it repeats."""
    path = ShardSet(root, "verdicts").path(part)
    if not path.exists():
        return []
    columns = ["kept", "component", "failed", "duplicate_of"]
    return [in_words(verdict) for verdict in pq.read_table(path, columns=columns).to_pylist()]


def in_words(verdict: dict[str, Any]) -> str:
    """Return one verdict in words."""
    if verdict["kept"]:
        return f"in {verdict['component']}"
    failed = ", ".join(name for name in verdict["failed"] if name not in (DUPLICATE, QUOTA))
    other = verdict["duplicate_of"]
    copy = f"duplicate of {other.hex() if isinstance(other, bytes) else other}" if other else ""
    over = "over the quota of its site" if QUOTA in verdict["failed"] else ""
    return "; ".join(filter(None, [f"failed {failed}" if failed else "", copy, over]))


def records_of(root: Path, bucket: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a bucket (`document` means every document): file, offset, length, type, url, detail, id.

    The detail of a document is what became of it, when select has run.
    """
    for part in parts(root):
        table = pq.read_table(ShardSet(root, "ledger").path(part))
        buckets = final_buckets(table, verdict_buckets(root, part))
        first = table.column("bucket").combine_chunks()
        chosen = pc.or_(pc.equal(buckets, bucket), pc.equal(first, bucket))
        words = what_became(root, part) if pc.any(pc.and_(chosen, pc.equal(first, DOCUMENT))).as_py() else []
        for index in np.flatnonzero(chosen.to_numpy(zero_copy_only=False)):
            row = table.slice(index, 1).to_pylist()[0]
            identity = row["document"].hex() if row["document"] else None
            if identity and words:
                row["detail"] = row["detail"] or words[row["row"]] or None
            yield row | {"document": identity, "bucket": buckets[index].as_py(), "part": part}
