"""The commonest function words of some languages, for Gopher's rule that a page must hold two of them.

English: the eight words of Rae et al. 2021. Other languages: eight words of the same kind, chosen by hand among the
most frequent ones that neighbouring languages share least. Scripts without spaces are searched for the word anywhere
in the text, since words are not known there; the others for whole words in lower case.
"""

from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.quality.marks import NEVER

_LISTS: Final = """
ar: في من على أن إلى التي هذا الذي
bg: на за се че от да по като
bn: এবং এই করে জন্য থেকে না হয় তার
ca: el la que de per amb els una
cs: na je se že to pro jako ale
da: og at det er til som ikke med
de: der und die nicht das mit ist von
el: και το να του της με για που
en: the be to of and that have with
es: el de que la en los por una
et: ja on ei et see oma kui ka
fa: در به از که این را است با
fi: ja on ei että se oli kun myös
fr: le de et les des une que dans
he: של את על לא הוא עם זה כי
hi: के में है की और से को का
hr: je se na da za su od što
hu: az hogy nem egy és van meg is
id: yang dan di dengan untuk dari ini tidak
it: il di che la per una non sono
ja: の に は を が と です ます
km: និង នេះ ជា ដែល មាន បាន ក្នុង ការ
ko: 있다 수 것이 그 이 있는 및 등
lo: ແລະ ຂອງ ທີ່ ໃນ ເປັນ ມີ ຈະ ໄດ້
lt: ir kad yra su tai į bet kaip
lv: un ir ar no par ka uz kā
ms: yang dan di dengan untuk dari ini tidak
my: သည် နှင့် များ တွင် ကို မှာ ဖြစ် ၏
nl: de het een van en niet dat met
no: og det er til som ikke med på
pl: nie się na jest że do jak przez
pt: de que em um para os uma não
ro: de în și la cu care nu este
ru: и в не на что с по как
sk: na je sa že to pre ako ale
sl: je se na da za so ki tudi
sr: је се на да за су од што je su
sv: och att det är som på inte med
ta: ஒரு என்று மற்றும் இந்த அவர் என இது உள்ள
th: ที่ และ ของ ใน เป็น มี การ ได้
tr: ve bir bu için ile olarak daha çok
uk: і в не на що з та як
ur: کے میں کی ہے اور سے کو کا
vi: và của là có không cho một được
zh: 的 是 在 不 了 和 有 我
"""

STOP_WORDS: Final[dict[str, tuple[str, ...]]] = {
    language: tuple(words.split()) for language, _, words in (x.partition(": ") for x in _LISTS.split("\n") if x)
}
"""Language -> function words."""

ANYWHERE: Final = frozenset({"ja", "km", "lo", "my", "th", "zh"})
"""Languages whose function words are looked for anywhere in the text."""


class Listed(NamedTuple):
    """The words of a list as code points, a row each (uint32, 0 after the end), and their lengths (int64).

    A row of `sigmas` has Σ where that is a capital of what the word has there, so that Σ counts as ς at the end of a
    word and as σ elsewhere; other capitals need no context. `hints` has a bit for each first letter and length.
    """

    letters: NDArray[np.uint32]
    sigmas: NDArray[np.uint32]
    lengths: NDArray[np.int64]
    hints: np.uint64


@cache
def listed(language: str | None) -> Listed:
    """Return the function words of `language`, none when they are looked for anywhere or there is no list."""
    words = () if language in ANYWHERE else STOP_WORDS.get(language or "", ())
    width = max(map(len, words), default=0)
    letters, sigmas = np.zeros((len(words), width), np.uint32), np.zeros((len(words), width), np.uint32)
    for row, word in enumerate(words):
        letters[row, : len(word)] = [ord(char) for char in word]
        for place in range(len(word)):
            if (word[:place] + "Σ" + word[place + 1 :]).lower() == word:
                sigmas[row, place] = ord("Σ")
    lengths = np.array([len(word) for word in words], np.int64)
    firsts = np.where(sigmas[:, :1], NEVER, letters[:, :1]).ravel().tolist() + letters[:, :1].ravel().tolist()
    hints = {_hint(first, size) for first, size in zip(firsts, 2 * lengths.tolist(), strict=True)}
    return Listed(letters, sigmas, lengths, np.uint64(sum(1 << hint for hint in hints)))


def _hint(first: int, size: int) -> int:
    return (7 * first + size) & 63


@kernel
def count_listed(codes: Any, small: Any, starts: Any, prefix: Any, ids: Any, listed: Any) -> int:
    """Return how many of the listed words the text holds in any case; -1 without a list.

    starts, prefix, ids: first character, characters before, and number by first occurrence of each word of the text.
    """
    letters, sigmas, lengths, hints = listed
    if len(lengths) == 0:
        return -1
    found, fresh, number = np.zeros(len(lengths), np.bool_), 0, 0
    for word in range(len(ids)):
        if ids[word] != fresh:
            continue
        fresh += 1
        start, size = starts[word], prefix[word + 1] - prefix[word]
        if not hints >> np.uint64((7 * np.int64(small[codes[start]]) + size) & 63) & np.uint64(1):
            continue
        for row in range(len(lengths)):
            if lengths[row] == size and not found[row]:
                found[row] = _is_word(codes, small, start, letters[row], sigmas[row], size)
                number += found[row]
    return number


@kernel
def _is_word(codes: Any, small: Any, start: int, letters: Any, sigmas: Any, size: int) -> bool:
    for place in range(size):
        code = codes[start + place]
        if small[code] != letters[place] and code != sigmas[place]:
            return False
    return True


def count_anywhere(text: str, language: str | None) -> int | None:
    """Return how many function words a text holds anywhere; None for languages whose words stand between spaces."""
    if language not in ANYWHERE:
        return None
    return sum(word in text for word in STOP_WORDS[language])
