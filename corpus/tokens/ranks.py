r"""Byte-level BPE as tiktoken ranks, only where the ids are provably those of the `tokenizers` library.

tiktoken merges any two neighbours whose concatenation is a token, lowest id first; `tokenizers` merges listed pairs,
in listed order. The two agree on every text when (1) ids ascend in merge order, (2) every token of several bytes is
the product of one merge, and (3) encoding a token's own bytes with the merges before its own ends in exactly the
merge's pair: then whenever two neighbours spell a token, they are the listed pair (no token crosses their outer
border, so they came about as they do alone). All three are checked here for the whole vocabulary.

The texts are cut into pieces by a regular expression that two engines interpret (Oniguruma and fancy-regex, each with
its own Unicode tables). `same_pieces` compares their cuts on every assigned character outside the large ideographic
blocks, through a vocabulary made of the pieces themselves, so a different cut shows as different ids.

What cannot be shown beforehand is left to `tokenizers`, text by text: characters that Python's Unicode tables do not
know, text that an NFC normalizer would change, text that spells an added token, and very long runs with or without
white space (the first overflow fancy-regex's stack, the second are slow in old tiktoken releases).
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tiktoken
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

GPT2: Final = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
"""The pattern that a ByteLevel pre-tokenizer applies by itself (GPT-2)."""

LONGEST_BLANK: Final = 2_000
LONGEST_WORD: Final = 20_000


class ConversionError(Exception):
    """Why a tokenizer.json cannot be used through tiktoken; in a few words, for a person."""


class FastEncoder:
    """tiktoken with the guards that keep its ids equal to those of `tokenizers`."""

    def __init__(self, encoding: tiktoken.Encoding, *, nfc: bool, added: Iterable[str]) -> None:
        self._encoding, self._nfc = encoding, nfc
        words = sorted(added, key=len, reverse=True)
        self._added = re.compile("|".join(map(re.escape, words))) if words else None

    def encode(self, text: str) -> npt.NDArray[np.uint32] | None:
        """Return the ids (uint32), or None when this text must go to `tokenizers`."""
        if not self._safe(text):
            return None
        return np.array(self._encoding.encode_ordinary(text), dtype=np.uint32)

    def _safe(self, text: str) -> bool:
        if self._added is not None and self._added.search(text):
            return False
        if text.isascii() and len(text) < LONGEST_BLANK:
            return True
        if self._nfc and not unicodedata.is_normalized("NFC", text):
            return False
        kinds = _kinds()[np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")]
        return not (kinds == _UNKNOWN).any() and not _long_runs(kinds == _BLANK)


_UNKNOWN, _BLANK = 1, 2


@functools.cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Return a table over code points: unknown to this Python's Unicode tables (or a surrogate), white space, other."""
    table = np.zeros(0x110000, dtype=np.uint8)
    for code in range(0x110000):
        character = chr(code)
        if unicodedata.category(character) in ("Cn", "Cs"):
            table[code] = _UNKNOWN
        elif character.isspace():
            table[code] = _BLANK
    return table


def _long_runs(blank: npt.NDArray[np.bool_]) -> bool:
    """Return whether white space or its absence runs on for too long."""
    borders = np.flatnonzero(np.diff(blank, prepend=not blank[0], append=not blank[-1])) if blank.size else blank
    if len(borders) < 2:
        return False
    runs = np.diff(borders)
    first_blank = bool(blank[0])
    blanks, words = (runs[0::2], runs[1::2]) if first_blank else (runs[1::2], runs[0::2])
    return bool((blanks > LONGEST_BLANK).any() or (words > LONGEST_WORD).any())


