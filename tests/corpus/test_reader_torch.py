"""The torch dataset: the numpy reader's batches as tensors, through DataLoader, with its state."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from token_roots import make_shards

from corpus.reader import ReaderSettings, ReadingSettings, TokenReader
from corpus.tokens.manifest import load_manifest

TORCHDATA_WARNS = pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
"""torchdata calls what newer releases of torch no longer want called."""
SETTINGS = ReaderSettings(sequence_length=32, batch_size=4, seed=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("torch"), count=100)


@pytest.mark.train
def test_torch_gives_the_batches_of_the_numpy_reader(folder: Path) -> None:
    """Plain loop and DataLoader give the same tensors as the reader, rank by rank."""
    pytest.importorskip("torch", reason="needs the extra `train`")
    from torch.utils.data import DataLoader  # noqa: PLC0415

    from corpus.reader_torch import torch_dataset  # noqa: PLC0415

    for rank in (0, 1):
        expected = list(TokenReader(folder, SETTINGS, rank=rank, world_size=2))
        plain = list(torch_dataset(folder, SETTINGS, rank=rank, world_size=2))
        loaded = list(DataLoader(torch_dataset(folder, SETTINGS, rank=rank, world_size=2), batch_size=None))
        assert len(plain) == len(loaded) == len(expected) > 3
        for one, two, three in zip(expected, plain, loaded, strict=True):
            rows = one | {"documents": [list(row) for row in one["documents"].tolist()]}
            assert all(np.array_equal(rows[name], np.asarray(two[name])) for name in one)
            assert all(np.array_equal(rows[name], np.asarray(three[name])) for name in one)


@pytest.mark.train
def test_torch_state_goes_on_exactly(folder: Path) -> None:
    """A state taken in a loop over a DataLoader continues with the next batch."""
    pytest.importorskip("torch", reason="needs the extra `train`")
    from torch.utils.data import DataLoader  # noqa: PLC0415

    from corpus.reader_torch import torch_dataset  # noqa: PLC0415

    dataset = torch_dataset(folder, SETTINGS)
    taken = iter(DataLoader(dataset, batch_size=None))
    for _ in range(3):
        next(taken)
    other = torch_dataset(folder, SETTINGS)
    other.load_state_dict(dataset.state_dict())
    rest = [batch["input_ids"].numpy() for batch in other]
    expected = [batch["input_ids"] for batch in TokenReader(folder, SETTINGS)][3:]
    assert np.array_equal(rest, expected)


def digest(batches: Iterable[Mapping[str, Any]]) -> str:
    """Return the SHA-256 of a stream: every array of every batch, and where it stands."""
    made = hashlib.sha256()
    for step, batch in enumerate(batches):
        for name in sorted(batch):
            value = np.ascontiguousarray(batch[name])
            value = value.view(np.int64).reshape(len(value), -1) if name == "documents" else value
            made.update(f"{step} {name} {value.shape} {value.dtype.str} ".encode() + value.tobytes())
    return made.hexdigest()


@pytest.mark.train
@TORCHDATA_WARNS
def test_every_way_to_read_gives_the_same_hash(folder: Path) -> None:
    """Numpy core, plain loop, DataLoader, StatefulDataLoader, and the last two stopped and resumed by its state."""
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata (extra `train`)")
    from torch.utils.data import DataLoader  # noqa: PLC0415

    from corpus.reader_torch import torch_dataset  # noqa: PLC0415

    def fresh() -> Any:
        return stateful.StatefulDataLoader(torch_dataset(folder, SETTINGS), batch_size=None)

    expected = digest(TokenReader(folder, SETTINGS))
    assert digest(torch_dataset(folder, SETTINGS)) == expected
    assert digest(DataLoader(torch_dataset(folder, SETTINGS), batch_size=None)) == expected
    assert digest(fresh()) == expected
    for step in (0, 1, 5):
        loader = fresh()
        before = list(islice(iter(loader), step))
        state = json.loads(json.dumps(loader.state_dict()))
        other = fresh()
        other.load_state_dict(state)
        assert digest([*before, *other]) == expected


@pytest.mark.train
@TORCHDATA_WARNS
def test_the_state_in_a_stateful_loader_counts_what_was_handed_out(folder: Path) -> None:
    """After n batches of the loop the reader's state says n, not more; the reader itself takes it, at another world."""
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata (extra `train`)")
    from corpus.reader_torch import torch_dataset  # noqa: PLC0415

    dataset = torch_dataset(folder, SETTINGS, rank=1, world_size=2)
    loader = stateful.StatefulDataLoader(dataset, batch_size=None)
    for number, batch in enumerate(islice(iter(loader), 4), 1):
        assert dataset.state_dict()["step"] == number
        assert batch["sequence"].tolist() == [4 * number - 2, 4 * number - 1]
        assert f"'step': {number}," in str(loader.state_dict())
    reader = TokenReader(folder, SETTINGS)
    reader.load_state_dict(dataset.state_dict())
    assert next(iter(reader))["sequence"].tolist() == [16, 17, 18, 19]


