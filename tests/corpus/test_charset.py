"""Which charset a page is in, and who said so."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_page import plain_meta_charset

from corpus.charset import decode, header_charset, meta_charset
from corpus.encodings import LABELS, canonical, decode_as
from corpus.strangeness import strangeness

GERMAN = "Die Bäume stehen schön in Reih und Glied, und über den Dächern weht ein kühler Wind durch die Straßen."
RUSSIAN = "Над рекой стоял туман. Старый мост давно не чинили, и по нему ходили только рыбаки. Утром было тихо."
CHINESE = "清晨的河面上飘着一层薄雾,渔夫们已经出门了。村子里的人还在睡觉,只有狗在叫。"
JAPANESE = "朝の川には薄い霧がかかっていました。漁師たちはもう出かけていて、村はまだ眠っています。"
GREEK = "Το πρωί το ποτάμι ήταν σκεπασμένο με ομίχλη. Οι ψαράδες είχαν ήδη φύγει από το χωριό."
POLISH = "Rano nad rzeką leżała gęsta mgła, a rybacy już dawno wypłynęli na środek jeziora, żeby łowić szczupaki."


def page(text: str, declared: str | None = None) -> str:
    """Return a page with `text`, with a meta element that declares a charset."""
    meta = f'<meta charset="{declared}">' if declared else ""
    return f"<html><head>{meta}<title>x</title></head><body>" + f"<p class='a'>{text}</p>\n" * 4 + "</body></html>"


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("UTF8", "utf-8"),
        (" ISO-8859-1\n", "windows-1252"),
        ("ascii", "windows-1252"),
        ("gb2312", "gb18030"),
        ("x-sjis", "shift_jis"),
        ("ks_c_5601-1987", "euc-kr"),
        ("tis-620", "windows-874"),
        ("no-such-charset", None),
        ("utf-7", None),
        (None, None),
    ],
)
def test_labels_mean_what_the_standard_says(label: str | None, name: str | None) -> None:
    """Old and common names lead to the encodings that browsers use for them."""
    assert canonical(label) == name


def test_every_encoding_has_a_decoder() -> None:
    """Each name of the table decodes ASCII (UTF-16 aside) and never fails on bytes that mean nothing."""
    for name in LABELS:
        assert name.startswith("utf-16") or decode_as(b"<p>ok", name) == "<p>ok"
        assert isinstance(decode_as(bytes(range(256)), name), str)


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("windows-1252", b"\x80\x81", "€\x81"),
        ("gb18030", b"\x80\xc4\xe3", "€你"),
        ("big5", b"\xa3\xe1", "€"),
        ("euc-jp", b"\xad\xa1\xa4\xa2", "①あ"),
        ("shift_jis", b"\x87\x40\x82\xa0", "①あ"),
        ("gb18030", b"\xff<p>", "\ufffd<p>"),
        ("shift_jis", b"\x82<p>", "\ufffd<p>"),
    ],
)
def test_decoders_know_what_the_standard_adds(name: str, data: bytes, text: str) -> None:
    """Undefined bytes, the euro sign and vendors' characters come out; an ASCII byte is never swallowed."""
    assert decode_as(data, name) == text


@pytest.mark.parametrize(
    ("head", "label"),
    [
        (b'<meta charset="utf-8">', "utf-8"),
        (b"<META CHARSET=Shift_JIS >", "Shift_JIS"),
        (b"<meta http-equiv='Content-Type' content='text/html; charset=koi8-r'>", "koi8-r"),
        (b'<meta content="text/html;charset=big5" http-equiv=content-type>', "big5"),
        (b'<?xml version="1.0" encoding="windows-1251"?><html>', "windows-1251"),
        (b'<!-- <meta charset="big5"> --><meta charset="utf-8">', "utf-8"),
        (b'<meta charset="nonsense"><meta charset="utf-8">', "utf-8"),
        (b'<meta name="description" content="charset=big5">', None),
        (b"<p>" * 6000 + b'<meta charset="utf-8">', None),
        (b"<meta charset", None),
    ],
)
def test_meta_elements_are_found(head: bytes, label: str | None) -> None:
    """charset, http-equiv and XML declarations count; comments, other metas and what stands too far down do not."""
    assert meta_charset(head) == label


def test_header_parameter() -> None:
    """The charset parameter of Content-Type is read however it is written."""
    assert header_charset('text/html; Charset = "ISO-8859-2"') == "ISO-8859-2"
    assert header_charset("text/html") is None
    assert header_charset(None) is None


@pytest.mark.parametrize(
    ("text", "charset", "http", "meta", "source"),
    [
        (RUSSIAN, "windows-1251", "windows-1251", None, "http"),
        (RUSSIAN, "koi8-r", None, "koi8-r", "meta"),
        (GERMAN, "windows-1252", "iso-8859-1", None, "http"),
        (CHINESE, "gb18030", None, "gb2312", "meta"),
        (JAPANESE, "shift_jis", None, "Shift_JIS", "meta"),
        (JAPANESE, "iso-2022-jp", "iso-2022-jp", None, "http"),
        (POLISH, "utf-8", "utf-8", "iso-8859-2", "http"),
        (POLISH, "utf-8", None, "utf-8", "meta"),
        (POLISH, "utf-8", None, None, "utf-8"),
    ],
)
def test_true_declarations_are_believed(
    text: str, charset: str, http: str | None, meta: str | None, source: str
) -> None:
    """Header before meta before UTF-8 validity, and the text comes back as it was."""
    whole = page(text, meta)
    found = decode(whole.encode({"windows-874": "cp874"}.get(charset, charset)), http)
    assert (found.text, found.charset, found.source, found.replaced) == (whole, charset, source, 0)


