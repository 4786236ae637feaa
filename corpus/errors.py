"""What can go wrong, as a tree; every message says what happened, where, and what to do.

HeadwaterError                anything a caller may want to catch in one place
├── SettingError              a setting is wrong: names the field, the value and what would be valid
├── InputError                an input cannot be read at all: names the file (and offset) and the cause
│   └── RemoteError           a remote input failed after every retry
├── StorageError              a shard could not be written or read back (disk full, wrong schema)
├── MissingError              something that must be installed, downloaded or built first is absent
├── PipelineError             a pipeline is wired wrongly, or a stage cannot go on
└── ShardError                token shards or their manifest do not hold what they promise

A bad *record* is not an exception: it becomes a `Drop` (see document.py) and is counted in the ledger.
"""


class HeadwaterError(Exception):
    """Base of all errors that Headwater raises on purpose."""


class SettingError(HeadwaterError, ValueError):
    """A setting is wrong."""

    def __init__(self, owner: str, field: str, value: object, valid: str) -> None:
        super().__init__(f"{owner}: {field} = {value!r} is not valid; {valid}")
        self.owner, self.field, self.value, self.valid = owner, field, value, valid

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.owner, self.field, self.value, self.valid)


class InputError(HeadwaterError):
    """An input cannot be read."""


class RemoteError(InputError):
    """A remote input failed after every retry."""


class StorageError(HeadwaterError):
    """A file could not be written or read back."""


class MissingError(HeadwaterError):
    """A package, model or earlier result is absent."""


class PipelineError(HeadwaterError):
    """A pipeline is wired wrongly or cannot go on."""


class ShardError(HeadwaterError):
    """Token shards do not hold what their manifest promises."""
