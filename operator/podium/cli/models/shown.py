"""What is shown of a version: as JSON for programs, and in words."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from podium.api.v1alpha1.values.base import format_time
from podium.cli.tables import age, table
from podium.core.signature import Column, Signature
from podium.registry import Comparison, Details, Version

NO_VALUE = "-"


def as_json(value: Any) -> str:
    """JSON of a shown value. JSON has no NaN: as MLflow's API, it says the word."""
    return json.dumps(value, indent=2)


def version_values(version: Version) -> dict[str, Any]:
    """A version as a program reads it."""
    return {
        "model": version.model,
        "version": version.number,
        "semver": str(version.semver) if version.semver is not None else None,
        "lifecycle": str(version.stage),
        "aliases": list(version.aliases),
        "mlflowStage": version.mlflow_stage or None,
        "status": version.status,
        "run": version.run or None,
        "runFound": version.run_found,
        "metrics": {key: _json_number(value) for key, value in sorted(version.metrics.items())},
        "params": dict(sorted(version.params.items())),
        "tags": dict(sorted(version.tags.items())),
        "source": version.source,
        "created": format_time(version.created) if version.created is not None else None,
    }


def details_values(details: Details) -> dict[str, Any]:
    """All of a version as a program reads it."""
    signature = details.signature
    parts = None if signature is None else {name: _columns(getattr(signature, name)) for name in _PARTS}
    return {**version_values(details.version), "digest": details.digest or None, "signature": parts}


def comparison_values(found: Comparison) -> dict[str, Any]:
    """A comparison as a program reads it."""
    change = found.difference
    return {
        "one": version_values(found.one),
        "other": version_values(found.other),
        "signature": None if change is None else {"change": str(change.step), "why": list(change.words)},
        "problem": found.problem or None,
    }


def version_table(versions: Sequence[Version], metrics: Sequence[str], now: datetime | None = None) -> str:
    """One line a version."""
    head = ("VERSION", "SEMVER", "LIFECYCLE", "ALIASES", "RUN", *(key.upper() for key in metrics), "CREATED")
    moment = now or datetime.now(UTC)
    rows = [
        (
            each.number,
            str(each.semver or NO_VALUE),
            str(each.stage),
            ", ".join(each.aliases) or NO_VALUE,
            each.run or NO_VALUE,
            *(number(each.metrics.get(key)) for key in metrics),
            age(each.created, moment) + (" ago" if each.created is not None else ""),
        )
        for each in versions
    ]
    return "\n".join(table(head, rows))


def number(value: float | None) -> str:
    """A metric; NaN by its name."""
    return NO_VALUE if value is None else f"{value:.6g}"


def signature_lines(signature: Signature) -> list[str]:
    """One line a column."""
    return [
        f"  {name[:-1]:<7} {column.name or f'number {place}'}: {_typed(column)}"
        for name in _PARTS
        for place, column in enumerate(getattr(signature, name) or (), 1)
    ]


_PARTS = ("inputs", "outputs", "params")


def _typed(column: Column) -> str:
    shape = "" if column.shape is None else f" ({', '.join(map(str, column.shape))})"
    return f"{'' if column.required else 'optional '}{column.type}{shape}"


def _columns(columns: Sequence[Column] | None) -> list[Mapping[str, Any]] | None:
    if columns is None:
        return None
    return [
        {
            "name": each.name,
            "type": each.type,
            "required": each.required,
            "shape": None if each.shape is None else list(each.shape),
        }
        for each in columns
    ]


def _json_number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
