"""Show how a run goes: a live line with rate and time left on a terminal, plain lines in a log."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from corpus.pipeline import Failure, StageOutcome
from corpus.stage import Report, Stage

LOG_SECONDS = 15.0
"""How often a log hears of a stage that is still at work."""


TICKS = {"ingest": "records", "graph": "rows", "rank": "arcs", "candidates": "keys", "verify": "pairs"}
"""What the ticks of a stage count, where it is not documents."""


class Show:
    """A watcher that writes to a console (standard error by default)."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.stage = ""
        self.units = self.done = self.reused = self.ticks = 0
        self.finished = 0.0
        self.start = self.said = 0.0

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def stage_started(self, stage: Stage, units: int, reused: int) -> None:
        """A stage begins with `units` units, `reused` of them already done."""
        self.stage, self.units, self.done, self.ticks = stage.name, units, reused, 0
        self.reused, self.finished = reused, 0.0
        self.start = self.said = time.monotonic()
        self.task = self.progress.add_task(stage.name, total=units, completed=reused, rate="")

    def ticked(self, total: int, units: float) -> None:
        """`total` records (documents, ...) of this stage are done, and `units` units as far as they say."""
        self.ticks, self.finished = total, max(units, self.done - self.reused)
        self.progress.update(self.task, completed=self.reused + self.finished, rate=self.rate())
        if not self.console.is_terminal and time.monotonic() - self.said > LOG_SECONDS:
            self.said = time.monotonic()
            told = (f"{self.done:,} of {self.units:,} units", self.rate(), self.left())
            self.say(f"{self.stage}: {', '.join(filter(None, told))}")

    def rate(self, seconds: float | None = None) -> str:
        """Return records (documents, ...) per second so far, or over `seconds`, in words."""
        seconds = time.monotonic() - self.start if seconds is None else seconds
        return (
            f"{self.ticks / seconds:,.0f} {TICKS.get(self.stage, 'documents')}/s" if self.ticks and seconds > 0 else ""
        )

    def left(self) -> str:
        """Return the time left as far as what is finished tells."""
        seconds = time.monotonic() - self.start
        if not self.finished:
            return "time left unknown"
        return f"about {seconds / self.finished * (self.units - self.reused - self.finished):,.0f} s left"

    def unit_done(self, outcome: Report | Failure) -> None:
        """A unit ended, well or badly."""
        self.done += 1
        self.finished = max(self.finished, self.done - self.reused)
        self.progress.update(self.task, completed=self.reused + self.finished)
        if isinstance(outcome, Failure):
            self.say(f"{outcome.stage}, unit {outcome.shard}: {outcome.message}", "red")

    def stage_done(self, outcome: StageOutcome) -> None:
        """A stage ended: one line that stays."""
        self.progress.remove_task(self.task)
        parts = [f"{outcome.ran} run", f"{outcome.reused} reused"]
        parts += [f"{outcome.skipped} without input"] if outcome.skipped else []
        parts += [f"{len(outcome.failures)} failed"] if outcome.failures else []
        rate = self.rate(outcome.seconds) if outcome.ran else ""
        self.say(f"{outcome.stage:<12} {', '.join(parts):<28} {outcome.seconds:7.1f} s   {rate}".rstrip())

    def say(self, line: str, style: str | None = None) -> None:
        """Print one line; it is never broken, so that a log has a line per event, and no text of a crawl is obeyed."""
        self.console.print(Text(harmless(line), style=style or ""), soft_wrap=True)


def harmless(text: str) -> str:
    """Return a text in which control characters, which could steer a terminal, are shown dead."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
