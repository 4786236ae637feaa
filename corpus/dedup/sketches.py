"""Sketches: band keys and digests of many texts at once, straight from the UTF-8 in Arrow's buffers.

One kernel goes through a chunk of texts; for each it makes the tokens, the shingles, the distinct ones among them, the
signature and the band keys, in scratch arrays that stay in the cache. Nothing is sorted, because the minimum of a set
does not depend on order; the distinct shingles are counted with an open-addressing table. Its slots are drawn with an
odd factor that is secret to the process, so no text can be made to collide there (multiply-shift, Dietzfelbinger et al.
1997); results do not depend on that factor. The digest is left to hashlib. A text that may be out of Unicode form C
(about one in a hundred of the web's, more in Indic scripts) is looked at by Python, and goes through the kernel again
when it is.

Results equal `keys_of(read_text(text))` for every text; shingles.py and minhash.py say what they are.
"""

import secrets
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.dedup.characters import UNSETTLED, tables
from corpus.dedup.kernels import sketch_into
from corpus.dedup.minhash import DEFAULT, MinHash, permutations
from corpus.dedup.shingles import digest_of, settled

CHUNK: Final = 1 << 18
"""Bytes of text that go through the kernel at a time, so that their normal form is still cached when it is hashed."""

_SALT: Final = np.uint64(secrets.randbits(64) | 1)


class Sketches(NamedTuple):
    """What deduplication keeps of n texts.

    keys: uint64[n, bands], see minhash.py. digests: uint64[n, 2], the 16 bytes of the digest as they lie in memory.
    shingles: int32[n], distinct shingles; 0 for a text without a token.
    """

    keys: NDArray[np.uint64]
    digests: NDArray[np.uint64]
    shingles: NDArray[np.int32]

    def part(self, first: int, end: int) -> "Sketches":
        """Return a view of those of texts `first` to `end`, exclusive."""
        return Sketches(self.keys[first:end], self.digests[first:end], self.shingles[first:end])


def sketch(texts: pa.StringArray, settings: MinHash = DEFAULT) -> Sketches:
    """Return the sketches of an array of texts without nulls."""
    data, bounds = _buffers(texts)
    found = _empty(len(texts), settings)
    for first, end in _chunks(bounds):
        _sketch_chunk(data, bounds[first : end + 1], found.part(first, end), settings)
    return found


def warm() -> None:
    """Build the tables and load or compile the kernels, so that no text has to wait for them."""
    sketch(pa.array(["one text"]))


def _empty(count: int, settings: MinHash) -> Sketches:
    keys, digests = np.empty((count, settings.bands), np.uint64), np.empty((count, 2), np.uint64)
    return Sketches(keys, digests, np.empty(count, np.int32))


def _buffers(texts: pa.StringArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of the texts, not copied, and where each begins and the last ends, int64[n + 1]."""
    _, bounds, data = texts.buffers()
    if not len(texts):
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    found = np.frombuffer(bounds, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data or b"", np.uint8), found.astype(np.int64)


def _chunks(bounds: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of runs of texts of up to CHUNK bytes together, or of a single longer one."""
    first, count = 0, len(bounds) - 1
    while first < count:
        end = int(np.searchsorted(bounds, bounds[first] + CHUNK, "right")) - 1
        end = min(max(end, first + 1), count)
        yield first, end
        first = end


def _sketch_chunk(
    data: NDArray[np.uint8], bounds: NDArray[np.int64], found: Sketches, settings: MinHash, composed: bool = False
) -> None:
    """Fill `found` for the texts between `bounds`; `composed`: they are known to be in form C, or taken as they are."""
    shape, draws = settings.shingling, permutations(settings.permutations, settings.seed)
    ends, seen = np.empty(len(bounds), np.int64), np.empty(len(bounds) - 1, np.uint8)
    normalised = sketch_into(
        data, bounds, *tables(), shape.words, shape.characters, *draws, _SALT, found.keys, found.shingles, ends, seen
    )
    for k in range(len(seen)):
        text = data[bounds[k] : bounds[k + 1]]
        if not composed and seen[k] & UNSETTLED and (other := settled(text)) is not text:
            _sketch_chunk(other, np.array([0, len(other)]), found.part(k, k + 1), settings, composed=True)
            if found.shingles[k]:
                continue
        found.digests[k] = np.frombuffer(digest_of(normalised[ends[k] : ends[k + 1]], text), np.uint64)
