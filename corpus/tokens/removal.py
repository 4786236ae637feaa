"""Take documents out of finished shards: only the files that hold one are written anew, and a new manifest says so.

The row groups without a removed document keep their rows, their order and their logical checksums; those with one lose
it and end where they ended before. Parquet row groups cannot be copied byte for byte by pyarrow, so a file is written
anew as a whole when one of its row groups is concerned. Row groups and files that would be empty disappear.

The new dataset id is not, in general, that of a set written without the documents, whose row groups would end
elsewhere: the id is a Merkle root over row groups. The documents and their order are the same.

In a new folder, shards that stay as they are become hard links, or copies where links cannot be made; the manifest
comes last. In place, the manifest goes first, so nobody reads a set that should be smaller; the new files are made in
`.removal` beside the shards, then take their places, the manifest last. Whatever stops it, the same command goes on:
what is complete in `.removal` is put in place, what is not is begun again.

The manifest's `parents` says, for each removal, from which dataset, when, how much was removed, and the digest of the
request; what was removed is named nowhere.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus import __version__
from corpus.errors import MissingError, ShardError, StorageError
from corpus.storage import ShardSet, TableWriter, as_storage_error, remove_leftovers, whole_file, write_text
from corpus.tokens.collect import manifest_root, write_tables
from corpus.tokens.contents import Contents
from corpus.tokens.gather import places_of
from corpus.tokens.layout import list_parts, logical_checksum, with_footer, writer_options
from corpus.tokens.manifest import (
    REMOVAL,
    ROOT_NAME,
    ROW_GROUPS,
    ROW_GROUPS_NAME,
    SHARDS_NAME,
    TOKENIZER_NAME,
    is_inside,
    load_manifest,
    manifest_text,
    remove_manifest,
    write_bytes,
)
from corpus.tokens.takedown import COLUMNS, Matcher, Request

PARENT: Final = "parent.json"
"""The manifest of a folder while a removal is at work in it."""
COUNTED: Final = ("documents", "rows", "tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A finished removal: its entry in the manifest's `parents`, the new dataset id, and what meant no document."""

    folder: Path
    dataset: str
    entry: Mapping[str, Any]
    unmatched: tuple[str, ...] = ()
    before: bool = False

    def readable(self) -> dict[str, Any]:
        """Return it as JSON values."""
        more = {"unmatched": list(self.unmatched), "done_before": self.before}
        return {"folder": str(self.folder), "dataset": self.dataset, "parent": dict(self.entry)} | more


def remove_into(folder: Path, request: Request, out: Path) -> Removal:
    """Write what is left of `folder` to the new folder `out`."""
    manifest = load_manifest(folder)
    mark = json.dumps({"parent": manifest.dataset, "request": request.digest})
    _check_new(folder, out, mark)
    work = _Work(Contents(manifest), request)
    remove_leftovers(out)
    write_text(out / REMOVAL, mark)
    remove_manifest(out)
    _link(folder / TOKENIZER_NAME, out / TOKENIZER_NAME, manifest.root["tokenizer"]["sha256"])
    work.write(out, link=True)
    (out / REMOVAL).unlink()
    return work.removal(out)


def remove_in_place(folder: Path, request: Request) -> Removal:
    """Take the documents out of `folder` itself; also finishes what an earlier call began there."""
    settle(folder)
    manifest = load_manifest(folder)
    for entry in manifest.root.get("parents", [])[-1:]:
        if entry["request"]["sha256"] == request.digest:
            return Removal(folder=folder, dataset=manifest.dataset, entry=entry, before=True)
    work = _Work(Contents(manifest), request)
    with _withheld(folder) as staged:
        work.write(staged, link=False)
    settle(folder)
    return work.removal(folder)


