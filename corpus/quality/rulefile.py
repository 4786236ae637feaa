"""Read rules from TOML (the format stands in thresholds.py): presets, `extends`, checks with the nearest known name."""

import dataclasses
import re
import string
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, Final

from corpus.errors import InputError, SettingError
from corpus.quality.columns import COLUMNS
from corpus.quality.thresholds import HASH, ORDERS, UNDETERMINED, Band, Components, Quota, Rules, Threshold

_TOP: Final = (
    *("extends", "expected_kept", "duplicates"),
    *("authority", "quota", "thresholds", "language", "components"),
)
_THRESHOLD: Final = tuple(f.name for f in dataclasses.fields(Threshold) if f.name != "name")
_BAND: Final = tuple(f.name for f in dataclasses.fields(Band))
_QUOTA: Final = tuple(f.name for f in dataclasses.fields(Quota))
_CODE: Final = re.compile("[a-z]{2,3}")
_LISTS: Final = "values", "refused", "languages", "cuts", "names"


def presets() -> dict[str, str]:
    """Return the TOML text of each preset by name."""
    folder = resources.files("corpus.quality") / "presets"
    found = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return {entry.name[:-5]: entry.read_text("utf-8") for entry in found if entry.name.endswith(".toml")}


def load_rules(source: str | Path) -> Rules:
    """Return the rules of a preset (by name) or of a TOML file (by path).

    Raises InputError when there is no such file or it is no TOML, SettingError when something in it is not valid.
    """
    return build(_read(str(source), Path(), ()), str(source))


def parse_rules(text: str, name: str = "rules", folder: Path | None = None) -> Rules:
    """Return the rules of TOML text; files named in `extends` are looked for in `folder`."""
    return build(_resolve(_parse(text, name), name, folder or Path(), (name,)), name)


def _read(source: str, folder: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    """Return the merged tables of a preset or file, and of all that it extends."""
    known = presets()
    if source in known:
        key, text, place = source, known[source], Path()
    else:
        path = folder / source
        key, text, place = str(path.resolve()), _text(path, known), path.parent
    if key in seen:
        raise SettingError(seen[-1], "extends", source, "rule files must not extend one another in a circle")
    return _resolve(_parse(text, source), source, place, (*seen, key))


def _text(path: Path, known: Iterable[str]) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot read rules ({error}); give a TOML file or a preset: {', '.join(known)}"
        ) from error


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # syntax, numbers of thousands of digits, brackets without end
        raise InputError(f"{name}: not valid TOML: {error}") from error


