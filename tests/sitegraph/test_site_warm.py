"""Kernels are loaded before a unit's clock starts: also those that only large graphs need."""

from pathlib import Path

import numpy as np
import pytest

import sitegraph.warm
from sitegraph.ranks.ranking import Ranking
from sitegraph.ranks.sweep import pull_chunks
from sitegraph.store import linking, sorting, spill
from sitegraph.warm import LARGE, warm_build, warm_rank

NARROW, WIDE = np.dtype(np.float32), np.dtype(np.float64)


@pytest.mark.parametrize(
    ("arcs", "expected"), [(0, []), (LARGE, []), (LARGE + 1, ["host", "host", "domain", "domain"])]
)
def test_sweeps_of_a_large_graph_are_warmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arcs: int, expected: list[str]
) -> None:
    """Narrow and wide, at both levels, decoding; for a small one nothing is compiled that it does not need."""
    seen: list[str] = []
    pageranks = sitegraph.warm.pageranks

    def noting(passes: object, *given: object, **more: object) -> object:
        assert passes._held is None  # type: ignore[attr-defined]
        seen.append(passes.graph.level)  # type: ignore[attr-defined]
        return pageranks(passes, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(sitegraph.warm, "pageranks", noting)
    warm_rank(tmp_path, Ranking(), arcs)
    assert seen == expected
    assert not list(tmp_path.glob("*"))


def test_what_is_warmed_is_what_a_large_graph_compiles(tmp_path: Path) -> None:
    """The kernel that decodes has both kinds of contributions then."""
    warm_rank(tmp_path, Ranking(), LARGE + 1)
    kinds = {np.dtype(str(signature[4].dtype)) for signature in pull_chunks.signatures}  # type: ignore[attr-defined]
    assert {NARROW, WIDE} <= kinds


def test_what_a_build_of_a_large_graph_compiles_is_warmed(tmp_path: Path) -> None:
    """Sorting by slot, domains that fall among it, and out-degrees of arcs in any order."""
    warm_build(tmp_path)
    kernels = (sorting.deal, linking.hold_runs, linking.count_distinct, spill.count_sources)
    assert all(kernel.signatures for kernel in kernels)  # type: ignore[attr-defined]
