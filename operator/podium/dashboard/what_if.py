"""`podium simulate` as a page: sliders, and what would come of the rollout if things were as they say."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from podium.core.status.explanation import Unexplained, parsed
from podium.dashboard.fragments import Page
from podium.dashboard.kept import Entry, Place
from podium.dashboard.look import address, html
from podium.dashboard.selection import named
from podium.dashboard.sliders import SLIDERS, START, Assumption, OutOfBounds
from podium.dashboard.trying import SEED, NotTried, Trying

TEMPLATE: Final = "what_if.html"


class WhatIf:
    """What answers the form of the sliders."""

    def __init__(self, find: Callable[[Place], Entry], trying: Trying, now: Callable[[], datetime]) -> None:
        self._find = find
        self._trying = trying
        self._now = now

    async def answer(self, request: Request) -> Response:
        """The figures, or why there are none; the sliders stand as they were asked."""
        entry = self._find(Place(request.path_params["namespace"], request.path_params["name"]))
        assumption, found, problem, status = START, None, "", 200
        try:
            assumption = Assumption.of(request.query_params)
            parsed(entry.value)
            found = await self._trying.answer({"spec": entry.value.get("spec"), **assumption.values})
        except OutOfBounds as error:
            problem, status = str(error), 400
        except Unexplained as error:
            problem, status = f"this version of Podium cannot read it: {error}", 409
        except NotTried as error:
            problem, status = str(error), error.status
        name, link = named(entry.place), f"../{address(entry.place.name)}"
        values: dict[str, Any] = {"name": name, "link": link, "found": found, "problem": problem, "asked": assumption}
        values |= {"sliders": SLIDERS, "seed": SEED, "action": "./what-if"}
        page = Page(f"What if: {name}", TEMPLATE, live="", regions={}, values=values, home="../../../")
        return HTMLResponse(html(TEMPLATE, page=page, now=self._now(), **values), status_code=status)
