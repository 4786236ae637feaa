"""A worker for the guard's tests: its units are lists of orders, and each order is an item that is obeyed."""

import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from corpus.errors import InputError, MissingError
from corpus.extract.note import EXTRACTING, JUDGING, PARSING
from corpus.extract.worker import Desk, Work, serve

SLEEPS = {"sleep": 600.0, "nap": 1.5, "wait": 0.02}


def work(unit: Mapping[str, Any], desk: Desk) -> None:
    """Obey the orders of a unit, each in the phase it names; the row says what was done with the item."""
    assert desk.mark == ({"next": desk.start} if desk.start else None)
    desk.marker = lambda: {"next": desk.item}
    for item, order in enumerate(unit["orders"]):
        if item < desk.start:
            continue
        what, _, phase = order.partition(" in ")
        verdict, most = desk.verdicts.get(item, (None, 4))
        if phase == "reading":
            obey(what, desk)
        desk.at(JUDGING)
        if phase == "judging" and most > JUDGING:
            obey(what, desk)
        if phase in ("parsing", "extracting") and most > PARSING:
            desk.arm(PARSING)
            if phase == "parsing":
                obey(what, desk)
            if most > EXTRACTING:
                desk.at(EXTRACTING)
                obey(what, desk)
            desk.disarm()
        drop = [verdict.reason, verdict.detail, most] if verdict else None
        desk.put([item, order, drop, os.getpid()], order.encode())


def obey(what: str, desk: Desk) -> None:
    """Do what an order says."""
    if what == "abort":
        os.abort()
    elif what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what in SLEEPS:
        time.sleep(SLEEPS[what])
    elif what == "leave a child":
        leave_a_child()
    elif what == "loop":
        sum(range(1 << 60))
    elif what == "hoard":
        _ = [bytes(1 << 28) for _ in range(1 << 10)]
    elif what == "print":
        print("noise on standard output", flush=True)
    elif what == "fail":
        raise InputError("bad: cannot be read")
    elif what == "err":
        raise ValueError("as told")
    elif what.startswith("die once"):
        with open(what.removeprefix("die once "), "a+b") as file:
            if not file.tell():
                file.write(b"x")
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)


def leave_a_child() -> None:
    """End, and leave a process with all pipes that lives until the parent lets go of them."""
    if os.fork():
        os.abort()
    os.read(0, 1)
    os._exit(0)


def prepare(configuration: Mapping[str, Any]) -> Work:
    """Return the work, unless the configuration forbids it."""
    if configuration.get("missing"):
        raise MissingError("no_such_module:f: cannot be loaded")
    return work


if __name__ == "__main__":
    serve(prepare)
