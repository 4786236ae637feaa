"""Peers: how each is written from one flat file of tokens, and how it is read. Imports numpy and one peer each.

Each sample is LENGTH + 1 tokens, so that inputs and labels are a shift of one another; all hold the same tokens, two
bytes each where the format has them. Hugging Face datasets reads our shards, and packs as its users do: documents, one
after another, through a shuffle buffer. What a peer hands out is cast to int64, as embedding layers want it.
"""

# ruff: noqa: PLC0415 - each peer is imported by its own functions alone

import functools
import importlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reader.steps import LENGTH, Opened

SAMPLE = LENGTH + 1
BUFFER = 1000
"""Documents in the shuffle buffer of datasets, its default."""
MODULES = {"litdata": "litdata", "mosaicml": "streaming", "datasets": "datasets", "grain": "grain", "memmap": "numpy"}


def imports(peer: str) -> None:
    """Import a peer, so that a clock that starts later does not count it."""
    if peer == "mosaicml":
        stand_in()
    importlib.import_module(MODULES[peer])


def flat(source: str) -> np.ndarray:
    """Return all samples of a flat file (uint16)."""
    tokens = np.load(source, mmap_mode="r")
    return tokens[: len(tokens) // SAMPLE * SAMPLE].reshape(-1, SAMPLE)


def pair(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and labels."""
    whole = samples.astype(np.int64)
    return whole[:, :-1], whole[:, 1:]


# A memory map, as Megatron reads: sequences of a flat file by a shuffled index.


def write_memmap(source: str, folder: str) -> None:
    """Copy the flat file."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    flat(source).tofile(Path(folder) / "tokens.bin")


def memmap(folder: str, batch: int, rank: int, world: int, state: Any) -> Opened:
    """Batch k of rank r: samples (k, r) of the shuffled index."""
    tokens = np.memmap(Path(folder) / "tokens.bin", np.uint16, "r").reshape(-1, SAMPLE)
    order = np.random.default_rng(0).permutation(len(tokens))
    place, each = [int(state or 0)], batch // world

    def batches() -> Iterator[Any]:
        while (place[0] + 1) * batch <= len(order):
            start = place[0] * batch + rank * each
            place[0] += 1
            yield pair(tokens[order[start : start + each]])

    return Opened(batches(), lambda: place[0])


# litdata, TokensLoader.


def items(source: str, part: tuple[int, int]) -> Iterator[Any]:
    """Yield samples of a part."""
    import torch

    for row in flat(source)[part[0] : part[1]]:
        yield torch.from_numpy(np.array(row))


def write_litdata(source: str, folder: str) -> None:
    """Chunks of about 64 MB."""
    import litdata

    count, step = len(flat(source)), 4096
    parts = [(at, min(at + step, count)) for at in range(0, count, step)]
    chunk = min(8192, count // 4) * SAMPLE  # tokens; a few chunks at least, since chunks are what it shuffles
    litdata.optimize(functools.partial(items, source), parts, folder, chunk_size=chunk, num_workers=1,
                     item_loader=litdata.TokensLoader(SAMPLE), verbose=False)  # fmt: skip


def litdata(folder: str, batch: int, rank: int, world: int, state: Any) -> Opened:
    """No worker processes: one core."""
    import litdata as lit
    from litdata.utilities.env import _DistributedEnv

    dataset = lit.StreamingDataset(folder, item_loader=lit.TokensLoader(SAMPLE), shuffle=True, drop_last=True, seed=0)
    if world > 1:
        dataset.distributed_env = _DistributedEnv(world, rank, 1)
    loading = lit.StreamingDataLoader(dataset, batch_size=batch // world, num_workers=0, drop_last=True)
    if state is not None:
        loading.load_state_dict(state)
    return Opened((split(one) for one in loading), loading.state_dict)


def split(tokens: Any) -> tuple[Any, Any]:
    """Return inputs and labels of a tensor."""
    whole = tokens.long()
    return whole[:, :-1], whole[:, 1:]


# mosaicml-streaming, MDS.


def stand_in() -> None:
    """Put an empty torchvision in its place where there is none that fits torch: text needs nothing of it."""
    try:
        importlib.import_module("torchvision.datasets")
    except Exception:  # a build for CUDA fails in ways of its own
        importlib.import_module("transformers.feature_extraction_utils")  # asks whether there is one, so it comes first
        importlib.import_module("transformers.tokenization_utils_base")
        for name in ("torchvision", "torchvision.datasets", "torchvision.transforms",
                     "torchvision.transforms.functional"):  # fmt: skip
            sys.modules[name] = types.ModuleType(name)
        sys.modules["torchvision.datasets"].VisionDataset = object  # type: ignore[attr-defined]
        sys.modules["torchvision.transforms.functional"].to_tensor = None  # type: ignore[attr-defined]


def write_mosaicml(source: str, folder: str) -> None:
    """Shards of 64 MB, with hashes that a reader can check."""
    stand_in()
    from streaming import MDSWriter

    columns = {"tokens": f"ndarray:uint16:{SAMPLE}"}
    with MDSWriter(out=folder, columns=columns, hashes=["xxh64"], size_limit=1 << 26) as out:
        for row in flat(source):
            out.write({"tokens": np.array(row)})


def mosaicml(folder: str, batch: int, rank: int, world: int, state: Any, hashed: bool = False) -> Opened:
    """No worker processes: one core."""
    stand_in()
    import streaming
    from streaming.base.util import clean_stale_shared_memory

    clean_stale_shared_memory()  # of a process that was killed; all ranks wait here
    dataset = streaming.StreamingDataset(local=folder, batch_size=batch // world, shuffle=True, shuffle_seed=0,
                                         validate_hash="xxh64" if hashed else None, num_canonical_nodes=1)  # fmt: skip
    loading = streaming.StreamingDataLoader(dataset, batch_size=batch // world, num_workers=0, drop_last=True)
    if state is not None:
        loading.load_state_dict(state)
    return Opened((split(one["tokens"]) for one in loading), loading.state_dict)


# Hugging Face datasets, streaming our shards.


def datasets(folder: str, batch: int, rank: int, world: int, state: Any) -> Opened:
    """Documents through the shuffle buffer, packed one after another."""
    import datasets as hf
    from datasets.distributed import split_dataset_by_node

    files = sorted(str(path) for path in Path(folder).glob("*/*.parquet"))
    stream = hf.load_dataset("parquet", data_files={"train": files}, split="train", streaming=True, columns=["tokens"])
    stream = stream.shuffle(seed=0, buffer_size=BUFFER)
    if world > 1:
        stream = split_dataset_by_node(stream, rank, world)
    stream = stream.with_format("numpy")
    held: list[np.ndarray] = []
    if state is not None:
        stream.load_state_dict(state["stream"])
        held = [state["held"]]
    each = batch // world * SAMPLE

    def batches() -> Iterator[Any]:
        nonlocal held
        have = sum(map(len, held))
        for row in stream:
            held.append(row["tokens"])
            have += len(held[-1])
            if have >= each:
                joined = np.concatenate(held)
                while len(joined) >= each:
                    held, have = [joined[each:]], len(joined) - each
                    yield pair(joined[:each].reshape(-1, SAMPLE))
                    joined = held[0]

    return Opened(batches(), lambda: {"stream": stream.state_dict(), "held": np.concatenate(held)})


# Grain, over ArrayRecord.


def write_grain(source: str, folder: str) -> None:
    """One file, a record a sample."""
    from array_record.python.array_record_module import ArrayRecordWriter

    Path(folder).mkdir(parents=True, exist_ok=True)
    out = ArrayRecordWriter(str(Path(folder) / "tokens.array_record"), "group_size:1")
    for row in flat(source):
        out.write(np.ascontiguousarray(row).tobytes())
    out.close()


def decoded(record: bytes) -> np.ndarray:
    """Return a record's tokens."""
    return np.frombuffer(record, np.uint16)


def grain(folder: str, batch: int, rank: int, world: int, state: Any, threads: int = 0) -> Opened:
    """A shuffled map of records; no threads: one core."""
    import grain.python as gr

    source = gr.ArrayRecordDataSource([str(Path(folder) / "tokens.array_record")])
    records = gr.MapDataset.source(source).seed(0).shuffle()[rank::world].map(decoded)
    options = gr.ReadOptions(num_threads=threads, prefetch_buffer_size=500 if threads else 0)
    stream = iter(records.batch(batch // world, drop_remainder=True).to_iter_dataset(options))
    if state is not None:
        stream.set_state(state)
    return Opened(map(pair, stream), stream.get_state)
