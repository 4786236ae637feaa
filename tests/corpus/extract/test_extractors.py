"""Extractors by name, and the gates of adaptive."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Drop
from corpus.errors import MissingError, SettingError
from corpus.extract import extractors
from corpus.extract.extractors import (
    ADAPTIVE,
    EXTRACTORS,
    STRETCH,
    Adaptive,
    ExtractSettings,
    Gates,
    identifier,
    letters_of,
    load,
    make_extractor,
)
from corpus.extract.page import Headers, Page, parse_page
from corpus.url import Url

URL = Url("http://example.org/", "example.org")
NOTING = "hostile_extractors:Noting"
SENTENCES = [
    "The ferry left the harbour before sunrise and crossed the bay in thick fog.",
    "On the far shore a small crowd had gathered to wait for the morning post.",
    "Nobody spoke much, since the news of the week had not been good for anyone.",
    "When the boat finally came in, the postman handed out two letters and a parcel.",
]


def article(sentences: list[str]) -> Page:
    """Return a page with an article of these sentences, a menu and a footer."""
    paragraphs = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    html = (
        "<html><head><title>Post</title></head><body><nav><ul><li><a href='/a'>Menu one</a></li>"
        "<li><a href='/b'>Menu two</a></li></ul></nav><main><article><h1>The post</h1>"
        f"{paragraphs}</article></main><footer>All rights reserved by nobody</footer></body></html>"
    )
    return parse_page(html.encode(), url=URL, headers=Headers())


@pytest.mark.parametrize("name", sorted(EXTRACTORS))
def test_extractors_keep_the_article_and_leave_the_menu(name: str) -> None:
    """Each extractor gives every sentence of the article, in order, and no menu."""
    text = make_extractor(ExtractSettings(extractor=name))(article(SENTENCES))
    assert isinstance(text, str)
    places = [text.find(sentence) for sentence in SENTENCES]
    assert places == sorted(places)
    assert places[0] >= 0
    assert "Menu one" not in text


@pytest.mark.parametrize("name", sorted(EXTRACTORS))
@pytest.mark.parametrize(
    "reference", ["&#1;", "&#x1B;", "&#8", "&#0031;", "&#XfFfE;", "&#65535;", "&#x1f;", "&#0;", "&#xd800;", "&#11;"]
)
def test_a_reference_to_a_control_character_does_not_cost_the_page(name: str, reference: str) -> None:
    """A numeric reference that XML forbids vanishes like the control character itself; the text stays."""
    text = make_extractor(ExtractSettings(extractor=name))(article([f"{reference} {s}" for s in SENTENCES]))
    assert isinstance(text, str)
    assert all(sentence in text for sentence in SENTENCES)


def test_adaptive_gives_the_precise_text() -> None:
    """A page that passes the gates has the text of the default extractor."""
    page = article(SENTENCES)
    assert make_extractor(ExtractSettings(extractor=ADAPTIVE))(page) == EXTRACTORS["trafilatura"](page)


@pytest.mark.parametrize(
    ("html", "min_letters", "languages", "steps"),
    [
        (None, 100, None, ["cheap", "precise"]),
        (None, 100, ("en",), ["cheap", "language", "precise"]),
        (None, 100, ("xx",), ["cheap", "language"]),
        (None, 10_000, ("en",), ["cheap", "whole"]),
        (
            "<nav><p>Of all this <b>nothing is</b> main text.</p></nav>",
            20,
            ("en",),
            ["cheap", "whole", "language", "precise"],
        ),
    ],
)
def test_adaptive_takes_each_step_once_and_no_further_than_it_must(
    monkeypatch: pytest.MonkeyPatch,
    html: str | None,
    min_letters: int,
    languages: tuple[str, ...] | None,
    steps: list[str],
) -> None:
    """Cheap text, whole page where that is short, language, precise text: in this order, each at most once."""
    taken: list[str] = []

    def noted(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **named: (taken.append(name), step(*args, **named))[1]

    monkeypatch.setattr(extractors, "by_resiliparse", noted("cheap", extractors.by_resiliparse))
    monkeypatch.setattr(extractors, "by_trafilatura", noted("precise", extractors.by_trafilatura))
    monkeypatch.setattr(extractors, "extract_plain_text", noted("plain", extractors.extract_plain_text))
    page = article(SENTENCES) if html is None else parse_page(html.encode(), url=URL, headers=Headers())
    gates = Gates(min_letters=min_letters, languages=languages, identifier="hostile_extractors:guess")
    Adaptive(gates, noted("language", identifier(gates)))(page)
    assert taken.count("plain") == ("cheap" in steps) + ("whole" in steps)
    assert [step for step in taken if step != "plain"] == [step for step in steps if step != "whole"]


@given(st.text(), st.integers(0, 50))
def test_letters_are_counted_as_far_as_needed(text: str, enough: int) -> None:
    """Fewer letters than enough are all counted; otherwise the count is enough and no more than there are."""
    letters = sum(character.isalpha() for character in text)
    found = letters_of(text, enough)
    assert found == letters if letters < enough else enough <= found <= letters


def test_letters_beyond_the_first_stretch_are_counted() -> None:
    """Letters count wherever they stand, and counting ends with the stretch that has enough of them."""
    text = "1" * STRETCH + "ab" * STRETCH
    assert letters_of(text, 1) == STRETCH
    assert letters_of(text, 10**9) == 2 * STRETCH
    assert letters_of("", 5) == 0


def test_the_length_gate() -> None:
    """A page whose whole text has too few letters is dropped unread; 22 is what this one has."""
    page = parse_page(b"<p>0123456789 letters: twenty seven here</p>", url=URL, headers=Headers())
    assert isinstance(Adaptive(Gates(min_letters=22), None)(page), str)
    found = Adaptive(Gates(min_letters=23), None)(page)
    assert found == Drop("gate_length", "22 letters in the cheap text, fewer than 23")


@pytest.mark.parametrize(
    ("languages", "words", "reason"),
    [
        (("en",), "", None),
        (("de", "fr"), "", "gate_language"),
        (("fr",), "bonjour", None),
        (("fr",), "perhaps", None),
        (None, "", None),
    ],
)
def test_the_language_gate(languages: tuple[str, ...] | None, words: str, reason: str | None) -> None:
    """Pages surely in a language that is not wanted are dropped; unsure ones pass."""
    gates = Gates(languages=languages, identifier="hostile_extractors:guess")
    extract = make_extractor(ExtractSettings(extractor=ADAPTIVE, gates=gates))
    found = extract(article([*SENTENCES, words]))
    assert (found.reason if isinstance(found, Drop) else None) == reason


def test_the_language_gate_knows_the_project_s_own_identifier() -> None:
    """The default of the gate is a class of this project that identifies languages."""
    assert callable(identifier(Gates(languages=("en",))))


def test_an_identifier_is_asked_before_the_first_page() -> None:
    """What it compiles or loads at first, seconds of CPU time on a new machine, would be taken for the page's."""
    make_extractor(ExtractSettings(extractor=ADAPTIVE, gates=Gates(languages=("en",), identifier=NOTING)))
    assert load(NOTING).asked


@pytest.mark.parametrize(
    "wrong",
    [{"extractor": "magic"}, {"gates": {"sure": 2}}, {"gates": {"languages": ()}}, {"gates": {"min_letters": -1}}],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    """An unknown extractor or an impossible gate fails at construction."""
    with pytest.raises(SettingError):
        gates = wrong.get("gates", {})
        assert isinstance(gates, dict)
        ExtractSettings(extractor=str(wrong.get("extractor", ADAPTIVE)), gates=Gates(**gates))


def test_a_missing_extractor_is_named() -> None:
    """An extractor that lives elsewhere and cannot be loaded is named in the error."""
    with pytest.raises(MissingError, match="json:nothing_like_it"):
        make_extractor(ExtractSettings(extractor="json:nothing_like_it"))


def test_text_of_an_extractor_from_elsewhere_is_cleaned() -> None:
    """Control characters, surrogates and trailing blanks go as they do from the text of our own extractors."""
    found = make_extractor(ExtractSettings(extractor="hostile_extractors:dirty"))(article(SENTENCES))
    assert found == "red \ufffd words\n\nend"
