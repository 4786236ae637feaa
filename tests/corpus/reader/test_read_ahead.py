"""Reading ahead: execution only, bounded, most urgent first; errors come with the batch that needs the window."""

import gc
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from httpfaults import serving
from served_shards import PREFIX, digest_of, quick, shard_requests, shards_of, site_of

from corpus.errors import ShardError
from corpus.reader import ReaderSettings, ReadingSettings, TokenReader
from corpus.reader.ahead import NOW, Ahead
from corpus.reader.passes import Pass, Source

SETTINGS = ReaderSettings(
    sequence_length=32, batch_size=8, lanes=4, seed=3, window=2, epochs=2, mixture={"a": 3, "b": 1}, repeat=2
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shards_of(tmp_path_factory.mktemp("ahead"), 500, ("a", "b"), row_group_tokens=200)


@pytest.fixture(scope="module")
def alone(folder: Path) -> str:
    """The stream without threads."""
    return digest_of(TokenReader(folder, SETTINGS, reading=ReadingSettings(threads=0)))


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("depth", [{"ahead": 0}, {"ahead": 1}, {"ahead": 5}, {"ahead": 16, "ahead_bytes": 1}])
def test_threads_and_depth_do_not_change_the_stream(
    folder: Path, alone: str, threads: int, depth: dict[str, int]
) -> None:
    """One digest for all, mixture, epochs and repeats included."""
    with TokenReader(folder, SETTINGS, reading=ReadingSettings(threads=threads, **depth)) as reader:
        assert digest_of(reader) == alone


def test_any_use_of_a_reader_gives_the_same_batches(folder: Path) -> None:
    """Jumping, looking elsewhere and resuming while windows are read ahead."""
    whole = list(TokenReader(folder, SETTINGS, reading=ReadingSettings(threads=0)))
    with TokenReader(folder, SETTINGS, reading=ReadingSettings(threads=2, ahead=3)) as reader:
        for start in (5, 0, len(whole) - 3, 9):
            reader.seek(start)
            taken = list(islice(reader, 3))
            assert digest_of(taken) == digest_of(whole[start : start + 3])
            assert digest_of([reader.batch_at(start + 1)]) == digest_of(whole[start + 1 : start + 2])
        state = reader.state_dict()
        assert state["step"] == 12
        reader.close()
        assert digest_of(reader) == digest_of(whole[12:])


def test_windows_come_before_they_are_needed(folder: Path) -> None:
    """After a batch its lanes' next windows are fetched while nobody asks for a batch."""
    with serving(site_of(folder)) as site:
        with TokenReader(site.url + PREFIX, SETTINGS, reading=quick(threads=2, ahead=1)) as reader:
            batches = iter(reader)
            next(batches)
            wait_until(lambda: reader._windows._ahead.done)
            before = len(shard_requests(site))
            taken = [next(batches) for _ in range(3)]
            assert len(taken) == 3
        assert before > 8


def test_passes_of_few_row_groups_are_planned_a_few_times_each(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window is more than a lane has of a pass, so reading ahead would go on and on: it ends with the next pass."""
    made: list[int] = []
    make = Source._make

    def counted(source: Source, number: int) -> Pass:
        made.append(number)
        return make(source, number)

    monkeypatch.setattr(Source, "_make", counted)
    settings = replace(SETTINGS, window=64, packing="best_fit", epochs=20, mixture={"*": 1})
    with TokenReader(folder, settings) as reader:
        for _ in reader:
            pass
    assert set(made) >= set(range(20))
    assert len(made) <= 4 * 20


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_first_batch_waits_for_its_own_windows_only(folder: Path) -> None:
    """What is read ahead is asked for after the batch: as many row groups as its windows have."""
    with serving(site_of(folder)) as site, TokenReader(site.url + PREFIX, SETTINGS, reading=quick(ahead=8)) as reader:
        reader.batch_at(0)
        assert len(shard_requests(site)) <= 4 * 2 * (SETTINGS.window + 1)
        assert not reader._windows._ahead.size


def test_the_run_s_end_is_not_read_beyond(folder: Path) -> None:
    """Nothing is fetched for windows that no batch of the run needs."""
    counts = []
    for ahead in (0, 6):
        with serving(site_of(folder)) as site:
            with TokenReader(site.url + PREFIX, SETTINGS, reading=quick(ahead=ahead)) as reader:
                list(reader)
            counts.append(len(shard_requests(site)))
    assert counts[0] == counts[1]


def test_an_error_comes_with_the_batch_that_needs_the_window(folder: Path, tmp_path: Path) -> None:
    """However deep reading ahead has run into it, all batches before are handed out, and it is no other batch's."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    whole = list(TokenReader(copy, SETTINGS, reading=ReadingSettings(threads=0)))
    for path in sorted(copy.glob("b/*.parquet"))[-1:]:
        content = bytearray(path.read_bytes())
        content[10:4000] = bytes(3990)
        path.write_bytes(content)
    got: dict[int, list[dict[str, object]]] = {0: [], 4: []}
    for threads, batches in got.items():
        reading = ReadingSettings(threads=threads, ahead=9)
        with TokenReader(copy, SETTINGS, reading=reading) as reader, pytest.raises(ShardError, match="read 3 times"):
            batches.extend(reader)
    assert digest_of(got[0]) == digest_of(got[4]) == digest_of(whole[: len(got[0])])
    assert len(got[0]) < len(whole)


def test_close_ends_the_threads(folder: Path) -> None:
    """Closed or forgotten: no thread stays."""
    others = set(threading.enumerate())

    def mine() -> set[threading.Thread]:
        gc.collect()
        return {thread for thread in threading.enumerate() if thread.name.startswith("headwater")} - others

    reader = TokenReader(folder, SETTINGS, reading=ReadingSettings(threads=3))
    next(iter(reader))
    assert mine()
    reader.close()
    assert not mine()
    next(iter(reader))
    assert mine()
    del reader
    wait_until(lambda: not mine())


def test_a_program_ends_while_much_is_read_ahead(folder: Path) -> None:
    """Nothing waits for windows that nobody will take."""
    code = f"""
from corpus.reader import ReaderSettings, ReadingSettings, TokenReader
settings = ReaderSettings(sequence_length=32, batch_size=8, lanes=4)
next(iter(TokenReader({str(folder)!r}, settings, reading=ReadingSettings(ahead=1000))))
print("done")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_a_job_that_hangs_meets_the_deadline() -> None:
    """The wait ends with a sentence that says what for and how long."""
    ahead: Ahead[int] = Ahead(1, 0.1)
    free = threading.Event()
    ahead.order("a", lambda: int(free.wait(10)), 1, NOW)
    with pytest.raises(ShardError, match=r"window 3: not read within 0.1 s; look at the disk or the server"):
        ahead.take("a", lambda: "window 3")
    free.set()
    ahead.close()


def test_the_wait_for_a_window_names_its_row_groups(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that hangs: which window of which lane, and the shards it is made of."""
    free = threading.Event()
    with TokenReader(folder, SETTINGS, reading=ReadingSettings(deadline=0.1)) as reader:
        monkeypatch.setattr(reader._groups, "read", lambda _: free.wait(10))
        message = (
            r"window 0 of lane 0 in pass 0 over '[ab]' \(.*shard-0000\d.parquet: row group \d.* not read within 0.2 s"
        )
        with pytest.raises(ShardError, match=message):
            next(iter(reader))
        free.set()


def test_what_is_needed_now_goes_first() -> None:
    """Jobs are done by urgency; one that waits can be made urgent, one that is forgotten is not done."""
    done: list[str] = []
    gate = threading.Event()
    ahead: Ahead[None] = Ahead(1, 10)
    ahead.order("gate", lambda: done.append(str(gate.wait(10))), 1, NOW)
    for urgency, name in enumerate("abcde"):
        ahead.order(name, lambda name=name: done.append(name), 1, urgency)  # type: ignore[misc]
    ahead.order("d", lambda: done.append("twice"), 1, NOW)
    ahead.keep(["gate", "a", "b", "d", "e"])
    assert ahead.size == 5
    gate.set()
    for name in ("gate", "e"):
        ahead.take(name, str)
    assert done == ["True", "d", "a", "b", "e"]
    ahead.close()
