"""Numbers as bytes, against Python's own and a plain form of Java's."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sitegraph.cc.digits import put_java, put_number


def java(value: float | np.float32) -> str:
    """Return a number as Java prints it, from the shortest digits that Python or numpy find: the oracle."""
    _, digits, exponent = Decimal(str(value)).normalize().as_tuple()
    spelled, power = "".join(map(str, digits)), len(digits) - 1 + int(exponent)
    if value == 0:
        return "0.0"
    if 0 <= power < 7:
        return f"{spelled[: power + 1]:0<{power + 1}}.{spelled[power + 1 :] or '0'}"
    if -3 <= power < 0:
        return f"0.{'0' * (-power - 1)}{spelled}"
    return f"{spelled[0]}.{spelled[1:] or '0'}E{power}"


def written(value: float | np.float32) -> str:
    """Return a number as the kernel writes it from the decimal that Arrow makes."""
    text = np.frombuffer(pc.cast(pa.array([value]), pa.string())[0].as_py().encode(), np.uint8)
    out = np.zeros(24, np.uint8)
    return out[: put_java(text, 0, len(text), out, 0)].tobytes().decode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (1.0, "1.0"),
        (100.0, "100.0"),
        (1234567.5, "1234567.5"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (35288830.0, "3.528883E7"),
        (0.001, "0.001"),
        (0.0060586143500985495, "0.0060586143500985495"),
        (0.0009, "9.0E-4"),
        (3.2351504002726885e-4, "3.2351504002726885E-4"),
        (5e-324, "4.9E-324"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (2.2250738585072014e-308, "2.2250738585072014E-308"),
    ],
)
def test_java_numbers(value: float, text: str) -> None:
    """By the rule of Double.toString; the smallest double alone has a digit more in Java than it needs."""
    assert written(value) == text.replace("4.9E-324", "5.0E-324")
    assert float(text) == value


@settings(deadline=None)
@example(1e22)
@example(123456789012345680.0)
@given(st.floats(0, allow_infinity=False, allow_nan=False))
def test_doubles_as_java_prints_them(value: float) -> None:
    """Equal to the plain form, and read back as the same number."""
    assert written(value) == java(value)
    assert float(written(value)) == value


@settings(deadline=None)
@given(st.floats(0, allow_infinity=False, allow_nan=False, width=32))
def test_floats_as_java_prints_them(value: float) -> None:
    """A float of 32 bits has the digits that tell it from other floats, not those of the double it also is."""
    assert written(np.float32(value)) == java(np.float32(value))
    assert np.float32(written(np.float32(value))) == np.float32(value)


@settings(deadline=None)
@example(0)
@example(2**64 - 1)
@given(st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 19).map(lambda k: 10**k), st.integers(1, 10**10)))
def test_numbers(number: int) -> None:
    """Equal to str, at the place asked for."""
    out = np.zeros(24, np.uint8)
    end = put_number(np.uint64(number), out, np.uint64(3))
    assert out[:end].tobytes() == b"\0\0\0" + str(number).encode()
