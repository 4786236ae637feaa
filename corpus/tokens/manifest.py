"""The manifest of a shard set: a JSON root and two Parquet tables, written last; no manifest means no dataset.

    manifest.json                root: dataset id, tokenizer, boundary policy, components, totals, digests of the tables
    manifest-shards.parquet      one row per shard: path, bytes, SHA-256, tokens, documents
    manifest-row-groups.parquet  one row per row group: place in the file, tokens, rows, logical checksum

The dataset id is content-addressed: a Merkle root over the row groups' logical checksums of each component, together
with what decides ids (tokenizer file, vocabulary, special ids, golden digests) and the boundary policy. It does not
depend on the number of writers, on encodings, or on where the files lie.

Reading needs numpy and pyarrow only, because the trainer's reader reads it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import ShardError
from corpus.settings import fingerprint
from corpus.storage import Written, whole_file
from corpus.tokens.layout import CHECKSUM_BYTES, FORMAT, FORMAT_VERSION

ROOT_NAME: Final = "manifest.json"
SHARDS_NAME: Final = "manifest-shards.parquet"
ROW_GROUPS_NAME: Final = "manifest-row-groups.parquet"
TOKENIZER_NAME: Final = "tokenizer.json"
REMOVAL: Final = ".removal"
"""Where a removal of documents is at work (removal.py); with it and without a root, it was stopped."""

SHARDS: Final = pa.schema(
    [
        pa.field("path", pa.string(), False, {"meaning": "path below the folder of the manifest"}),
        pa.field("component", pa.string(), False, {"meaning": "mixture component"}),
        pa.field("bytes", pa.int64(), False, {"meaning": "size of the file"}),
        pa.field("sha256", pa.string(), False, {"meaning": "SHA-256 of the file, hex"}),
        pa.field("tokens", pa.int64(), False, {"meaning": "ids in the shard"}),
        pa.field("rows", pa.int64(), False, {"meaning": "rows: documents, and segments of long ones"}),
        pa.field("documents", pa.int64(), False, {"meaning": "documents that begin in the shard"}),
        pa.field("row_groups", pa.int32(), False, {"meaning": "row groups in the shard"}),
    ]
)
ROW_GROUPS: Final = pa.schema(
    [
        pa.field("shard", pa.int32(), False, {"meaning": "row of the shard in the shards table"}),
        pa.field("row_group", pa.int32(), False, {"meaning": "number of the row group in the shard"}),
        pa.field("tokens", pa.int64(), False, {"meaning": "ids in the row group"}),
        pa.field("rows", pa.int32(), False, {"meaning": "rows in the row group"}),
        pa.field("documents", pa.int32(), False, {"meaning": "documents that begin in it"}),
        pa.field("offset", pa.int64(), False, {"meaning": "first byte of the row group in the file"}),
        pa.field("bytes", pa.int64(), False, {"meaning": "bytes of the row group"}),
        pa.field("lengths_offset", pa.int64(), False, {"meaning": "first byte of its n_tokens column"}),
        pa.field("lengths_bytes", pa.int64(), False, {"meaning": "bytes of its n_tokens column"}),
        pa.field(
            "checksum", pa.binary(CHECKSUM_BYTES), False, {"meaning": "logical checksum, see layout.logical_checksum"}
        ),
    ]
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A shard set as its manifest describes it. `root` is the JSON root; the tables are read when asked for.

    url: where it is when it is not in a local folder; tables: its tables then, as fetched, by name.
    """

    folder: Path
    root: Mapping[str, Any]
    url: str | None = None
    tables: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> str:
        """The folder or URL, for people."""
        return self.url or str(self.folder)

    @property
    def dataset(self) -> str:
        """The dataset id (64 hex digits)."""
        return str(self.root["dataset"])

    @property
    def components(self) -> Mapping[str, Mapping[str, Any]]:
        """Tokens, rows, documents, shards, row groups and Merkle root of each component."""
        found: Mapping[str, Mapping[str, Any]] = self.root["components"]
        return found

    def shards(self) -> pa.Table:
        """Return the shards table (schema SHARDS), checked against the root's digest; its paths stay in the folder."""
        table = self._table("shards", SHARDS, None)
        for path in table["path"].to_pylist():
            if not is_inside(path):
                raise ShardError(
                    f"{self.place}: the manifest names {path!r}, which is no place below it; do not use it"
                )
        return table

    def row_groups(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the row-groups table (schema ROW_GROUPS, or some columns), checked against the root's digest."""
        return self._table("row_groups", ROW_GROUPS, columns)

    def open_row_groups(self) -> pq.ParquetFile:
        """Return the row-groups table (schema ROW_GROUPS) to read from, checked against the root's digest."""
        path, source = self._checked("row_groups")
        try:
            file = pq.ParquetFile(source)
        except (pa.ArrowException, OSError) as error:
            raise ShardError(f"{path}: cannot be read ({error}); copy the whole folder again") from error
        _require_columns(path, ROW_GROUPS.names, file.schema_arrow.names)
        return file

    def _table(self, name: str, schema: pa.Schema, columns: Sequence[str] | None) -> pa.Table:
        path, source = self._checked(name)
        try:
            table = pq.read_table(source, columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise ShardError(f"{path}: cannot be read ({error}); copy the whole folder again") from error
        _require_columns(path, columns or schema.names, table.column_names)
        return table

    def _checked(self, name: str) -> tuple[str, Any]:
        """Return where a table is, for people and for pyarrow; ShardError when it is not the root's."""
        entry = self.root["tables"][name]
        path = f"{self.place}/{entry['path']}"
        content = self.tables.get(name)
        found = file_sha256(Path(path)) if content is None else hashlib.sha256(content).hexdigest()
        if found != entry["sha256"]:
            raise ShardError(f"{path}: not the table that {ROOT_NAME} describes; copy the whole folder again")
        return path, path if content is None else pa.BufferReader(content)


def _require_columns(path: str, wanted: Sequence[str], found: Sequence[str]) -> None:
    missing = set(wanted) - set(found)
    if missing:
        raise ShardError(f"{path}: lacks the columns {', '.join(sorted(missing))}; write the shards again")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 (hex) of a file, read in pieces; ShardError when it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ShardError(f"{path}: cannot be read ({error.strerror}); copy the whole folder again") from error


def load_manifest(folder: str | Path) -> Manifest:
    """Return the manifest in `folder`; ShardError says in one sentence why there is none that can be trusted."""
    path = Path(folder) / ROOT_NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        stopped = (Path(folder) / REMOVAL).exists()
        remedy = "run `corpus shards remove` again, it was stopped" if stopped else "run the pipeline to its end"
        raise ShardError(f"{folder}: no {ROOT_NAME}, so not a finished dataset; {remedy}") from error
    except OSError as error:
        raise ShardError(f"{path}: cannot be read ({error}); copy the whole folder again") from error
    return Manifest(Path(folder), checked_root(content, str(path)))


def checked_root(content: bytes, path: str) -> Mapping[str, Any]:
    """Return the root that is in the bytes of a manifest; ShardError says why it cannot be trusted."""
    try:
        root = json.loads(content)
    except ValueError as error:
        raise ShardError(f"{path}: cannot be read ({error}); copy the whole folder again") from error
    if not isinstance(root, dict) or root.get("format") != FORMAT:
        raise ShardError(f"{path}: not a manifest of token shards; give the folder that the pipeline wrote")
    if root.get("format_version") != FORMAT_VERSION:
        found = root.get("format_version")
        remedy = "use a matching release, or write the shards again"
        raise ShardError(f"{path}: format version {found}, known here is {FORMAT_VERSION}; {remedy}")
    if root.get("digest") != _own_digest(root):
        raise ShardError(f"{path}: its own digest does not match, it was changed; copy the whole folder again")
    if not is_sound(root):
        raise ShardError(f"{path}: a field is missing or of another kind; write the shards again")
    return root


def is_sound(root: Mapping[str, Any]) -> bool:
    """Say whether a root has what its readers rely on, each of the right kind, and tables in its own folder."""
    kinds: dict[str, type] = dict.fromkeys(("tables", "components", "tokenizer", "boundary"), dict)
    if not all(isinstance(root.get(name), kind) for name, kind in (kinds | {"dataset": str, "dtype": str}).items()):
        return False
    tables = [root["tables"].get(name) for name in ("shards", "row_groups")]
    whole = all(isinstance(table, dict) and {"path", "sha256"} <= table.keys() for table in tables)
    return whole and all(is_inside(table["path"]) for table in tables)


def is_inside(path: Any) -> bool:
    """Say whether a manifest's path stays below its folder: plain names, short enough for a file system."""
    names = path.split("/") if isinstance(path, str) and "\0" not in path else [""]
    return all(name not in ("", ".", "..") and len(name.encode("utf-8", "replace")) <= 255 for name in names)


def _own_digest(root: Mapping[str, Any]) -> str:
    return fingerprint({k: v for k, v in root.items() if k != "digest"})


def manifest_text(root: Mapping[str, Any]) -> str:
    """Return the JSON text of a root, with its own digest in it."""
    return json.dumps({**root, "digest": _own_digest(root)}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_bytes(root: Path, path: Path, content: bytes) -> Written:
    """Write a file under `root`, whole or not at all."""
    with whole_file(path) as out:
        out.write(content)
    return Written(path.relative_to(root).as_posix(), 0, out.bytes, out.hash.hexdigest())


def remove_manifest(folder: Path) -> None:
    """Make `folder` no dataset, before anything in it changes."""
    (folder / ROOT_NAME).unlink(missing_ok=True)


def merkle_root(leaves: Iterable[bytes]) -> str:
    """Return the Merkle root (SHA-256, hex) of `leaves`: leaf = H(0, x), node = H(1, left, right), odd ones go up."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = zip(level[0::2], level[1::2], strict=False)
        odd = level[-1:] if len(level) % 2 else []
        level = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs] + odd
    return level[0].hex()


def dataset_id(components: Mapping[str, str], tokenizer: Mapping[str, Any], boundary: Mapping[str, Any]) -> str:
    """Return the dataset id from each component's Merkle root, the tokenizer block and the boundary block."""
    ids = {field: tokenizer[field] for field in ("sha256", "vocabulary", "special", "golden")}
    return fingerprint(FORMAT, FORMAT_VERSION, dict(components), ids, {k: boundary[k] for k in ("bos", "eos")})
