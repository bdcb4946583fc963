"""The signature in the text of an MLmodel file: read as text, bounded, and nothing of it is imported.

https://mlflow.org/docs/latest/ml/model/ has the form of the file. A signature in it is JSON, as text, in YAML.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from podium.core.signature import Column, Signature

FILE: Final = "MLmodel"
LARGEST: Final = 1024 * 1024  # bytes of the file
MOST_COLUMNS: Final = 10_000
_NAME: Final = 250  # characters


def parse(text: str) -> Signature | None:
    """The signature in the text of an MLmodel file. None where there is none, or none that can be understood."""
    try:
        found = yaml.safe_load(text)
        recorded = found.get("signature") if isinstance(found, Mapping) else None
        return _signature(recorded) if isinstance(recorded, Mapping) else None
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # the gate says that there is none: whoever wrote this did not mean to have one


def _signature(recorded: Mapping[str, Any]) -> Signature | None:
    parts = {part: _columns(recorded.get(part)) for part in ("inputs", "outputs", "params")}
    return Signature(**parts) if any(part is not None for part in parts.values()) else None


def _columns(recorded: object) -> tuple[Column, ...] | None:
    """The columns; None where nothing is said. Raises ValueError, TypeError or KeyError on anything but a schema."""
    columns = json.loads(recorded) if isinstance(recorded, str) else None
    if columns is None:
        return None
    if len(columns) > MOST_COLUMNS:
        raise ValueError(f"{len(columns)} columns")
    return tuple(map(_column, columns))


def _column(column: Mapping[str, Any]) -> Column:
    tensor = column.get("tensor-spec")
    kind = tensor["dtype"] if tensor else _type(column)
    return Column(
        name="" if column.get("name") is None else str(column["name"])[:_NAME],  # 0 is a name
        type=str(kind)[:_NAME],
        required=bool(column.get("required", True)),
        shape=_shape(tensor["shape"] if tensor else column.get("shape")),
    )


def _type(column: Mapping[str, Any]) -> str:
    """The type as text: `double`, and for what is made of others the whole of it, so that any change is one."""
    kind = str(column["type"])
    made_of = {key: column[key] for key in ("items", "properties", "values") if key in column}
    return f"{kind} {json.dumps(made_of, sort_keys=True)}" if made_of else kind


def _shape(recorded: Sequence[Any] | None) -> tuple[int, ...] | None:
    return None if recorded is None else tuple(int(length) for length in recorded[:32])
