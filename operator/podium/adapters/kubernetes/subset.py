"""Whether a live object holds all that was asked for.

The API server adds defaults, rewrites quantities and drops empty values, and others may add fields of their own:
none of that is drift. A value that was asked for and is now another one, is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from podium.core.quantity import same_quantity

_QUANTITIES = frozenset({"limits", "requests"})


def holds(live: Any, desired: Mapping[str, Any], *, quantities: bool = False) -> bool:
    """Return whether an object of the cluster has the metadata and the spec (a ConfigMap: data) that were asked for.

    Not its kind: the API server leaves that out of the items of a list. `quantities` is whether any value of the spec
    may be one.
    """
    if not isinstance(live, Mapping) or not contains(live.get("metadata"), desired["metadata"]):
        return False
    body = "spec" if "spec" in desired else "data"
    return contains(live.get(body), desired[body], quantities=quantities)


def contains(live: Any, desired: Any, *, quantities: bool = False) -> bool:
    """Return whether everything in `wanted` is in `live`. Lists of named things are matched by name."""
    if isinstance(desired, Mapping):
        return _contains_mapping(live, desired, quantities=quantities)
    if isinstance(desired, Sequence) and not isinstance(desired, str):
        return _contains_list(live, desired, quantities=quantities)
    if live == desired or (_empty(desired) and _empty(live)):
        return True
    return quantities and same_quantity(live, desired)


def _contains_mapping(live: Any, desired: Mapping[str, Any], *, quantities: bool) -> bool:
    if not isinstance(live, Mapping):
        return _empty(live) and all(map(_empty, desired.values()))
    return all(
        contains(live.get(key), value, quantities=quantities or key in _QUANTITIES) for key, value in desired.items()
    )


def _contains_list(live: Any, desired: Sequence[Any], *, quantities: bool) -> bool:
    found = live if isinstance(live, Sequence) and not isinstance(live, str) else []
    if desired and all(isinstance(item, Mapping) and "name" in item for item in desired) and _distinct(desired):
        named = {item.get("name"): item for item in found if isinstance(item, Mapping)}
        return all(contains(named.get(item["name"]), item, quantities=quantities) for item in desired)
    pairs = zip(found, desired, strict=False)
    return len(found) == len(desired) and all(contains(one, other, quantities=quantities) for one, other in pairs)


def _distinct(named: Sequence[Any]) -> bool:
    """Two references to one Gateway, say, have the same name."""
    return len({item["name"] for item in named}) == len(named)


def _empty(value: Any) -> bool:
    # Go's `omitempty` drops these, so the API server gives back nothing where they were asked for.
    if isinstance(value, Mapping):
        return all(map(_empty, value.values()))
    return value is None or value in ("", 0) or (isinstance(value, Sequence) and not value)
