"""The fleet: one row a ModelDeployment, filtered and in pages."""

from datetime import datetime
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from podium.dashboard.fragments import Page, about
from podium.dashboard.kept import Entry, Kept, Place
from podium.dashboard.look import address, html, short, since
from podium.dashboard.selection import Selection, named, window

_NAMESPACES: Final = 200  # that are suggested in the filter
_KEPT_ROWS: Final = 2_000  # rows that many viewers share


def fleet_page(kept: Kept, asked: Selection, now: datetime) -> Page:
    """The page that was asked for."""
    return _page(kept, kept.revision, asked, about(now))


@lru_cache(maxsize=64)
def _page(kept: Kept, revision: int, asked: Selection, now: datetime) -> Page:  # noqa: ARG001 - of this revision
    found = window(kept.entries, asked)
    return Page(
        title="Fleet",
        template="fleet.html",
        live=f"./live{asked.query}",
        regions={
            "notes": {"notes-text": html("notes.html", kept=kept)},
            "counts": {"counts-text": html("counts.html", window=found, kept=kept)},
            "rows": {_id(each.place): _row(each, *_times(each, now)) for each in found.rows},
            "pager": {"pager-links": html("pager.html", window=found)},
        },
        values={"asked": asked, "namespaces": found.namespaces[:_NAMESPACES]},
    )


def _times(each: Entry, now: datetime) -> tuple[str, str]:
    """How much time is left, and how long ago it was decided: the only parts of a row that time changes."""
    end = each.summary.earliest_end
    left = "" if end is None else f"≥ {short(end - now)}" if end > now else "due"
    return left, since(each.summary.decided_at, now)


@lru_cache(maxsize=_KEPT_ROWS)
def _row(each: Entry, left: str, decided: str) -> Markup:
    link = f"./{address('deployments', *each.place)}"
    shown = named(each.place)
    return html("row.html", row=each.summary, id=_id(each.place), link=link, name=shown, left=left, decided=decided)


def _id(place: Place) -> str:
    """An id that no other part has, and that no name can break out of: HTML's ids are free of spaces."""
    return f"/{address(*place)}"
