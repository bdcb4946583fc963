"""Kubernetes quantities: `500m`, `0.5` and `5e-1` say the same, and the API server may store any of them."""

import re
from decimal import Decimal

_PATTERN = re.compile(r"^([+-]?(?:[0-9]*\.?[0-9]+|[0-9]+\.))([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?$")
_BINARY = {unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
_DECIMAL = {unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), start=1)}
_SMALL = {unit: Decimal(1000) ** -power for power, unit in enumerate(("m", "u", "n"), start=1)}
_UNITS = {"": Decimal(1)} | _BINARY | _DECIMAL | _SMALL


def same_quantity(left: object, right: object) -> bool:
    """Whether two values are the same quantity, however they are written."""
    one, other = amount(left), amount(right)
    return one is not None and one == other


def amount(value: object) -> Decimal | None:
    """The quantity as a number, in its resource's unit: cores, bytes; None where it is no quantity."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    found = _PATTERN.match(str(value))
    if found is None:
        return None
    number, unit = found[1], found[2] or ""
    if unit in _UNITS:
        return Decimal(number) * _UNITS[unit]
    return Decimal(f"{number}{unit}")