@pytest.mark.parametrize(
    "charset", ["windows-1251", "koi8-r", "gb18030", "shift_jis", "euc-jp", "windows-1253", "ibm866"]
)
@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-1", None])
def test_false_declarations_are_overruled(charset: str, declared: str | None) -> None:
    """Text in another alphabet is read rightly when a server says UTF-8 or Latin-1, or nothing at all."""
    texts = {"gb18030": CHINESE, "shift_jis": JAPANESE, "euc-jp": JAPANESE, "windows-1253": GREEK}
    whole = page(texts.get(charset, RUSSIAN))
    found = decode(whole.encode({"ibm866": "cp866"}.get(charset, charset)), declared)
    assert (found.text, found.charset, found.source) == (whole, charset, "detector")


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1251", "big5", "shift_jis", "utf-16"])
@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, CHINESE, GREEK])
def test_valid_utf_8_wins_over_other_declarations(text: str, declared: str) -> None:
    """Whatever a server says, text that is valid UTF-8 is UTF-8."""
    whole = page(text, declared if declared != "utf-16" else None)  # in a meta element utf-16 means utf-8
    found = decode(whole.encode(), declared)
    assert (found.text, found.charset, found.source) == (whole, "utf-8", "utf-8")


def test_a_meta_element_wins_over_a_header_when_the_detector_agrees() -> None:
    """A server's blanket Latin-1 does not spoil a Polish page that says what it is in."""
    whole = page(POLISH, "windows-1250")
    found = decode(whole.encode("cp1250"), "iso-8859-1")
    assert (found.text, found.source) == (whole, "meta")


def test_a_few_bad_bytes_do_not_change_the_charset() -> None:
    """A UTF-8 page with one stray byte stays UTF-8, and the replacement is counted."""
    body = page(RUSSIAN).encode().replace("мост".encode(), b"\xe9", 1)
    found = decode(body, None)
    assert (found.charset, found.source, found.replaced) == ("utf-8", "utf-8", 1)


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_decides(name: str) -> None:
    """A byte order mark wins over a header, and is not part of the text."""
    found = decode(page(GERMAN).encode(name), "windows-1251")
    assert (found.text, found.source) == (page(GERMAN), "bom")


def test_utf_16_without_mark() -> None:
    """UTF-16 that forgot its mark is known by its NUL bytes."""
    assert decode(page(GERMAN).encode("utf-16-le"), "utf-16").text == page(GERMAN)
    assert decode(page(GERMAN).encode("utf-16-be"), "utf-8").charset == "utf-16be"


def test_ascii_takes_the_declared_name() -> None:
    """Where every charset reads the same, the declaration names it."""
    assert decode(b"<p>plain", "shift_jis").charset == "shift_jis"
    assert decode(b"<p>plain").charset == "utf-8"


def test_one_accent_is_latin() -> None:
    """With next to nothing to go by, the web's default holds."""
    assert decode(b"<p>caf\xe9</p>").text == "<p>café</p>"


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, CHINESE, JAPANESE, GREEK, POLISH, "plain"])
def test_real_text_is_not_strange(text: str) -> None:
    """Rightly decoded text has nothing that wrong decoding makes."""
    assert strangeness(text) < 0.02


@given(st.binary(), st.sampled_from([None, "utf-8", "gb2312", "shift_jis", "utf-16", "bogus", "\ud800"]))
def test_decoding_never_fails(body: bytes, label: str | None) -> None:
    """Whatever the bytes and the label, there is text, and the count of U+FFFD is right."""
    found = decode(body, label)
    assert found.replaced == found.text.count("\ufffd")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1b")))
def test_utf_8_comes_back(text: str) -> None:
    """Text written as UTF-8 and declared so comes back as it was (a leading mark aside)."""
    assert decode(text.encode(), "utf-8").text == text.removeprefix(codecs.BOM_UTF8.decode())


HEAD = [
    "<meta ",
    "<META\n",
    "<?xml ",
    "charset=",
    "CharSet = ",
    "encoding=",
    "http-equiv=content-type ",
    "content=",
    ">",
]
HEAD += ["'text/html; charset=big5' ", '"', "'", "utf-8", "koi8-r ", "bogus", "<!--", "-->", "<p>", "name=x ", "/", " "]


@given(st.lists(st.sampled_from(HEAD)).map("".join))
def test_meta_elements_without_a_charset_are_passed_over(head: str) -> None:
    """Looking for the word before reading the attributes finds the same label."""
    assert meta_charset(head.encode()) == plain_meta_charset(head.encode())
