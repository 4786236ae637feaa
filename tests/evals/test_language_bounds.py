"""Language identification on excerpts against whole texts, by script.

`make evals` prints the tables; docs/scores.md has them. Beside the labelled texts as they are, each is looked at as a
page would have it: between a menu and a footer of short English lines that are together longer than an excerpt.
"""

import importlib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpus.language import LanguageIdentifier
from corpus.language.script import survey

pytestmark = pytest.mark.shared

WORST = 0.003
"""Largest loss of accuracy against the whole text."""
ENOUGH = 100
"""Texts in a script from which its accuracy is held to that."""
JOINED = 20
"""Sentences of a language that make up one text of the set `joined`."""

BOUNDED = LanguageIdentifier()
WHOLE = replace(BOUNDED, characters=1 << 40)
MENU = "Home\nAbout us\nContact\nSign in\nWe use cookies to improve your experience.\nAccept all\nPrivacy policy\n" * 5
FOOTER = "\nTerms of use\nImprint\nFollow us on Facebook\nNewsletter\nShare this page\n" * 6

Texts = list[tuple[str, str]]


@pytest.fixture
def labelled(shared: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Texts]:
    """Sets of (language, text) in languages that are answered, read by the script that scores them."""
    monkeypatch.syspath_prepend(str(shared / "evals"))
    script: Any = importlib.import_module("langid")
    folder, labels = shared / "data" / "langid", BOUNDED.labels
    udhr = [(script.canonical(t), text) for t, text in script.udhr(folder) if script.group(t, labels) == "known"]
    sentences = [(label, text) for label, text in script.lines(folder, "sentences") if label in labels]
    by_language: defaultdict[str, list[str]] = defaultdict(list)
    for label, text in sentences:
        by_language[label].append(text)
    joined = [
        (label, "\n".join(lines[k : k + JOINED]))
        for label, lines in by_language.items()
        for k in range(0, len(lines) - JOINED + 1, JOINED)
    ]
    in_pages = {"udhr in a page": udhr, "joined in a page": joined[::3]}
    pages = {name: [(label, MENU + text + FOOTER) for label, text in texts] for name, texts in in_pages.items()}
    return {"udhr": udhr, "sentences": sentences, "joined": joined} | pages


def test_excerpts_are_as_good_as_whole_texts(labelled: dict[str, Texts]) -> None:
    """No more than 0.3 points are lost on any set, nor on any script of which a set has 100 texts."""
    losses = {}
    for name, texts in labelled.items():
        table = by_script(texts)
        print(f"\n| {name} | texts | longer than the excerpt | excerpt | whole |\n|---|---|---|---|---|")
        for script, (count, longer, bounded, whole) in table.items():
            print(f"| {script} | {count:,} | {longer:,} | {bounded / count:.3f} | {whole / count:.3f} |")
            if count >= ENOUGH or script == "all":
                losses[name, script] = (whole - bounded) / count
    assert {key: loss for key, loss in losses.items() if loss > WORST} == {}


def by_script(texts: Texts) -> dict[str, list[int]]:
    """Return script -> number of texts, of longer ones, of right answers on excerpts and on whole texts."""
    table: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 4)
    for gold, text in texts:
        longer = len(text) > BOUNDED.characters
        bounded = is_right(BOUNDED, text, gold)
        whole = is_right(WHOLE, text, gold) if longer else bounded
        for script in ("all", survey(text.removeprefix(MENU).removesuffix(FOOTER)).script or "none"):
            row = table[script]
            row[:] = row[0] + 1, row[1] + longer, row[2] + bounded, row[3] + whole
    return dict(sorted(table.items(), key=lambda item: (-item[1][0], item[0])))


def is_right(identifier: LanguageIdentifier, text: str, gold: str) -> bool:
    """Return whether the answer is the labelled language, by the codes of the labels."""
    found = identifier.identify(text).label
    return {"nb": "no", "fil": "tl"}.get(found or "", found) == gold
