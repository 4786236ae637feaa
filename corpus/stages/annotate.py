"""Annotate: language and quality signals of every document, row for row beside the documents.

Each row group of a documents part is read, measured and written before the next, so memory stays that of one row
group. Nothing is decided here; select does that, and may do it again with other thresholds without this being re-run.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa

from corpus.language import Language, LanguageIdentifier
from corpus.quality.columns import SIGNALS_SCHEMA
from corpus.quality.flags import flags
from corpus.quality.signals import SIGNALS, signal_columns, take, warm
from corpus.quality.tally import NUMBERS
from corpus.stage import Result, tick
from corpus.storage import ShardSet, TableWriter, open_parquet

_READ: Final = ["text", "http_robots", "meta_robots", "licences"]
_BATCH: Final = 64  # documents between ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotate:
    """Measure documents part i into signals part i."""

    name: ClassVar[str] = "annotate"
    version: ClassVar[int] = 1

    documents: ShardSet
    signals: ShardSet
    identifier: LanguageIdentifier = field(default_factory=LanguageIdentifier)

    @property
    def root(self) -> Path:
        return self.signals.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return (self.documents,)

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.signals,)

    def settings(self) -> Mapping[str, Any]:
        """Return what decides the signals. Raises MissingError when the language model cannot be found."""
        return {"identifier": self.identifier.fingerprint(), "columns": SIGNALS_SCHEMA.names}

    def shards(self) -> int:
        return self.documents.span()

    def sources(self, shard: int) -> Sequence[Path]:
        return [self.documents.path(shard)]

    def prepare(self) -> None:
        """Load the model and the kernels."""
        self.identifier.warm()
        warm()

    def run(self, shard: int) -> Result:
        counts: Counter[str] = Counter()
        with (
            open_parquet(self.documents.path(shard)) as source,
            TableWriter(self.signals, shard, SIGNALS_SCHEMA) as out,
        ):
            for group in range(source.num_row_groups):
                out.write(self._measure(source.read_row_group(group, columns=_READ), counts))
        return Result(files=[out.written], counts=counts)

    def _measure(self, documents: pa.Table, counts: Counter[str]) -> pa.Table:
        """Return the signals of one row group: all columns of signals at once, from one matrix of tallies."""
        tallies = np.zeros((documents.num_rows, NUMBERS), np.int64)
        rows: dict[str, list[Any]] = {name: [] for name in SIGNALS_SCHEMA.names if name not in SIGNALS}
        done = 0
        for batch in documents.to_batches(max_chunksize=_BATCH):
            columns = [batch.column(name).to_pylist() for name in _READ]
            for text, *marks in zip(*columns, strict=True):
                language = self._identify(text, counts)
                take(text, language.label, tallies[done])
                for name, value in {**_language_columns(language), **flags(*marks)}.items():
                    rows[name].append(value)
                done += 1
            tick(batch.num_rows)
        found = {**rows, **signal_columns(tallies)}
        return pa.table([found[name] for name in SIGNALS_SCHEMA.names], schema=SIGNALS_SCHEMA)

    def _identify(self, text: str, counts: Counter[str]) -> Language:
        language = self.identifier.identify(text)
        counts["documents"] += 1
        counts[f"language:{language.label or 'und'}"] += 1
        counts["language_second_opinion_failed"] += language.source == "failed"
        return language


def _language_columns(language: Language) -> dict[str, str | float | None]:
    return {
        "language": language.label,
        "language_score": language.score,
        "language_script": language.script,
        "runner_up": language.runner_up,
        "runner_up_score": language.runner_up_score,
        "language_source": language.source,
    }
