"""A reader's settings as a JSON file, which a training run leaves beside its checkpoints.

The file holds the fields of ReaderSettings, those with a default only where they differ from it need be there, and
`plan`, the hash of the plan that the run read by (absent in a file written by hand). With it and the shards, the
documents of any step can be named again (`corpus trace SHARDS --step N --reader FILE`); the hash tells when the shards
or the settings are not those of the run.
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


def save_settings(path: Path, reader: TokenReader) -> None:
    """Write a reader's settings and the hash of its plan, whole or not at all."""
    write_text(path, json.dumps({"plan": reader.plan.hash, **dataclasses.asdict(reader.settings)}, indent=1) + "\n")


def load_settings(path: Path) -> tuple[ReaderSettings, str | None]:
    """Return the settings of a file, and the hash of the plan when the file has one."""
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror}); name the reader.json of the run") from error
    except ValueError as error:
        raise SettingError("ReaderSettings", "file", str(path), f"it is no JSON ({error})") from error
    if not isinstance(values, dict):
        raise SettingError("ReaderSettings", "file", str(path), "write the fields as a JSON object")
    plan = values.pop("plan", None)
    return settings_of(values), plan


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
