"""Character encodings of the web: the WHATWG Encoding Standard's labels, on top of Python's codecs.

Where Python's codecs know less than the standard's decoders, an error handler supplies the rest: C1 controls for
undefined bytes of single-byte charsets, the euro sign in GBK, Microsoft's additions to Big5, NEC's and IBM's to EUC-JP.
What no decoder knows becomes U+FFFD, and an ASCII byte is never swallowed with it.
"""

import codecs
from collections.abc import Callable
from typing import Final

# Encoding -> labels that mean it, beside its own name; gbk has the decoder of gb18030 and goes by that name.
LABELS: Final = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf8 x-unicode20utf8",
    "ibm866": "866 cp866 csibm866",
    "iso-8859-2": "csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
    "iso-8859-3": "csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
    "iso-8859-4": "csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
    "iso-8859-5": "csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    "iso-8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i "
    "iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso-8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 iso_8859-7 "
    "iso_8859-7:1987 sun_eu_greek",
    "iso-8859-8": "csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 "
    "iso_8859-8:1988 visual",
    "iso-8859-8-i": "csiso88598i logical",
    "iso-8859-10": "csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso-8859-13": "iso8859-13 iso885913",
    "iso-8859-14": "iso8859-14 iso885914",
    "iso-8859-15": "csisolatin9 iso8859-15 iso885915 iso_8859-15 l9",
    "iso-8859-16": "iso8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8_r",
    "koi8-u": "koi8-ru",
    "macintosh": "csmacintosh mac x-mac-roman macroman",
    "windows-874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 cp874",
    "windows-1250": "cp1250 x-cp1250",
    "windows-1251": "cp1251 x-cp1251",
    "windows-1252": "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
    "iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii x-cp1252 x-user-defined",
    "windows-1253": "cp1253 x-cp1253",
    "windows-1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 "
    "x-cp1254",
    "windows-1255": "cp1255 x-cp1255",
    "windows-1256": "cp1256 x-cp1256",
    "windows-1257": "cp1257 x-cp1257",
    "windows-1258": "cp1258 x-cp1258",
    "x-mac-cyrillic": "x-mac-ukrainian",
    "gb18030": "gbk chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk",
    "big5": "big5-hkscs cn-big5 csbig5 x-x-big5 big5hkscs cp950",
    "euc-jp": "cseucpkdfmtjapanese x-euc-jp",
    "iso-2022-jp": "csiso2022jp",
    "shift_jis": "csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis cp932",
    "euc-kr": "cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949 "
    "cp949",
    "utf-16be": "unicodefffe",
    "utf-16le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16",
}
_NAMES: Final = {label: name for name, labels in LABELS.items() for label in (name, *labels.split())}

# Python's codec where its name is not the standard's.
_CODECS: Final = {
    "iso-8859-8-i": "iso8859-8",
    "macintosh": "mac_roman",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac_cyrillic",
    "big5": "big5hkscs",
    "iso-2022-jp": "iso2022_jp_ext",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
}
MULTIBYTE: Final = frozenset({"gb18030", "big5", "euc-jp", "iso-2022-jp", "shift_jis", "euc-kr"})


def canonical(label: str | None) -> str | None:
    """Return the WHATWG name of the encoding a label means, or None for an unknown one."""
    return _NAMES.get(label.strip("\t\n\f\r \"'").lower()) if label else None


def decode_as(body: bytes, name: str) -> str:
    """Return the bytes decoded by the encoding of that WHATWG name; U+FFFD stands where they cannot be."""
    if name.startswith("utf"):
        return body.decode(name, "replace")
    return body.decode(_CODECS.get(name, name), f"corpus.{name if name in MULTIBYTE else 'single-byte'}")


# Each of these takes the two bytes from an error on and returns the text and how many bytes it stands for, or None.


def _control(data: bytes) -> tuple[str, int] | None:
    """Single-byte charsets: an undefined byte below 0xA0 is the C1 control of that number."""
    return (chr(data[0]), 1) if 0x80 <= data[0] < 0xA0 else None


def _euro(data: bytes) -> tuple[str, int] | None:
    """GBK: 0x80 is the euro sign."""
    return ("€", 1) if data[0] == 0x80 else None


def _microsoft_big5(data: bytes) -> tuple[str, int] | None:
    """Big5: Microsoft's additions."""
    return _pair(data[:2], "cp950")


def _microsoft_jis(data: bytes) -> tuple[str, int] | None:
    """EUC-JP: NEC and IBM additions, by way of Shift_JIS."""
    if len(data) < 2 or min(data[:2]) < 0xA1:
        return None
    row, cell = data[0] - 0xA1, data[1] - 0xA1
    lead = row // 2 + (0x81 if row < 62 else 0xC1)
    trail = cell + (0x9F if row % 2 else 0x40 if cell < 63 else 0x41)
    return _pair(bytes((lead, trail)), "cp932")


def _pair(pair: bytes, codec: str) -> tuple[str, int] | None:
    try:
        text = pair.decode(codec)
    except UnicodeDecodeError:
        return None
    return (text, 2) if len(text) == 1 else None


def _nothing(data: bytes) -> None:
    """The codec knows all that there is to know."""


Rescue = Callable[[bytes], tuple[str, int] | None]
_RESCUES: Final[dict[str, Rescue]] = {"gb18030": _euro, "big5": _microsoft_big5, "euc-jp": _microsoft_jis}


def _handler(rescue: Rescue) -> Callable[[UnicodeError], tuple[str, int]]:
    """Return a codec error handler: `rescue`, else U+FFFD for the bytes in error, never swallowing an ASCII byte."""

    def handle(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        found = rescue(error.object[error.start : error.start + 2])
        if found:
            return found[0], error.start + found[1]
        end = error.start + 1
        while end < error.end and error.object[end] >= 0x80:
            end += 1
        return "\ufffd", end

    return handle


codecs.register_error("corpus.single-byte", _handler(_control))
for _name in MULTIBYTE:
    codecs.register_error(f"corpus.{_name}", _handler(_RESCUES.get(_name, _nothing)))
