"""The documents of a training step are those whose tokens its batch holds."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from token_roots import make_shards

from corpus.cli import main as corpus
from corpus.errors import ShardError
from corpus.reader import ReaderSettings, TokenReader
from corpus.reader.settings_file import save_settings
from corpus.report.trace_step import trace_step

SETTINGS = ReaderSettings(sequence_length=32, batch_size=4, packing="best_fit", seed=7, components=("en",))
STEP = 3


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with shards, and in it the settings of a reader."""
    made = tmp_path_factory.mktemp("traced")
    save_settings(made / "reader.json", TokenReader(make_shards(made), SETTINGS))
    return made


def test_each_stretch_of_a_sequence_is_named(root: Path) -> None:
    """The shard's row that is named holds the ids that the batch has at that place, and the page and record named."""
    batch = TokenReader(root / "shards", SETTINGS).batch_at(STEP)
    found = trace_step(root, root / "reader.json", STEP)
    assert [sequence["sequence"] for sequence in found["sequences"]] == batch["sequence"].tolist() == [12, 13, 14, 15]
    for at, sequence in enumerate(found["sequences"]):
        assert sequence["documents"][0]["start"] == 0
        for document in sequence["documents"]:
            start, tokens, first = (document[name] for name in ("start", "tokens", "first"))
            with pq.ParquetFile(root / "shards" / document["shard"]) as file:
                row = file.read_row_group(document["row_group"]).slice(document["row"], 1).to_pylist()[0]
            assert row["tokens"][first : first + tokens] == batch["input_ids"][at, start : start + tokens].tolist()
            number = int(document["url"].rpartition("/")[2])
            assert (document["url"], document["doc_id"]) == (row["url"], row["doc_id"].hex())
            assert document["warc_offset"] == 100 * number
            assert document["warc_file"] == f"crawl-{number % 3}.warc.gz"


def test_the_shards_alone_are_enough(root: Path) -> None:
    """The folder of the shards in place of the root gives the same."""
    assert trace_step(root / "shards", root / "reader.json", STEP) == trace_step(root, root / "reader.json", STEP)


def test_other_shards_or_settings_are_refused(root: Path, tmp_path: Path) -> None:
    """With the hash of the run's plan, a step of another plan is an error: it would name documents not trained on."""
    values = json.loads((root / "reader.json").read_text())
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(values | {"seed": 8}))
    with pytest.raises(ShardError, match="belongs to another plan"):
        trace_step(root, changed, STEP)
    changed.write_text(json.dumps({name: value for name, value in values.items() if name != "plan"} | {"seed": 8}))
    assert trace_step(root, changed, STEP)["sequences"] != trace_step(root, root / "reader.json", STEP)["sequences"]
    with pytest.raises(ShardError, match="step 100000 is not among"):
        trace_step(root, root / "reader.json", 100_000)


def test_what_a_run_read_in_place_of_others_is_named(root: Path, tmp_path: Path) -> None:
    """With a row group in quarantine, the step's documents are those that stood in, none of the row group itself."""
    reader = TokenReader(root / "shards", SETTINGS)
    away = int(reader.references(STEP)["group"][0])
    reader.quarantine([away])
    save_settings(tmp_path / "reader.json", reader)
    expected = reader.references(STEP)
    assert away not in expected["group"]
    found = trace_step(root, tmp_path / "reader.json", STEP)["sequences"]
    shown = [(one["sequence"], d["start"], d["row"]) for one in found for d in one["documents"]]
    assert shown == [(e["sequence"], e["start"], e["row"]) for e in expected]


def test_the_command_prints_them(root: Path) -> None:
    """As a table with pages and offsets, or as JSON; half of the options is a usage error."""
    asked = ["trace", str(root), "--step", str(STEP), "--reader", str(root / "reader.json")]
    found = trace_step(root, root / "reader.json", STEP)
    text = CliRunner().invoke(corpus, asked).output
    assert f"Step {STEP} of" in text
    assert "https://example.org" in text
    assert json.loads(CliRunner().invoke(corpus, [*asked, "--json"]).output) == found
    for wrong in (asked[:2], asked[:4], [*asked[:2], *asked[4:]], [*asked, "https://example.org/1"]):
        assert CliRunner().invoke(corpus, wrong).exit_code == 2
