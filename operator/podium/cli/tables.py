"""Tables for people, and JSON for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import click

from podium.api.v1alpha1.values.base import format_time
from podium.core.printable import plain

COLOURS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("Failed", "Drifted", "Rejected", "Aborted", "Blocked", "RollingBack", "RolledBack", "False", "Warning"), "red"
    ),
    **dict.fromkeys(("Passed", "Promoted", "Stable", "True"), "green"),
    **dict.fromkeys(("Inconclusive", "Pending", "not checked yet", "Unknown"), "yellow"),
}
_GAP: Final = "  "
_UNITS: Final = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m"))
_TWICE: Final = 2  # a unit is used from here on, so that an age has two digits or a smaller unit


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with columns as wide as their widest cell. What cells hold cannot command the terminal."""
    shown = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *shown, strict=True)]
    yield click.style(_line(head, widths), bold=True)
    for row in shown:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield _GAP.join(map(coloured, padded)).rstrip()


def coloured(cell: str) -> str:
    """The word in its colour, where it has one."""
    colour = COLOURS.get(cell.strip())
    return click.style(cell, fg=colour) if colour else cell


def to_json(value: object, *, indent: int | None = 2) -> str:
    """A dataclass, or a list of them, with times in RFC 3339. JSON escapes whatever a terminal would obey."""
    return json.dumps(_plain(value), indent=indent, default=_moment)


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, as kubectl says it: 45s, 12m, 3h, 9d."""
    if since is None:
        return "-"
    passed = max(now - since, timedelta())
    for size, unit in _UNITS:
        if passed >= _TWICE * size:
            return f"{passed // size}{unit}"
    return f"{int(passed.total_seconds())}s"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _moment(value: object) -> str:
    assert isinstance(value, datetime)
    return format_time(value)
