"""The columns of the signals shard set, and all columns that a threshold may look at."""

from typing import Final

import pyarrow as pa

from corpus.quality.flags import FLAG_FIELDS
from corpus.quality.signals import SIGNALS
from corpus.schema import DOCUMENTS, VERDICTS, column

LANGUAGE_FIELDS: Final = (
    ("language", pa.string(), "identified language: ISO 639-1 where one exists, else 639-3; null without letters"),
    ("language_score", pa.float32(), "how sure that is, 0 to 1"),
    ("language_script", pa.string(), "script named by the model's label, or Hant"),
    ("runner_up", pa.string(), "best of the model's other answers"),
    ("runner_up_score", pa.float32(), "the model's score for it"),
    ("language_source", pa.string(), "who decided: both, model, second, effort, failed, unvouched or none"),
)
"""Name, type and meaning of each column that identification fills."""

_FIELDS: Final = [
    *(column(name, kind, meaning, True) for name, kind, meaning in LANGUAGE_FIELDS),
    *(column(s.name, s.dtype, f"{s.meaning} ({s.source})", True) for s in SIGNALS.values()),
    *(column(name, kind, meaning, True) for name, kind, meaning in FLAG_FIELDS),
]
SIGNALS_SCHEMA: Final = pa.schema(_FIELDS)
"""Schema of the signals shard set, row for row beside the documents."""

_DOCUMENT_COLUMNS: Final = "host", "registered_domain", "declared_language", "charset", "charset_source", "extractor"
_VERDICT_COLUMNS: Final = (
    *("cluster_size", "authority_host", "authority_domain", "in_domains"),
    *("trust", "robust", "truncated", "quality_rank", "spam_mass", "good_site"),
)

COLUMNS: Final[dict[str, pa.DataType]] = {
    **{field.name: field.type for field in SIGNALS_SCHEMA},
    **{name: DOCUMENTS.field(name).type for name in _DOCUMENT_COLUMNS},
    **{name: VERDICTS.field(name).type for name in _VERDICT_COLUMNS},
    "similarity": pa.float32(),
}
"""Every column that a threshold may look at, by name: signals, some of documents, authority and cluster columns."""


def is_text(name: str) -> bool:
    """Return whether a column holds strings (thresholds on it list values instead of bounds)."""
    return bool(pa.types.is_string(COLUMNS[name]))


def is_number(name: str) -> bool:
    """Return whether a column that a threshold may look at holds numbers."""
    kind = COLUMNS.get(name)
    return kind is not None and bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
