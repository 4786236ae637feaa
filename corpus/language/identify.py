"""The identifier: one model, a second opinion, one rule (stated with its figures in the package's docstring)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import fasttext
import pycld2

from corpus.errors import InputError
from corpus.language.codes import from_iso_639_3, from_old
from corpus.language.excerpt import excerpt
from corpus.language.linear import read_linear
from corpus.language.model import digest, find_model
from corpus.language.script import fits, survey
from corpus.settings import require

CANDIDATES: Final = 5  # answers asked of the model
SURE: Final = 0.9  # score from which the model is believed against the second opinion
WHOLE: Final = 80  # percent of the text in one language for the second opinion to be trusted
NORMAL: Final = 1200.0  # CLD2's score per kilobyte that counts as certainty; ordinary text has 700 to 1,300
HIGHEST: Final = 0.95  # no answer of the second opinion alone is surer than this
CONSENT: Final = 0.7  # share of the doubt that agreement takes away
DOUBT: Final = 0.5  # what is left of a score when the second opinion or the script speaks against it
UNSURE: Final = 0.65  # score below which CLD2's best effort is heard
EFFORT: Final = 50, 200.0  # percent and score per kilobyte from which its best effort is worth hearing
SCRIPT_ONLY: Final = 1024.0  # CLD2's score per kilobyte when it went by the script alone
SHARED: Final = frozenset({"CANADIAN", "SYRIAC"})  # scripts of several languages of which CLD2 knows one
SHARED_SCORE: Final = 0.45

# What CLD2 refuses as not interchange-valid (controls, surrogates, noncharacters); fastText has no use for it either.
_PLANE_ENDS: Final = "".join(chr((plane << 16) + low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
_REFUSED: Final = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_PLANE_ENDS}]")
_INVENTED: Final = frozenset({"un", "tlh", "zzp"})  # unknown, Klingon, Pig Latin


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """What a text is written in; scores lie in 0..1.

    `label` is ISO 639-1 where one exists, else 639-3, and None when the text has no letters; `script` is the script
    named by the model's label (GlotLID: `Latn`) or, for Traditional Chinese, `Hant`. `source` says who decided: `both`
    (model and second opinion agree), `model`, `second`, `effort` (second opinion, unsure), `none` (no letters),
    `failed` (the model's answer, because the second opinion refused the text), `unvouched` (a language that the model
    alone knows, and badly: no label, the language is the runner-up).
    """

    label: str | None = None
    score: float = 0.0
    script: str | None = None
    runner_up: str | None = None
    runner_up_score: float = 0.0
    source: str = "none"


class Candidate(NamedTuple):
    """One answer of the model."""

    label: str
    score: float
    script: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What CLD2 says: a language or None, whether it relies on it, percent of the text, score per kilobyte."""

    label: str | None = None
    script: str | None = None
    reliable: bool = False
    percent: int = 0
    density: float = 0.0

    @property
    def trusted(self) -> bool:
        """Whether it names one language for nearly all of the text and relies on that."""
        return self.label is not None and self.reliable and self.percent >= WHOLE

    @property
    def worth(self) -> bool:
        """Whether a best-effort answer is better than a guess."""
        return self.label is not None and self.percent >= EFFORT[0] and self.density >= EFFORT[1]

    def mark(self, script: str | None) -> float:
        """Return its confidence as a score; `script` is the text's dominant one."""
        if self.density == SCRIPT_ONLY and script in SHARED:
            return SHARED_SCORE
        return min(self.density / NORMAL, HIGHEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A loaded fastText model: its predictions, (score, label) of a text's best, and what its labels stand for."""

    predict: Callable[[str, int], Sequence[tuple[float, str]]]
    names: Mapping[str, tuple[str, str | None]]
    languages: frozenset[str]
    wide: bool
    """Labels carry a script (`eng_Latn`): GlotLID, OpenLID and their like."""


@lru_cache(maxsize=2)
def load(path: str | None) -> Model:
    """Load a model once per process; raises InputError when the file is no fastText model."""
    found = find_model(path)
    linear = read_linear(found)
    labels, predict = (linear.labels, linear.predict) if linear else load_with_library(found)
    names = name_labels(labels)
    return Model(
        predict=predict,
        names=names,
        languages=frozenset(language for language, _ in names.values()),
        wide=any("_" in label.removeprefix("__label__") for label in names),
    )


def load_with_library(path: Path) -> tuple[Sequence[str], Callable[[str, int], Sequence[tuple[float, str]]]]:
    """Return labels and predictions of any fastText model; raises InputError when the file is none."""
    try:
        model = fasttext.load_model(str(path))
    except ValueError as error:
        raise InputError(f"{path}: not a fastText model ({error}); give a .ftz or .bin file") from error

    def predict(text: str, count: int) -> Sequence[tuple[float, str]]:
        # model.f is the binding itself; the wrapper above it refuses some texts under numpy 2.
        found: Sequence[tuple[float, str]] = model.f.predict(text.replace("\n", " ") + "\n", count, 0.0, "strict")
        return found

    return model.get_labels(), predict


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageIdentifier:
    """Identify the language of texts: `LanguageIdentifier().identify("Grüezi mitenand")`.

    The model is loaded at the first use in a process, so an identifier can be sent to other processes. That first use
    raises InputError when `model` is no fastText model, MissingError when the default model can be found nowhere.
    """

    model: str | None = None
    """Path of a fastText model; None takes lid.176.ftz, see model.find_model."""
    characters: int = 900
    """Longest text that is looked at; of longer ones an excerpt of that length, see excerpt.py."""
    second_opinion: bool | None = None
    """Ask CLD2 as well; None means yes for lid.176-like labels and no for wide models (`eng_Latn`), which know more."""

    def __post_init__(self) -> None:
        require(self.characters >= 100, self, "characters", "expected at least 100")

    @property
    def asks(self) -> bool:
        """Whether a second opinion is asked."""
        return not load(self.model).wide if self.second_opinion is None else self.second_opinion

    @property
    def labels(self) -> frozenset[str]:
        """Languages it answers: those of CLD2; without a second opinion all of the model's.

        The other languages of lid.176 become the runner-up of no answer: it named a third of them rightly.
        """
        return SECOND_LABELS if self.asks else load(self.model).languages

    def fingerprint(self) -> dict[str, object]:
        """Return what decides its answers: the settings and the SHA-256 of the model, wherever that lies."""
        settings = {"characters": self.characters, "second_opinion": self.second_opinion}
        return {"model": digest(find_model(self.model)), **settings}

    def warm(self) -> None:
        """Load the model, build the tables and load or compile the kernels, so that no text has to wait for them."""
        self.identify("Enough of a text to be identified.")

    def identify(self, text: str) -> Language:
        """Return the language of `text`; any str is taken, lone surrogates and control characters included."""
        sample = excerpt(text, self.characters)
        script, refused = survey(sample)
        if script is None:
            return Language()
        if refused:
            sample = _REFUSED.sub(" ", sample)
        candidates = self.candidates(sample)
        if not self.asks:
            return settle(candidates, "model")
        try:
            opinion, effort = ask(sample), None
            if not opinion.trusted and (not candidates or candidates[0].score < UNSURE):
                effort = ask(sample, best_effort=True)
        except pycld2.error:
            return vouched(settle(candidates, "failed"), self.labels)
        return vouched(decide(candidates, opinion, effort, script, load(self.model).languages), self.labels)

    def candidates(self, sample: str) -> list[Candidate]:
        """Return the model's first answers, best first."""
        model = load(self.model)
        named = [(min(score, 1.0), model.names[label]) for score, label in model.predict(sample, CANDIDATES)]
        return [Candidate(label, score, script) for score, (label, script) in named]


def decide(
    candidates: Sequence[Candidate], opinion: Opinion, effort: Opinion | None, script: str, known: frozenset[str]
) -> Language:
    """Return the verdict on the model's `candidates` and CLD2's opinions; `known` are the model's languages."""
    first = candidates[0] if candidates else Candidate(label="", score=0.0)
    if opinion.reliable and opinion.label == first.label:
        score = 1 - (1 - first.score) * (1 - CONSENT * opinion.mark(script))
        return settle(candidates, "both", Candidate(label=first.label, score=score, script=opinion.script))
    firm = first.score >= SURE and first.label in SECOND_LABELS and opinion.label in known
    if opinion.trusted and not firm:
        return settle(candidates, "second", answer(opinion, opinion.mark(script)))
    if effort is not None and effort.worth:
        return settle(candidates, "effort", answer(effort, DOUBT * min(first.score, effort.mark(script))))
    score = (
        first.score * (DOUBT if first.label in SECOND_LABELS else 1.0) * (1.0 if fits(first.label, script) else DOUBT)
    )
    return settle(candidates, "model", Candidate(label=first.label, score=score, script=first.script))


def vouched(found: Language, labels: frozenset[str]) -> Language:
    """Return the verdict, or none with the label as runner-up where it is no language that may be answered."""
    if found.label is None or found.label in labels:
        return found
    return Language(runner_up=found.label, runner_up_score=found.score, source="unvouched")


def answer(opinion: Opinion, score: float) -> Candidate:
    """Return an opinion as a candidate with `score`."""
    return Candidate(label=opinion.label or "", score=score, script=opinion.script)


def settle(candidates: Sequence[Candidate], source: str, winner: Candidate | None = None) -> Language:
    """Return the Language for `winner` (default: the first candidate); the runner-up is the best of the others."""
    ranked = [winner] if winner else list(candidates[:1])
    if not ranked or not ranked[0].label:
        return Language()
    best = ranked[0]
    second = next((c for c in candidates if c.label != best.label), None)
    return Language(
        label=best.label,
        score=best.score,
        script=best.script,
        runner_up=second.label if second else None,
        runner_up_score=second.score if second else 0.0,
        source=source,
    )


def ask(sample: str, best_effort: bool = False) -> Opinion:
    """Return CLD2's opinion on clean text; raises pycld2.error when it refuses the text."""
    reliable, _, details = pycld2.detect(sample, isPlainText=True, bestEffort=best_effort)
    _, code, percent, density = details[0]
    if code in _INVENTED or code.startswith("xx-"):
        return Opinion(reliable=reliable)
    label, script = from_old(code)
    return Opinion(label=label, script=script, reliable=reliable, percent=percent, density=density)


def name_labels(labels: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Return what each label of a model (`__label__en`, `__label__eng_Latn`) stands for: language and script."""
    codes = {label: label.removeprefix("__label__") for label in labels}
    return {label: from_iso_639_3(code) if "_" in code else from_old(code) for label, code in codes.items()}


def _second_labels() -> frozenset[str]:
    codes = dict(pycld2.LANGUAGES)
    found = (codes[name] for name in pycld2.DETECTED_LANGUAGES if name in codes)
    return frozenset(from_old(code)[0] for code in found if code not in _INVENTED and not code.startswith("xx-"))


SECOND_LABELS: Final = _second_labels()
"""Languages that CLD2 knows."""
