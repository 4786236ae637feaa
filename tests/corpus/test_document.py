"""Document ids are stable and separate captures."""

import hashlib

from corpus.document import document_id


def test_the_id_is_blake2b_of_its_three_parts() -> None:
    """The same 16 bytes on every machine, from URI, date and digest with NUL between."""
    expected = hashlib.blake2b(b"https://a.example/\x002025-01-01T00:00:00Z\x00sha1:X", digest_size=16).digest()
    assert document_id("https://a.example/", "2025-01-01T00:00:00Z", "sha1:X") == expected


def test_any_part_makes_a_difference() -> None:
    """Another page, another moment or other bytes make another document."""
    base = document_id("u", "d", "p")
    assert len({base, document_id("v", "d", "p"), document_id("u", "e", "p"), document_id("u", "d", "q")}) == 4


def test_a_broken_uri_has_an_id_too() -> None:
    """Lone surrogates, as decoders leave them, are no obstacle."""
    assert len(document_id("http://a/\udcff", "", "")) == 16
