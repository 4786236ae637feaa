"""Mixtures by name, over components that are an authority x quality grid: the variants that published studies compare.

    uniform            every token alike
    central            sites of high authority only
    peripheral         the other sites only
    one_to_one         central to peripheral as one to one, in tokens
    quality            good text only, whatever its site
    quality_authority  good text only, central to peripheral as one to one

Why these six. Authority as a cut selects nothing. In DCLM (Li et al. 2024, arXiv 2406.11794; 1B models on each quintile
of RefinedWeb by PageRank) one end quintile came out worst of the five, at CORE 26.1, and all five mixed best, at 27.8.
"Hubs or Fringes?" (arXiv 2606.11499; 1B models on 28 G tokens, mean of 23 tasks) has 39.8 for random pages, 39.4 for
the most central sites and 40.0 for the least central ones, so nothing either way; 41.4 for both in equal parts, 42.3
for a quality classifier alone and 43.8 for both axes together. So the grid is tokenized once and mixed when it is read,
and whoever has other data can repeat the comparison on it: `uniform` is their random, `quality_authority` what won.

The patterns fit names that end in `{authority}-{quality}`, as the recipes grid and web make them.
"""

import inspect
import math
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from corpus.errors import SettingError

VARIANTS: Final[dict[str, dict[str, float]]] = {
    "uniform": {"*": 1},
    "central": {"*{central}-*": 1},
    "peripheral": {"*{peripheral}-*": 1},
    "one_to_one": {"*{central}-*": 1, "*{peripheral}-*": 1},
    "quality": {"*-{good}": 1},
    "quality_authority": {"*{central}-{good}": 1, "*{peripheral}-{good}": 1},
}
"""Weights by pattern; the braces stand for the names of the grid's bands."""


def mixture(
    name: str, *, central: str = "central", peripheral: str = "peripheral", good: str = "prose"
) -> dict[str, float]:
    """Return the weights of a variant for ReaderSettings(mixture=...).

    central, peripheral, good: names of the grid's bands, where they differ from those of the recipe grid.
    """
    if name not in VARIANTS:
        close = get_close_matches(name, VARIANTS, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise SettingError("mixture", "name", name, f"{hint}there are: {', '.join(VARIANTS)}")
    bands = {"central": central, "peripheral": peripheral, "good": good}
    return {pattern.format(**bands): weight for pattern, weight in VARIANTS[name].items()}


def meanings() -> dict[str, str]:
    """Return what each variant is, from the module's docstring."""
    lines = (inspect.getdoc(sys.modules[__name__]) or "").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line.startswith("    ")]
    return {name: about for name, about in words if name in VARIANTS}


def parse(weights: Sequence[str]) -> dict[str, float]:
    """Return a mixture written as texts `PATTERN=W`."""
    found: dict[str, float] = {}
    for text in weights:
        pattern, _, number = text.rpartition("=")
        try:
            found[pattern] = float(number)
        except ValueError:
            found[pattern] = math.nan
        if not pattern or not 0 < found[pattern] < math.inf:
            raise SettingError("mixture", "--weight", text, "write PATTERN=W, as '*central-*=2', with a positive W")
    return found
