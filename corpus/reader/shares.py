"""Shares of a mixture: its weights as fractions, and the components that its patterns match.

A mixture maps patterns to weights: names of components, or globs over them such as `*central-*`. The components that a
pattern matches are one source, read as one, each in proportion to its tokens; so {"*central-*": 1, "*peripheral-*": 1}
is central to peripheral as one to one, whatever the number of components. A component that no pattern matches is not
read; one that two match is an error, since its share would depend on their order.

Weights are taken as the decimal numbers that they are written as, so nothing of this depends on a machine's floats.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final

from corpus.errors import SettingError

OWNER: Final = "ReaderSettings"


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
