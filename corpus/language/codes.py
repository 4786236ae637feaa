"""Language codes: the labels of identification models as ISO 639-1 where one exists, else ISO 639-3.

Two families of labels are met. lid.176 and CLD2 use codes of their own time: mostly ISO 639-1, with a handful that mean
something else (`als` is Alemannic on Wikipedia, but Tosk Albanian in ISO 639-3; `iw` is the withdrawn code of Hebrew).
GlotLID and OpenLID use ISO 639-3 and a script (`eng_Latn`); there the individual language that stands for a
macrolanguage in writing (`arb` for Arabic, `cmn` for Chinese) takes the macrolanguage's ISO 639-1 code.

Source: ISO 639-3 code tables (SIL International), mapping to part 1, 184 entries.
"""

from typing import Final

# Each entry is an ISO 639-3 code followed by its ISO 639-1 code.
_PAIRS: Final = """
aaraa abkab afraf akaak amham araar argan asmas avaav aveae aymay azeaz bakba bambm belbe benbn bisbi bodbo bosbs brebr
bulbg catca cescs chach chece chucu chvcv corkw cosco crecr cymcy danda deude divdv dzodz ellel engen epoeo estet euseu
eweee faofo fasfa fijfj finfi frafr fryfy fulff glagd glega glggl glvgv grngn gujgu hatht hauha hbssh hebhe herhz hinhi
hmoho hrvhr hunhu hyehy iboig idoio iiiii ikuiu ileie inaia indid ipkik islis itait javjv jpnja kalkl kankn kasks katka
kaukr kazkk khmkm kikki kinrw kirky komkv konkg korko kuakj kurku laolo latla lavlv limli linln litlt ltzlb lublu luglg
mahmh malml marmr mkdmk mlgmg mltmt monmn mrimi msams myamy nauna navnv nblnr ndend ndong nepne nldnl nnonn nobnb norno
nyany ocioc ojioj orior ormom ossos panpa plipi polpl porpt pusps quequ rohrm ronro runrn rusru sagsg sansa sinsi slksk
slvsl smese smosm snasn sndsd somso sotst spaes sqisq srdsc srpsr sswss sunsu swasw swesv tahty tamta tattt telte tgktg
tgltl thath tirti tonto tsntn tsots tuktk turtr twitw uigug ukruk urdur uzbuz venve vievi volvo wlnwa wolwo xhoxh yidyi
yoryo zhaza zhozh zulzu
"""

# Individual languages that stand for their macrolanguage in writing, as wide models label them.
_STANDARD: Final = """
arbar azjaz cmnzh ekket guggn kmrku khkmn lvslv npine orxor oryor pbtps pesfa pltmg swhsw uznuz ydyyi yddyi zsmms alssq
filtl quyqu ayray gaxom gazom knckr
"""


def _table(text: str) -> dict[str, str]:
    return {entry[:3]: entry[3:] for entry in text.split()}


ISO_639_1: Final = _table(_PAIRS) | _table(_STANDARD)
"""ISO 639-3 code -> ISO 639-1 code."""

_OLD: Final = {"als": "gsw", "bh": "bho", "eml": "egl", "iw": "he", "jw": "jv", "fil": "tl", "zh-Hant": "zh"}


def from_old(code: str) -> tuple[str, str | None]:
    """Return (language, script or None) for a label of lid.176 or CLD2."""
    return _OLD.get(code, code), "Hant" if code == "zh-Hant" else None


def from_iso_639_3(code: str) -> tuple[str, str | None]:
    """Return (language, script or None) for a label such as `eng_Latn` (GlotLID, OpenLID)."""
    language, _, script = code.partition("_")
    return ISO_639_1.get(language, language), script or None
