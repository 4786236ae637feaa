"""The order of what a window holds: each once, every order equally likely, keys apart (the other is in test_reader)."""

from collections import Counter
from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corpus.reader.permutation import shuffled


@given(st.integers(0, 2000), st.binary(max_size=8))
def test_each_comes_once(size: int, key: bytes) -> None:
    """For any size, none too, and any key."""
    assert sorted(shuffled(size, key).tolist()) == list(range(size))


def test_small_orders_are_equally_likely() -> None:
    """Over 2,400 keys each order of four comes about 100 times: chi-square below its 0.999 quantile (49.7)."""
    seen = Counter(tuple(shuffled(4, str(key).encode()).tolist()) for key in range(2_400))
    assert sum((seen[order] - 100) ** 2 / 100 for order in permutations(range(4))) < 49.7


def test_neighbours_are_not_correlated() -> None:
    """Within four standard errors at lags 1 to 64; nor are the orders of two keys."""
    places = shuffled(100_000, b"lag").astype(float)
    centred = (places - places.mean()) / places.std()
    other = shuffled(100_000, b"lah").astype(float)
    found = [float(np.mean(centred[lag:] * centred[:-lag])) for lag in range(1, 65)]
    found.append(float(np.corrcoef(places, other)[0, 1]))
    assert max(map(abs, found)) < 4 / np.sqrt(100_000)
