"""The plain form of shingles: tokens one by one, hashes in plain integers, as corpus.dedup.shingles states them."""

import re
import unicodedata

from corpus.dedup.characters import CHARACTER, KIND, MARK, WORD, tables

MASK = (1 << 64) - 1


def finish(h: int) -> int:
    """MurmurHash3's 64-bit finaliser in plain integers."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = ((h ^ (h >> 33)) * factor) & MASK
    return h ^ (h >> 33)


def fnv(data: bytes) -> int:
    """FNV-1a, 64 bits, in plain integers."""
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def lowered(char: str) -> str:
    """Simple lower case, final sigma folded."""
    return "σ" if char == "ς" else char.lower()[0]


def tokens(text: str) -> list[tuple[bool, str]]:
    """Return (is a word, normalised token) for each token, from the tables' kinds alone."""
    runs = "".join(" " if unicodedata.combining(c) == 0 else "m" for c in text)
    if not re.search("m{31}", runs):
        text = unicodedata.normalize("NFC", text)
    found: list[tuple[bool, str]] = []
    open_word = False
    for char in text:
        kind = tables().entries[ord(char)] & KIND
        if kind == WORD or (kind == MARK and open_word):
            word = found.pop()[1] if open_word else ""
            found.append((True, word + lowered(char)))
            open_word = True
        else:
            open_word = False
            found += [(False, lowered(char))] if kind == CHARACTER else []
    return found


def plain_shingles(text: str, words: int, characters: int) -> set[int]:
    """Return the shingle hashes as the module's docstring states them."""
    found = tokens(text)
    weights = [characters if is_word else words for is_word, _ in found]
    hashes = [finish(fnv(token.encode("utf-8", "surrogatepass"))) for _, token in found]
    result = set()
    for start in range(len(found)):
        end = next((e for e in range(start + 1, len(found) + 1) if sum(weights[start:e]) >= words * characters), None)
        if end is None and start:
            break
        h = 0
        for token in hashes[start:end]:
            h = (h * 0x9E3779B97F4A7C15 + token) & MASK
        result.add(finish(h))
        if end is None:
            break
    return result
