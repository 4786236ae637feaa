"""Plans are made of row groups, not of sequences: large ones are made and asked quickly (15 M in tests/accept)."""

import numpy as np
import pytest
from big_plans import COMPONENTS, SETTINGS, milliseconds, sizes

from corpus.reader import ReaderSettings
from corpus.reader.plan import Plan
from corpus.reader.settings import Packing

GROUPS = 200_000


@pytest.mark.parametrize(("packing", "epochs"), [("concat", 50), ("best_fit", 2)])
def test_any_batch_of_trillions_of_tokens_is_planned_in_milliseconds(packing: Packing, epochs: int) -> None:
    """0.2 T tokens; the last sequence of the run is found, past 2^32 with fifty epochs, and its window's row groups."""
    of = np.repeat(np.arange(len(COMPONENTS), dtype=np.int16), GROUPS // len(COMPONENTS))
    settings = ReaderSettings(**SETTINGS, packing=packing, epochs=epochs)
    plan = Plan(settings, "dataset", COMPONENTS, sizes(GROUPS), of)
    assert plan.steps is not None
    assert plan.steps * 1024 > (1 << 32 if epochs == 50 else 1 << 27)
    located = plan.locate(63, plan.steps * 16 - 1)
    place = located.passed.places(63, located.within)[0]
    assert len(located.passed.parts(63, place.window)) in range(1, 9)
    plan.locate(0, 0)
    times = milliseconds(plan, plan.steps_per_epoch, draws=40)
    assert times[len(times) // 2] < 5


def test_numbers_of_components_are_as_good_as_names() -> None:
    """Two bytes to a row group in place of a pointer."""
    of = np.array([2, 0, 1, 1, 3, 0] * 50, np.int16)
    settings = ReaderSettings(sequence_length=100, batch_size=4, mixture={"a": 1, "[bc]": 1})
    plans = [
        Plan(settings, "dataset", COMPONENTS, np.full(300, 1000), kind)
        for kind in (of, np.array(list("abcd"), object)[of])
    ]
    one, two = ([source.members.tolist() for source in plan.sources.values()] for plan in plans)
    assert one == two
