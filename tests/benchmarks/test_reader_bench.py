"""The reader's benchmark: its arithmetic, its candidates, and that what it writes reads back."""

import functools
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.graph.apart import StepError
from benchmarks.reader import encodings, peer_side, report
from benchmarks.reader.data import Tokens
from benchmarks.reader.features import damage, digests
from benchmarks.reader.ranks import both, chain, compared, joined, named, reading, segment
from benchmarks.reader.steps import LENGTH, percentile

SMALL = Tokens(
    name="small", lengths=np.array([3, 4, 2, 5]), ids=np.arange(14, dtype=np.uint16), tokenizer=Path(), vocabulary=14
)


def test_percentile_is_a_value_that_was_measured() -> None:
    """Of 1 .. 200 the 99th of a hundred is 198, the middle 100; of one value all are that one."""
    values = [float(value) for value in range(200, 0, -1)]
    assert (percentile(values, 0.99), percentile(values, 0.5), percentile([7.0], 0.99)) == (198, 100, 7)


def test_row_groups_hold_whole_documents() -> None:
    """3 + 4 fit in 7, 2 + 5 too; at most 4 gives 3 | 4 | 2 | 5, the last one too long by itself."""
    assert encodings.group_edges(SMALL.lengths, 7) == [0, 2, 4]
    assert encodings.group_edges(SMALL.lengths, 4) == [0, 1, 2, 3, 4]


def test_every_candidate_gives_back_the_tokens(tmp_path: Path) -> None:
    """Two row groups each, lengths and ids the same whatever the encoding."""
    for kind, encoding, codec in encodings.candidates():
        path = tmp_path / "one.parquet"
        assert encodings.write(path, SMALL, kind, encoding, codec, 7) > 0
        parts = encodings.decode(path, crc=True)
        assert len(parts) == 2, (kind, encoding, codec)
        assert np.concatenate([lengths for lengths, _ in parts]).tolist() == [3, 4, 2, 5]
        assert np.concatenate([ids for _, ids in parts]).tolist() == list(range(14))


def test_shares_of_checks() -> None:
    """CRCs are what reading without them saves; our checksum comes on top of reading."""
    row = {"crc": [10.0, 20.0, 10.0], "plain": [8.0, 16.0, 5.0], "checksum": [10.0, 20.0, 30.0]}
    assert encodings.shares(row) == (pytest.approx(0.2), pytest.approx(0.5))


def test_documents_repeat_in_other_orders() -> None:
    """Enough whole repetitions; each holds every document once."""
    found = SMALL.repeated(30)
    assert len(found.ids) == 42
    for at in (0, 14, 28):
        assert sorted(found.ids[at : at + 14].tolist()) == list(range(14))
    assert found.lengths.sum() == 42


def one(title: str, tokens: float, cpu: float, **more: Any) -> dict[str, Any]:
    """Return a round's figures."""
    figures = {"title": title, "cold": False, "tokens": tokens, "cpu": cpu, "seconds": cpu, "p50": 1, "p99": 1}
    return figures | {"worst": 1, "first": 1, "resume": 0.5, "anonymous": 1 << 20} | more


def test_ratios_are_of_rounds_side_by_side() -> None:
    """40 and 60 M/s against 20 and 10 M/s: 2 and 6 times."""
    rows = [one("a", 40e6, 1), one("b", 20e6, 1), one("a", 60e6, 1), one("b", 20e6, 2)]
    found = report.ratio({"rounds": rows}, "a", "b")
    assert found is not None
    assert (found.least, found.greatest) == (2, 6)
    assert report.ratio({"rounds": rows}, "a", "c") is None


def test_a_peer_that_did_not_run_is_named_with_the_reason() -> None:
    rows = [one("a", 40e6, 1), {"title": "b", "cold": False, "failed": "no such module"}]
    assert report.side_row({"rounds": rows}, "b", cold=False)[0] == "did not run: no such module"


