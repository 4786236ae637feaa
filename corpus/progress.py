"""Show how a run goes: a live line with rate and time left on a terminal, plain lines in a log."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from corpus.pipeline import Failure, StageOutcome
from corpus.stage import Report, Stage

LOG_SECONDS = 15.0
"""How often a log hears of a stage that is still at work."""


class Show:
    """A watcher that writes to a console (standard error by default)."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.stage = ""
        self.units = self.done = self.ticks = 0
        self.start = self.said = 0.0

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def stage_started(self, stage: Stage, units: int, reused: int) -> None:
        """A stage begins with `units` units, `reused` of them already done."""
        self.stage, self.units, self.done, self.ticks = stage.name, units, reused, 0
        self.start = self.said = time.monotonic()
        self.task = self.progress.add_task(stage.name, total=units, completed=reused, rate="")

    def ticked(self, total: int) -> None:
        """`total` records (documents, ...) of this stage are done."""
        self.ticks = total
        self.progress.update(self.task, rate=self.rate())
        if not self.console.is_terminal and time.monotonic() - self.said > LOG_SECONDS:
            self.said = time.monotonic()
            self.console.print(f"{self.stage}: {self.done} of {self.units} units, {self.rate()}, {self.left()}")

    def rate(self) -> str:
        """Return records per second so far, in words."""
        seconds = time.monotonic() - self.start
        return f"{self.ticks / seconds:,.0f}/s" if self.ticks and seconds > 0 else ""

    def left(self) -> str:
        """Return the time left as far as finished units tell."""
        seconds = time.monotonic() - self.start
        return (
            f"about {seconds / self.done * (self.units - self.done):,.0f} s left" if self.done else "time left unknown"
        )

    def unit_done(self, outcome: Report | Failure) -> None:
        """A unit ended, well or badly."""
        self.done += 1
        self.progress.update(self.task, advance=1)
        if isinstance(outcome, Failure):
            self.console.print(f"{outcome.stage}, unit {outcome.shard}: {outcome.message}", style="red", markup=False)

    def stage_done(self, outcome: StageOutcome) -> None:
        """A stage ended: one line that stays."""
        self.progress.remove_task(self.task)
        parts = [f"{outcome.ran} run", f"{outcome.reused} reused"]
        parts += [f"{outcome.skipped} without input"] if outcome.skipped else []
        parts += [f"{len(outcome.failures)} failed"] if outcome.failures else []
        self.console.print(f"{outcome.stage:<12} {', '.join(parts):<28} {outcome.seconds:7.1f} s", markup=False)
