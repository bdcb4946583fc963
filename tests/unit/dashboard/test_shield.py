"""Who may ask the page, and what its answers let a browser do."""

import socket
from email.message import Message
from http.cookiejar import CookieJar
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import Request
from urllib.response import addinfourl

import pytest

from podium.dashboard.app import routed
from podium.dashboard.kept import Kept
from podium.dashboard.server import listening
from podium.dashboard.shield import HEADERS, Door
from tests.unit.dashboard.browser import Browser
from tests.unit.dashboard.conftest import DOOR, NOW, browsing, keeping

PAGES = ("/", "/live", "/deployments/ml/stable", "/deployments/ml/stable/live", "/static/podium.css", "/static/live.js")
WITHOUT_STREAMS = tuple(page for page in PAGES if not page.endswith("live"))
STATIC = Path(__file__).parents[3] / "operator/podium/dashboard/static"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:8911", "localhost.evil.example:8910", "", "0:8910"]
)
@pytest.mark.parametrize("page", PAGES)
def test_a_name_that_leads_here_by_a_trick_of_dns_reads_nothing(client: Browser, page: str, host: str) -> None:
    answer = client.get(page, headers={"Host": host})
    assert answer.status_code == 421
    assert "churn" not in answer.text


def test_two_hosts_are_none(client: Browser) -> None:
    hosts = [("Host", "127.0.0.1:8910"), ("Host", "evil.example")]
    assert client.get("/", headers=hosts).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8910", "localhost:8910"])
