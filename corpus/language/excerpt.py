"""The part of a text that its language is told from: bounded, and from the running text of a page.

Menus, notices and footers, often in another language than the page, are many short lines at its ends. So of a long
text only the long lines are taken, as long as they make up an excerpt, and of these three pieces, none of them from the
very start or end. Three pieces outvote one that is in another language.

Measured against the whole text, and against three pieces of all lines with the first and the last line in them, in
docs/scores.md. Four to six pieces, 600 to 1,000 characters and longest lines first were tried; none was better on all
sets.
"""

from typing import Final

PLACES: Final = 3
LONG: Final = 80, 40, 20
"""Characters of a long line; where such lines are too few, those of the next length count as well."""
FARTHEST: Final = 1 << 16
"""Characters of a text whose lines are looked at; of longer ones a third each of start, middle and end."""


def excerpt(text: str, characters: int) -> str:
    """Return `text`, or where it is longer, about `characters` of it: three pieces of its long lines, in order."""
    if len(text) <= characters:
        return text
    lines = _ends_and_middle(text).split("\n")
    for least in LONG:
        chosen = "\n".join([line for line in lines if len(line) >= least])
        if len(chosen) >= characters:
            return _pieces(chosen, characters // PLACES)
    return _pieces("\n".join(lines), characters // PLACES)


def _pieces(text: str, size: int) -> str:
    """Return PLACES pieces of `size`, with half as much left out at the ends as between them."""
    room = len(text) - size
    starts = (room * (2 * place + 1) // (2 * PLACES) for place in range(PLACES))
    return "\n".join([text[start : start + size] for start in starts])


def _ends_and_middle(text: str) -> str:
    """Return `text`, or a third of FARTHEST each from its start, middle and end."""
    if len(text) <= FARTHEST:
        return text
    third = FARTHEST // 3
    middle = (len(text) - third) // 2
    return "\n".join((text[:third], text[middle : middle + third], text[-third:]))
