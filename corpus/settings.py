"""Settings are frozen keyword-only dataclasses; this module checks them and turns them into fingerprints.

A fingerprint is the SHA-256 of the canonical JSON form (sorted keys, no spaces) of a value built from dataclasses,
mappings, sequences, paths, strings, numbers and None. Equal settings give equal fingerprints on every machine, so a
finished unit of work can be recognised later. A dataclass may leave out fields that cannot change its results by
marking them with `field(metadata=UNMARKED)`.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Final

from corpus.errors import SettingError

UNMARKED: Final[Mapping[str, bool]] = {"unmarked": True}
"""Field metadata: this field does not change results and stays out of the fingerprint."""


def require(valid: bool, owner: object, field: str, expected: str) -> None:
    """Raise SettingError naming `field` of `owner` and its value unless `valid`."""
    if not valid:
        raise SettingError(type(owner).__name__, field, getattr(owner, field), expected)


def plain(value: Any) -> Any:
    """Turn settings into JSON values; unknown types are an error, never a repr that may change between runs."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (f for f in dataclasses.fields(value) if not f.metadata.get("unmarked"))
        return {"type": type(value).__name__} | {f.name: plain(getattr(value, f.name)) for f in fields}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, Set):
        return sorted(plain(v) for v in value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(v) for v in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"no fingerprint for a {type(value).__name__}: {value!r}")


def fingerprint(*values: Any) -> str:
    """Return the SHA-256 (64 hex digits) of the canonical JSON of `values`."""
    text = json.dumps([plain(v) for v in values], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
