"""Decimal numbers as bytes: what the kernels that read and write web graphs have in common.

A number is canonical: ASCII digits, no sign, no leading zero, at most ten of them, which is what 32 bits can need.
"""

import re
from typing import Any, Final

import numpy as np

from corpus.kernels import inlined

NEWLINE: Final = 10
RETURN: Final = 13
TAB: Final = 9
ZERO: Final = 48
MOST: Final = 10
NUMBER: Final = re.compile(rb"0|[1-9][0-9]{0,9}")
_U: Any = np.uint64


@inlined
def digits_at(data: Any, i: Any) -> Any:
    """Return what the digits at data[i] (uint8[n]) spell, modulo 2**64, and where they end; something else follows.

    Nothing follows a leading zero, so 07 is a zero and then something else. That they are 1 to MOST digits is for the
    caller to ask, in a branch: of a test that stands here the compiler makes a selection, then every byte waits for all
    before it, and it takes twice as long.
    """
    found = _U(0)
    digit = _U(data[i]) - _U(ZERO)
    if digit == _U(0):
        return found, i + _U(1)
    while digit < _U(10):
        found = found * _U(10) + digit
        i += _U(1)
        digit = _U(data[i]) - _U(ZERO)
    return found, i