def _resolve(tables: dict[str, Any], name: str, folder: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    known(tables, _TOP, name, "")
    merged: dict[str, Any] = {}
    parents = tables.get("extends", [])
    if not (isinstance(parents, list) and all(isinstance(p, str) and p and "\0" not in p for p in parents)):
        raise SettingError(name, "extends", parents, 'expected a list of presets and files, as ["fineweb"]')
    for parent in parents:
        merged = merge(merged, _read(parent, folder, seen))
    return merge(merged, {k: v for k, v in tables.items() if k != "extends"})


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two tables as one, table by table; where both give a value, `above` wins."""
    both = dict(below)
    for key, value in above.items():
        old = both.get(key)
        both[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return both


def known(names: Iterable[str], valid: Iterable[str], owner: str, field: str) -> None:
    """Raise SettingError for the first name that is not valid, naming the nearest one and all."""
    valid = list(valid)
    for name in names:
        if name not in valid:
            near = get_close_matches(name, valid, 1, 0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise SettingError(owner, field or "key", name, f"{hint}expected one of: {', '.join(valid)}")


def build(tables: Mapping[str, Any], owner: str) -> Rules:
    """Return the rules of merged tables; `owner` names them in errors."""
    bases = _table(tables, "thresholds", owner)
    thresholds = {name: _threshold(name, fields, owner) for name, fields in bases.items()}
    overrides = {
        language: _overrides(language, fields, bases, owner)
        for language, fields in _table(tables, "language", owner).items()
    }
    kept = tables.get("expected_kept")
    if kept is not None and not (isinstance(kept, list) and len(kept) == 2 and all(map(is_number, kept))):
        raise SettingError(owner, "expected_kept", kept, "expected [low, high]")
    return Rules(
        thresholds=tuple(thresholds.values()),
        overrides=overrides,
        components=_components(_table(tables, "components", owner), owner),
        duplicates=tables.get("duplicates", "drop"),
        expected_kept=tuple(kept) if kept is not None else None,
        unknown=_authority(_table(tables, "authority", owner), owner),
        quota=_quota(_table(tables, "quota", owner), owner),
    )


def is_number(value: Any) -> bool:
    """Say whether a value is a number (true and false are none)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _table(tables: Mapping[str, Any], name: str, owner: str) -> Mapping[str, Any]:
    found = tables.get(name, {})
    if not isinstance(found, Mapping):
        raise SettingError(owner, name, found, f"expected a table [{name}]")
    return found


def _threshold(name: str, fields: Any, owner: str) -> Threshold:
    place = f"thresholds.{name}"
    if not isinstance(fields, Mapping):
        raise SettingError(owner, place, fields, f"expected a table [{place}]")
    known(fields, _THRESHOLD, owner, place)
    if "signal" not in fields:
        raise SettingError(owner, place, dict(fields), "expected a signal")
    known([fields["signal"]], COLUMNS, owner, f"{place}.signal")
    return Threshold(name=name, **_typed(fields, owner, place))


def _overrides(language: str, tables: Any, bases: Mapping[str, Any], owner: str) -> dict[str, Threshold]:
    place = f"language.{language}"
    if not _CODE.fullmatch(language):
        raise SettingError(owner, place, language, 'expected a code as in the column language, such as "en" or "yue"')
    if not isinstance(tables, Mapping):
        raise SettingError(owner, place, tables, f"expected a table [{place}.thresholds.NAME]")
    known(tables, ["thresholds"], owner, place)
    named = _table(tables, "thresholds", owner)
    known(named, bases, owner, f"{place}.thresholds")
    return {name: _threshold(name, merge(bases[name], fields), owner) for name, fields in named.items()}


def _components(tables: Mapping[str, Any], owner: str) -> Components:
    known(tables, ("name", "languages", "bands"), owner, "components")
    bands = {name: _band(name, fields, owner) for name, fields in _table(tables, "bands", owner).items()}
    template = tables.get("name", "{language}")
    try:
        parts = list(string.Formatter().parse(template))
    except (ValueError, TypeError) as error:
        raise SettingError(owner, "components.name", template, f"not a template: {error}") from error
    known((field for _, field, _, _ in parts if field is not None), ("language", *bands), owner, "components.name")
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise SettingError(owner, "components.name", template, "not a template: give names in braces, without format")
    return Components(name=template, bands=bands, **_typed({"languages": tables.get("languages")}, owner, "components"))


def _authority(fields: Mapping[str, Any], owner: str) -> float | None:
    known(fields, ("unknown",), owner, "authority")
    found: float | None = _typed(fields, owner, "authority").get("unknown")
    return found


def _quota(fields: Mapping[str, Any], owner: str) -> Quota | None:
    known(fields, _QUOTA, owner, "quota")
    if fields and "documents" not in fields:
        raise SettingError(owner, "quota", dict(fields), "documents is missing")
    values = _typed(fields, owner, "quota")
    known([values.get("order", HASH).removeprefix("-")], (HASH, *ORDERS), owner, "quota.order")
    return Quota(**values) if values else None


def _band(name: str, fields: Any, owner: str) -> Band:
    place = f"components.bands.{name}"
    if not isinstance(fields, Mapping):
        raise SettingError(owner, place, fields, f"expected a table [{place}]")
    known(fields, _BAND, owner, place)
    missing = [field for field in ("signal", "cuts", "names") if field not in fields]
    if missing:
        raise SettingError(owner, place, dict(fields), f"{missing[0]} is missing")
    known([fields["signal"]], COLUMNS, owner, f"{place}.signal")
    return Band(**_typed(fields, owner, place))


_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "min": (int, float),
    "max": (int, float),
    "cuts": (int, float),
    "off": (bool,),
    "unknown": (int, float),
    "documents": (int,),
}


def _typed(fields: Mapping[str, Any], owner: str, place: str) -> dict[str, Any]:
    """Return fields with lists as tuples, after checking the type of each value."""
    out: dict[str, Any] = {}
    for name, value in fields.items():
        kinds = _KINDS.get(name, (str,))
        several = name in _LISTS
        parts = value if several and isinstance(value, list) else [value]
        right = all(isinstance(part, kinds) and (bool in kinds or not isinstance(part, bool)) for part in parts)
        right &= all(not isinstance(part, int) or abs(part) < 1 << 63 for part in parts)
        if value is not None and (not right or several != isinstance(value, list)):
            what = " or ".join(kind.__name__ for kind in kinds)
            raise SettingError(owner, f"{place}.{name}", value, f"expected {'a list of ' if several else ''}{what}")
        out[name] = tuple(value) if isinstance(value, list) else value
    return out


__all__ = ["UNDETERMINED", "Rules", "build", "load_rules", "parse_rules", "presets"]
