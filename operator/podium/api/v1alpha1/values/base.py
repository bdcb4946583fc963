"""What all API models share: frozen values in camelCase, Go-style durations, percent shares, timestamps."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from podium.api.v1alpha1.values.rules import Rule, with_rules

# Six digits: Go's durations, which CEL reads, end after 292 years.
DURATION_PATTERN = r"^([0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m|h))+$"
PERCENT_PATTERN = r"^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$"
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST = 1e10  # seconds, 317 years: longer ones take moments out of any calendar
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Value(BaseModel):
    """A frozen value of the API. Unknown fields are refused: a typo must never be silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)
    RULES: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        for rule in self.RULES:
            rule.check(self)
        return self

    def __deepcopy__(self, memo: dict[int, object] | None = None) -> Self:
        """Itself: it never changes. pydantic copies each default of a field, which was most of the time of a read."""
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        inner = handler.resolve_ref_schema(schema)
        inner.update(with_rules(inner, cls.RULES))
        return schema


def parse_duration(value: object) -> object:
    """A Go-style duration (`90s`, `1h30m`) as a timedelta. Raises ValueError on any other string."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(DURATION_PATTERN, value):
        raise ValueError(f"expected a duration such as 90s, 5m or 1h30m, found {value!r}")
    parts = re.findall(r"([0-9.]+)(ms|s|m|h)", value)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > _LONGEST:
        raise ValueError(f"expected a duration of at most {_LONGEST:.0f} seconds, found {value!r}")
    return timedelta(seconds=seconds)


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
        raise ValueError(f"expected a share in percent such as 1% or 0.5%, found {value!r}")
    return float(value.removesuffix("%")) / 100


def format_percent(value: float) -> str:
    """A fraction as percent with at most three significant digits, for messages: 0.0612 is `6.12%`."""
    return f"{value * 100:.3g}%"


def write_percent(value: float) -> str:
    """A fraction as percent in full, so that what was read is what is written: 0.012345 is `1.2345%`."""
    return f"{value * 100:.12f}".rstrip("0").rstrip(".") + "%"


def format_time(value: datetime) -> str:
    """A moment as RFC 3339 in UTC, to the millisecond, without the fraction where it is zero."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000Z", "Z")


def within_reach(value: datetime) -> datetime:
    """The moment in UTC, not so far away that a duration before or after it is no moment any more.

    Without a time zone it is one in UTC: so RFC 3339 is not, and the API server takes it all the same.
    """
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return min(max(value, _FIRST), _LAST)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": DURATION_PATTERN, "maxLength": 32, "examples": ["90s", "5m", "1h30m"]}
    ),
]
Percent = Annotated[
    float,
    BeforeValidator(parse_percent),
    PlainSerializer(write_percent, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PERCENT_PATTERN, "maxLength": 16, "examples": ["1%", "0.5%"]}),
]
Time = Annotated[
    datetime,
    AfterValidator(within_reach),
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def duration_between(low: str, high: str) -> Rule:
    """A rule for a Duration: not under `low` and not over `high`."""
    least, most = parse_duration(low), parse_duration(high)
    return Rule(
        cel=f"duration(self) >= duration('{low}') && duration(self) <= duration('{high}')",
        message=f"must be between {low} and {high}",
        holds=lambda value: least <= value <= most,
    )


def percent_between(low: str, high: str) -> Rule:
    """A rule for a Percent: not under `low` and not over `high`."""
    least, most = parse_percent(low), parse_percent(high)
    number = "double(self.replace('%', ''))"
    return Rule(
        cel=f"{number} >= double('{low[:-1]}') && {number} <= double('{high[:-1]}')",
        message=f"must be between {low} and {high}",
        holds=lambda value: least <= value <= most,
    )
