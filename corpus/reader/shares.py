"""Shares: how many tokens of each group of components an epoch holds, from the weights of a mixture.

A mixture maps patterns to weights: names of components, or globs over them such as `*central-*`. The components that a
pattern matches are one group, read as one, each in proportion to its tokens; so `{"*central-*": 1, "*peripheral-*": 1}`
is central to peripheral as one to one, whatever the number of components. A component that no pattern matches is not
read; one that two match is an error, since its share would depend on their order.

With weights w (of sum 1) and A tokens in each group, an epoch of T tokens holds w * T of each group, in whole tokens:
shares are rounded by largest remainder (Hamilton's method), so each is less than one token off and they sum to T.
Weights are taken as the decimal numbers that they are written as, so nothing of this depends on a machine's floats.
An epoch is as long as its scarcest group allows, T = min A / w, or with `repeat` passes over that one, as long as
every group takes to be read once: T = min(repeat * min A / w, max A / w).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any, Final

from corpus.errors import SettingError

OWNER: Final = "ReaderSettings"


@dataclass(frozen=True, slots=True)
class Share:
    """What an epoch holds of the components that a pattern matches.

    weight      of all; the weights of a mixture sum to 1
    components  tokens that there are, by component
    tokens      tokens that an epoch holds
    """

    pattern: str
    weight: Fraction
    components: Mapping[str, int]
    tokens: int

    @property
    def available(self) -> int:
        """Tokens that there are."""
        return sum(self.components.values())

    @property
    def passes(self) -> float:
        """How often an epoch reads each token, on average."""
        return self.tokens / self.available

    def by_component(self) -> list[tuple[str, int, int]]:
        """Return (component, tokens that there are, tokens that an epoch reads on average) of each component."""
        parts = apportion([Fraction(n, self.available) for n in self.components.values()], self.tokens)
        return [(name, n, read) for (name, n), read in zip(self.components.items(), parts, strict=True)]

    def readable(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        components = [{"component": name, "tokens": n, "read": read} for name, n, read in self.by_component()]
        shown = {"pattern": self.pattern, "share": float(self.weight), "tokens": self.available, "read": self.tokens}
        return shown | {"passes": self.passes, "components": components}


def shares(mixture: Mapping[str, float], available: Mapping[str, int], repeat: int = 1, unit: int = 1) -> list[Share]:
    """Return the share of each pattern, by name; an epoch holds a whole number of units (batches), and one token more.

    available: tokens by component. Raises SettingError for a pattern that matches no component, for a component that is
    empty or that two patterns match.
    """
    found = matched(mixture, sorted(available))
    if empty := [name for names in found.values() for name in names if not available[name]]:
        raise SettingError(OWNER, "mixture", dict(mixture), f"component {empty[0]!r} is empty; leave it out")
    weights = list(fractions(mixture).values())
    tokens = [sum(available[name] for name in names) for names in found.values()]
    total = max(0, longest(weights, tokens, repeat) - 1) // unit * unit + 1
    parts = zip(found.items(), weights, apportion(weights, total), strict=True)
    return [Share(pattern, w, {name: available[name] for name in names}, n) for (pattern, names), w, n in parts]


def fractions(mixture: Mapping[str, float]) -> dict[str, Fraction]:
    """Return the weight of each pattern, by name, of sum 1: the decimal numbers that they are written as."""
    written = {pattern: Fraction(repr(float(mixture[pattern]))) for pattern in sorted(mixture)}
    total = sum(written.values())
    return {pattern: weight / total for pattern, weight in written.items()}


def matched(patterns: Sequence[str] | Mapping[str, float], components: Sequence[str]) -> dict[str, list[str]]:
    """Return the components that each pattern matches; patterns in the order of their names."""
    found = {pattern: [name for name in components if fnmatchcase(name, pattern)] for pattern in sorted(patterns)}
    owner: dict[str, str] = {}
    for pattern, names in found.items():
        if not names:
            valid = f"it matches no component; there are: {', '.join(components)}"
            raise SettingError(OWNER, "mixture", pattern, valid)
        for name in names:
            if name in owner:
                valid = f"{owner[name]!r} matches the component {name!r} too; let one pattern match each component"
                raise SettingError(OWNER, "mixture", pattern, valid)
            owner[name] = pattern
    return found


def longest(weights: Sequence[Fraction], tokens: Sequence[int], repeat: int) -> int:
    """Return how many tokens an epoch can hold; weights sum to 1, tokens are those that there are."""
    lengths = [Fraction(n) / weight for n, weight in zip(tokens, weights, strict=True)]
    return int(min(max(lengths), repeat * min(lengths)))


def apportion(weights: Sequence[Fraction], total: int) -> list[int]:
    """Return whole numbers of sum `total` in proportion to weights of sum 1, by largest remainder, ties in order."""
    exact = [weight * total for weight in weights]
    whole = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (whole[i] - exact[i], i))
    for i in by_remainder[: total - sum(whole)]:
        whole[i] += 1
    return whole
