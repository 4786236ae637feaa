"""The recipe grid: the rules of web over four components, which every variant can be read from."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from running import corpus

from corpus import recipes
from corpus.quality.rulefile import load_rules
from corpus.reader import ReaderSettings, TokenReader, mixture
from corpus.reader.mixtures import VARIANTS
from corpus.stages.select import Select
from corpus.tokens.manifest import load_manifest

PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"
GRID = {"central-mixed", "central-prose", "peripheral-mixed", "peripheral-prose"}


def test_grid_is_web_with_other_components(tmp_path: Path) -> None:
    """The same stages and thresholds; unknown sites are peripheral, as are sites whose rank is missing."""
    made = {name: recipes.load(name).build(root=tmp_path, inputs=None) for name in ("web", "grid")}
    assert [stage.name for stage in made["grid"].stages] == [stage.name for stage in made["web"].stages]
    (judge,) = (stage for stage in made["grid"].stages if isinstance(stage, Select))
    web = load_rules(PIPELINES / "web.toml")
    assert judge.rules == replace(web, components=judge.rules.components, unknown=0.1)
    assert judge.rules.components.name == "{authority}-{quality}"
    bands = judge.rules.components.bands
    assert {f"{a}-{q}" for a in bands["authority"].names for q in bands["quality"].names} == GRID
    assert (bands["authority"].null, bands["quality"].null) == ("peripheral", "mixed")


@pytest.fixture(scope="module")
def shards(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of the sample crawl under the rules of grid."""
    copy = tmp_path_factory.mktemp("grid") / "root"
    shutil.copytree(root, copy)
    done = corpus("run", "sample", "--root", str(copy), "--set", f"thresholds={PIPELINES / 'grid.toml'}")
    assert done.returncode == 0, done.stderr
    return copy / "shards"


def test_the_sample_fills_the_grid_and_every_variant_can_be_read(shards: Path) -> None:
    """Four components; each variant has batches, and the command prints the weights that the reader takes."""
    assert set(load_manifest(shards).components) == GRID
    for name in VARIANTS:
        settings = ReaderSettings(sequence_length=32, batch_size=4, mixture=mixture(name))
        assert TokenReader(shards, settings).plan.steps_per_epoch
        done = corpus("mixture", str(shards), name, "--sequence-length", "32", "--batch-size", "4", "--json")
        assert json.loads(done.stdout)["mixture"] == mixture(name)


def test_one_to_one_reads_as_much_of_both(shards: Path) -> None:
    """In sequences, where the data alone would have other shares."""
    settings = ReaderSettings(sequence_length=32, batch_size=4, mixture=mixture("one_to_one"))
    central, peripheral = TokenReader(shards, settings).plan.report()
    assert abs(central["sequences"] - peripheral["sequences"]) <= 1
    assert central["units"] != peripheral["units"]
