"""Whether two versions predict the same: what `sample` kept of each, compared value by value."""

from typing import Any

TINY = 1e-9  # a champion's number that is nearer to zero counts as one that is as far from it


def agree(champion: Any, challenger: Any, tolerance: float) -> bool:
    """Return whether two samples, as JSON has them, say the same, up to `tolerance` relative to the champion's numbers.

    Whole numbers are classes here, as they are in podium_classes: they are equal or not.
    """
    one, other = champion, challenger
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(agree(value, other[name], tolerance) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(agree, one, other, [tolerance] * len(one)))
    if isinstance(one, bool) or isinstance(other, bool):  # which are numbers to Python
        return one is other
    if isinstance(one, float | int) and isinstance(other, float | int) and float in {type(one), type(other)}:
        return one == other or abs(one - other) <= tolerance * max(abs(one), TINY)
    return bool(one == other)
