"""Signs of a wrong charset: the scan that swallows plain stretches finds what the patterns alone find."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_page import plain_strangeness

from corpus.strangeness import SAMPLE, strangeness

SOME_OF_EACH = "aZ09 \n<ß×÷ƒ‡†„©¡¼\xa0\xadÀéĀ\x85\ufffd\ue001ｱ─жЖяЯαΑกא中丂龥ア\u3000한\U0002a6d6𝒳Œ\u0e3f\u2003\ud800"


@given(st.text(st.sampled_from(SOME_OF_EACH)) | st.text(st.characters()))
def test_shortcuts_change_nothing(text: str) -> None:
    """Whatever stands beside what, the share is that of the plain patterns."""
    assert strangeness(text) == plain_strangeness(text)


@pytest.mark.parametrize("charset", ["cp1252", "koi8-r", "gb18030", "cp932", "utf-8", "cp437"])
@pytest.mark.parametrize(
    "text", ["Über den Dächern – 20 °C", "Над рекой стоял туман", "清晨的河面上飘着一层薄雾", "Ο ποταμός"]
)
def test_wrongly_decoded_text(text: str, charset: str) -> None:
    """Text read in a charset that is not its own has the same share either way."""
    page = f"<p class='a'>{text}</p>\n".encode().decode(charset, "replace") * 50
    assert strangeness(page) == plain_strangeness(page)


def test_one_enormous_line() -> None:
    """Long stretches of one kind are swallowed without running out of stack, and only a sample is looked at."""
    for unit in ("é", "aé", "ж", "ж ", "жa", "中", "×", "\ufffd"):
        text = unit * (SAMPLE // len(unit))
        assert strangeness(text) == plain_strangeness(text)
    assert strangeness("é" + "a" * SAMPLE + "\ufffd") == 0
