"""A button that was pressed: the form is checked, the verb carried out, and its outcome shown."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from podium.dashboard.buttons import VERBS
from podium.dashboard.fragments import Page
from podium.dashboard.kept import Place
from podium.dashboard.look import address, html
from podium.dashboard.selection import named
from podium.dashboard.shield import Forms
from podium.dashboard.steering import Steering

_LARGEST: Final = 8_192  # bytes of a form
_FIELDS: Final = 10  # in it
_KIND: Final = "application/x-www-form-urlencoded"


class Pressed:
    """What answers the forms."""

    def __init__(self, steering: Steering, door: Forms, now: Callable[[], datetime]) -> None:
        self._steering = steering
        self._door = door
        self._now = now

    async def answer(self, request: Request) -> Response:
        """The outcome, with a way back."""
        place = Place(request.path_params["namespace"], request.path_params["name"])
        verb, form = VERBS.get(request.path_params["verb"]), await _form(request)
        if verb is None:
            raise HTTPException(404, "There is no such verb.")
        if not self._door.gave(form.get("csrf", "")):
            raise HTTPException(403, "The form is not of this page, or of an earlier start of it: go back and reload.")
        outcome, name = await self._steering.press(place, verb, form), named(place)
        values = {"outcome": outcome, "verb": verb, "name": name, "said": form.get(verb.field, "")}
        values |= {name: form.get(name, "") for name in ("does", "uid")}
        title = f"{verb.label}: {name}"
        page = Page(title, template="pressed.html", live="", regions={}, values=values, home="../../../")
        link = f"../{address(place.name)}"
        shown = html("pressed.html", page=page, now=self._now(), link=link, csrf=self._door.csrf, **values)
        return HTMLResponse(shown, status_code=200 if outcome.done else 409)


async def _form(request: Request) -> Mapping[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _KIND:
        raise HTTPException(415, f"Expected a form ({_KIND}).")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise HTTPException(413, f"Expected a form of at most {_LARGEST} bytes.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError as error:
        raise HTTPException(400, "Expected a form in UTF-8 with few fields.") from error
