"""The language that most pages under a country's top level domain are in, where one language is that of most.

Countries of several languages (`.be`, `.ch`, `.ca`, `.in`, `.za`, `.ma`) are not here, nor those whose domain is sold
to the whole world (`.io`, `.co`, `.tv`, `.me`, `.ly`). Source: ISO 3166-1 codes, each with its state's official
language as ISO 639-1; `.uk` and `.su` are no such codes, but domains of old.
"""

from typing import Final

_LANGUAGES: Final = """
ar ae bh eg iq jo kw om ps qa sa sd sy ye
az az
bg bg
bn bd
bs ba
cs cz
da dk
de at de
el gr
en au gh ie jm ng nz uk us
es ar bo cl cr cu do ec es gt hn mx ni pa pe py sv uy ve
et ee
fa ir
fr bf bj ci fr mc sn
he il
hr hr
hu hu
id id
is is
it it sm va
ja jp
ka ge
ko kp kr
lt lt
lv lv
mk mk
mn mn
ms my
ne np
nl nl sr
no no
pl pl
pt ao br mz pt
ro md ro
ru ru su
sk sk
sl si
sq al
sr rs
sv ax se
th th
tr tr
uk ua
uz uz
vi vn
zh cn hk mo tw
"""


def _table(text: str) -> dict[str, str]:
    entries = [line.split() for line in text.strip().splitlines()]
    return {country: language for language, *countries in entries for country in countries}


LANGUAGE_OF: Final = _table(_LANGUAGES)
"""Top level domain -> ISO 639-1 code."""


def language_of(name: str) -> str:
    """Return the language of the country under whose domain a host is, "" where that tells nothing."""
    return LANGUAGE_OF.get(name.rpartition(".")[2], "")
