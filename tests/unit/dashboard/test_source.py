"""What is kept follows the API server: lists in parts, watches, and failures in between."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from bench.page.fleets import Json, fleet, kinds, placed
from podium.adapters.kubernetes.api import Api
from podium.dashboard.kept import Kept, Place
from podium.dashboard.source import follow
from podium.errors import PodiumError, Unavailable

PATH = "/apis/podium.dev/v1alpha1/modeldeployments"


class Script:
    """An API server that answers lists and watches one after the other, and then says that the test is over."""

    def __init__(self, *answers: Json | Sequence[Json] | PodiumError) -> None:
        self.asked: list[dict[str, str]] = []
        self.over = asyncio.Event()
        self._answers = list(answers)

    async def get(self, path: str, *, within: float) -> Any:
        assert path.startswith(f"{PATH}?")
        self.asked.append({name: value for name, (value,) in parse_qs(urlsplit(path).query).items()})
        return await self._next()

    async def watch(self, path: str, *, since: str, within: float) -> AsyncIterator[Json]:
        assert path == PATH
        self.asked.append({"since": since})
        for event in await self._next():
            yield event

    async def _next(self) -> Any:
        if not self._answers:
            self.over.set()
            await asyncio.Event().wait()
        found = self._answers.pop(0)
        if isinstance(found, PodiumError):
            raise found
        return found


async def followed(script: Script) -> tuple[Kept, list[float]]:
    """What is kept once the script is over, and the pauses until then."""
    kept, pauses = Kept(), []

    async def wait(seconds: float) -> None:
        pauses.append(seconds)

    task = asyncio.create_task(follow(cast("Api", script), PATH, kept, wait))
    async with asyncio.timeout(20):
        await script.over.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return kept, pauses


def listed(values: Sequence[Json], version: str, rest: str = "") -> Json:
    return {"items": list(values), "metadata": {"resourceVersion": version, "continue": rest}}


def at(version: str, value: Json) -> Json:
    return {**value, "metadata": {**value["metadata"], "resourceVersion": version}}


def names(kept: Kept) -> list[str]:
    return [each.place.name for each in kept.entries]


async def test_a_large_fleet_is_listed_in_parts_and_watched_from_there() -> None:
    there = fleet(4)
    script = Script(listed(there[:2], "7", "more"), listed(there[2:], "7"))
    kept, _ = await followed(script)
    assert script.asked == [{"limit": "500"}, {"limit": "500", "continue": "more"}, {"since": "7"}]
    assert names(kept) == [value["metadata"]["name"] for value in there]
    assert kept.complete
    assert "managedFields" not in kept.entries[0].text


async def test_changes_come_one_by_one_and_a_watch_that_ends_goes_on_from_the_last() -> None:
    first, second, third = fleet(3)
    events = [
        {"type": "ADDED", "object": at("8", third)},
        {"type": "DELETED", "object": at("9", second)},
        {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "12"}}},
    ]
    script = Script(listed([first, second], "7"), events, [{"type": "MODIFIED", "object": at("13", first)}])
    kept, pauses = await followed(script)
    assert names(kept) == ["model-00000", "model-00002"]
    assert [asked.get("since") for asked in script.asked] == [None, "7", "12", "13"]
    assert pauses == []


async def test_a_version_that_is_too_old_is_a_new_list_without_what_is_gone() -> None:
    first, second = fleet(2)
    script = Script(listed([first, second], "7"), Unavailable("410 Gone"), listed([second], "90"))
    kept, pauses = await followed(script)
    assert names(kept) == ["model-00001"]
    assert (kept.problem, pauses) == ("", [1.0])


async def test_an_api_server_that_is_away_is_told_and_asked_less_and_less() -> None:
    script = Script(listed(fleet(1), "7"), *[Unavailable("away")] * 6)
    kept, pauses = await followed(script)
    assert pauses == [1.0, 2.0, 5.0, 15.0, 15.0, 15.0]
    assert kept.problem == "away"
    assert names(kept) == ["model-00000"]


async def test_what_cannot_be_read_is_kept_as_it_is() -> None:
    odd: Json = {"metadata": {"namespace": "ml", "name": "odd"}, "spec": None, "status": ["?"]}
    kept, _ = await followed(Script(listed([odd, placed(kinds()["Stable"], "ml", "stable")], "7")))
    assert names(kept) == ["odd", "stable"]
    assert kept[Place("ml", "odd")].summary.problem.startswith("spec: ")
