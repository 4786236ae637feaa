"""Hedged requests: a range that is long in coming is asked for a second time, and the first whole answer counts.

One answer in a hundred of an object store takes many times as long as the others, and with dozens of them in a batch
that one decides when it is there. A second request as soon as the first is slower than nearly all before it cuts the
wait to about the usual one, and is sent so seldom that it costs a few percent of the bytes. What is too slow is learnt
from the requests themselves: the slower of twice their median and their 95th percentile, of the last RECENT. The bytes
of second requests stay below a share of all; whoever loses is cancelled.

It is execution only: both requests ask for the same bytes.

Source: Dean, Barroso, "The Tail at Scale", 2013 (Communications of the ACM 56/2), hedged requests.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

import numpy as np

RECENT: Final = 200
"""Requests of which the seconds are remembered."""
ENOUGH: Final = 20
"""Requests before which none is hedged."""
SOONEST: Final = 0.05
"""Seconds below which none is called slow."""

Get = Callable[[bytearray], Coroutine[Any, Any, None]]
"""A request: appends what it gets to a buffer."""


class Hedge:
    """When to ask again, for all requests of a reader. share: of the bytes that may be asked for twice; 0 for none."""

    def __init__(self, share: float) -> None:
        self._share, self._lock = share, threading.Lock()
        self._seconds: deque[float] = deque(maxlen=RECENT)
        self._first = self._second = 0

    def delay(self, size: int) -> float | None:
        """Return after how many seconds to ask again for `size` bytes, None for never; count them as asked for."""
        with self._lock:
            self._first += size
            if len(self._seconds) < ENOUGH or self._second + size > self._share * self._first:
                return None
            middle, late = np.percentile(self._seconds, [50, 95])
        return max(SOONEST, 2 * float(middle), float(late))

    def granted(self, size: int) -> bool:
        """Say whether a second request for `size` bytes may be sent now, and count it."""
        with self._lock:
            granted = self._second + size <= self._share * self._first
            self._second += size * granted
        return granted

    def took(self, seconds: float) -> None:
        """Remember how long a request took that brought all it was asked for."""
        with self._lock:
            self._seconds.append(seconds)


async def hedged(
    first: Get, second: Get, delay: float, into: bytearray, granted: Callable[[], bool], lost: Callable[[int], None]
) -> None:
    """Append to `into` what the quicker of two requests for the same bytes gets; lost is told the bytes of the other.

    The second begins after `delay` seconds, if `granted` says so then. When one fails, the other is waited for; when
    both do, the first's error is raised, and what it got is in `into`.
    """
    before, again = len(into), bytearray()
    mine = asyncio.ensure_future(first(into))
    await asyncio.wait({mine}, timeout=delay)
    if mine.done() or not granted():
        await mine
        return
    other = asyncio.ensure_future(second(again))
    try:
        await asyncio.wait({mine, other}, return_when=asyncio.FIRST_COMPLETED)
        if any(task.done() and task.exception() for task in (mine, other)):
            await asyncio.wait({mine, other})
    finally:
        for task in (mine, other):
            task.cancel()
        await asyncio.gather(mine, other, return_exceptions=True)
    if whole(other) and not whole(mine):
        lost(len(into) - before)
        into[before:] = again
    else:
        lost(len(again))
        mine.result()


def whole(task: "asyncio.Future[None]") -> bool:
    """Say whether a finished request ended well."""
    return not task.cancelled() and task.exception() is None
