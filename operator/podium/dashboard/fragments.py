"""A page in parts, each with an id, in regions that hold them in order: what changed is sent part by part."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

Regions = Mapping[str, Mapping[str, Markup]]  # by region, by id of the part; each part is one element of that id


@dataclass(frozen=True, eq=False)
class Page:
    """What a viewer sees, whole and in parts."""

    title: str
    template: str
    live: str  # where its events are, as seen from the page
    regions: Regions
    values: Mapping[str, Any]  # that its template needs beside the regions
    home: str = "./"  # the way to the fleet from here


def difference(known: Page | None, page: Page) -> dict[str, Any]:
    """What a viewer who has `known` has to change; empty where there is nothing."""
    had: Regions = known.regions if known is not None else {}
    order = {region: list(parts) for region, parts in page.regions.items() if list(had.get(region, ())) != list(parts)}
    before = {name: part for parts in had.values() for name, part in parts.items()}
    now = {name: part for parts in page.regions.values() for name, part in parts.items()}
    parts = {name: str(part) for name, part in now.items() if before.get(name) != part}
    return {"order": order, "parts": parts} if order or parts else {}


def about(now: datetime) -> datetime:
    """The time to ten seconds: many who look at once are shown one page, made once."""
    return now.replace(second=now.second // 10 * 10, microsecond=0)
