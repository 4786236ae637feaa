"""Signatures against datasketch, bands against their definition."""

import numpy as np
import pytest
from datasketch import MinHash as Oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.dedup.minhash import MinHash, band_keys, keys_of, recall_at, recall_curve, signature
from corpus.errors import SettingError


@settings(deadline=None)  # the first call compiles
@given(
    hashes=st.lists(st.integers(0, 2**32 - 1), max_size=50),
    bands=st.integers(1, 16),
    rows=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
)
def test_signature_equals_datasketch(hashes: list[int], bands: int, rows: int, seed: int) -> None:
    """Signatures are bit-identical to datasketch 2, scheme affine32, fed with the same 32-bit hashes."""
    oracle = Oracle(num_perm=bands * rows, seed=seed, scheme="affine32", hashfunc=int)
    oracle.update_batch(hashes)
    found = signature(np.array(hashes, np.uint32), MinHash(bands=bands, rows=rows, seed=seed))
    assert found.dtype == oracle.hashvalues.dtype == np.uint32
    assert found.tolist() == oracle.hashvalues.tolist()


def test_default_is_datasketchs_112_permutations() -> None:
    """The default settings are 112 permutations, seed 1."""
    oracle = Oracle(num_perm=112, seed=1, scheme="affine32", hashfunc=int)
    oracle.update_batch(range(1000))
    assert signature(np.arange(1000, dtype=np.uint32)).tolist() == oracle.hashvalues.tolist()


def test_lower_half_of_the_shingle_hash_is_used() -> None:
    """Only the lower 32 bits of a shingle hash reach the signature."""
    low = np.array([7, 2**32 - 1], np.uint64)
    assert keys_of(low | np.uint64(5 << 32)).tolist() == band_keys(signature(low.astype(np.uint32))).tolist()


@settings(deadline=None)  # the first call compiles
@given(changed=st.integers(0, 111))
def test_a_key_depends_on_its_band_alone(changed: int) -> None:
    """Changing one minimum changes the key of its band and no other."""
    found = np.arange(112, dtype=np.uint32)
    keys = band_keys(found)
    found[changed] ^= 1
    assert np.flatnonzero(band_keys(found) != keys).tolist() == [changed // 8]


def test_bands_of_equal_rows_have_different_keys() -> None:
    """The number of the band is part of its key."""
    assert len(set(band_keys(np.zeros(112, np.uint32)).tolist())) == 14


def test_recall_matches_simulation() -> None:
    """The stated recall is the share of random pairs of that similarity whose signatures share a band."""
    rng = np.random.default_rng(5)
    hits, trials = 0, 400
    for _ in range(trials):
        pool = rng.choice(2**32, 150, replace=False).astype(np.uint64)
        left, right = pool[:125], np.concatenate([pool[:100], pool[125:]])  # 100 shared of 150: 2/3
        hits += bool((keys_of(left) == keys_of(right)).any())
    assert abs(hits / trials - recall_at(2 / 3, 14, 8)) < 0.09  # 3.6 standard deviations of 400 trials


def test_curve_prints_known_values() -> None:
    """At 0.8, 14 bands of 8 rows find 1 - (1 - 0.8^8)^14 = 92.35 %, 8 bands of 16 rows 20.4 %."""
    assert "0.80      92.35%" in recall_curve()
    assert "0.80      20.42%" in recall_curve(8, 16)


@pytest.mark.parametrize("wrong", [{"bands": 0}, {"rows": 0}, {"seed": -1}])
def test_bad_settings_are_refused(wrong: dict[str, int]) -> None:
    """Settings out of range are refused with the field's name."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        MinHash(**wrong)
