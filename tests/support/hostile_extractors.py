"""Extractors that misbehave, for the guard's tests: what they do is what the page says."""

import ctypes
import os
import time
from typing import ClassVar

from corpus.extract.page import Page


def obey(page: Page) -> str:
    """Do what the title of the page says; return its words otherwise."""
    order = page.facts.title or ""
    if order == "loop in C":
        sum(range(1 << 60))
    elif order == "abort":
        os.abort()
    elif order == "crash":
        ctypes.string_at(0)
    elif order == "eat memory":
        hoard = [bytes(1 << 28) for _ in range(1 << 20)]
        hoard.clear()
    elif order == "raise":
        raise ValueError("as told")
    elif order == "sleep":
        time.sleep(600)
    elif order == "leave":
        os._exit(3)
    elif order == "print":
        print("noise on standard output")
    return page.html


def dirty(page: Page) -> str:
    """Return text with control characters, a lone surrogate and too many line ends."""
    return "\x1bred\0 \ud800 words\x07 \r\n\r\n\n\nend\ufeff \n"


class Guess:
    """Takes every text with "bonjour" in it for French, all others for English; unsure about texts with "perhaps"."""

    def __init__(self, label: str, score: float) -> None:
        self.label, self.score = label, score


def guess(text: str) -> Guess:
    """Return the language of a text by one word."""
    return Guess("fr" if "bonjour" in text else "en", 0.5 if "perhaps" in text else 0.9)


class Noting:
    """Guesses, and keeps what it was asked."""

    asked: ClassVar[list[str]] = []

    def identify(self, text: str) -> Guess:
        self.asked.append(text)
        return guess(text)