def _check_new(folder: Path, out: Path, mark: str) -> None:
    """Raise StorageError unless `out` is free for a new dataset, or holds the same removal, unfinished."""
    here, there = folder.resolve(), out.resolve()
    if here == there or there.is_relative_to(here) or here.is_relative_to(there):
        raise StorageError(f"{out}: not a place apart from {folder}; give another --out, or --in-place")
    if out.exists() and not out.is_dir():
        raise StorageError(f"{out}: not a folder; give another --out")
    begun = f".{REMOVAL}."  # what a process leaves that is killed while it writes the mark
    if out.is_dir() and not all(path.name.startswith(begun) for path in out.iterdir()):
        marked = out / REMOVAL
        if not marked.is_file() or marked.read_text() != mark:
            raise StorageError(f"{out}: is not empty; delete it, or give another --out")


class _Work:
    """One removal: looks for the documents first, so a request that means none, or all, changes nothing."""

    def __init__(self, contents: Contents, request: Request) -> None:
        self._contents, self._matcher = contents, Matcher(request)
        self._concerned: dict[int, int] = {}
        self._removed: dict[str, dict[str, int]] = {}
        for number in contents.numbers():
            self._look(number)
        where, old = contents.manifest.folder, contents.manifest.root
        documents = sum(counts["documents"] for counts in self._removed.values())
        if not self._concerned:
            raise MissingError(f"{where}: holds nothing of what is to be removed; is it spelled right?")
        if documents == old["totals"]["documents"]:
            raise ShardError(f"{where}: nothing would be left; delete the folder instead")
        entry = {"dataset": old["dataset"], "removed_at": datetime.now(UTC).isoformat(timespec="seconds")}
        asked = {"request": request.counts() | {"sha256": request.digest}}
        self._entry = entry | asked | {"removed": dict(sorted(self._removed.items()))}
        self._dataset = ""

    def _look(self, number: int) -> None:
        """Count what of a shard is to go, by component; note the shard and how many of its rows when there is any."""
        shard = self._contents.shards[number]
        with self._contents.open(number) as file:
            for table in file.each(COLUMNS):
                flags = self._matcher.rows(table)
                if flags.any():
                    gone = table.filter(pa.array(flags))
                    counts = self._removed.setdefault(shard["component"], dict.fromkeys(COUNTED, 0))
                    for name, count in _counts(gone, int(pc.sum(gone["n_tokens"]).as_py())).items():
                        counts[name] += count
                    self._concerned[number] = self._concerned.get(number, 0) + gone.num_rows

    def write(self, target: Path, *, link: bool) -> None:
        """Write the shards concerned, the tables and the manifest to `target`, and with `link` all other shards."""
        old = self._contents.manifest.root
        shard_set = ShardSet(target.parent, target.name)
        shards, groups, components = write_tables(shard_set, self._entries(target, link))
        about = dict(old["about"]) | {"code": __version__}
        root = manifest_root({"shards": shards, "row_groups": groups}, components, old, about)
        root["parents"] = [*old.get("parents", []), self._entry]
        self._dataset = root["dataset"]
        write_bytes(target.parent, target / ROOT_NAME, manifest_text(root).encode())

    def removal(self, folder: Path) -> Removal:
        """Return what was done."""
        unmatched = tuple(self._matcher.unmatched)
        return Removal(folder=folder, dataset=self._dataset, entry=self._entry, unmatched=unmatched)

    def _entries(self, target: Path, link: bool) -> Iterator[tuple[Mapping[str, Any], pa.Table]]:
        """Yield the shards of the new set, each written, linked or left where it is, with its row groups."""
        for number, shard in enumerate(self._contents.shards):
            if number not in self._concerned:
                if link:
                    source = self._contents.manifest.folder / shard["path"]
                    _link(source, target / shard["path"], shard["sha256"], shard["bytes"])
                yield shard, self._contents.groups(number)
            elif self._concerned[number] < shard["rows"]:
                yield self._rewritten(number, target)

    def _rewritten(self, number: int, target: Path) -> tuple[dict[str, Any], pa.Table]:
        """Write a shard without the rows that are to go; return its row and its row groups."""
        old = self._contents.shards[number]
        path = target / old["path"]
        groups: list[dict[str, Any]] = []
        with self._contents.open(number) as shard:
            writer = {"writer": {"headwater": __version__, "pyarrow": pa.__version__}}
            schema = with_footer(shard.schema, shard.block | writer)
            options = writer_options(schema, int(shard.block["tokenizer"]["vocabulary"]))
            with TableWriter(ShardSet(target.parent, target.name), 0, schema, path=path, **options) as out:
                for table in shard.each():
                    kept = table.filter(pa.array(~self._matcher.rows(table)))
                    if kept.num_rows:
                        out.write(kept)
                        lengths, ids = list_parts(kept["tokens"])
                        groups.append(_counts(kept, len(ids)) | {"checksum": logical_checksum(lengths, ids)})
        found = pq.read_metadata(path)
        rows = [row | places_of(found.row_group(i)) | {"row_group": i, "shard": 0} for i, row in enumerate(groups)]
        sums = {name: sum(row[name] for row in groups) for name in COUNTED}
        file = {"bytes": out.written.bytes, "sha256": out.written.sha256, "row_groups": len(rows)}
        return dict(old) | sums | file, pa.Table.from_pylist(rows, schema=ROW_GROUPS)


