"""Server-sent events: what a viewer is sent, and when."""

import asyncio
import json
from typing import Any

import pytest

from bench.page.fleets import fleet, kinds, placed
from podium.dashboard import app as app_module
from podium.dashboard.deployment_page import deployment_page
from podium.dashboard.fleet_page import fleet_page
from podium.dashboard.fragments import Page
from podium.dashboard.kept import Kept, Place
from podium.dashboard.selection import Selection
from podium.dashboard.stream import events
from tests.unit.dashboard.conftest import NOW, browsing, keeping

WITHIN = 20.0  # seconds: what has not come by then does not come
CANARY = Place("ml", "canary")


class Viewer:
    """One stream."""

    def __init__(self, kept: Kept, page: Any, tick: float = 1000.0) -> None:
        self._stream = events(kept, page, pause=0.001, tick=tick)

    async def next(self) -> dict[str, Any]:
        """The next event that says something."""
        async with asyncio.timeout(WITHIN):
            async for event in self._stream:
                if event.startswith("event: page\ndata: "):
                    assert event.endswith("\n\n")
                    found: dict[str, Any] = json.loads(event.partition("data: ")[2])
                    return found
        raise AssertionError("the stream has ended")

    async def raw(self) -> str:
        async with asyncio.timeout(WITHIN):
            return await anext(self._stream)

    async def leave(self) -> None:
        await self._stream.aclose()


def looking(kept: Kept, query: str = "") -> Viewer:
    asked = Selection.of(dict(part.split("=") for part in query.split("&")) if query else {})
    return Viewer(kept, lambda: fleet_page(kept, asked, NOW))


async def test_a_viewer_gets_all_parts_first_and_then_only_what_changed() -> None:
    kept = keeping(*fleet(30))
    viewer = looking(kept)
    first = await viewer.next()
    assert len(first["order"]["rows"]) == 30
    assert len(first["parts"]) == 33
    changed = kept[Place("team-000", "model-00007")].value
    changed["spec"]["paused"] = True
    kept.put([changed])
    second = await viewer.next()
    assert set(second["parts"]) == {"/team-000/model-00007"}
    assert "paused" in second["parts"]["/team-000/model-00007"]
    assert second["order"] == {}
    await viewer.leave()


async def test_rows_come_and_go_in_their_order() -> None:
    kept = keeping(*fleet(3))
    viewer = looking(kept)
    await viewer.next()
    kept.put([placed(kinds()["Stable"], "team-000", "model-00001-b")])
    second = await viewer.next()
    assert second["order"]["rows"][1:3] == ["/team-000/model-00001", "/team-000/model-00001-b"]
    kept.remove(Place("team-000", "model-00001"))
    third = await viewer.next()
    assert "/team-000/model-00001" not in third["order"]["rows"]
    await viewer.leave()


async def test_what_the_filter_leaves_out_is_not_sent() -> None:
    kept = keeping(*fleet(30))
    viewer = looking(kept, "phase=Canary")
    await viewer.next()
    changed = kept[Place("team-000", "model-00007")].value
    changed["spec"]["paused"] = True
    kept.put([changed])
    assert await viewer.raw() == ":\n\n"
    await viewer.leave()


async def test_the_sections_of_a_deployment_are_sent_as_they_change_until_it_is_deleted() -> None:
    kept = keeping(placed(kinds()["Canary"], *CANARY))

    def page() -> Page | None:
        return deployment_page(kept, kept[CANARY], NOW) if kept.entries else None

    viewer = Viewer(kept, page)
    assert list((await viewer.next())["order"]["sections"])[:3] == ["head", "steps", "guards"]
    kept.put([placed(kinds()["Soaking"], *CANARY)])
    second = await viewer.next()
    assert {"head", "steps", "guards", "decisions", "conditions"} <= set(second["parts"])
    assert "spec" not in second["parts"]
    kept.remove(CANARY)
    with pytest.raises(AssertionError, match="the stream has ended"):
        await viewer.next()


async def test_without_a_change_times_are_drawn_again() -> None:
    kept, moments = keeping(*fleet(3)), iter([NOW, NOW.replace(minute=30)])
    viewer = Viewer(kept, lambda: fleet_page(kept, Selection(), next(moments)), tick=0.01)
    await viewer.next()
    later = await viewer.next()
    assert all("ago" in part for part in later["parts"].values())
    await viewer.leave()


async def test_a_problem_is_told_and_goes_away() -> None:
    kept = keeping(*fleet(3))
    viewer = looking(kept)
    await viewer.next()
    kept.fail("503")
    assert "Not up to date: 503" in (await viewer.next())["parts"]["notes-text"]
    kept.listed({each.place for each in kept.entries})
    assert "503" not in (await viewer.next())["parts"]["notes-text"]
    await viewer.leave()


async def test_who_left_waits_no_more() -> None:
    kept = keeping()
    viewer = looking(kept)
    await viewer.next()
    assert kept.viewers == 1
    await viewer.leave()
    assert kept.viewers == 0


def test_there_is_an_end_to_viewers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "MOST_VIEWERS", 0)
    answer = browsing(keeping()).get("/live")
    assert answer.status_code == 503
    assert "0 viewers are connected already" in answer.text
    assert browsing(keeping()).get("/deployments/ml/gone/live").status_code == 404
