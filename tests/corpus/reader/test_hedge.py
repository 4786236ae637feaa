"""Second requests: when one is sent, which answer counts, and what happens when one or both fail."""

import asyncio
from collections.abc import Callable

import pytest

from corpus.reader.hedge import ENOUGH, RECENT, SOONEST, Get, Hedge, hedged


def answers(body: bytes, seconds: float, error: Exception | None = None, log: list[str] | None = None) -> Get:
    """Return a request that gets the first half of `body` at once, the rest later, or an error in its place."""

    async def get(into: bytearray) -> None:
        into += body[: len(body) // 2]
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            (log if log is not None else []).append("cancelled")
            raise
        if error:
            raise error
        into += body[len(body) // 2 :]

    return get


def got(first: Get, second: Get, delay: float = 0.01, granted: Callable[[], bool] = lambda: True) -> tuple[bytes, int]:
    """Return what is in the buffer, behind what was there before, and the bytes of the other request."""
    into, lost = bytearray(b"before "), [0]
    asyncio.run(hedged(first, second, delay, into, granted, lost.append))
    return bytes(into), sum(lost)


async def never(into: bytearray) -> None:
    """Fail the test: this request is not to be sent."""
    raise AssertionError("sent")


def test_a_quick_answer_is_not_asked_for_twice() -> None:
    """The second request is not sent, nor is leave asked for it."""
    assert got(answers(b"abcd", 0), never, delay=5, granted=lambda: pytest.fail("asked")) == (b"before abcd", 0)


def test_a_slow_answer_is_overtaken() -> None:
    """The second's bytes take the place of the half that the first had, which is cancelled and counted as lost."""
    log: list[str] = []
    assert got(answers(b"abcd", 60, log=log), answers(b"abcd", 0)) == (b"before abcd", 2)
    assert log == ["cancelled"]


def test_a_slow_answer_may_still_be_first() -> None:
    """Then the second is cancelled, and what it had is lost."""
    log: list[str] = []
    assert got(answers(b"abcd", 0.05), answers(b"abcdef", 60, log=log)) == (b"before abcd", 3)
    assert log == ["cancelled"]


def test_without_leave_the_first_is_waited_for() -> None:
    """The share is used up."""
    assert got(answers(b"abcd", 0.05), never, granted=lambda: False) == (b"before abcd", 0)


@pytest.mark.parametrize(("mine", "other"), [(0.03, 0.1), (0.1, 0.03)])
def test_when_one_fails_the_other_counts(mine: float, other: float) -> None:
    """Whichever of them, and whichever ends sooner."""
    broken = OSError("reset")
    assert got(answers(b"abcd", mine, broken), answers(b"abcd", other)) == (b"before abcd", 2)
    assert got(answers(b"abcd", mine), answers(b"abcd", other, broken)) == (b"before abcd", 2)


def test_when_both_fail_the_first_tells() -> None:
    """Its error, and what it got stays for the next request to go on from."""
    into, lost = bytearray(), [0]
    first, second = answers(b"abcd", 0.03, OSError("first")), answers(b"abcd", 0.01, OSError("second"))
    with pytest.raises(OSError, match="first"):
        asyncio.run(hedged(first, second, 0.01, into, lambda: True, lost.append))
    assert (into, lost) == (b"ab", [0, 2])


def test_an_error_before_the_delay_is_raised_at_once() -> None:
    """A retry is not a hedge's business."""
    with pytest.raises(OSError, match="reset"):
        got(answers(b"abcd", 0, OSError("reset")), never, delay=5)


def test_nothing_is_hedged_before_enough_is_known() -> None:
    """The delay comes with the twentieth request that was timed."""
    hedge = Hedge(0.5)
    for _ in range(ENOUGH):
        assert hedge.delay(100) is None
        hedge.took(0.2)
    assert hedge.delay(100) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("seconds", "delay"),
    [([0.2] * 100, 0.4), ([0.2] * 90 + [1.0] * 10, 1.0), ([0.001] * 100, SOONEST), ([9.0] * 50 + [0.2] * RECENT, 0.4)],
)
def test_slow_is_what_few_were(seconds: list[float], delay: float) -> None:
    """Twice the median, the 95th percentile where it is larger, never less than SOONEST, of the recent ones."""
    hedge = Hedge(0.5)
    hedge.delay(1000)
    for one in seconds:
        hedge.took(one)
    assert hedge.delay(1) == pytest.approx(delay)


def test_second_requests_stay_below_their_share() -> None:
    """2 % of 100 requests of one size are two; a third is not granted, and none is planned any more."""
    hedge = Hedge(0.02)
    for _ in range(100):
        hedge.delay(1000)
        hedge.took(0.1)
    assert [hedge.granted(1000) for _ in range(3)] == [True, True, False]
    assert hedge.delay(1000) is None


def test_no_share_is_no_hedging() -> None:
    """Whatever was seen."""
    hedge = Hedge(0)
    for _ in range(ENOUGH):
        hedge.took(0.1)
    assert hedge.delay(1) is None
    assert not hedge.granted(1)
