"""The sides of single libraries: datasketch and rensa, tokenizers, fastText, warcio, each as well used as its docs say.

Signatures from raw text. The peers take sets of tokens, so the shingles are made here, in plain Python: form C, lower
case, runs of word characters, five at a time, each shingle once (a text shorter than that is one shingle). That gives
the sets that our side hashes; the texts are chosen so that both sides count the same distinct shingles. datasketch
gets xxh3 in place of its SHA-1 (faster) and a batch per text; rensa all texts at once, in its bulk form. Band keys are
the bytes of a band's rows, as datasketch's own index makes them. Steps named `hashes_*` start from hashes that are
there already and end at the signature: the peer's kernel alone.
"""

import hashlib
import itertools
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.suite.serve import Step, repeated, serve
from benchmarks.suite.texts import read_texts

BANDS, ROWS, SEED = 14, 8, 1
WORD = re.compile(r"\w+")


def shingles(text: str, words: int = 5) -> list[str]:
    """Return the distinct shingles of a text."""
    found = WORD.findall(unicodedata.normalize("NFC", text).lower())
    if len(found) <= words:
        return [" ".join(found)] if found else []
    return list({" ".join(found[i : i + words]) for i in range(len(found) - words + 1)})


def shingle_counts(texts: str, limit: int | None = None) -> Step:
    """Return a step that says how many distinct shingles each text has."""
    rows = read_texts(texts, limit)
    return lambda: {"items": len(rows), "bytes": 0, "check": [len(shingles(row)) for row in rows]}


def band_bytes(signature: Any) -> list[bytes]:
    """Return the key of every band of a signature."""
    return [signature[i : i + ROWS].tobytes() for i in range(0, BANDS * ROWS, ROWS)]


def datasketch_text(texts: str, limit: int | None = None) -> Step:
    """Return raw text to band keys by datasketch."""
    import xxhash  # noqa: PLC0415
    from datasketch import MinHash  # noqa: PLC0415

    rows = read_texts(texts, limit)
    size = sum(len(row.encode()) for row in rows)

    def hashed(shingle: str) -> int:
        return int(xxhash.xxh3_64_intdigest(shingle.encode())) & 0xFFFFFFFF

    def sign() -> list[list[bytes]]:
        made = MinHash.generator(
            map(shingles, rows), num_perm=BANDS * ROWS, seed=SEED, hashfunc=hashed, scheme="affine32"
        )
        return [band_bytes(one.hashvalues) for one in made]

    return lambda: repeated(sign, len(rows), size)


def rensa_text(texts: str, limit: int | None = None) -> Step:
    """Return raw text to band keys by rensa, all texts in one call."""
    from rensa import RMinHash  # noqa: PLC0415

    rows = read_texts(texts, limit)
    size = sum(len(row.encode()) for row in rows)

    def sign() -> list[list[tuple[int, ...]]]:
        matrix = RMinHash.digest_matrix_from_token_sets([shingles(row) for row in rows], BANDS * ROWS, SEED)
        return [[tuple(row[i : i + ROWS]) for i in range(0, BANDS * ROWS, ROWS)] for row in matrix.to_rows()]

    return lambda: repeated(sign, len(rows), size)


def loaded(hashes: str) -> tuple[Any, Any]:
    """Return shingle hashes (uint64, one text behind the other) and where each text's begin and end."""
    found = np.load(hashes)
    return found["hashes"], found["offsets"]


def hashes_datasketch(hashes: str) -> Step:
    """Return datasketch's kernel on the same 32-bit hashes; the check is the SHA-256 of all signatures."""
    from datasketch import MinHash  # noqa: PLC0415

    flat, offsets = loaded(hashes)
    sets = [flat[a:b].astype(np.uint32).tolist() for a, b in itertools.pairwise(offsets)]

    def sign() -> list[Any]:
        made = MinHash.generator(sets, num_perm=BANDS * ROWS, seed=SEED, hashfunc=int, scheme="affine32")
        return [one.hashvalues for one in made]

    return lambda: repeated(sign, len(sets), 8 * len(flat), digest)


def hashes_rensa(hashes: str) -> Step:
    """Return rensa's kernel on the same 64-bit hashes; its matrix is left as it is, turning it into rows costs more."""
    from rensa import RMinHash  # noqa: PLC0415

    flat, offsets = loaded(hashes)
    starts = offsets.astype(np.uint64)

    def sign() -> Any:
        return RMinHash.digest_matrix_from_flat_token_hashes(flat, starts, BANDS * ROWS, SEED)

    return lambda: repeated(sign, len(starts) - 1, 8 * len(flat))


def digest(signatures: list[Any]) -> str:
    """Return the SHA-256 of signatures, as little-endian uint32."""
    return hashlib.sha256(b"".join(np.asarray(one).astype("<u4").tobytes() for one in signatures)).hexdigest()


def tokenize(texts: str, tokenizer: str, batch: bool, limit: int | None = None) -> Step:
    """Return the ids of every text by `tokenizers`, all in one batch or one by one; the check is their SHA-256."""
    from tokenizers import Tokenizer  # noqa: PLC0415

    rows = read_texts(texts, limit)
    size = sum(len(row.encode()) for row in rows)
    found = Tokenizer.from_file(tokenizer)
    found.no_truncation()
    found.no_padding()
    found.encode_special_tokens = True

    def encode() -> list[Any]:
        if batch:
            return [one.ids for one in found.encode_batch_fast(rows, add_special_tokens=False)]
        return [found.encode(row, add_special_tokens=False).ids for row in rows]

    return lambda: repeated(encode, len(rows), size, ids_digest)


def ids_digest(ids: list[Any]) -> str:
    """Return the SHA-256 of all ids, as little-endian uint32 with the lengths before them."""
    total = hashlib.sha256(np.asarray([len(one) for one in ids], "<u4").tobytes())
    for one in ids:
        total.update(np.asarray(one, "<u4").tobytes())
    return total.hexdigest()


def fasttext_whole(texts: str, model: str, limit: int | None = None) -> Step:
    """Return lid.176 on whole texts, k=1."""
    import fasttext  # noqa: PLC0415

    rows = [text.replace("\n", " ") for text in read_texts(texts, limit)]
    size = sum(len(row.encode()) for row in rows)
    found = fasttext.FastText._FastText(model)
    return lambda: repeated(lambda: [found.predict(row) for row in rows], len(rows), size)


def warcio_read(crawl: str, digests: bool) -> Step:
    """Return every record read by warcio; the check is the number of records, and without digests of bytes in blocks.

    Digests are checked as warcio can: that of the payload, for which it parses the HTTP head.
    """
    from warcio.archiveiterator import ArchiveIterator  # noqa: PLC0415

    paths = sorted(Path(crawl).glob("*.warc.gz"))
    size = sum(path.stat().st_size for path in paths)

    def read() -> tuple[int, int]:
        count = total = 0
        for path in paths:
            with path.open("rb") as stream:
                options = {"check_digests": "raise"} if digests else {"no_record_parse": True}
                for record in ArchiveIterator(stream, **options):
                    total += len(record.raw_stream.read())
                    count += 1
        return count, total

    records = read()[0]
    return lambda: repeated(read, records, size, lambda found: found[:1] if digests else found)


if __name__ == "__main__":
    steps = (shingle_counts, datasketch_text, rensa_text, hashes_datasketch, hashes_rensa)
    serve({step.__name__: step for step in (*steps, tokenize, fasttext_whole, warcio_read)})
