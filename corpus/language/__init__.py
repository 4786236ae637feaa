"""Language identification: fastText's lid.176, and CLD2 as a cheap second opinion.

lid.176 is a linear model over character n-grams (Joulin et al. 2016, arXiv 1607.01759) with 176 Wikipedia languages. Of
labelled running text in the languages it knows it names three quarters rightly; it knows no language of southern
Africa, and is often sure of itself in languages it has never seen. CLD2 (Sites 2013) is a naive Bayesian classifier
over quadgrams, made for web pages, with 160 languages of which 46 are not in lid.176, and says when it does not rely on
its answer. The two err in different places, so the rule is:

1. Both name the same language and CLD2 relies on it: that language; agreement takes away up to 70 % of the doubt.
2. CLD2 relies on one language for at least 80 % of the text: that language, scored by CLD2's density (score per
   kilobyte / 1,200, at most 0.95); unless the model is surer than 0.9 and each knows the language that the other named.
   CLD2 goes by script alone where it knows one language of a script; where others share it, the score stays below 0.5.
3. The model is unsure (below 0.65) and CLD2's best effort names half of the text: that language, at half the score.
4. Otherwise the model's answer; its score is halved when CLD2 knows that language and does not see it, and again when
   the text is in a script the language is not written in.

5. A language that CLD2 does not know is not answered: of 12 that only lid.176 knows and that were tried, it named 4
   rightly. Such a text has no label, and the language as its runner-up.

A text without letters has no language. At most `characters` of a text are looked at, see excerpt.py; control
characters and lone surrogates, which make CLD2 refuse a text, are replaced by spaces before.

Measured on labelled text (UDHR translations cut to 1,000 characters; sentences in 79 languages; a busy 2-core machine):

                                 right, known languages   score >= 0.5 in unsupported ones   sentences   us per text
    lid.176 alone (176 labels)                    0.744                              0.189       0.893            73
    this rule (160 labels)                        0.959                              0.113       0.954           152

Whole translations: 0.959 and 0.099; cut to 512 characters: 0.939 and 0.134. docs/scores.md has excerpts against whole
texts, by script. The model is asked by a kernel that gives the library's answers (linear.py); the library itself takes
412 us here.
Weak: texts under about 30 characters, Malay against Indonesian, Bosnian against Croatian and Serbian. A wide fastText
model (GlotLID, OpenLID) by path answers all its languages, without a second opinion.
"""

from corpus.language.identify import Language, LanguageIdentifier

__all__ = ["Language", "LanguageIdentifier"]