RANK = """
import json, sys
import torch.distributed
from corpus.reader import ReaderSettings, ReadingSettings
from corpus.reader_torch import torch_dataset

folder, meeting, rank = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
settings = ReaderSettings(sequence_length=32, batch_size=4, seed=1)
dataset = torch_dataset(folder, settings, reading=ReadingSettings(on_damage="quarantine"))
ids = [batch["input_ids"].tolist() for batch in dataset]
print(json.dumps([ids, dataset.state_dict()]))
torch.distributed.destroy_process_group()
"""


def damaged_copy(folder: Path, target: Path, group: int) -> Path:
    """Return a copy of a folder with one bit of a row group's ids flipped."""
    copy = Path(shutil.copytree(folder, target))
    place = load_manifest(copy).row_groups().to_pylist()[group]
    path = copy / load_manifest(copy).shards().to_pylist()[place["shard"]]["path"]
    content = bytearray(path.read_bytes())
    content[(place["offset"] + place["lengths_offset"]) // 2] ^= 8
    path.write_bytes(content)
    return copy


@pytest.mark.train
def test_ranks_agree_on_what_is_damaged(folder: Path, tmp_path: Path) -> None:
    """Two processes of torch.distributed, whose lanes differ: both end with the same quarantine, as one rank does."""
    pytest.importorskip("torch", reason="needs the extra `train`")
    copy = damaged_copy(folder, tmp_path / "copy", 2)
    with TokenReader(copy, SETTINGS, reading=ReadingSettings(on_damage="quarantine")) as reader:
        expected = [batch["input_ids"].tolist() for batch in reader]
        state = reader.state_dict()
    assert state["quarantine"] == [2]
    command = [sys.executable, "-c", RANK, str(copy), str(tmp_path / "meeting")]
    ranks = [subprocess.Popen([*command, str(rank)], stdout=subprocess.PIPE) for rank in range(2)]
    (one, first), (two, second) = (json.loads(rank.communicate(timeout=120)[0]) for rank in ranks)
    assert [a + b for a, b in zip(one, two, strict=True)] == expected
    assert first == second == state


@pytest.mark.train
def test_worker_processes_are_refused(folder: Path) -> None:
    """Two workers would hand out the same stream twice, so they are an error with the remedy."""
    pytest.importorskip("torch", reason="needs the extra `train`")
    from torch.utils.data import DataLoader  # noqa: PLC0415

    from corpus.reader_torch import torch_dataset  # noqa: PLC0415

    with pytest.raises(Exception, match="use num_workers=0"):
        list(DataLoader(torch_dataset(folder, SETTINGS), batch_size=None, num_workers=2))


def test_without_torch_the_error_names_the_extra() -> None:
    """Importing the module where torch cannot be imported is one MissingError with the command to install it."""
    code = """
import sys
sys.modules["torch"] = None
from corpus.errors import MissingError
try:
    import corpus.reader_torch
except MissingError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'headwater[train]'" in done.stdout