def test_its_own_names_are_welcome(client: Browser, host: str) -> None:
    assert client.get("/", headers={"Host": host, "Cookie": f"{DOOR.cookie}={DOOR.token}"}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_in_the_browser_can_lead_here_and_not_read(client: Browser, site: str) -> None:
    asks = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
    assert client.get("/", headers=asks).status_code == 403
    framed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert client.get("/", headers=framed).status_code == 403
    leads = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/", headers=leads).status_code == 200
    assert client.request("POST", "/", headers={**leads, "Origin": "http://127.0.0.1:8910"}).status_code == 403


@pytest.mark.parametrize("page", ["/", "/live", "/deployments/ml/stable", "/deployments/ml/stable/live", "/docs"])
@pytest.mark.parametrize("token", [None, "", "wrong", "öffne", DOOR.token[:-1]])
def test_without_the_token_nothing_is_read(client: Browser, page: str, token: str | None) -> None:
    client.cookies.clear()
    headers = {} if token is None else {"Cookie": f"{DOOR.cookie}={token}".encode()}
    for query in ("", f"?token={token}"):
        answer = client.get(page + query, headers=headers)
        assert answer.status_code == 403
        assert "podium dashboard has printed" in answer.text


def test_the_printed_address_opens_the_page_once_and_leaves_no_token_in_it(client: Browser) -> None:
    client.cookies.clear()
    answer = client.get(DOOR.address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/key/")
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/key/"))
    assert client.get("/").status_code == 200
    assert client.get("/?phase=Stable&token=whatever").headers["location"] == "/key/?phase=Stable"


def test_the_address_without_the_token_is_never_another_hosts(client: Browser) -> None:
    answer = client.get(f"http://127.0.0.1:8910/key//evil.example/?token={DOOR.token}")
    assert answer.headers["location"] == "/key//evil.example/"


@pytest.mark.parametrize("path", ["/", "/kex/", "/key", "/KEY/", "//", "/kéy/", "/deployments/ml/stable"])
def test_the_cookie_alone_opens_nothing(client: Browser, path: str) -> None:
    """A browser sends it to each port of 127.0.0.1: whoever of this machine listens there had the whole credential."""
    answer = client.get(f"http://127.0.0.1:8910{path}")
    assert answer.status_code == 403
    own = {"Origin": "http://127.0.0.1:8910"}
    assert client.request("POST", f"http://127.0.0.1:8910{path}", headers=own).status_code == 403
    client.cookies.clear()
    assert client.get(f"http://127.0.0.1:8910{path}?token={DOOR.token}").status_code == 403


def test_the_browser_sends_the_cookie_to_no_path_that_another_port_can_ask_for() -> None:
    jar, opened = CookieJar(), "http://127.0.0.1:8910/key/"
    answer = browsing(keeping()).app
    first = Browser(answer, {}).get(DOOR.address)
    response: Any = addinfourl(BytesIO(), Message(), opened)
    response.headers["Set-Cookie"] = first.headers["set-cookie"]
    jar.extract_cookies(response, Request(opened))
    for address, sent in ((opened, True), ("http://127.0.0.1:8911/", False), ("http://127.0.0.1:8911/key", False)):
        asked = Request(address)
        jar.add_cookie_header(asked)
        assert asked.has_header("Cookie") is sent, address


def test_a_cookie_that_another_port_has_set_shuts_no_viewer_out(client: Browser) -> None:
    for cookies in (f"{DOOR.cookie}=x; {DOOR.cookie}={DOOR.token}", f"{DOOR.cookie}={DOOR.token}; {DOOR.cookie}=x"):
        assert client.get("/", headers={"Cookie": cookies}).status_code == 200


def test_no_page_names_the_key(client: Browser) -> None:
    """What a page says can be copied; its links lead on all the same."""
    for page in ("/", "/deployments/ml/stable", "/none"):
        assert "/key/" not in client.get(page).text


def test_a_token_is_not_told_to_who_prints_the_door() -> None:
    door = Door(1)
    assert not [secret for secret in (door.token, door.key, door.csrf) if secret in repr(door)]
    assert len(Door(1).token) >= 43
    assert Door(1).token != Door(1).token


@pytest.mark.parametrize("page", [*WITHOUT_STREAMS, "/none"])
@pytest.mark.parametrize("token", [True, False])
def test_every_answer_has_the_headers(client: Browser, page: str, token: bool) -> None:
    if not token:
        client.cookies.clear()
    answer = client.get(page)
    assert {name: answer.headers.get(name) for name in HEADERS} == dict(HEADERS)
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_what_is_static_asks_no_other_host_and_writes_no_code() -> None:
    for file in STATIC.iterdir():
        text = file.read_text()
        assert "http" not in text.replace("http-equiv", "")
        assert not [word for word in ("eval(", "document.write", "localStorage", "document.cookie") if word in text]


@pytest.mark.parametrize(
    "origin", [None, "null", "http://127.0.0.1:8911", "https://127.0.0.1:8910", "http://evil.example"]
)
def test_what_is_no_question_comes_from_this_page_alone(client: Browser, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    assert client.request("POST", "/", headers=headers).status_code == 403
    both = [("Origin", "http://127.0.0.1:8910"), ("Origin", "http://evil.example")]
    assert client.request("POST", "/", headers=both).status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_no_route_takes_anything_but_a_question(client: Browser, method: str) -> None:
    own = {"Origin": "http://127.0.0.1:8910"}
    for page in PAGES:
        assert client.request(method, page, headers=own).status_code == 405
    assert client.request(method, "/deployments/ml/stable/pause", headers=own).status_code == 404
    assert {frozenset(getattr(route, "methods", ())) for route in routed(Kept(), DOOR, lambda: NOW, None).routes} == {
        frozenset({"GET", "HEAD"})
    }


def test_a_page_that_fails_tells_the_terminal_alone(client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Kept, place: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(Kept, "__getitem__", broken)
    quiet = Browser(client.app, {DOOR.cookie: DOOR.token}, raises=False)
    answer = quiet.get("/deployments/ml/stable")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_the_socket_is_on_loopback_and_a_taken_port_is_an_error() -> None:
    with listening(0) as found:
        address, port = found.getsockname()
        assert address == "127.0.0.1"
        found.listen()
        with pytest.raises(OSError, match="in use"):
            listening(port)
        assert isinstance(found, socket.socket)
