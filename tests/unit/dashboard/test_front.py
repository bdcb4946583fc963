"""The page in a cluster: who is let in, as whom the API server is asked, and what each visitor sees and changes."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from kubernetes.aio.client import Configuration

from bench.page.fleets import kinds, placed
from podium.adapters.kubernetes.api import Api
from podium.dashboard import seats as seats_module
from podium.dashboard.front import Front
from podium.dashboard.logins import Logins
from podium.dashboard.page_settings import PageSettings
from podium.dashboard.seats import Seats, connecting
from podium.dashboard.visitors import Visitor
from podium.errors import Rejected
from tests.unit.cli.api_server import ALL, NAMED, TOKEN, ApiServer, serving

ORIGIN = "https://podium.example.com"
CHURN = f"{NAMED}/churn"
ALICE = {
    "username": "alice",
    "uid": "7",
    "groups": ["ml", "system:authenticated"],
    "extra": {"Scopes/x": ["read"], "authentication.kubernetes.io/pod-name": ["x"]},
}
PROXY = "10.0.0.7"
Asking = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with serving() as found:
        found.tokens = {"of-alice": ALICE, "of-bob": {"username": "bob", "groups": ["system:authenticated"]}}
        found.put(CHURN, {**placed(kinds()["Stable"], "ml", "churn")})
        yield found


class Page:
    """The page over an API server, asked from an address."""

    def __init__(self, server: ApiServer, **settings: str) -> None:
        given = {f"PODIUM_PAGE_{name.upper()}": value for name, value in settings.items()}
        self.settings = PageSettings.from_environment({"PODIUM_PAGE_ORIGIN": ORIGIN, **given})
        self.configuration = Configuration(host=server.url)
        self.configuration.api_key = {"BearerToken": f"Bearer {TOKEN}"}
        self.now = 0.0
        self.api = Api(self.configuration)
        self.seats = Seats(self.settings, connecting(self.configuration), b"secret", lambda: self.now)
        self.front = Front(self.settings, Logins(self.api, self.settings, lambda: self.now), self.seats)

    async def ask(
        self, path: str = "/", method: str = "GET", *, by: str = PROXY, token: str = "", **asked: Any
    ) -> httpx.Response:
        headers = {"Host": "podium.example.com", **asked.pop("headers", {})}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(self.front, client=(by, 1))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.request(method, path, headers=headers, **asked)


@asynccontextmanager
async def paging(server: ApiServer, **settings: str) -> AsyncIterator[Page]:
    page = Page(server, **settings)
    try:
        yield page
    finally:
        await page.seats.end()
        await page.api.close()


# --- who asks ---------------------------------------------------------------------------------------------------------


async def test_who_says_no_name_is_let_in_nowhere(server: ApiServer) -> None:
    async with paging(server) as page:
        for path in ("/", "/deployments/ml/churn", "/live", "/static/podium.css"):
            answer = await page.ask(path)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="podium"')
        assert server.users == []


async def test_a_token_that_the_api_server_knows_is_its_user_with_all_groups_and_extras(server: ApiServer) -> None:
    async with paging(server) as page:
        answer = await page.ask(token="of-alice")
        assert (answer.status_code, "ml/churn" in answer.text) == (200, True)
    assert set(server.users) == {"alice"}
    assert server.groups[0] == ["ml", "system:authenticated"]
    *_, uid, scope = Visitor.of_review(ALICE).headers()
    assert (uid, scope) == (("Impersonate-Uid", "7"), ("Impersonate-Extra-scopes%2Fx", "read"))


async def test_a_token_that_it_does_not_know_is_refused_and_asked_about_once(server: ApiServer) -> None:
    async with paging(server) as page:
        for _ in range(3):
            assert (await page.ask(token="stolen")).status_code == 401
        assert len(server.reviews) == 1
        server.tokens["stolen"] = {"username": "carol"}
        page.now = 11
        assert (await page.ask(token="stolen")).status_code == 200
        del server.tokens["stolen"]
        page.now = 70
        assert (await page.ask(token="stolen")).status_code == 200
        page.now = 72
        assert (await page.ask(token="stolen")).status_code == 401


@pytest.mark.parametrize("said", ["Basic YTpi", "Bearer", "Bearer  ", f"Bearer {'x' * 20_000}", "of-alice"])
async def test_any_other_login_is_refused(server: ApiServer, said: str) -> None:
    async with paging(server, anonymous="on", trusted_proxies=PROXY) as page:
        asked = {"Authorization": said, "X-Forwarded-User": "alice"}
        assert (await page.ask(headers=asked)).status_code == 401
        assert server.users == []


async def test_a_proxy_is_believed_where_it_is_trusted_and_refused_elsewhere(server: ApiServer) -> None:
    named = {"X-Forwarded-User": "alice", "X-Forwarded-Groups": "ml, data"}
    async with paging(server, trusted_proxies="10.0.0.0/24, ::1", anonymous="on") as page:
        assert (await page.ask(headers=named)).status_code == 200
        assert (await page.ask(headers=named, by="::ffff:10.0.0.9")).status_code == 200
        assert (set(server.users), server.groups[0]) == ({"alice"}, ["data", "ml"])
        server.users.clear()
        for by in ("10.0.1.7", "not-an-address"):
            assert (await page.ask(headers=named, by=by)).status_code == 403
            assert (await page.ask(headers={"X-Forwarded-Groups": "ml"}, by=by)).status_code == 403
        assert server.users == []
    async with paging(server) as page:
        assert (await page.ask(headers=named)).status_code == 403


@pytest.mark.parametrize(
    "named",
    [
        {"X-Forwarded-User": "system:admin"},
        {"X-Forwarded-User": "alice", "X-Forwarded-Groups": "ml,system:masters"},
        {"X-Forwarded-User": "alice", "X-Forwarded-Groups": ",".join(map(str, range(300)))},
        {"X-Forwarded-User": " "},
        {"X-Forwarded-Groups": "ml"},
    ],
)
async def test_no_name_of_kubernetes_own_comes_from_a_header(server: ApiServer, named: dict[str, str]) -> None:
    async with paging(server, trusted_proxies=PROXY, anonymous="on") as page:
        assert (await page.ask(headers=named)).status_code in {401, 403}
        assert server.users == []


async def test_two_names_are_none(server: ApiServer) -> None:
    async with paging(server, trusted_proxies=PROXY) as page:
        transport = httpx.ASGITransport(page.front, client=(PROXY, 1))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            asked = [("Host", "podium.example.com"), ("X-Forwarded-User", "alice"), ("X-Forwarded-User", "bob")]
            assert (await client.get("/", headers=asked)).status_code == 401


async def test_the_nameless_may_look_where_that_is_switched_on_and_never_change(server: ApiServer) -> None:
    async with paging(server, anonymous="on") as page:
        answer = await page.ask("/deployments/ml/churn")
        assert answer.status_code == 200
        assert (set(server.users), server.groups[0]) == ({"system:anonymous"}, ["system:unauthenticated"])
        assert 'method="post"' not in answer.text
        pressed = await page.ask("/deployments/ml/churn/pause", "POST", headers={"Origin": ORIGIN}, data={"csrf": "x"})
        assert pressed.status_code in {404, 405}
        assert server.patches == []


async def test_an_api_server_that_does_not_answer_lets_no_one_in(server: ApiServer) -> None:
    async with paging(server) as page:
        page.api.configuration.host = "http://127.0.0.1:1"
        assert (await page.ask(token="of-alice")).status_code == 503


# --- from where -------------------------------------------------------------------------------------------------------


async def test_only_the_pages_own_name_and_pages_are_answered(server: ApiServer) -> None:
    async with paging(server) as page:
        assert (await page.ask(token="of-alice", headers={"Host": "evil.example.com"})).status_code == 421
        assert (await page.ask(token="of-alice", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
        answer = await page.ask("/healthz", headers={"Host": "10.1.2.3:8910"})
        assert (answer.status_code, answer.text) == (200, "ok")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


# --- what they see and change -----------------------------------------------------------------------------------------


async def test_what_one_visitor_may_read_another_one_does_not_see(server: ApiServer) -> None:
    server.readers = {"alice"}
    async with paging(server) as page:
        assert "ml/churn" in (await page.ask(token="of-alice")).text
        other = await page.ask(token="of-bob")
        assert "ml/churn" not in other.text
        assert "user bob may not" in other.text
        assert (await page.ask("/deployments/ml/churn", token="of-bob")).status_code == 404


async def test_a_right_that_is_taken_away_takes_away_what_is_shown(server: ApiServer) -> None:
    async with paging(server) as page:
        assert "ml/churn" in (await page.ask(token="of-alice")).text
        (seat,) = page.seats._seats.values()
        server.readers = set()
        with seat.kept.changes() as changed:
            server.end_watches()
            while seat.kept.entries:
                await changed.wait()
                changed.clear()
        answer = await page.ask(token="of-alice")
        assert ("ml/churn" in answer.text, "alice may not" in answer.text) == (False, True)


async def test_namespaces_that_are_named_are_read_one_by_one(server: ApiServer) -> None:
    other = NAMED.replace("/ml/", "/shop/")
    server.put(other, {"items": [placed(kinds()["Stable"], "shop", "fraud")], "metadata": {}})
    async with paging(server, namespaces="ml, shop") as page:
        await page.ask(token="of-alice")
        (seat,) = page.seats._seats.values()
        with seat.kept.changes() as changed:
            while len(seat.kept.entries) < 2:
                await changed.wait()
                changed.clear()
        text = (await page.ask(token="of-alice")).text
    assert ("ml/churn" in text, "shop/fraud" in text) == (True, True)
    assert server.reads[ALL] == 0


def csrf_of(answer: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert found is not None
    return found[1]


def fields_of(answer: httpx.Response, verb: str) -> dict[str, str]:
    form = re.search(rf'<form[^>]*action="[^"]*/{verb}".*?</form>', answer.text, re.DOTALL)
    assert form is not None
    return dict(re.findall(r'name="([a-z]+)" value="([^"]*)"', form[0]))


async def press(page: Page, token: str, form: dict[str, str], **headers: str) -> int:
    asked = {"Origin": ORIGIN, **headers}
    answer = await page.ask("/deployments/ml/churn/pause", "POST", token=token, headers=asked, data=form)
    return answer.status_code


async def test_a_button_writes_as_the_visitor_and_only_with_the_visitors_own_form(server: ApiServer) -> None:
    async with paging(server) as page:
        shown = await page.ask("/deployments/ml/churn", token="of-alice")
        form = fields_of(shown, "pause")
        others = csrf_of(await page.ask("/deployments/ml/churn", token="of-bob"))
        assert form["csrf"] != others
        assert await press(page, "of-alice", {**form, "csrf": others}) == 403
        assert await press(page, "of-alice", form, Origin="https://evil.example.com") == 403
        assert await press(page, "", form) == 401
        assert server.patches == []
        assert await press(page, "of-alice", form) == 200
    assert [path for path, _ in server.patches] == [CHURN]
    assert server.writers == ["alice"]


async def test_who_lacks_the_right_sees_why_and_a_forged_request_is_refused(server: ApiServer) -> None:
    server.allowed = False
    async with paging(server) as page:
        shown = await page.ask("/deployments/ml/churn", token="of-bob")
        assert "you lack the right to patch modeldeployments.podium.dev in namespace ml" in shown.text
        server.refused_writes[CHURN] = (403, "bob may not patch")
        form = {"csrf": csrf_of(await page.ask("/deployments/ml/churn", token="of-alice"))}
        assert await press(page, "of-bob", form) == 403
        assert server.patches == []


async def test_read_only_has_neither_buttons_nor_routes(server: ApiServer) -> None:
    async with paging(server, read_only="on") as page:
        assert 'method="post"' not in (await page.ask("/deployments/ml/churn", token="of-alice")).text
        assert await press(page, "of-alice", {"csrf": "x"}) in {404, 405}


# --- seats ------------------------------------------------------------------------------------------------------------


async def test_visitors_who_left_make_room_and_no_more_than_there_are_seats_sit(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats_module, "MOST", 2)
    async with paging(server) as page:
        users = {name: Visitor(name) for name in ("a", "b", "c", "d")}
        first = await page.seats.of(users["a"])
        page.now = 1
        await page.seats.of(users["b"])
        with first.kept.changes():
            page.now = 2
            await page.seats.of(users["c"])
            assert set(page.seats._seats) == {users["a"], users["c"]}
            with (await page.seats.of(users["c"])).kept.changes():
                answer = await page.ask(token="of-alice")
                assert answer.status_code == 503
        page.now = 1000
        await page.seats.of(users["d"])
        assert set(page.seats._seats) == {users["d"]}


async def test_seats_that_were_used_at_the_same_moment_can_be_told_apart(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats_module, "MOST", 2)
    async with paging(server) as page:
        for name in ("a", "b", "c"):
            await page.seats.of(Visitor(name))
        assert len(page.seats._seats) == 2


async def test_two_requests_of_a_newcomer_sit_on_one_seat_while_another_makes_room(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats_module, "MOST", 1)
    async with paging(server) as page:
        await page.seats.of(Visitor("a"))
        page.now = 1
        first, second = await asyncio.gather(page.seats.of(Visitor("b")), page.seats.of(Visitor("b")))
        assert first is second


async def test_a_tenants_service_accounts_share_places_and_take_no_one_elses(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats_module, "MOST", 4)
    monkeypatch.setattr(seats_module, "SHARE", 2)
    async with paging(server) as page, AsyncExitStack() as streams:
        alice = Visitor("alice")
        await page.seats.of(alice)
        for number in range(9):
            page.now += 1
            await page.seats.of(Visitor(f"system:serviceaccount:evil:{number}"))
        assert alice in page.seats._seats
        assert len(page.seats._seats) == 3, "the last two, and alice"
        for number in (7, 8):
            seat = await page.seats.of(Visitor(f"system:serviceaccount:evil:{number}"))
            streams.enter_context(seat.kept.changes())
        with pytest.raises(seats_module.Full, match="2 visitors of namespace evil look at the page already"):
            await page.seats.of(Visitor("system:serviceaccount:evil:9"))
        await page.seats.of(Visitor("system:serviceaccount:good:0"))
        assert len(page.seats._seats) == 4


# --- streams ----------------------------------------------------------------------------------------------------------


class Stream:
    """A request for the fleet's stream, which lasts."""

    def __init__(self, page: Page, by: str = PROXY, **headers: str) -> None:
        asked = {"host": "podium.example.com", **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": "/live",
            "query_string": b"",
            "client": (by, 1),
            "headers": [(name.encode(), value.encode()) for name, value in asked.items()],
        }
        self.status, self.text, self.ended = 0, b"", False
        self._told, self._asked = asyncio.Event(), False
        self._task = asyncio.create_task(page.front(scope, self._receive, self._send))

    async def opened(self) -> int:
        """The status, once it is there."""
        async with asyncio.timeout(20):
            while not self.status:
                await self._told.wait()
                self._told.clear()
        return self.status

    async def end(self) -> None:
        """Wait until the page ends it."""
        async with asyncio.timeout(20):
            await self._task

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _receive(self) -> dict[str, Any]:
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"")
        self.ended = message["type"] == "http.response.body" and not message.get("more_body")
        self._told.set()


