"""Scripts of letters against the Unicode names, one character at a time."""

from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.language.identify import _REFUSED
from corpus.language.script import Survey, _table, script_of, survey


def oracle(text: str) -> Survey:
    """Return what `survey` does, from a name per character and the pattern that replaces what is refused."""
    found = Counter(script for script in map(script_of, text) if script)
    best = min(found, key=lambda name: (-found[name], name)) if found else None
    return Survey(best, bool(_REFUSED.search(text)))


@settings(deadline=None)  # the first call compiles
@given(st.text(st.characters(exclude_categories=()), max_size=200) | st.text("Aaбか中ㄱ1.\n\x00", max_size=40))
@example("")
@example("\ud800\U0010ffff\ufdd0")
@example("x" * 100_000)
def test_survey_equals_names_one_by_one(text: str) -> None:
    """For any Unicode, surrogates and astral planes included."""
    assert survey(text) == oracle(text)


def test_every_code_point() -> None:
    """The table holds for each of the 1,114,112 code points what its name says."""
    names, entries = _table()
    found = [names[entry] if entry != 255 else "refused" for entry in entries.tolist()]
    refused = [match.start() for match in _REFUSED.finditer("".join(map(chr, range(0x110000))))]
    expected = [script_of(chr(point)) for point in range(0x110000)]
    for point in refused:
        expected[point] = "refused"
    assert found == expected
    assert len(names) < 255


def test_scripts_of_letters() -> None:
    """Digits and punctuation have no script; kana is one script; ties go by name."""
    assert survey("Aб1, か カ").script == "KANA"
    assert survey("Aб").script == "CYRILLIC"
    assert survey("123\t\r\n") == Survey(None, refused=False)
    assert survey("a\x0b").refused
