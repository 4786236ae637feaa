"""Decimal numbers as bytes: what the kernels that read and write web graphs have in common.

An id or a count is canonical: ASCII digits, no sign, no leading zero, at most ten of them, which is what 32 bits can
need.

A rank is a Java float or double, since Common Crawl's ranks files are written by one (`JoinSortRanks.addRanks`): the
shortest digits that read back as the same number, plain from 0.001 to below 10^7 and with an exponent elsewhere, and
always a digit on both sides of the point: 0.0060586143500985495, 3.528883E7, 1.0E-10 (Java SE, `Double.toString`).
Before version 19 Java gave some doubles a digit more than they need (JDK-4511638); none of the 8,000 published values
that the tests read is one of them.
"""

import re
from typing import Any, Final

import numpy as np

from corpus.kernels import inlined, kernel

NEWLINE: Final = 10
RETURN: Final = 13
TAB: Final = 9
ZERO: Final = 48
POINT: Final = ord(".")
MOST: Final = 10
NUMBER: Final = re.compile(rb"0|[1-9][0-9]{0,9}")
_SIGNS: Final = (ord("-"), ord("+"))
_U: Any = np.uint64
_I: Any = np.int64


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


@kernel
def put_number(number: Any, out: Any, at: Any) -> Any:
    """Write an unsigned number at out[at] (uint8[n]); return where it ends."""
    size, rest = _U(1), number
    while rest >= _U(10):
        rest //= _U(10)
        size += _U(1)
    for k in range(size):
        out[at + size - _U(1) - _U(k)] = _U(ZERO) + number % _U(10)
        number //= _U(10)
    return at + size


@kernel
def put_java(text: Any, start: int, end: int, out: Any, at: int) -> Any:
    """Write the decimal text[start:end], such as 0.00012 or 1.2e-4, as Java would; return where it ends.

    The text is no negative number and has the digits that are due; at most 24 bytes come of it.
    """
    stop, power = start, 0
    while stop < end and text[stop] != ord("e"):
        stop += 1
    for i in range(stop + 1, end):
        if text[i] not in _SIGNS:
            power = power * 10 + text[i] - ZERO
    if stop + 1 < end and text[stop + 1] == _SIGNS[0]:
        power = -power
    point, first, last = stop, -1, -1
    for i in range(start, stop):
        if text[i] == POINT:
            point = i
        elif text[i] != ZERO:
            last = i
            first = i if first < 0 else first
    if first < 0:
        out[at], out[at + 1], out[at + 2] = ZERO, POINT, ZERO
        return at + 3
    power += point - first - 1 if first < point else point - first
    whole = power + 1 if 0 <= power < 7 else 1  # digits before the point
    if -3 <= power < 0:
        out[at], out[at + 1] = ZERO, POINT
        at += 2
        for _ in range(-power - 1):
            out[at] = ZERO
            at += 1
        whole = -1
    at = _put_digits(text, first, last, whole, out, at)
    if -3 <= power < 7:
        return at
    out[at] = ord("E")
    at += 1
    if power < 0:
        out[at] = _SIGNS[0]
        at += 1
    return _I(put_number(_U(abs(power)), out, _U(at)))


@kernel
def _put_digits(text: Any, first: int, last: int, whole: int, out: Any, at: int) -> Any:
    """Write the digits of text[first : last + 1], a point behind `whole` of them (-1: none); return where they end."""
    begin = at
    for i in range(first, last + 1):
        if text[i] != POINT:
            if at - begin == whole:
                out[at] = POINT
                at += 1
            out[at] = text[i]
            at += 1
    while at - begin < whole:
        out[at] = ZERO
        at += 1
    if at - begin == whole:
        out[at], out[at + 1] = POINT, ZERO
        at += 2
    return at