async def test_a_stream_ends_with_the_token_that_opened_it(server: ApiServer) -> None:
    async with paging(server) as page:
        page.front._again = 0.01
        stream = Stream(page, authorization="Bearer of-alice")
        assert await stream.opened() == 200
        del server.tokens["of-alice"]
        page.now = 61
        await stream.end()
        assert stream.ended
        assert await Stream(page, authorization="Bearer of-alice").opened() == 401


async def test_a_stream_lasts_while_its_token_is_known_and_the_api_server_may_be_away(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with paging(server) as page:
        page.front._again = 0.01
        asked, looks, looked = page.front._is_still, list[bool](), asyncio.Event()

        async def counted(*of: Any) -> bool:
            looks.append(await asked(*of))
            looked.set()
            return looks[-1]

        monkeypatch.setattr(page.front, "_is_still", counted)
        stream = Stream(page, authorization="Bearer of-alice")
        for host in (server.url, "http://127.0.0.1:1"):
            page.api.configuration.host = host
            page.now += 61
            looks.clear()
            async with asyncio.timeout(20):
                while len(looks) < 3:
                    await looked.wait()
                    looked.clear()
            assert all(looks)
            assert not stream.ended
        await stream.leave()


async def test_a_stream_by_a_proxys_word_is_opened_again_through_the_proxy_now_and_then(server: ApiServer) -> None:
    async with paging(server, trusted_proxies=PROXY) as page:
        page.front._again = 0.01
        stream = Stream(page, x_forwarded_user="alice")
        assert await stream.opened() == 200
        await stream.end()
        assert stream.ended


async def test_one_visitor_leaves_room_for_the_others(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats_module, "AT_ONCE", 2)
    async with paging(server) as page:
        streams = [Stream(page, authorization="Bearer of-alice") for _ in range(2)]
        assert [await stream.opened() for stream in streams] == [200, 200]
        assert (await page.ask(token="of-alice")).status_code == 503
        assert (await page.ask(token="of-bob")).status_code == 200
        await streams.pop().leave()
        assert (await page.ask(token="of-alice")).status_code == 200
        await streams.pop().leave()


async def test_a_name_that_is_not_ascii_is_the_one_that_the_proxy_wrote(server: ApiServer) -> None:
    async with paging(server, trusted_proxies=PROXY) as page:
        stream = Stream(page, x_forwarded_user="é", x_forwarded_groups="mü, ml")
        assert await stream.opened() == 200
        assert [visitor.user for visitor in page.seats._seats] == ["é"]
        assert [visitor.groups for visitor in page.seats._seats] == [("ml", "mü")]
        await stream.leave()


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORIGIN", ""),
        ("ORIGIN", "podium.example.com"),
        ("ORIGIN", "https://podium.example.com/page"),
        ("PORT", "http"),
        ("NAMESPACES", "ml,../x"),
        ("TRUSTED_PROXIES", "proxy.example.com"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("USER_HEADER", "X User"),
        ("ANONYMOUS", "yes"),
    ],
)
def test_a_setting_that_cannot_be_one_is_named(name: str, value: str) -> None:
    with pytest.raises(Rejected, match=f"PODIUM_PAGE_{name}"):
        PageSettings.from_environment({"PODIUM_PAGE_ORIGIN": ORIGIN, f"PODIUM_PAGE_{name}": value})
