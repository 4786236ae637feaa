r"""Byte-level BPE by kernels, only where the ids are those of the `tokenizers` library by construction.

cuts.py turns the file's pattern into a program and checks that it cuts as the library's regex engine does; pieces.py
merges the listed pairs in listed order, as the library does. Its order could show only where two merges give the same
token or a token is not the product of its own bytes, so such vocabularies are refused, like every kind of model,
normalizer or pre-tokenizer that is not known here.

What cannot be shown beforehand is left to `tokenizers`, text by text: text that an NFC normalizer would change, text
that spells an added token, and what pieces.py gives back.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from corpus.tokens.cuts import PatternError, compile_pattern
from corpus.tokens.pieces import Merges, Pieces, first_wrong, merge_table

GPT2: Final = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
"""The pattern that a ByteLevel pre-tokenizer applies by itself (GPT-2)."""


class ConversionError(Exception):
    """Why a tokenizer.json cannot be encoded by kernels; in a few words, for a person."""


class FastEncoder:
    """Pieces, with the guards that keep its ids equal to those of `tokenizers`."""

    def __init__(self, pieces: Pieces, *, nfc: bool, added: Iterable[str]) -> None:
        self._pieces, self._nfc = pieces, nfc
        words = sorted(added, key=len, reverse=True)
        self._added = re.compile("|".join(map(re.escape, words))) if words else None

    def encode(self, texts: Sequence[str]) -> list[npt.NDArray[np.uint32] | None]:
        """Return the ids (uint32) of each text, None for one that must go to `tokenizers`."""
        found = self._pieces.encode(texts)
        if self._added is None and not self._nfc:
            return found
        return [ids if self._safe(text) else None for text, ids in zip(texts, found, strict=True)]

    def _safe(self, text: str) -> bool:
        if self._added is not None and self._added.search(text):
            return False
        if not self._nfc or text.isascii():
            return True
        return unicodedata.is_normalized("NFC", text) and not _unknown().search(text)


@cache
def _unknown() -> re.Pattern[str]:
    """Return a pattern for characters that this Python's Unicode tables do not know, nor how they compose."""
    kinds = map(unicodedata.category, map(chr, range(0x110000)))
    spans = [list(run) for unknown, run in itertools.groupby(enumerate(kinds), lambda kind: kind[1] == "Cn") if unknown]
    return re.compile("[" + "".join(f"\\U{run[0][0]:08x}-\\U{run[-1][0]:08x}" for run in spans) + "]")


def convert(spec: Mapping[str, Any]) -> FastEncoder:
    """Return the encoder for a parsed tokenizer.json; raise ConversionError with the reason when there is none."""
    model, nfc, pattern = _model(spec), _nfc(spec), _pattern(spec)
    added = spec.get("added_tokens") or []
    skip = {token["content"] for token in added}
    merges = _merges(model, skip)
    try:
        program = compile_pattern(pattern)
    except PatternError as error:
        raise ConversionError(str(error)) from error
    looked_for = {token["content"] for token in added if not token.get("special")}
    looked_for |= {unicodedata.normalize("NFC", token) for token in looked_for} if nfc else set()
    if model.get("ignore_merges"):  # a piece is looked up before it is merged, and may be a special token
        looked_for |= {_spelled(token) for token in skip & model["vocab"].keys()}
    return FastEncoder(Pieces(program, merges), nfc=nfc, added=looked_for)


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


@cache
def byte_letters() -> dict[str, int]:
    """Return the printable letter of each byte in byte-level vocabularies (GPT-2's table), letter to byte."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [b for b in range(256) if b not in set(shown)]
    return {chr(b): b for b in shown} | {chr(256 + i): b for i, b in enumerate(hidden)}


def _spelled(token: str) -> str:
    """Return the text whose bytes a token of a vocabulary shows as letters; the token itself when it shows none."""
    letters = byte_letters()
    return bytes(letters[c] for c in token).decode(errors="replace") if letters.keys() >= set(token) else token


def _merges(model: Mapping[str, Any], skip: set[str]) -> Merges:
    """Return the merges of a model, by id; ConversionError when they are not those of a byte-level vocabulary."""
    vocab: Mapping[str, int] = model["vocab"]
    try:
        byte_ids = [vocab[letter] for letter, _ in sorted(byte_letters().items(), key=lambda item: item[1])]
    except KeyError as error:
        raise ConversionError("the vocabulary lacks single bytes") from error
    try:
        pairs = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in model["merges"]]
        merges = {(vocab[left], vocab[right]): vocab[left + right] for left, right in pairs}
    except (KeyError, ValueError) as error:
        raise ConversionError("a merge names what is no token") from error
    table = merge_table(byte_ids, merges)
    _check_products(vocab, skip, merges, len(pairs), table)
    return table


def _check_products(
    vocab: Mapping[str, int], skip: set[str], merges: Mapping[tuple[int, int], int], listed: int, table: Merges
) -> None:
    """Refuse vocabularies in which two merges give one token, or the bytes of a token do not merge to it."""
    if len(set(merges.values())) != listed:
        raise ConversionError("two merges give the same token")
    letters = byte_letters()
    tokens = {token: id_ for token, id_ in vocab.items() if token not in skip}
    if not all(letters.keys() >= set(token) for token in tokens):
        raise ConversionError("the vocabulary is not byte-level")
    spelled = [bytes(letters[c] for c in token) for token in tokens]
    wrong = first_wrong(spelled, list(tokens.values()), table)
    if wrong is not None:
        raise ConversionError(f"token {spelled[wrong]!r} is not the product of merges")
