"""An item that ends its worker costs itself alone, and no row is lost or doubled."""

import gc
import io
import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from corpus.errors import InputError, PipelineError, SettingError
from corpus.extract import frames, process
from corpus.extract.guard import Guard, borrow
from corpus.extract.note import EXTRACTING, JUDGING, PARSING, Note
from corpus.extract.process import GuardSettings
from corpus.extract.worker import Desk, serve_unit

MODULE = "obedient_worker"
LIMITS = GuardSettings(timeout=1.0, wall=4.0, memory=1 << 30)


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    """A guard around the obedient worker, with tight limits."""
    with Guard(MODULE, {}, LIMITS) as found:
        yield found


def told(guard: Guard, *orders: str) -> list[tuple[int, str, list[Any] | None]]:
    """Return (item, order, drop) of every row that a unit of `orders` gives."""
    found = []
    for rows, texts in guard.read({"orders": orders}, "the unit"):
        assert texts.decode() == "".join(row[1] for row in rows)
        found += [(row[0], row[1], row[2]) for row in rows]
    return found


def check(guard: Guard, *orders: str) -> dict[str, list[Any]]:
    """Return the drops of the orders that have one, having seen that each order has one row, in order."""
    found = told(guard, *orders)
    assert [(item, order) for item, order, _ in found] == list(enumerate(orders))
    return {order: drop for _, order, drop in found if drop}


@pytest.mark.parametrize(
    ("order", "reason", "detail"),
    [
        ("loop", "timeout", "more than 1 s of CPU time"),
        ("abort", "crash", "SIGABRT"),
        ("kill", "oversize", "more memory than the limit of 1,073,741,824 bytes"),
        ("sleep", "timeout", "no answer in 1 s of wall time"),
    ],
)
@pytest.mark.parametrize(("phase", "number"), [("parsing", PARSING), ("extracting", EXTRACTING)])
def test_a_page_that_ends_the_worker_is_dropped(order: str, reason: str, detail: str, phase: str, number: int) -> None:
    """The culprit alone has a drop, with its cause and the phase it got to."""
    culprit = f"{order} in {phase}"
    limits = LIMITS if order != "sleep" else GuardSettings(timeout=0.5, wall=1.0)
    with Guard(MODULE, {}, limits) as guard:
        drops = check(guard, "one", "two", culprit, "three", "four in extracting")
    assert drops.keys() == {culprit}
    assert drops[culprit][0] == reason
    assert detail in drops[culprit][1]
    assert drops[culprit][2] == number


def test_time_in_which_all_stood_still_is_not_the_page_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was stopped for an hour and goes on drops no page for it."""
    hours = itertools.count(0, 3600.0)
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=lambda: next(hours)))
    with Guard(MODULE, {}, GuardSettings(timeout=1, wall=3)) as guard:
        assert check(guard, "one", "nap in extracting", "two") == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_worker_that_leaves_a_process_behind_is_dead_all_the_same() -> None:
    """Its pipes stay open, so nobody can wait for their end."""
    with Guard(MODULE, {}, GuardSettings(timeout=1, wall=2)) as guard:
        assert check(guard, "one", "leave a child in parsing", "two").keys() == {"leave a child in parsing"}


def test_every_item_may_end_its_worker(guard: Guard) -> None:
    """Ten culprits in a row: ten drops, each with its own cause."""
    orders = [f"{what} in {phase}" for what in ("abort", "kill") for phase in ("parsing", "extracting")] * 2
    drops = check(guard, *orders, "fine")
    assert {order: drop[0] for order, drop in drops.items()} == {
        order: "crash" if order.startswith("abort") else "oversize" for order in orders
    }


def test_a_death_in_judging_is_blamed_the_second_time(guard: Guard) -> None:
    """Somebody may have killed the worker: the item gets a second chance, then its drop, and nothing more is tried."""
    before = guard.workers_started
    assert check(guard, "one", "abort in judging", "two") == {
        "abort in judging": ["crash", "the page worker ended with signal SIGABRT: no message", JUDGING]
    }
    assert guard.workers_started - before in (2, 3)


@pytest.mark.parametrize("phase", ["reading", "judging"])
def test_a_death_that_does_not_come_again_blames_nobody(guard: Guard, phase: str, tmp_path: Path) -> None:
    """A worker that is killed once outside a page costs time only."""
    assert check(guard, "one", f"die once {tmp_path / 'mark'} in {phase}", "two") == {}


def test_reading_that_ends_the_worker_again_ends_the_unit(guard: Guard) -> None:
    """There is no way to what follows: InputError with the unit's name; the items before it have come."""
    found = []
    with pytest.raises(InputError, match=r"the unit: cannot be read on behind 2 records .*SIGABRT"):
        for rows, _ in guard.read({"orders": ["one", "two", "abort in reading", "three"]}, "the unit"):
            found += rows
    assert check(guard, "fine") == {}


