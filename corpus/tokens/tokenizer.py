"""A tokenizer and its identity: any `tokenizer.json`, from a path or by hub name.

Text of a crawl is data, so it is always encoded as plain text: a page that spells `<|endoftext|>` gets the ids of
those characters, never the special id. Boundary ids (BOS, EOS) are added here, explicitly, and only by settings.

The identity says which ids a shard set holds: SHA-256 of the serialized file, vocabulary size, special ids, library
version and digests of the ids of fixed texts. The digests catch what the file's hash cannot: a library release that
encodes the same file differently.

Byte-level BPE is encoded by kernels where that is shown to give the same ids (ranks.py), six to eight times as fast.
"""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tokenizers

from corpus.errors import InputError, MissingError, SettingError, ShardError
from corpus.settings import require
from corpus.tokens.ranks import ConversionError, FastEncoder, convert

Ids = npt.NDArray[np.uint32]

GOLDEN: Final = (
    "The quick brown fox jumps over the lazy dog; it's 12,345.67 metres away, isn't it?",
    "  two  spaces,\ta tab\n\n\nthree lines \r\n and a trailing space ",
    "Übergrößenträger çà et là, naïve façade, ¿dónde está?, żółć, İstanbul",
    "Съешь же ещё этих мягких французских булок. Ελληνικά κείμενα. עברית וגם عربي مُشَكَّل",
    "永和九年，歲在癸丑。いろはにほへと。한국어 문장입니다. ภาษาไทยไม่มีช่องว่าง हिन्दी में लिखा",
    '<s>[INST]<|endoftext|></s> <pad> {"a": [1, 2]} 👩‍👩‍👧 e\u0301 \u200d\ufeff',
)
"""Texts whose ids are part of a tokenizer's identity. Never change them: digests in old manifests depend on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerSettings:
    """Which tokenizer, and what marks the boundaries of a document.

    source     path of a tokenizer.json (or of the folder that holds it), else a hub name
    revision   branch or commit of a hub name
    bos, eos   token put before and after each document, by name or id; None puts nothing
    fast       encode by ranks.py where it gives the same ids; the ids do not depend on it
    """

    source: str
    eos: str | int | None
    bos: str | int | None = None
    revision: str = "main"
    fast: bool = True

    def __post_init__(self) -> None:
        require(bool(self.source), self, "source", "give the path of a tokenizer.json or a hub name")
        for name in ("bos", "eos"):
            value = getattr(self, name)
            valid = value is None or (isinstance(value, str) and value != "") or (type(value) is int and value >= 0)
            require(valid, self, name, "give a token, its id, or None")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What decides ids. `vocabulary` is one more than the largest id; `special` maps special tokens to ids."""

    name: str
    revision: str | None
    sha256: str
    vocabulary: int
    special: Mapping[str, int]
    library: str
    golden: tuple[str, ...]

    def block(self) -> dict[str, Any]:
        """Return the JSON form, as footers and manifests carry it."""
        fields = ("name", "revision", "sha256", "vocabulary", "special", "library", "golden")
        return {f: getattr(self, f) for f in fields} | {"special": dict(self.special), "golden": list(self.golden)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Ids written around each document, with the tokens they stand for; None where nothing is written."""

    bos: int | None
    eos: int | None
    bos_token: str | None
    eos_token: str | None

    def block(self) -> dict[str, Any]:
        """Return the JSON form, as footers and manifests carry it."""
        return {"bos": self.bos, "eos": self.eos, "bos_token": self.bos_token, "eos_token": self.eos_token}


class Tokenizer:
    """Encodes plain text to ids. `slow_reason` says why ranks.py is not used, None when it is."""

    def __init__(self, settings: TokenizerSettings, serialized: bytes) -> None:
        self.settings, self.serialized = settings, serialized
        self._slow = _parse(settings.source, serialized)
        self.vocabulary = _vocabulary(self._slow)
        self.boundary = _boundary(settings, self._slow)
        self._fast, self.slow_reason = _fast(settings, serialized, self._slow)
        self._refuse_spelled_boundaries()
        self.identity = self._identity()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The narrowest of uint16 and uint32 that holds every id."""
        return np.dtype(np.uint16 if self.vocabulary <= 1 << 16 else np.uint32)

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """Return the ids of each text, without boundary ids."""
        found: list[Ids | None] = self._fast.encode(texts) if self._fast else [None] * len(texts)
        rest = [i for i, ids in enumerate(found) if ids is None]
        encoded = self._slow.encode_batch_fast([texts[i] for i in rest], add_special_tokens=False) if rest else []
        for i, encoding in zip(rest, encoded, strict=True):
            found[i] = np.asarray(encoding.ids, dtype=np.uint32)
        return [self._checked(ids) for ids in found if ids is not None]

    def frame(self, ids: Ids) -> Ids:
        """Return `ids` with the boundary ids around them."""
        before, after = self.boundary.bos, self.boundary.eos
        ends = [np.asarray([] if end is None else [end], dtype=np.uint32) for end in (before, after)]
        return np.concatenate([ends[0], ids, ends[1]])

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`, special tokens spelled out."""
        return self._slow.decode(list(ids), skip_special_tokens=False)

    def _refuse_spelled_boundaries(self) -> None:
        """Raise InputError when a page could end its document by spelling a boundary token."""
        ends = {self.boundary.bos_token: self.boundary.bos, self.boundary.eos_token: self.boundary.eos}
        for token, id_ in ends.items():
            if token is not None and id_ in self.encode_batch([token])[0]:
                raise InputError(
                    f"{self.settings.source}: text that spells {token} becomes the token itself (id {id_}), so a page "
                    "could end its document; take it out of the model's vocabulary, or name another token"
                )

    def _checked(self, ids: Ids) -> Ids:
        if ids.size and int(ids.max()) >= self.vocabulary:
            raise ShardError(f"{self.settings.source}: gave id {ids.max()}, its vocabulary has {self.vocabulary:,} ids")
        return ids

    def _identity(self) -> Identity:
        golden = tuple(hashlib.sha256(ids.astype("<u4").tobytes()).hexdigest() for ids in self.encode_batch(GOLDEN))
        added = self._slow.get_added_tokens_decoder()
        here = Path(self.settings.source).exists()
        return Identity(
            name=Path(self.settings.source).name if here else self.settings.source,
            revision=None if here else self.settings.revision,
            sha256=hashlib.sha256(self.serialized).hexdigest(),
            vocabulary=self.vocabulary,
            special={token.content: id_ for id_, token in sorted(added.items()) if token.special},
            library=f"tokenizers {tokenizers.__version__}",
            golden=golden,
        )


def load_tokenizer(settings: TokenizerSettings) -> Tokenizer:
    """Return the tokenizer that `settings` name; loaded once per process and version of the file.

    Raises MissingError when there is none, InputError when the file is not one, SettingError for unknown BOS or EOS.
    """
    path = _path(settings.source)
    return _load(settings, path, path.stat().st_mtime_ns if path else 0)


@functools.lru_cache(maxsize=4)
def _load(settings: TokenizerSettings, path: Path | None, _changed: int) -> Tokenizer:
    if path is None:
        return Tokenizer(settings, _fetch(settings))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read the tokenizer ({error.strerror}); check its permissions") from error
    return Tokenizer(settings, content)


def _path(source: str) -> Path | None:
    """Return the file that `source` names, None for a hub name."""
    path = Path(source).expanduser()
    if path.is_dir():
        path /= "tokenizer.json"
    if path.is_file():
        return path
    if path.suffix == ".json" or path.is_absolute() or source.startswith((".", "~")):
        raise MissingError(f"{source}: no such tokenizer; give the path of a tokenizer.json or a hub name")
    return None


def _fetch(settings: TokenizerSettings) -> bytes:
    """Return a hub tokenizer in the library's own compact serialization."""
    try:
        found = tokenizers.Tokenizer.from_pretrained(settings.source, revision=settings.revision)
    except Exception as error:  # the hub client has no common base for its errors
        cause = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise MissingError(
            f"tokenizer {settings.source!r}: no such file here, and the hub did not give it ({cause[0]}); "
            "give the path of a tokenizer.json, or fetch it once while online"
        ) from error
    return found.to_str().encode()


def _parse(source: str, serialized: bytes) -> tokenizers.Tokenizer:
    """Return the library's tokenizer, set to encode plain text whole."""
    try:
        found = tokenizers.Tokenizer.from_str(serialized.decode())
    except Exception as error:  # the library raises bare Exception
        raise InputError(
            f"{source}: not a tokenizer.json ({error}); give a file the tokenizers library wrote"
        ) from error
    found.no_truncation()
    found.no_padding()
    found.encode_special_tokens = True  # special tokens spelled in a text are text
    return found


def _vocabulary(found: tokenizers.Tokenizer) -> int:
    return max(found.get_vocab(with_added_tokens=True).values(), default=-1) + 1


def _boundary(settings: TokenizerSettings, found: tokenizers.Tokenizer) -> Boundary:
    names, ids = {}, {}
    for field, token in (("bos", settings.bos), ("eos", settings.eos)):
        known = found.id_to_token(token) if isinstance(token, int) else token
        number = None if known is None else found.token_to_id(known)
        if token is not None and number is None:
            valid = f"{settings.source} has no such token; name one of its vocabulary, or None"
            raise SettingError("TokenizerSettings", field, token, valid)
        names[field], ids[field] = known, number
    return Boundary(bos=ids["bos"], eos=ids["eos"], bos_token=names["bos"], eos_token=names["eos"])


def _fast(
    settings: TokenizerSettings, serialized: bytes, slow: tokenizers.Tokenizer
) -> tuple[FastEncoder | None, str | None]:
    if not settings.fast:
        return None, "switched off"
    try:
        fast = convert(json.loads(serialized))
    except ConversionError as reason:
        return None, str(reason)
    for text, ids in zip(GOLDEN, fast.encode(GOLDEN), strict=True):
        if ids is not None and ids.tolist() != slow.encode(text, add_special_tokens=False).ids:
            return None, f"ids differ on {text[:20]!r}"
    return fast, None
