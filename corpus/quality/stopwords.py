"""The commonest function words of some languages, for Gopher's rule that a page must hold two of them.

English: the eight words of Rae et al. 2021. Other languages: eight words of the same kind, chosen by hand among the
most frequent ones that neighbouring languages share least. Scripts without spaces are searched for the word anywhere
in the text, since words are not known there; the others for whole words in lower case.
"""

from typing import Final

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


def count_stop_words(text: str, spaced: set[str], language: str | None) -> int | None:
    """Return how many different function words of `language` a text holds; None for languages without a list.

    `spaced` are the text's pieces between spaces and punctuation, in lower case.
    """
    words = STOP_WORDS.get(language or "")
    if words is None:
        return None
    if language in ANYWHERE:
        return sum(word in text for word in words)
    return sum(word in spaced for word in words)
