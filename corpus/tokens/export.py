"""Shards as files that other trainers read: Megatron's indexed dataset, and flat token files for NumPy.

    megatron  PREFIX-COMPONENT.bin  the ids, little-endian, one document after the other
              PREFIX-COMPONENT.idx  magic, version 1, code of the dtype (uint16 8, int32 4), sequences, entries of the
                                    last table; then the length of each sequence (int32), the byte it begins at in .bin
                                    (int64), and the sequence each document begins at, one entry more, the end (int64)
    npy       PREFIX-COMPONENT.npy  the ids, flat, uint16 or uint32 (NumPy's format 1.0)
              PREFIX-COMPONENT.index.npy  where each document begins in it, one entry more, the end (uint64)

The Megatron format is that of `IndexedDataset` in Megatron-LM (megatron/core/datasets/indexed_dataset.py): it knows no
uint32, so wide ids are written as int32, and ids from 2^31 on are refused. A document is one sequence, boundary ids
included, in the order of the component.

All files of an export appear when all are written. Memory: a row group; lengths are read again for each table.
"""

import contextlib
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from corpus.errors import ShardError, StorageError
from corpus.storage import HashingFile, whole_file
from corpus.tokens.contents import Contents
from corpus.tokens.gather import component_folder
from corpus.tokens.layout import list_parts

MAGIC: Final = b"MMIDIDX\x00\x00"
MEGATRON_CODES: Final[Mapping[str, int]] = {"<i4": 4, "<u2": 8}
INT32_MAX: Final = (1 << 31) - 1
BLOCK: Final = 1 << 20

Ints = npt.NDArray[np.int64]
Writer = Callable[[Contents, str, Sequence[HashingFile]], None]


def export(contents: Contents, form: str, prefix: Path, components: Sequence[str] = ()) -> list[Path]:
    """Write components (all by default) in a format of FORMATS; return the files. None may be there already."""
    suffixes, write = FORMATS[form]
    for component in components:
        contents.require(component)
    chosen = list(dict.fromkeys(components)) or sorted(contents.manifest.components)
    places = {c: [prefix.with_name(f"{prefix.name}-{component_folder(c)}{s}") for s in suffixes] for c in chosen}
    paths = [path for component in chosen for path in places[component]]
    for path in paths:
        if path.exists():
            raise StorageError(f"{path}: is there already; delete it, or give another --out")
    with contextlib.ExitStack() as stack:  # which renames the last file first: an index never stands without its ids
        for component in chosen:
            write(contents, component, [stack.enter_context(whole_file(path)) for path in places[component]])
    return paths


def write_megatron(contents: Contents, component: str, files: Sequence[HashingFile]) -> None:
    """Write the .idx and .bin of a component."""
    index, data = files
    dtype = np.dtype("<u2" if contents.manifest.root["dtype"] == "uint16" else "<i4")
    for ids in all_ids(contents, component):
        data.write(narrowed(ids, dtype).tobytes())
    documents = int(contents.manifest.components[component]["documents"])
    index.write(MAGIC + struct.pack("<QBQQ", 1, MEGATRON_CODES[dtype.str], documents, documents + 1))
    for lengths in document_lengths(contents, component):
        if int(lengths.max()) > INT32_MAX:
            raise ShardError(f"{component}: a document of {lengths.max():,} ids, Megatron's limit is {INT32_MAX:,}")
        index.write(lengths.astype("<i4").tobytes())
    for starts in document_starts(contents, component):
        index.write((starts * dtype.itemsize).astype("<i8").tobytes())
    for first in range(0, documents + 1, BLOCK):
        index.write(np.arange(first, min(first + BLOCK, documents + 1), dtype="<i8").tobytes())


def narrowed(ids: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return ids in a dtype that Megatron knows; ShardError when one does not fit."""
    if ids.size and int(ids.max()) > np.iinfo(dtype).max:
        raise ShardError(f"id {ids.max()} does not fit {dtype}, the widest that Megatron reads; export npy instead")
    return ids.astype(dtype)


def write_npy(contents: Contents, component: str, files: Sequence[HashingFile]) -> None:
    """Write the .index.npy and .npy of a component."""
    index, data = files
    totals = contents.manifest.components[component]
    dtype = np.dtype(contents.manifest.root["dtype"]).newbyteorder("<")
    _write_header(data, dtype.str, totals["tokens"])
    for ids in all_ids(contents, component):
        data.write(ids.astype(dtype).tobytes())
    _write_header(index, "<u8", totals["documents"] + 1)
    for starts in document_starts(contents, component):
        index.write(starts.astype("<u8").tobytes())
    index.write(struct.pack("<Q", totals["tokens"]))


def _write_header(out: HashingFile, descr: str, length: int) -> None:
    header = {"descr": descr, "fortran_order": False, "shape": (int(length),)}
    np.lib.format.write_array_header_1_0(out, header)


FORMATS: Final[Mapping[str, tuple[tuple[str, str], Writer]]] = {
    "megatron": ((".idx", ".bin"), write_megatron),
    "npy": ((".index.npy", ".npy"), write_npy),
}
"""Suffixes of a component's files, the index first, and what writes them."""


def all_ids(contents: Contents, component: str) -> Iterator[npt.NDArray[Any]]:
    """Yield the ids of a component, a row group at a time; ShardError when they are not as many as promised."""
    total, promised = 0, int(contents.manifest.components[component]["tokens"])
    for number in contents.numbers(component):
        with contents.open(number) as shard:
            for table in shard.each(("tokens",)):
                _, ids = list_parts(table["tokens"])
                total += len(ids)
                yield ids
    _check(contents, component, "tokens", total, promised)


def document_lengths(contents: Contents, component: str) -> Iterator[Ints]:
    """Yield how many ids each document has, segments joined; ShardError when they are not as many as promised."""
    total, promised = 0, int(contents.manifest.components[component]["documents"])
    for number in contents.numbers(component):
        with contents.open(number) as shard:
            held = 0  # ids of a document whose segments may go on in the next row group
            for table in shard.each(("n_tokens", "segment")):
                lengths = table["n_tokens"].to_numpy().astype(np.int64)
                firsts = np.flatnonzero(table["segment"].to_numpy() == 0)
                if not len(firsts):
                    held += int(lengths.sum())
                    continue
                held += int(lengths[: firsts[0]].sum())
                sums = np.add.reduceat(lengths, firsts)
                ended: Ints = np.concatenate([[held] if held else [], sums[:-1]]).astype(np.int64)
                held = int(sums[-1])
                total += len(ended)
                if len(ended):
                    yield ended
            total += 1
            yield np.array([held], np.int64)
    _check(contents, component, "documents", total, promised)


def document_starts(contents: Contents, component: str) -> Iterator[Ints]:
    """Yield how many ids lie before each document."""
    before = 0
    for lengths in document_lengths(contents, component):
        ends = before + np.cumsum(lengths)
        yield ends - lengths
        before = int(ends[-1])


def _check(contents: Contents, component: str, what: str, found: int, promised: int) -> None:
    if found != promised:
        raise ShardError(
            f"{contents.manifest.folder}: component {component!r} has {found:,} {what}, the manifest says "
            f"{promised:,}; copy the whole folder again"
        )
