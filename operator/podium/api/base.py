"""What all API models share: frozen values in camelCase, Go-style durations, percent shares, timestamps, CEL rules."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

DURATION_PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
PERCENT_PATTERN = r"^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Value(BaseModel):
    """A frozen value of the API. Unknown fields are refused: a typo must never be silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules for the API server, as (expression, message) pairs, in the place where the schema carries them."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


def parse_duration(value: object) -> object:
    """A Go-style duration (`90s`, `1h30m`) as a timedelta. Raises ValueError on any other string."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(DURATION_PATTERN, value):
        raise ValueError(f"wanted a duration such as 90s, 5m or 1h30m, found {value!r}")
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", value)
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def format_duration(value: timedelta) -> str:
    """A timedelta as Go prints it, without zero parts: `1h30m`, `90s` as `1m30s`, `0s`."""
    milliseconds = round(value.total_seconds() * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_percent(value: object) -> object:
    """A share written in percent (`0.5%`) as a fraction between 0 and 1. Raises ValueError on any other string."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(PERCENT_PATTERN, value):
        raise ValueError(f"wanted a share in percent such as 1% or 0.5%, found {value!r}")
    return float(value.removesuffix("%")) / 100


def format_percent(value: float) -> str:
    """A fraction as percent with at most three significant digits: 0.0612 is `6.12%`."""
    return f"{value * 100:.3g}%"


def format_time(value: datetime) -> str:
    """A moment as RFC 3339 in UTC, to the millisecond, without the fraction where it is zero."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000Z", "Z")


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "maxLength": 32}),
]
Percent = Annotated[
    float,
    BeforeValidator(parse_percent),
    PlainSerializer(format_percent, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PERCENT_PATTERN, "maxLength": 16}),
]
Time = Annotated[
    datetime,
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