def test_the_memory_map_hands_out_each_sample_once_and_goes_on(tmp_path: Path) -> None:
    """Ten samples, batches of three: nine different ones; two ranks share a batch; a state goes on behind it."""
    sample = LENGTH + 1
    np.save(tmp_path / "flat.npy", np.repeat(np.arange(10, dtype=np.uint16), sample))
    peer_side.write_memmap(str(tmp_path / "flat.npy"), str(tmp_path / "map"))
    folder = str(tmp_path / "map")
    batches = [ids[:, 0].tolist() for ids, _ in peer_side.memmap(folder, 3, 0, 1, None).batches]
    assert len({number for batch in batches for number in batch}) == 9
    halves = [[ids[:, 0].tolist() for ids, _ in peer_side.memmap(folder, 2, rank, 2, None).batches] for rank in (0, 1)]
    assert len({number for half in halves for batch in half for number in batch}) == 10
    opened = peer_side.memmap(folder, 3, 0, 1, None)
    next(opened.batches)
    after = peer_side.memmap(folder, 3, 0, 1, opened.state())
    assert [ids[:, 0].tolist() for ids, _ in after.batches] == batches[1:]


def test_ranks_joined_are_compared_with_one() -> None:
    """The same order, the same sequences in each batch, or neither."""
    whole = [["a", "b"], ["c", "d"]]
    assert compared(joined([[["a"], ["c"]], [["b"], ["d"]]]), whole) == "same order"
    assert compared(joined([[["b"], ["c"]], [["a"], ["d"]]]), whole) == "same batches"
    assert compared(joined([[["a"], ["b"]], [["c"], ["d"]]]), whole) == "other batches"
    assert compared(joined([[["a"]], [["b"]]]), whole) == "other batches"


def test_ranks_that_change_are_compared_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory map goes on whatever the ranks, with the right tokens; a state it cannot take is told as an error."""
    np.save(tmp_path / "flat.npy", np.repeat(np.arange(80, dtype=np.uint16), LENGTH + 1))
    peer_side.write_memmap(str(tmp_path / "flat.npy"), str(tmp_path / "map"))
    common: dict[str, Any] = {"name": "benchmarks.reader.peer_side:memmap", "folder": str(tmp_path / "map"), "batch": 4}
    whole = digests(**common)
    monkeypatch.setattr(os, "environ", dict(os.environ))  # which a segment changes
    read = functools.partial(segment, **common)
    assert both(read, whole, tmp_path) == {"world": "same order", "chain": "same order"}
    assert chain(read, whole[::-1], tmp_path) == "other batches"
    assert chain(functools.partial(read, unknown=1), whole, tmp_path) == "TypeError with 2 ranks"


def test_ranks_in_processes_of_their_own(tmp_path: Path) -> None:
    """Both ranks run at a time, each told of the other as torchrun does it; which error ends one is told."""
    np.save(tmp_path / "flat.npy", np.repeat(np.arange(80, dtype=np.uint16), LENGTH + 1))
    peer_side.write_memmap(str(tmp_path / "flat.npy"), str(tmp_path / "map"))
    common: dict[str, Any] = {"name": "benchmarks.reader.peer_side:memmap", "folder": str(tmp_path / "map"), "batch": 4}
    whole = digests(**common)
    assert both(reading(sys.executable, common), whole, tmp_path)["world"] == "same order"
    assert chain(reading(sys.executable, common | {"unknown": 1}), whole, tmp_path) == "TypeError with 2 ranks"


def test_an_error_of_a_step_goes_by_the_name_that_its_process_printed() -> None:
    """The last line has it; without one, the sentence about the step."""
    text = "a:b: ended with 1\nTraceback\n  raise KeyError: x\ntorch.OopsError: text: more\nresource_tracker: warning"
    assert named(StepError(text)) == "OopsError"
    assert named(StepError("a:b: not done within 300 s")) == "a:b: not done within 300 s"
    assert named(KeyError("a")) == "KeyError"


def test_a_memory_map_takes_flipped_bits_in_silence(tmp_path: Path) -> None:
    """Nothing checks it, so each flip changes a sequence, and no file stays damaged."""
    np.save(tmp_path / "flat.npy", np.arange(12 * (LENGTH + 1), dtype=np.uint16))
    peer_side.write_memmap(str(tmp_path / "flat.npy"), str(tmp_path / "map"))
    name, folder = "benchmarks.reader.peer_side:memmap", str(tmp_path / "map")
    before = (tmp_path / "map" / "tokens.bin").read_bytes()
    found = damage(name, folder, 3, digests(name, folder, 3), 4, {})
    assert found["silent"] + found["same"] == 4  # the label that follows a sequence's inputs is not looked at
    assert found["silent"] >= 3
    assert (tmp_path / "map" / "tokens.bin").read_bytes() == before
