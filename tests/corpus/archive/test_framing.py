"""Members of one whole record are framed at once; that gives what the long way gives, in every company."""

import pytest
from archives import arc, page, warc
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.archive.framing import Framer
from corpus.archive.records import JUNK, ZEROS, ArchiveSettings, Fault, Record, Trust
from corpus.archive.spool import Gap, Part

PLAIN = warc(1)
CONTENTS = {
    "one record": PLAIN,
    "another, with digest": warc(2, digest=True),
    "a wrong digest": warc(3, WARC_Block_Digest="sha1:" + "A" * 32),
    "empty block": warc(4, b""),
    "angle brackets": warc(5, WARC_Target_URI="<http://example.org/5>"),
    "one line end": PLAIN[:-2],
    "no line end": PLAIN[:-4],
    "line ends too many": PLAIN + b"\r\n\r\n",
    "blanks and NULs": PLAIN[:-4] + b" \0\r\n",
    "bare line feeds": PLAIN[:-4] + b"\n\n",
    "many NULs behind": PLAIN + bytes(600),
    "many NULs before": bytes(600) + PLAIN,
    "blanks before": b"\r\n" + PLAIN,
    "two records": PLAIN + warc(6),
    "oversize": warc(7, bytes(5000)),
    "length too small": warc(8, page(8), Content_Length="20"),
    "length too large": warc(9, page(9), Content_Length="90000"),
    "length off by two": warc(10, page(10), Content_Length=str(len(page(10)) + 2)),
    "no length": warc(11, Content_Length="x"),
    "absurd length": warc(12, Content_Length="9" * 18),
    "a head alone": b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 900\r\n\r\n",
    "half a head": b"WARC/1.0\r\nWARC-Type: resp",
    "no type": b"WARC/1.0\r\nContent-Length: 2\r\n\r\nab\r\n\r\n",
    "large head": warc(13, X_Long="y" * 2000),
    "NULs in the head": warc(14, X_Odd="\0\0a"),
    "an archive in a block": warc(15, PLAIN),
    "arc": arc(16),
    "junk": b"junk and no record\n",
    "nothing": b"",
    "blanks alone": b"\r\n\r\n",
}
SETTINGS = [
    ArchiveSettings(max_block=4000, max_head=1024, check_digests=check, max_length=1 << 40) for check in (False, True)
]
STATES = [(Trust.CHECKED, ""), (Trust.OPEN, ""), (Trust.CHECKED, "an odd trailer"), (Trust.DAMAGED, "")]


def frame(steps: list[tuple[str, int]], options: ArchiveSettings, split: bool) -> list[Record | Fault]:
    """Return what a framer makes of members (name, state) and gaps (reason, -1), each member whole or in two parts."""
    framer, found, at = Framer("made.warc.gz", options), [], 0
    for name, state in steps:
        if state < 0:
            found += framer.interrupt(Gap(at, at + 100, name, "a gap"))
        else:
            data, (trust, note) = CONTENTS[name], STATES[state]
            middle = len(data) // 2 if split else len(data)
            pieces = [data[:middle], data[middle:]] if split else [data]
            for i, piece in enumerate(pieces):
                is_last = i == len(pieces) - 1
                found += framer.feed(Part(piece, at, at + 100, trust, i == 0, is_last, note=note if is_last else ""))
        at += 100
    return found + list(framer.close())


def told(found: list[Record | Fault]) -> list[str]:
    """Return all that records and faults say."""
    return [repr(item) for item in found]


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("options", SETTINGS, ids=["", "digests"])
def test_one_member(name: str, options: ArchiveSettings) -> None:
    """Each kind of member, alone and before another."""
    for steps in ([(name, 0)], [(name, 0), ("one record", 0)], [("one record", 0), (name, 1)]):
        assert told(frame(steps, options, split=False)) == told(frame(steps, options, split=True))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(list(CONTENTS)), st.integers(0, len(STATES) - 1)),
            st.tuples(st.just("one record"), st.just(0)),
            st.tuples(st.sampled_from([ZEROS, JUNK]), st.just(-1)),
        ),
        max_size=7,
    ),
    options=st.sampled_from(SETTINGS),
)
def test_members_in_any_company(steps: list[tuple[str, int]], options: ArchiveSettings) -> None:
    """Any sequence of members and gaps gives the same records and faults both ways."""
    assert told(frame(steps, options, split=False)) == told(frame(steps, options, split=True))


def test_the_short_way_is_taken() -> None:
    """A plain sequence of records comes out whole, with places, numbers and trust of their own."""
    found = frame([("one record", 0), ("another, with digest", 1)], SETTINGS[1], split=False)
    assert [(r.offset, r.length, r.index, r.checked, r.digest) for r in found if isinstance(r, Record)] == [
        (0, 100, 0, True, "absent"),
        (100, 100, 0, False, "ok"),
    ]
