"""Apply rules to columns: which thresholds each document fails, and the component of those that are kept.

Columns are Arrow arrays of one row group; all work is done on whole columns. A missing value passes a threshold unless
the threshold says `null = "drop"`; NaN counts as missing.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpus.quality.columns import is_text
from corpus.quality.thresholds import UNDETERMINED, Components, Rules, Threshold

Columns = Mapping[str, pa.Array | pa.ChunkedArray]
Mask = NDArray[np.bool_]
OTHER: Final = "other"


def failures(columns: Columns, rules: Rules) -> dict[str, Mask]:
    """Return, per threshold in order, which documents fail it (one bool per row).

    `columns` must hold `language` and all of `rules.signals`, of equal length.
    """
    languages = np.asarray(pc.fill_null(columns["language"], UNDETERMINED).to_numpy(zero_copy_only=False), object)
    found = {}
    for threshold in rules.thresholds:
        special = {name: own[threshold.name] for name, own in rules.overrides.items() if threshold.name in own}
        plain = ~np.isin(languages, list(special)) if special else np.ones(len(languages), np.bool_)
        mask = plain & _fails(columns, threshold, languages)
        for language, own in special.items():
            mask |= (languages == language) & _fails(columns, own, languages)
        found[threshold.name] = mask
    return found


def _fails(columns: Columns, threshold: Threshold, languages: NDArray[np.object_]) -> Mask:
    if threshold.off:
        return np.zeros(len(languages), np.bool_)
    column = columns[threshold.signal]
    mask = _text_fails(column, threshold) if is_text(threshold.signal) else _number_fails(column, threshold)
    if threshold.languages is not None:
        mask &= np.isin(languages, threshold.languages)
    return mask


def _number_fails(column: pa.Array | pa.ChunkedArray, threshold: Threshold) -> Mask:
    values = numbers(column)
    missing = np.isnan(values)
    low, high = (values.dtype.type(bound) if bound is not None else np.nan for bound in (threshold.min, threshold.max))
    mask: Mask = (values < low) | (values > high) | (missing & (threshold.null == "drop"))
    return mask


def _text_fails(column: pa.Array | pa.ChunkedArray, threshold: Threshold) -> Mask:
    missing = column.is_null().to_numpy(zero_copy_only=False)
    mask = missing & (threshold.null == "drop")
    if threshold.values is not None:
        mask = mask | (~missing & ~_among(column, threshold.values))
    if threshold.refused is not None:
        mask = mask | _among(column, threshold.refused)
    return np.asarray(mask, np.bool_)


def _among(column: pa.Array | pa.ChunkedArray, values: tuple[str, ...]) -> Mask:
    found: Mask = pc.is_in(column, value_set=pa.array(values, pa.string())).to_numpy(zero_copy_only=False)
    return found


def numbers(column: pa.Array | pa.ChunkedArray) -> NDArray[np.floating]:
    """Return a numeric or bool column as floats, missing values as NaN.

    float32 stays float32: bounds are rounded to it too, so that a share stored as 0.3 is not above a bound of 0.3.
    """
    kind = pa.float32() if pa.types.is_float32(column.type) else pa.float64()
    plain = column.cast(pa.uint8()) if pa.types.is_boolean(column.type) else column
    return np.asarray(plain.cast(kind).to_numpy(zero_copy_only=False))


def components(columns: Columns, rules: Components) -> NDArray[np.object_]:
    """Return the component name of every document (str objects)."""
    names = pc.fill_null(columns["language"], UNDETERMINED).to_numpy(zero_copy_only=False)
    languages = np.asarray(names, object)
    if rules.languages is not None:
        languages = np.where(np.isin(languages, rules.languages), languages, OTHER)
    fields = {"language": languages}
    for name, band in rules.bands.items():
        values = numbers(columns[band.signal])
        labels = np.array([*band.names, band.null], object)
        place = np.where(np.isnan(values), len(band.names), np.searchsorted(band.cuts, values, side="right"))
        fields[name] = labels[place]
    rows = zip(*fields.values(), strict=True)
    made = [rules.name.format(**dict(zip(fields, row, strict=True))) for row in rows]
    return np.array(made, object)
