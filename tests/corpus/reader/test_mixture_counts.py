"""How many sequences of each component there have been, at every step, counted in the ids that came."""

from collections import Counter
from pathlib import Path

import pytest
from coded_roots import draw, write_coded

from corpus.errors import SettingError
from corpus.reader import Batch, ReaderSettings, Stage, TokenReader

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Document n is of component n mod 3."""
    return write_coded(tmp_path_factory.mktemp("counts"), draw(600, 5, components=NAMES))


def components_of(batch: Batch) -> Counter[str]:
    """Return how many sequences are of each component; one that is of two fails."""
    found: Counter[str] = Counter()
    for ids, segments in zip(batch["input_ids"], batch["segment_ids"], strict=True):
        (kind,) = {int(document) % 3 for document in ids[segments > 0] >> 12}
        found[NAMES[kind]] += 1
    return found


@pytest.mark.parametrize("packing", ["concat", "best_fit"])
@pytest.mark.parametrize("mixture", [{"a": 0.7, "b": 0.3}, {"a": 6, "b": 3, "c": 1}, {"a": 1, "b": 1, "c": 1}])
def test_counts_are_never_a_sequence_off_their_shares(folder: Path, packing: str, mixture: dict[str, float]) -> None:
    """After every step, over all lanes; of two components half a sequence at most, of three three quarters."""
    settings = ReaderSettings(sequence_length=16, batch_size=24, lanes=12, mixture=mixture, packing=packing, repeat=3)  # type: ignore[arg-type]
    counts: Counter[str] = Counter()
    worst, sequences = 0.0, 0
    for batch in TokenReader(folder, settings):
        counts += components_of(batch)
        sequences += 24
        total = sum(mixture.values())
        worst = max(worst, *(abs(counts[name] - sequences * w / total) for name, w in mixture.items()))
    assert worst <= 1 - 1 / max(2, 2 * len(mixture) - 2)
    assert sequences > 24 * 30


def test_stages_that_share_a_component_are_held_to_the_cap_together(folder: Path) -> None:
    """Each pattern is a source of its own: what one has read the other may read again, and that is counted."""
    stages = (Stage(mixture={"a": 1}, steps=3), Stage(mixture={"[ab]": 1}, steps=3))
    with pytest.raises(SettingError, match=r"'a' and '\[ab\]' both match the component 'a' and may read a document"):
        TokenReader(folder, ReaderSettings(sequence_length=16, batch_size=8, stages=stages))
    twice = ReaderSettings(sequence_length=16, batch_size=8, stages=stages, repeat=2)
    assert TokenReader(folder, twice).plan.steps == 6
    apart = (Stage(mixture={"a": 1}, steps=3), Stage(mixture={"a": 1, "b": 1}, steps=3))
    assert TokenReader(folder, ReaderSettings(sequence_length=16, batch_size=8, stages=apart)).plan.steps == 6
