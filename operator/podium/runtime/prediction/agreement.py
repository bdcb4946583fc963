"""Whether two versions predict the same: what `sample` kept of each, compared value by value."""

from ctypes import c_float
from typing import Any, Final

TINY: Final = 1e-9  # a champion's number that is nearer to zero counts as one that is as far from it

# A sum ends in other digits where it is added up in another order: beside more rows, or on another kind of CPU. So far
# apart are equal predictions, relative to numbers from `_SCALE` on, and absolutely below, where terms cancel out.
_ROUNDED: Final = 1e-9  # in double precision
_ROUNDED_SINGLE: Final = 1e-5  # in single precision
_SCALE: Final = 0.1


def agree(champion: Any, challenger: Any, tolerance: float) -> bool:
    """Return whether two samples, as JSON has them, say the same, up to `tolerance` relative to the champion's numbers.

    Whole numbers are classes here, as they are in podium_classes: they are equal or not. Samples may be nested deeper
    than Python calls functions.
    """
    pending = [(champion, challenger)]
    while pending:
        one, other = pending.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            pending += ((value, other[name]) for name, value in one.items())
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            pending += zip(one, other, strict=True)
        elif not _same(one, other, tolerance):
            return False
    return True


def _same(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):  # which are numbers to Python
        return one is other
    if isinstance(one, float | int) and isinstance(other, float | int) and float in {type(one), type(other)}:
        apart = max(tolerance * max(abs(one), TINY), _rounded(one, other) * max(abs(one), _SCALE))
        return one == other or abs(one - other) <= apart
    return bool(one == other)


def _rounded(one: float, other: float) -> float:
    """How far apart, relative to it, the two can be by rounding alone. Whole numbers may be classes: not at all."""
    if float(one).is_integer() and float(other).is_integer():
        return 0.0
    single = c_float(one).value == one and c_float(other).value == other
    return _ROUNDED_SINGLE if single else _ROUNDED
