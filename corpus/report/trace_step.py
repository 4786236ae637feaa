"""The documents of a training step: which page, of which WARC file and offset, fills which places of each sequence.

The stream of batches follows from the shards and the reader's settings alone, so a step can be named again without the
run: a loss that jumps at step N is traced to the pages it was taken over.
"""

from pathlib import Path
from typing import Any

from corpus.errors import ShardError
from corpus.reader import TokenReader
from corpus.reader.settings_file import load_settings
from corpus.report.trace import readable

SHOWN = ("url", "doc_id", "warc_file", "warc_offset", "shard", "row_group", "row")


def trace_step(folder: Path, settings: Path, step: int) -> dict[str, Any]:
    """Return {"step", "shards", "sequences": [{"sequence", "documents"}]} of batch `step`, over all ranks.

    folder: a root, or the folder of its shards. settings: a file as corpus.reader.settings_file writes it; when it
    holds the hash of a plan and the shards give another, that is a ShardError.
    """
    shards = folder / "shards" if (folder / "shards" / "manifest.json").exists() else folder
    saved = load_settings(settings)
    with TokenReader(shards, saved.settings) as reader:
        if saved.plan is not None and saved.plan != reader.plan.hash:
            raise ShardError(
                f"{settings} belongs to another plan ({saved.plan[:12]}...) than {shards} gives "
                f"({reader.plan.hash[:12]}...): the shards or the settings are not those of the run, so its steps had "
                "other documents"
            )
        reader.quarantine(saved.quarantine)
        sequences: dict[int, list[dict[str, Any]]] = {}
        pages: dict[tuple[int, int], dict[str, Any]] = {}
        for number, start, tokens, group, row, first in reader.references(step).tolist():
            if (group, row) not in pages:
                found = readable(reader.document(group, row))
                pages[group, row] = {name: found[name] for name in SHOWN}
            place = {"start": start, "tokens": tokens, "first": first}
            sequences.setdefault(number, []).append(place | pages[group, row])
    listed = [{"sequence": number, "documents": sequences[number]} for number in sorted(sequences)]
    return {"step": step, "shards": str(shards), "sequences": listed}
