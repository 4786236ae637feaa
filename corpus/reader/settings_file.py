"""A reader's settings as a JSON file, which a training run leaves beside its checkpoints.

The file holds the fields of ReaderSettings; in one written by hand, those with a default may be left out. A run also
writes `plan`, the hash of the plan that it read by, and `quarantine`, the row groups that it read others in place of.
With the file and the shards, the documents of any step can be named again (`corpus trace SHARDS --step N --reader
FILE`); the hash tells when the shards or the settings are not those of the run.
"""

import dataclasses
import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from corpus.errors import MissingError, SettingError
from corpus.reader.reader import TokenReader
from corpus.reader.settings import ReaderSettings, Stage
from corpus.storage import write_text

FIELDS: Final = {field.name: field for field in dataclasses.fields(ReaderSettings)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SavedReader:
    """What such a file says: plan is None in one written by hand."""

    settings: ReaderSettings
    plan: str | None = None
    quarantine: tuple[int, ...] = ()


def save_settings(path: Path, reader: TokenReader) -> None:
    """Write a reader's settings, the hash of its plan and its quarantine, whole or not at all."""
    told = {"plan": reader.plan.hash, "quarantine": reader.quarantined}
    write_text(path, json.dumps(told | dataclasses.asdict(reader.settings), indent=1) + "\n")


def load_settings(path: Path) -> SavedReader:
    """Return what a file says; one that is wrong is a SettingError that names the field."""
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror}); name the reader.json of the run") from error
    except ValueError as error:
        raise SettingError("ReaderSettings", "file", str(path), f"it is no JSON ({error})") from error
    if not isinstance(values, dict):
        raise SettingError("ReaderSettings", "file", str(path), "write the fields as a JSON object")
    plan, quarantine = values.pop("plan", None), values.pop("quarantine", [])
    return SavedReader(settings=settings_of(values), plan=plan, quarantine=tuple(quarantine))


def settings_of(values: Mapping[str, Any]) -> ReaderSettings:
    """Return the settings that JSON values spell; SettingError names a field that is unknown or missing."""
    for name in values:
        if name not in FIELDS:
            close = get_close_matches(name, FIELDS, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise SettingError("ReaderSettings", name, values[name], f"{hint}there are: {', '.join(FIELDS)}")
    for name, field in FIELDS.items():
        if name not in values and field.default is field.default_factory is dataclasses.MISSING:
            raise SettingError("ReaderSettings", name, None, "it has no default; give it")
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    try:
        if "stages" in made:
            made["stages"] = tuple(Stage(**stage) for stage in made["stages"])
        return ReaderSettings(**made)
    except TypeError as error:
        raise SettingError("ReaderSettings", "file", dict(values), f"a value has the wrong type ({error})") from error
