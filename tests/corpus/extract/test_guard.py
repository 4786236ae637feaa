"""Hostile pages cost themselves alone."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.errors import PipelineError, SettingError
from corpus.extract import frames
from corpus.extract.extractors import ExtractSettings
from corpus.extract.guard import Guard, PageRequest, PageResult, borrow
from corpus.extract.page import Headers
from corpus.extract.process import GuardSettings
from corpus.url import Url

URL = Url("http://example.org/", "example.org")
OBEY = ExtractSettings(extractor="hostile_extractors:obey")
LIMITS = GuardSettings(timeout=1.0, wall=4.0, memory=1 << 30, max_page=1 << 20)


def order(what: str) -> PageRequest:
    """Return a page whose title is an order to the extractor, with one link."""
    html = f'<title>{what}</title><a href="http://a.net/">x</a>'
    return PageRequest(body=html.encode(), url=URL, headers=Headers())


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    """A guard around the obedient extractor, with tight limits."""
    with Guard(OBEY, LIMITS) as found:
        yield found


def results(guard: Guard, *orders: str) -> list[PageResult]:
    """Return the results of pages that give `orders`."""
    found = list(guard.map((what, order(what)) for what in orders))
    assert [what for what, _ in found] == list(orders)
    return [result for _, result in found if result]


@pytest.mark.parametrize(
    ("what", "reason", "detail"),
    [
        ("loop in C", "timeout", "more than 1 s of CPU time"),
        ("abort", "crash", "SIGABRT"),
        ("crash", "crash", "SIGSEGV"),
        ("eat memory", "oversize", "more memory than the limit"),
        ("raise", "crash", "ValueError: as told"),
        ("leave", "crash", "exit status 3"),
    ],
)
def test_a_hostile_page_costs_itself_alone(guard: Guard, what: str, reason: str, detail: str) -> None:
    """The page gets its reason and keeps its links; the pages before and after it get their text."""
    found = results(guard, "one", what, "two", "three")
    assert [bool(result.text) for result in found] == [True, False, True, True]
    culprit = found[1]
    assert culprit.drop is not None
    assert culprit.drop.reason == reason
    assert detail in culprit.drop.detail
    assert culprit.facts is not None
    assert culprit.facts.links == [("a.net", 0)]


def test_a_page_that_only_waits_is_killed_by_wall_time() -> None:
    """A worker that uses no CPU and does not answer is killed by the parent."""
    with Guard(OBEY, GuardSettings(timeout=0.5, wall=1.0)) as guard:
        first, second = results(guard, "sleep", "one")
    assert first.drop is not None
    assert first.drop.reason == "timeout"
    assert "wall time" in first.drop.detail
    assert second.text


def test_several_hostile_pages_in_a_row(guard: Guard) -> None:
    """Each gets its own verdict, in order."""
    found = results(guard, "abort", "raise", "crash", "one", "leave")
    assert [result.drop.reason if result.drop else None for result in found] == [
        "crash",
        "crash",
        "crash",
        None,
        "crash",
    ]


def test_prints_do_not_disturb_the_answers(guard: Guard) -> None:
    """What a library prints does not get between the frames."""
    assert all(result.text for result in results(guard, "print", "one"))


def test_items_without_page_pass_in_order(guard: Guard) -> None:
    """Records that carry no page keep their place among those that do."""
    items = [(i, order(f"page {i}") if i % 3 else None) for i in range(300)]
    found = list(guard.map(iter(items)))
    assert [item for item, _ in found] == list(range(300))
    assert [f"page {i}" in result.text for i, result in found if result] == [True] * 200
    assert [i for i, result in found if result is None] == list(range(0, 300, 3))


def test_a_page_over_the_limit_is_not_even_parsed(guard: Guard) -> None:
    """More bytes than max_page are oversize, without facts."""
    request = PageRequest(body=b"x" * ((1 << 20) + 1), url=URL)
    [(_, result)] = guard.map([("big", request)])
    assert result is not None
    assert result.facts is None
    assert result.drop is not None
    assert result.drop.reason == "oversize"


def test_the_results_do_not_depend_on_the_window() -> None:
    """One page in flight, or many, or a fresh worker every three pages: the same results."""
    orders = [f"page {i}" for i in range(7)] + ["abort"] + [f"page {i}" for i in range(5)]
    seen = []
    for window, recycle in ((1, 1000), (64, 1000), (4, 3)):
        limits = GuardSettings(timeout=5, pages_in_flight=window, recycle=recycle)
        with Guard(OBEY, limits) as guard:
            seen.append(results(guard, *orders))
            assert guard.workers_started == (5 if recycle == 3 else 2)
    assert seen[0] == seen[1] == seen[2]


def test_a_worker_killed_from_outside_between_pages_blames_nobody(guard: Guard) -> None:
    """A worker that dies while no page is begun is replaced, and the page goes to the next one."""
    results(guard, "one")
    worker = guard._worker
    assert worker is not None
    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait()
    assert results(guard, "two")[0].text


def test_a_worker_that_cannot_start_is_an_error() -> None:
    """An extractor that does not exist stops the unit with its name, and no page is blamed."""
    with Guard(ExtractSettings(extractor="no_such_module:f"), LIMITS) as guard, pytest.raises(PipelineError) as raised:
        results(guard, "one")
    assert "no_such_module:f" in str(raised.value)


def test_leaving_off_early_leaves_no_answers_behind() -> None:
    """A consumer that stops in the middle does not get old answers the next time."""
    with borrow(OBEY, LIMITS) as guard:
        for what, result in guard.map((f"page {i}", order(f"page {i}")) for i in range(50)):
            assert result is not None
            assert what in result.text
            break
    with borrow(OBEY, LIMITS) as again:
        assert again is guard
        assert "fresh" in results(again, "fresh")[0].text
        again.close()


def test_the_worker_ends_with_its_standard_input(guard: Guard) -> None:
    """When the parent is gone its end of the pipe closes, and the worker goes too."""
    results(guard, "one")
    worker = guard._worker
    assert worker is not None
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.process.wait(20) == 0
    guard.close()


HOSTILE = {
    "a colspan of 9e15": "<table><tr><td colspan=9000000000000000>x</td></tr></table>",
    "a table of 100,000 rows": "<table>" + "<tr><td>1" * 100_000,
    "100,000 nested elements": "<div>" * 100_000 + "text " * 300,
    "an attribute of 1 MB": "<a href='" + "x" * 1_000_000 + "'>y</a>",
    "100,000 entities": "&amp;" * 100_000,
    "an unclosed comment": "<!--" + "<p>x" * 100_000,
}


@pytest.mark.parametrize("extractor", ["trafilatura", "resiliparse"])
def test_real_extractors_survive_hostile_pages(extractor: str) -> None:
    """Each hostile page ends as text or a drop, after its links, and an ordinary page after it is extracted."""
    words = " ".join(f"word{i}" for i in range(200))
    ordinary = f"<html><body><article><h1>Heading</h1><p>{words}.</p></article></body></html>"
    pages = [html for h in HOSTILE.values() for html in (f'<a href="http://a.net/">x</a>{h}', ordinary)]
    requests = [(i, PageRequest(body=html.encode(), url=URL)) for i, html in enumerate(pages)]
    with Guard(ExtractSettings(extractor=extractor), GuardSettings(timeout=2)) as guard:
        for i, result in guard.map(requests):
            assert result is not None
            assert result.facts is not None
            if i % 2:
                assert "word199" in result.text
            else:
                assert result.facts.links == [("a.net", 0)]
                assert result.drop is None or result.drop.reason in ("empty", "timeout", "oversize", "crash")


def test_frames_come_back_whole_in_any_pieces() -> None:
    """Frames cut at any byte are put together again, with text that JSON and UTF-8 find hard."""
    sent = [(b"P", {"url": "ü\u2028", "n": 1}, b"\0\xff" * 100), (b"H", {}, b""), (b"T", {}, "ţext".encode())]
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
    for wrong in ({"timeout": 0}, {"memory": 1000}, {"max_page": 0}, {"wall": 1, "timeout": 2}, {"recycle": 0}):
        with pytest.raises(SettingError, match=re.escape(f"GuardSettings: {next(iter(wrong))}")):
            GuardSettings(**wrong)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_memory_stays_flat(guard: Guard) -> None:
    """A thousand pages leave the worker about as large as two hundred did."""
    sizes = []
    for _ in range(2):
        results(guard, *(f"page {i}" for i in range(500)))
        worker = guard._worker
        assert worker is not None
        status = Path(f"/proc/{worker.process.pid}/status").read_text()
        sizes.append(int(re.findall(r"VmRSS:\s+(\d+)", status)[0]))
    assert sizes[1] < sizes[0] * 1.2
    assert os.getpid() != worker.process.pid
