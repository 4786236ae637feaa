"""Ranks that are stopped after a sweep, as a kill would stop them."""

from collections.abc import Callable


class StoppedError(Exception):
    """What a test stops a computation with."""


def stopped_at(sweep: int) -> Callable[[int, float], None]:
    """Return a watcher that stops the computation after a sweep."""

    def watch(done: int, _: float) -> None:
        if done == sweep:
            raise StoppedError

    return watch