def _counts(table: pa.Table, tokens: int) -> dict[str, int]:
    documents = np.count_nonzero(table["segment"].to_numpy() == 0)
    return {"documents": int(documents), "rows": table.num_rows, "tokens": tokens}


def _link(source: Path, target: Path, sha256: str, size: int | None = None) -> None:
    """Make `target` the same file as `source`, or, where that cannot be, a copy that is checked."""
    if not source.is_file() or (size is not None and source.stat().st_size != size):
        raise ShardError(f"{source}: missing or of another size than the manifest says; copy the whole folder again")
    with as_storage_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # another file system, or one without links
        os.link(source, target)
        return
    with open(source, "rb") as stream, whole_file(target) as out:
        while content := stream.read(1 << 22):
            out.write(content)
        if out.hash.hexdigest() != sha256:
            raise ShardError(f"{source}: its SHA-256 is not the manifest's; copy the whole folder again")


@contextlib.contextmanager
def _withheld(folder: Path) -> Iterator[Path]:
    """Make `folder` no dataset and give the place for the new files; an error puts the manifest back."""
    staged = folder / REMOVAL
    with as_storage_error(staged):
        staged.mkdir()
        (folder / ROOT_NAME).replace(staged / PARENT)
    try:
        yield staged
    except BaseException:
        (staged / PARENT).replace(folder / ROOT_NAME)
        shutil.rmtree(staged)
        raise


def settle(folder: Path) -> None:
    """Put a removal that is complete in place; undo one that is not."""
    staged = folder / REMOVAL
    if not staged.is_dir():
        return
    with as_storage_error(folder):
        if (staged / ROOT_NAME).is_file():
            _swap(folder, staged)
        elif (staged / PARENT).is_file():
            (staged / PARENT).replace(folder / ROOT_NAME)
        shutil.rmtree(staged)


def _swap(folder: Path, staged: Path) -> None:
    """Move the new files to their places, each step such that it can be done again; the manifest moves last."""
    if (staged / SHARDS_NAME).is_file():
        left = _paths(staged / SHARDS_NAME)
        for path in sorted(staged.glob("*/*.parquet")):
            path.replace(folder / path.relative_to(staged))
        for name in sorted(_paths(folder / SHARDS_NAME) - left):
            (folder / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty
                (folder / name).parent.rmdir()
    for name in (ROW_GROUPS_NAME, SHARDS_NAME):
        if (staged / name).is_file():
            (staged / name).replace(folder / name)
    (staged / PARENT).unlink(missing_ok=True)
    (staged / ROOT_NAME).replace(folder / ROOT_NAME)


def _paths(table: Path) -> set[str]:
    return {path for path in pq.read_table(table, columns=["path"])["path"].to_pylist() if is_inside(path)}