def convert(spec: Mapping[str, Any]) -> FastEncoder:
    """Return the encoder for a parsed tokenizer.json; raise ConversionError with the reason when there is none."""
    model, nfc, pattern = _model(spec), _nfc(spec), _pattern(spec)
    added = spec.get("added_tokens") or []
    skip = {token["content"] for token in added}
    ranks = _ranks(model, skip)
    if not same_pieces(pattern):
        raise ConversionError("the two regex engines cut pieces differently")
    encoding = tiktoken.Encoding("tokenizer.json", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    plain = [token["content"] for token in added if not token.get("special")]
    return FastEncoder(encoding, nfc=nfc, added=plain)


def _model(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    model = spec.get("model") or {}
    if model.get("type") != "BPE":
        raise ConversionError(f"the model is {model.get('type')}, not BPE")
    for field in ("dropout", "byte_fallback", "continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(field):
            raise ConversionError(f"the model uses {field}")
    return dict(model)


def _nfc(spec: Mapping[str, Any]) -> bool:
    kind = (spec.get("normalizer") or {}).get("type")
    if kind not in (None, "NFC"):
        raise ConversionError(f"the normalizer is {kind}")
    return kind == "NFC"


def _pattern(spec: Mapping[str, Any]) -> str:
    """Return the regular expression that cuts pieces; only a byte-level pre-tokenizer with one cut is known."""
    outer = spec.get("pre_tokenizer") or {}
    steps = outer.get("pretokenizers", []) if outer.get("type") == "Sequence" else [outer]
    last = steps[-1] if steps else {}
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space"):
        raise ConversionError("the pre-tokenizer does not end in a byte-level step without prefix space")
    if len(steps) == 1 and last.get("use_regex", True):
        return GPT2
    split = steps[0]
    whole = (split.get("behavior"), split.get("invert")) in (("Isolated", False), ("Removed", True))
    regex = (split.get("pattern") or {}).get("Regex") if split.get("type") == "Split" else None
    if len(steps) != 2 or last.get("use_regex", True) or not whole or not isinstance(regex, str):
        raise ConversionError("the pre-tokenizer is not a single split")
    return regex


@functools.cache
def byte_letters() -> dict[str, int]:
    """Return the printable letter of each byte in byte-level vocabularies (GPT-2's table), letter to byte."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [b for b in range(256) if b not in set(shown)]
    return {chr(b): b for b in shown} | {chr(256 + i): b for i, b in enumerate(hidden)}


def _ranks(model: Mapping[str, Any], skip: set[str]) -> dict[bytes, int]:
    letters = byte_letters()
    try:
        ranks = {bytes(letters[c] for c in token): id_ for token, id_ in model["vocab"].items() if token not in skip}
        pairs = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in model["merges"]]
        merges = [(bytes(letters[c] for c in a), bytes(letters[c] for c in b)) for a, b in pairs]
    except (KeyError, ValueError) as error:
        raise ConversionError("the vocabulary is not byte-level") from error
    if any(bytes([b]) not in ranks for b in range(256)):
        raise ConversionError("the vocabulary lacks single bytes")
    _check_merges(ranks, merges)
    return ranks


def _check_merges(ranks: Mapping[bytes, int], merges: list[tuple[bytes, bytes]]) -> None:
    """Check conditions (1) to (3) of the module docstring."""
    last = -1
    for first, second in merges:
        rank = ranks.get(first + second, -1)
        if rank <= last:
            raise ConversionError("ids do not ascend in merge order")
        if alone(first + second, ranks, rank) != [first, second]:
            raise ConversionError(f"token {first + second!r} is not the product of its merge")
        last = rank
    if len(merges) != sum(len(token) > 1 for token in ranks):
        raise ConversionError("some tokens are not the product of a merge")


def alone(token: bytes, ranks: Mapping[bytes, int], limit: int) -> list[bytes]:
    """Return the pieces that merges of rank below `limit` make of `token`."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        found = [ranks.get(a + b, limit) for a, b in itertools.pairwise(parts)]
        best = min(found)
        if best >= limit:
            break
        at = found.index(best)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


_SKIPPED: Final = ((0x3400, 0x9F00), (0xAC00, 0xD700), (0x20000, 0x32000))
"""Inner parts of ideographic and Hangul blocks: assigned long ago and uniform."""


def _probe_texts() -> list[str]:
    known = [c for c in range(0xE0FFF) if not any(low <= c < high for low, high in _SKIPPED)]
    known = [c for c in known if unicodedata.category(chr(c)) not in ("Cn", "Co", "Cs")]
    marked = [f"xxx{c * 3}111{c * 3} {c * 3}\n{c * 3}xxx" for c in map(chr, known)]
    return ["".join(marked[i : i + 64]) for i in range(0, len(marked), 64)]


@functools.cache
def same_pieces(pattern: str) -> bool:
    """Return whether both regex engines cut the probe texts into the same pieces (takes about a second, once).

    The vocabulary is the single bytes and every piece of three bytes or more. No token has two bytes, so nothing
    merges: a piece shows as one id only when tiktoken cuts exactly that piece.
    """
    split = Split(Regex(pattern), "isolated")
    texts = _probe_texts()
    cuts = [[piece.encode() for piece, _ in split.pre_tokenize_str(text)] for text in texts]
    ranks = {bytes([b]): b for b in range(256)}
    for piece in (piece for pieces in cuts for piece in pieces if len(piece) > 2):
        ranks.setdefault(piece, len(ranks))
    encoding = tiktoken.Encoding("pieces", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    expected = ([id_ for p in pieces for id_ in ([ranks[p]] if len(p) > 2 else list(p))] for pieces in cuts)
    return all(encoding.encode_ordinary(text) == ids for text, ids in zip(texts, expected, strict=True))
