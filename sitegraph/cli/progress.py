"""How far a command is: one line that is written over on a terminal, a line now and then in a log. On standard error.

Rankings end when the bound on their error is below a tolerance, and that bound falls by about the same factor with
each sweep. So the sweeps that are left follow from how fast it fell over the last ones, and the time from their pace.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from corpus.stage import on_tick
from sitegraph.cli.tables import harmless

LOG_SECONDS: Final = 15.0
"""How often a log hears of something that is still at work."""
LIVE_SECONDS: Final = 0.1
LOOKED_BACK: Final = 8
"""Sweeps over which the fall of the bound is measured."""


class Line:
    """A line that says how far something is."""

    def __init__(self, console: Console | None = None, seconds: float | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False, markup=False, emoji=False)
        self.live = Live(console=self.console, transient=True, auto_refresh=False) if self.console.is_terminal else None
        usual = LIVE_SECONDS if self.live else LOG_SECONDS
        self.seconds, self.said = usual if seconds is None else seconds, time.monotonic()

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def due(self) -> bool:
        """Say whether it is time for another line."""
        return time.monotonic() - self.said >= self.seconds

    def say(self, text: str) -> None:
        """Show a line."""
        self.said = time.monotonic()
        shown = Text(harmless(text))
        if self.live:
            self.live.update(shown, refresh=True)
        else:
            self.console.print(shown, soft_wrap=True)


class SweepShow(Line):
    """Watches a ranking: `watch` is what ranking.rank calls after each sweep."""

    def __init__(self, tolerance: float, console: Console | None = None, seconds: float | None = None) -> None:
        super().__init__(console, seconds)
        self.tolerance = tolerance
        self.what, self.seen = "", [(0.0, 0, math.inf)]

    def watch(self, what: str, sweeps: int, error: float) -> None:
        """Take note of a sweep: of what, how many there were, and the bound on the error."""
        if what != self.what:
            self.what, self.seen = what, []
        self.seen = [*self.seen[-LOOKED_BACK:], (time.monotonic(), sweeps, error)]
        if self.due():
            bound = "" if math.isnan(error) else f", error at most {error:.1e} of {self.tolerance:.0e}{self.left()}"
            self.say(f"{what}: sweep {sweeps:,}{bound}")

    def left(self) -> str:
        """Return how long it will take, as far as the last sweeps tell."""
        (start, first, before), (now, last, error) = self.seen[0], self.seen[-1]
        sweeps = sweeps_left(before, error, last - first, self.tolerance)
        return "" if sweeps is None else f", {duration(sweeps * (now - start) / (last - first))} left"


def sweeps_left(before: float, error: float, sweeps: int, tolerance: float) -> float | None:
    """Return the sweeps until a bound that fell from `before` to `error` reaches the tolerance; None if it does not."""
    if sweeps < 1 or not 0.0 < error < before < math.inf:
        return None
    return max(math.log(tolerance / error) / (math.log(error / before) / sweeps), 0.0)


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


@contextmanager
def counting(what: str, unit: str, line: Line | None = None) -> Iterator[None]:
    """Show how many records the block has ticked off, and how many a second."""
    done, start = 0, time.monotonic()

    def ticked(n: int, share: float) -> None:
        nonlocal done
        done += n
        if shown.due():
            rate = done / max(time.monotonic() - start, 1e-9)
            shown.say(f"{what}: {done:,} {unit}, {rate:,.0f} a second")

    with line or Line() as shown:
        on_tick(ticked)
        try:
            yield
        finally:
            on_tick(lambda n, share: None)
