"""The Ray executor gives the same bytes as the local one, also when workers die on the way."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from raycluster import two_nodes
from toy import Count, Double

from corpus.errors import PipelineError
from corpus.executors.local import LocalExecutor
from corpus.executors.ray import RayExecutor
from corpus.pipeline import Pipeline
from corpus.storage import ShardSet

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("ignore"),  # Ray's own code warns of resources and deprecations
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A Ray cluster of two nodes on this machine, each with one processor."""
    with two_nodes() as nodes:
        yield nodes.address


def digests(root: Path) -> list[str]:
    return [hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.glob("*/part-*.parquet"))]


def test_two_nodes_give_the_same_bytes_as_this_process(cluster: str, tmp_path: Path) -> None:
    """Every file is the same, though one worker process was killed on the way."""
    for name, options in (("ray", {"deadly_once": (2,)}), ("local", {})):
        root = tmp_path / name
        pipeline = Pipeline(root=root, stages=(Count(root=root, units=6, **options), Double(root=root)))  # type: ignore[arg-type]
        with RayExecutor(address=cluster) if name == "ray" else LocalExecutor(workers=0) as executor:
            outcomes = pipeline.run(executor)
        assert [outcome.ran for outcome in outcomes] == [6, 6]
    assert (tmp_path / "ray" / "killed-2").exists()
    assert digests(tmp_path / "ray") == digests(tmp_path / "local")


def test_an_error_in_a_unit_comes_back_by_its_own_name(cluster: str, tmp_path: Path) -> None:
    """An unreadable input is told as such and its neighbours finish; a unit that always dies is named."""
    with RayExecutor(address=cluster, retries=1) as executor:
        outcomes = Pipeline(root=tmp_path, stages=(Count(root=tmp_path, unreadable=(1,)),)).run(executor)
        assert [failure.kind for failure in outcomes[0].failures] == ["InputError"]
        with pytest.raises(PipelineError, match="unit 1: WorkerDied: gave up after 1 retries"):
            Pipeline(root=tmp_path / "b", stages=(Count(root=tmp_path / "b", deadly=(1,)),)).run(executor)
    assert ShardSet(tmp_path / "b", "numbers").parts() == [0, 2, 3]
