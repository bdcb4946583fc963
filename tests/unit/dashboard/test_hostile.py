"""Names, tags and messages come from pods, the registry and whoever may write objects: nothing of them is obeyed."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from bench.page.fleets import Json, kinds, placed
from podium.dashboard.fleet_page import fleet_page
from podium.dashboard.selection import Selection
from podium.dashboard.stream import events
from tests.unit.cli.conftest import EXPLAINED, saved
from tests.unit.dashboard.browser import Browser
from tests.unit.dashboard.conftest import NOW, browsing, keeping
from tests.unit.dashboard.reading import Document

ATTACK = (
    "</td></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}&lt;b&gt;\x00\x1b[2J\x9b\u202e\u2028"
)
NAME = ATTACK.replace("/", "")  # what no address could say leads nowhere
COMMANDS = ("\x00", "\x1b", "\x9b", "\u202e", "\u2028")
SAVED = sorted(path.stem for path in EXPLAINED.glob("*.yaml"))
SPOILED = {"message", "version", "name", "reason", "champion", "login", "model"}


def spoiled(value: Any, key: str = "") -> Any:
    """The same, where each free text of it attacks the reader."""
    if isinstance(value, dict):
        return {name: spoiled(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [spoiled(part, key) for part in value]
    return f"{value}{ATTACK}" if isinstance(value, str) and key in SPOILED else value


def attacks() -> list[Json]:
    """Objects that attack, of which some can be explained and others not."""
    found = [spoiled(value) for value in [*kinds().values(), *map(saved, SAVED)]]
    for at, value in enumerate(found):
        value["metadata"] |= {"name": f"x{at}{NAME}", "namespace": f"{NAME}{at}"}
        value["spec"]["guards" if at % 2 else "model"] = {"name": ATTACK, "version": ATTACK}
        value["status"]["trial" if at % 3 == 0 else "unknown"] = ATTACK
    return [*found, *({**saved(name), "status": messages(saved(name)["status"])} for name in SAVED)]


def messages(value: Any, key: str = "") -> Any:
    """The same, where each message attacks: it can be explained."""
    if isinstance(value, dict):
        return {name: messages(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [messages(part, key) for part in value]
    return ATTACK if key == "message" else value


def harmless(html: str) -> Document:
    """The page, if it is what its templates say and nothing else."""
    document = Document(html)
    assert document.problems == []
    assert not [letter for letter in COMMANDS if letter in html]
    for tag, attributes in document.elements:
        assert tag not in {"img", "b", "style", "iframe", "base"}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert {one.get("src") for one in document.all("script")} <= {"/static/live.js", "/static/sliders.js"}
    for one in document.all("a"):
        assert str(one["href"]).startswith(("./", "../", "#"))
    return document


@pytest.mark.parametrize("at", range(len(SAVED) * 2 + 6))
def test_no_object_writes_markup(at: int) -> None:
    value = attacks()[at]
    kept = keeping(value)
    client, (entry,) = browsing(kept), kept.entries
    assert "alert(1)" in harmless(client.get("/").text).text or entry.place.name == "churn"
    link = next(str(one["href"]) for one in harmless(client.get("/").text).all("a") if "/deploy" in str(one["href"]))
    answer = client.get(link)
    assert answer.status_code == 200
    document = harmless(answer.text)
    assert "alert(1)" in document.text
    assert "49" not in document.text.split("alert(1)")[1][:20]


def test_no_filter_writes_markup(client: Browser) -> None:
    for name in ("namespace", "phase", "text", "page", "other"):
        answer = client.get("/", params={name: ATTACK})
        assert answer.status_code == 200
        harmless(answer.text)


def test_no_address_writes_markup(client: Browser) -> None:
    answer = client.get("/deployments/ml/" + quote("<script>alert(1)<\x1b>"))
    assert answer.status_code == 404
    assert "ml/<script>alert(1)<" in harmless(answer.text).text
    harmless(client.get("/<script>alert(1)</script>").text)


async def test_no_event_ends_early_or_begins_another_one() -> None:
    kept = keeping(*attacks())
    stream = events(kept, lambda: fleet_page(kept, Selection(), NOW))
    await anext(stream)
    event = await anext(stream)
    await stream.aclose()
    first, second, *rest = event.split("\n")
    assert (first, rest) == ("event: page", ["", ""])
    found = json.loads(second.removeprefix("data: "))
    for part in found["parts"].values():
        harmless(part)


def test_two_objects_never_share_an_id() -> None:
    stable = kinds()["Stable"]
    odd = [("a/b", "c"), ("a", "b/c"), ("a b", "c"), ("a", "b c"), ("main", ""), ("", "main"), ("rows", "head")]
    html = browsing(keeping(*(placed(stable, *place) for place in odd))).get("/").text
    ids = Document(html).ids()
    assert len(ids) == len(set(ids))
    assert not [one for one in ids if " " in one]
