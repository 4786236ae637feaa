"""The measured side of a comparison: does a step when told to and says what that took.

One JSON object per line. On standard input `{"do": "prepare", "step": NAME, "options": {...}}` (loads inputs, once
per step), then `{"do": "run", "step": NAME}` per round, and `{"do": "end"}`; an answer per line on standard output.
Whatever libraries print goes to standard error. Standard library alone: it runs in every environment.

Times are of the whole process tree: wall seconds, and CPU seconds of this process, of its living descendants and of
those that ended. Peak memory is the kernel's high-water mark of this process and of the largest child.
"""

import contextlib
import gc
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Work = dict[str, Any]
"""What a round did: `items` and `bytes` by which it is rated (`set` is how many there are, where a round does them
several times), and `check`: what must be the same on both sides. A check that takes time is given as a function under
`after`, called when the clock has stopped."""
Step = Callable[[], Work]
Maker = Callable[..., Step]
"""Prepares a step from its options."""

_TICKS = os.sysconf("SC_CLK_TCK")


def descendants(root: int) -> Iterator[int]:
    """Yield the ids of the living processes below `root`."""
    waiting = children(root)
    while waiting:
        one = waiting.pop()
        yield one
        waiting += children(one)


def children(process: int) -> list[int]:
    """Return the ids of the children of all threads of a process; none when it is gone."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def stat_fields(process: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on (0: state, 1: parent); none when the process is gone."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def cpu_of(process: int) -> float:
    """Return CPU seconds of a process, its ended threads and its ended children included; 0 when it is gone."""
    fields = stat_fields(process)
    if not fields:
        return 0.0
    ended = (int(fields[13]) + int(fields[14])) / _TICKS
    try:
        return time.clock_gettime((~process << 3) | 2) + ended  # the kernel's per-process clock, in nanoseconds
    except OSError:
        return (int(fields[11]) + int(fields[12])) / _TICKS + ended


def others_cpu() -> float:
    """Return CPU seconds of the living descendants of this process and of all that ended."""
    own = os.times()
    ended = own.children_user + own.children_system
    return ended + sum(cpu_of(process) for process in descendants(os.getpid()))


def high_water(process: int) -> int:
    """Return the peak resident bytes of a living process."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM")), 0)


def peaks() -> dict[str, int]:
    """Return the peak resident bytes of this process and of its largest child, living or ended."""
    living = [high_water(process) for process in descendants(os.getpid())]
    ended = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {"peak": high_water(os.getpid()), "peak_child": max([ended, *living])}


def timed(step: Step) -> dict[str, Any]:
    """Do one round and return its figures with what the step itself says."""
    gc.collect()
    others, own, start = others_cpu(), time.process_time(), time.perf_counter()
    work = step()
    seconds, own = time.perf_counter() - start, time.process_time() - own
    found = {"seconds": seconds, "cpu": own + others_cpu() - others, **peaks(), **work}
    after = found.pop("after", None)
    return found | {"check": after()} if after else found


def repeated(
    action: Callable[[], Any], items: int, size: int, check: Callable[[Any], Any] | None = None, least: float = 0.5
) -> Work:
    """Do a short action until `least` seconds are over; the work is that of all repeats.

    `check` is given what the last of them returned, when the clock has stopped.
    """
    start, count, last = time.perf_counter(), 0, None
    while count == 0 or time.perf_counter() - start < least:
        last = action()
        count += 1
    work: Work = {"items": items * count, "bytes": size * count, "set": items}
    return work | {"after": lambda: check(last)} if check else work


def serve(makers: Mapping[str, Maker]) -> None:
    """Answer commands until told to end or standard input does."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    steps: dict[str, Step] = {}
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "end":
            return
        try:
            answer = obey(command, makers, steps)
        except Exception:
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def obey(command: Mapping[str, Any], makers: Mapping[str, Maker], steps: dict[str, Step]) -> dict[str, Any]:
    """Do what a command says."""
    name = command["step"]
    small = f"{name}, small"
    if command["do"] == "run":
        if small in steps:  # while the other side had its turn, the system may have dropped pages of this one's code
            steps[small]()
        return timed(steps[name])
    steps.pop(small, None)
    if command.get("warm") is not None:
        steps[small] = makers[name](**command["warm"])
        steps[small]()  # a small round of the same kind: imports, compiled kernels, loaded models
    steps[name] = makers[name](**command["options"])
    return {"ready": True}
