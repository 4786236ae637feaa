"""Line rules: one line for each rule, sentences counted by hand, C4's cleaning as a processor."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import Document, Drop
from corpus.errors import SettingError
from corpus.quality.lines import (
    C4Lines,
    Line,
    count_sentences,
    ends_sentence,
    removed_by_refinedweb,
    split_lines,
)
from corpus.quality.words import segment

GOOD = "This line has enough words and an end."
PAGE = "\n".join(
    [
        GOOD,
        "Home About Contact",
        "Yes. No.",
        "",
        "Please enable JavaScript to see this page.",
        "This site uses cookies to work better.",
        "This line trails off and ends so ...",
        "x" * 1001 + " is far too long for a word.",
        "As was shown [12] in many places.[citation needed]",
    ]
)


def document(text: str) -> Document:
    return Document(
        id=b"0" * 16, url="https://example.org/", host="example.org", registered_domain="example.org", text=text
    )


def test_each_rule_removes_its_line() -> None:
    """Seven lines fall, each counted once, under the first rule it breaks; citation marks go from what stays."""
    kept, removed = C4Lines().clean(PAGE)
    assert kept == [GOOD, "As was shown  in many places."]
    assert removed == {"long_word": 1, "no_terminal": 2, "few_words": 1, "javascript": 1, "policy": 1}


def test_without_the_terminal_rule() -> None:
    """FineWeb's way: menu lines of three words and trailing lines stay."""
    kept, removed = C4Lines(terminal_punctuation=False).clean(PAGE)
    assert kept[1:3] == ["Home About Contact", "This line trails off and ends so ..."]
    assert removed["no_terminal"] == 0


def test_processor_gives_a_new_document_or_a_drop() -> None:
    """The document handed in is not changed; when no line is left there is a reason with the counts."""
    page = document(PAGE)
    cleaned = C4Lines()(page)
    assert isinstance(cleaned, Document)
    assert cleaned.text == GOOD + "\nAs was shown  in many places."
    assert page.text == PAGE
    dropped = C4Lines()(document("Home About Contact\nMenu"))
    assert dropped == Drop("no_lines_left", "line cleaning removed every line: 2 no_terminal")


def test_chinese_lines_are_not_too_short() -> None:
    """A Chinese sentence has no spaces but more than two words."""
    assert C4Lines().clean("我们每天早上都去公园散步。")[0] == ["我们每天早上都去公园散步。"]


def test_wrong_settings() -> None:
    """A negative number of words fails at construction."""
    with pytest.raises(SettingError, match="min_words = -1"):
        C4Lines(min_words=-1)


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("", 0),
        ("No end at all", 1),
        ("One. Two! Three?", 3),
        ("It costs 3.50 at example.com today.", 1),
        ("See e.g. the next page. Then stop", 2),
        ('He said "Go!" Then he went.', 2),
        ("Wait... What?", 2),
        ("我来了。我看见了！我赢了？", 3),
        ("「はい。」と言った。", 2),
        ("यह एक है। यह दो है।", 2),
        ("هل أنت هنا؟ نعم.", 2),
    ],
)
def test_sentences_by_hand(line: str, sentences: int) -> None:
    """Ends need a space and no small letter after them, except full-width ones; a rest counts as one."""
    assert count_sentences(line) == sentences


@pytest.mark.parametrize(
    ("line", "ends"),
    [("A sentence.", True), ('"Quoted"', True), ("(In brackets.)", True), ("Menu (3)", False), ("Menu", False),
     ("trailing...", True), ("句子。", True), ("वाक्य।", True), ("list,", False), ("", False)],
)  # fmt: skip
def test_terminal_punctuation(line: str, ends: bool) -> None:
    """Sentence terminals of all scripts, quotation marks, and a bracket only after one of them."""
    assert ends_sentence(line) is ends


def test_lines_and_their_words() -> None:
    """Blank lines do not count; words are counted in the line they start in."""
    text = "one two\n\n   \n three33 \n..."
    assert split_lines(text, segment(text)) == [Line("one two", 2, 3), Line("three33", 1, 7), Line("...", 0, 0)]


def test_refinedweb_counters_and_notices_by_hand() -> None:
    """The counter loses its 2 words, the first notice 2 of 4, the second 2 of 6, a long line with one nothing."""
    texts = ["3 likes", "Sign-in here please", "And then, to end, read more...", "none", "items in cart " * 4]
    text, lines, at = "\n".join(texts), [], 0
    for line in texts:
        lines.append((at, at + len(line), len(segment(line))))
        at += len(line) + 1
    assert removed_by_refinedweb(text, lines) == 2 + 2 + 2
    assert removed_by_refinedweb(text, []) == 0


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=300))
def test_cleaning_any_text(text: str) -> None:
    """Lines kept and removed are together the lines that are not blank; what is kept is kept again."""
    kept, removed = C4Lines(citations=False).clean(text)
    assert len(kept) + sum(removed.values()) == sum(bool(line.strip()) for line in text.split("\n"))
    assert C4Lines(citations=False).clean("\n".join(kept))[0] == kept


@pytest.mark.parametrize(
    "line", ["." * 300_000, ". " * 150_000, "!)" * 150_000, "a" * 300_000, "[" * 300_000, " ." * 9]
)
def test_hostile_lines_take_linear_time(line: str) -> None:
    """Endless punctuation does not make the sentence counter quadratic (it would take minutes)."""
    assert count_sentences(line) >= 1
    C4Lines().clean(line)