def test_an_error_of_the_reading_is_raised_here(guard: Guard) -> None:
    """With its own type when it is one of ours, and the worker lives on."""
    before = check(guard, "one"), guard.workers_started
    with pytest.raises(InputError, match=r"^bad: cannot be read$"):
        told(guard, "one", "fail in reading")
    with pytest.raises(PipelineError, match=r"^ValueError: as told$"):
        told(guard, "one", "err in judging")
    assert (check(guard, "one"), guard.workers_started) == before


@pytest.mark.parametrize(("phase", "number"), [("parsing", PARSING), ("extracting", EXTRACTING)])
def test_memory_that_runs_out_costs_the_page_alone(guard: Guard, phase: str, number: int) -> None:
    """A page that hoards meets the limit; where that cannot be dealt with on the spot, the worker ends of it."""
    culprit = f"hoard in {phase}"
    drops = check(guard, "one", culprit, "two")
    assert drops == {culprit: ["oversize", "more memory than the limit of 1,073,741,824 bytes", number]}


def test_every_batch_says_where_the_next_item_begins() -> None:
    """The last one as well: a worker that dies behind it, before it is done, must not have all read again."""

    def work(unit: Mapping[str, Any], desk: Desk) -> None:
        desk.marker = lambda: {"next": desk.item}
        for _ in range(3):
            desk.put([desk.item])
        if unit["bad"]:
            raise InputError("bad")

    note, sink = Note.create(), io.BytesIO()
    limits = {"timeout": 1, "memory": 1 << 30, "recycle": 10, "batch": 1 << 20, "note": os.dup(note.descriptor)}
    desk = Desk(sink, limits)
    for bad in (False, True):
        serve_unit(work, {"unit": {"bad": bad}, "start": 0, "mark": None, "verdicts": {}}, desk)
    note.close()
    batches = list(frames.Unpacker().feed(sink.getvalue()))
    assert [header for _, header, _ in batches] == [{"rows": [[0], [1], [2]], "mark": {"next": 3}}] * 2


def test_prints_do_not_disturb_the_rows(guard: Guard) -> None:
    """What a library prints does not get between the frames."""
    assert check(guard, "print in extracting", "one", "print in judging") == {}


def test_the_rows_do_not_depend_on_batches_and_recycling() -> None:
    """One row to a message, or many, or a fresh worker every three pages: the same rows."""
    orders = [f"{i} in extracting" for i in range(7)] + ["abort in extracting"]
    orders += [f"{i} in extracting" for i in range(7, 12)]
    seen = []
    for batch, recycle, workers in ((1, 1000, 2), (1 << 18, 1000, 2), (1, 3, 5)):
        with Guard(MODULE, {}, GuardSettings(timeout=5, batch=batch, recycle=recycle)) as guard:
            seen.append(told(guard, *orders))
            assert guard.workers_started == workers
    assert seen[0] == seen[1] == seen[2]


def test_rows_that_take_long_do_not_wait_for_a_full_batch(guard: Guard) -> None:
    """After a second at the most there is something to tell: progress is seen, and a death costs little again."""
    sizes = [len(rows) for rows, _ in guard.read({"orders": ["wait in judging"] * 100}, "the unit")]
    assert sum(sizes) == 100
    assert len(sizes) > 1


def test_many_units_one_worker(guard: Guard) -> None:
    """A worker serves unit after unit, empty ones as well."""
    check(guard, "one")
    before = guard.workers_started
    for n in (0, 1, 500, 0, 3):
        assert check(guard, *("x in extracting",) * n) == {}
    assert guard.workers_started == before


def test_a_worker_killed_between_units_blames_nobody(guard: Guard) -> None:
    """A worker that is gone when a unit comes is replaced."""
    check(guard, "one")
    worker = guard._worker
    assert worker is not None
    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait()
    assert check(guard, "two") == {}


@pytest.mark.parametrize("configuration", [{"missing": True}])
def test_a_worker_that_cannot_start_is_an_error(configuration: dict[str, Any]) -> None:
    """What is missing stops the unit with its name, and no item is blamed."""
    with Guard(MODULE, configuration, LIMITS) as guard, pytest.raises(PipelineError, match="no_such_module:f"):
        told(guard, "one")


