"""Values and templates become HTML. All that is written out is escaped, and can command neither browser nor reader."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from podium.api.v1alpha1.values.base import format_duration, format_percent, format_time
from podium.core.printable import plain

_TONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("Failed", "Rejected", "Aborted", "Blocked", "RollingBack", "RolledBack", "False"), "bad"),
    **dict.fromkeys(("Passed", "Promoted", "Stable", "True"), "good"),
    **dict.fromkeys(("Inconclusive", "Pending", "not checked yet", "Unknown"), "open"),
}
_UNITS: Final = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m"))
_TWICE: Final = 2  # a unit is used from here on
_MANY: Final = 1000  # of evidence, from which on its fraction says nothing


def html(template: str, **values: Any) -> Markup:
    """The template with these values."""
    return Markup(_templates.get_template(template).render(**values))  # noqa: S704 - escaped by the template


def since(moment: datetime | None, now: datetime) -> str:
    """How long ago, in minutes at the least: what changes each second would be sent each second."""
    return short(now - moment) if moment is not None else "–"


def short(time: timedelta) -> str:
    """A time as kubectl says an age, in minutes at the least."""
    for size, unit in _UNITS:
        if time >= (_TWICE * size if unit != "m" else size):
            return f"{time // size}{unit}"
    return "<1m"


def tone(word: str) -> str:
    """The colour of a verdict, phase or status, which is always written out as well."""
    return _TONES.get(word, "plain")


def evidence(towards: float, alpha: float) -> str:
    """E of a test, of which `towards` is log E / log(1/α)."""
    return number(alpha**-towards)


def number(value: float) -> str:
    """With two digits after the point, where these say something."""
    return f"{value:,.0f}" if value >= _MANY else f"{value:.3g}"


def lines(text: str) -> Markup:
    """Text of many lines for `<pre>`."""
    return Markup("\n").join(map(plain, text.split("\n")))


def moment(value: datetime) -> str:
    """A time for people: UTC, to the second."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def address(*parts: str) -> str:
    """A path of these parts, whatever is in them. It is relative: what it begins with is a secret of this start."""
    return "/".join(quote(part, safe="") for part in parts)


def _shown(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_templates.filters.update(
    address=address,
    count=lambda value: f"{value:,}",
    duration=lambda seconds: format_duration(timedelta(seconds=round(seconds))),
    evidence=evidence,
    iso=format_time,
    lines=lines,
    moment=moment,
    number=number,
    percent=format_percent,
    rough=lambda seconds: short(timedelta(seconds=seconds)),
    tone=tone,
)