def test_leaving_off_early_leaves_no_rows_behind() -> None:
    """A consumer that stops in the middle does not get old rows the next time; one that reads to the end is kept."""
    limits = GuardSettings(batch=1)
    with borrow(MODULE, {}, limits) as guard:
        for rows, _ in guard.read({"orders": ["old"] * 50}, "the unit"):
            assert rows[0][1] == "old"
            break
    with borrow(MODULE, {}, limits) as again:
        assert again is guard
        assert check(again, "fresh") == {}
    with borrow(MODULE, {}, limits) as third:
        assert third is guard
        assert third.workers_started == 2
        third.close()


def test_a_unit_that_was_left_does_not_disturb_the_next() -> None:
    """Rows of a unit that nobody reads on may be let go of at any time, also while another unit is being read."""
    with Guard(MODULE, {}, GuardSettings(batch=1)) as guard:
        left = guard.read({"orders": ["old"] * 50}, "one unit")
        next(left)
        guard.close()
        fresh = guard.read({"orders": ["fresh"] * 50}, "the next unit")
        first, _ = next(fresh)
        del left
        gc.collect()
        assert sum(len(rows) for rows, _ in fresh) + len(first) == 50
        assert guard.workers_started == 2


def test_a_guard_is_kept_after_an_error_of_its_input() -> None:
    """A bad file does not cost the next one the start of a worker."""
    with pytest.raises(InputError), borrow(MODULE, {}, LIMITS) as guard:
        told(guard, "fail in reading")
    with borrow(MODULE, {}, LIMITS) as again:
        assert check(again, "one") == {}
        assert (again is guard, again.workers_started) == (True, 1)
        again.close()


def test_the_worker_ends_with_its_standard_input(guard: Guard) -> None:
    """When the parent is gone its end of the pipe closes, and the worker goes too, whatever it is at."""
    for orders in (["one"], ["one", *["wait in judging"] * 100, "sleep in extracting"]):
        rows = guard.read({"orders": orders}, "the unit")
        next(rows)
        worker = guard._worker
        assert worker is not None
        assert worker.process.stdin is not None
        worker.process.stdin.close()
        assert worker.process.wait(20) == 0
        guard.close()


def test_a_note_is_shared() -> None:
    """What one side writes the other reads, whatever becomes of the writer."""
    note = Note.create()
    code = (
        "import os, sys; from corpus.extract.note import EXTRACTING, Note; "
        "Note(int(sys.argv[1])).write(1 << 40, EXTRACTING); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(note.descriptor)]
    assert subprocess.run(command, pass_fds=(note.descriptor,), check=False).returncode == -signal.SIGKILL
    assert note.read() == (1 << 40, EXTRACTING)
    note.close()


def test_frames_come_back_whole_in_any_pieces() -> None:
    """Frames cut at any byte are put together again, with text that JSON and UTF-8 find hard."""
    sent = [(b"B", {"url": "ü\u2028\ud800", "n": 1}, b"\0\xff" * 100), (b"H", {}, b""), (b"D", {}, "ţext".encode())]
    wire = b"".join(frames.pack(*frame) for frame in sent)
    for size in (1, 7, 64, len(wire)):
        unpacker = frames.Unpacker()
        pieces = [wire[i : i + size] for i in range(0, len(wire), size)]
        assert [frame for piece in pieces for frame in unpacker.feed(piece)] == sent


def test_a_stream_out_of_step_is_noticed() -> None:
    """An absurd length is an error, not an allocation."""
    with pytest.raises(PipelineError, match="out of step"):
        list(frames.Unpacker().feed(b"T" + b"\xff" * 8))


def test_limits_are_checked() -> None:
    """Settings that cannot work are refused with their name."""
    for wrong in (
        {"timeout": 0},
        {"memory": 1000},
        {"max_page": 0},
        {"wall": 1, "timeout": 2},
        {"recycle": 0},
        {"batch": 0},
    ):
        with pytest.raises(SettingError, match=re.escape(f"GuardSettings: {next(iter(wrong))}")):
            GuardSettings(**wrong)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_memory_stays_flat(guard: Guard) -> None:
    """Ten thousand pages leave the worker about as large as the first five thousand did."""
    sizes = []
    for _ in range(2):
        check(guard, *(["x in extracting"] * 5_000))
        worker = guard._worker
        assert worker is not None
        status = Path(f"/proc/{worker.process.pid}/status").read_text()
        sizes.append(int(re.findall(r"VmRSS:\s+(\d+)", status)[0]))
    assert sizes[1] < sizes[0] * 1.2
