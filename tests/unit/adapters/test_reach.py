"""What a tenant names leads to addresses that a policy grants, and to no other: by number, by name or by a redirect."""

import asyncio
import json
import socket
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from podium.adapters.outgoing import Outgoing
from podium.adapters.reach import AddressRefused, reaching
from podium.adapters.registries.mlflow import MlflowRegistry
from podium.api.v1alpha1 import reasons
from podium.errors import PodiumError, Rejected, Unavailable
from podium.ports import RegistryLogin, RegistryQuery
from tests.unit.adapters.local_server import serving
from tests.unit.adapters.test_mlflow_hostile import PATHS, served

HERE = ("127.0.0.0/8", "::1/128")
QUERY = RegistryQuery(
    login=RegistryLogin("", {}),
    model="churn",
    version="7",
    desired_alias=None,
    champion=None,
    champion_alias="champion",
)


def tenant(uri: str, networks: tuple[str, ...] = ()) -> RegistryLogin:
    return RegistryLogin(uri, {}, networks=networks, foreign=True)


async def error_of(login: RegistryLogin) -> PodiumError:
    registry = MlflowRegistry(deadline=60.0)
    try:
        with pytest.raises(PodiumError) as caught:
            await registry.query(replace(QUERY, login=login))
    finally:
        await registry.close()
    return caught.value


def answers(path: str) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, json.dumps(PATHS.get(path.partition("?")[0], {})).encode()


async def test_a_registry_at_an_address_that_is_not_granted_is_not_connected_to() -> None:
    with served(answers) as server:
        error = await error_of(tenant(server.uri))
        assert not server.seen
    assert isinstance(error, Rejected)
    assert error.reason == reasons.NOT_PERMITTED
    assert "Ask for networks" in str(error)


async def test_a_name_is_what_it_resolves_to() -> None:
    with served(answers) as server:
        error = await error_of(tenant(server.uri.replace("127.0.0.1", "localhost")))
        assert not server.seen
    assert error.reason == reasons.NOT_PERMITTED


async def test_a_name_that_resolves_to_another_address_the_second_time_is_refused_when_it_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: whoever looks a name up before the connection has looked at another answer."""
    real, asked = socket.getaddrinfo, []

    def rebinding(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host != "rebind.example.com":
            return real(host, port, *more, **named)
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with served(answers) as server:
        error = await error_of(tenant(server.uri.replace("127.0.0.1", "rebind.example.com")))
        assert not server.seen
    assert len(asked) > 1
    assert error.reason == reasons.NOT_PERMITTED


@pytest.mark.parametrize("host", ["gone.invalid", f"{'a' * 64}.example.com"])
@pytest.mark.parametrize("networks", [(), HERE])
async def test_a_name_that_does_not_resolve_is_a_registry_that_does_not_answer(
    host: str, networks: tuple[str, ...]
) -> None:
    error = await error_of(tenant(f"http://{host}:5000", networks))
    assert isinstance(error, Unavailable)
    assert error.reason == reasons.REGISTRY_UNREACHABLE


async def test_a_redirect_to_another_server_is_not_followed() -> None:
    with served(answers) as other:

        def away(path: str) -> tuple[int, dict[str, str], bytes]:
            return 302, {"Location": f"{other.uri}{path}"}, b""

        with served(away) as server:
            error = await error_of(tenant(server.uri, HERE))
        assert not other.seen
    assert error.reason == reasons.NOT_PERMITTED


async def test_a_redirect_within_the_server_is_followed() -> None:
    def moved(path: str) -> tuple[int, dict[str, str], bytes]:
        if path.startswith("/api"):
            return 302, {"Location": f"/moved{path}"}, b""
        return answers(path.removeprefix("/moved"))

    with served(moved) as server:
        error = await error_of(tenant(server.uri, HERE))
        assert any(path.startswith("/moved") for path, _ in server.seen)
    assert error.reason != reasons.NOT_PERMITTED


async def test_a_connection_that_another_login_has_kept_is_no_way_round() -> None:
    with served(answers) as server:
        await error_of(RegistryLogin(server.uri, {}))
        before = len(server.seen)
        assert before
        error = await error_of(tenant(server.uri))
        assert len(server.seen) == before
    assert error.reason == reasons.NOT_PERMITTED


async def test_artifacts_at_an_address_that_is_not_granted_are_not_fetched() -> None:
    """The registry is granted; where it says that the files are is not."""
    with served(answers) as inner:
        elsewhere = inner.uri.replace("http://127.0.0.1", "mlflow-artifacts://127.0.0.2")

        def names_it(path: str) -> tuple[int, dict[str, str], bytes]:
            bare = path.partition("?")[0]
            if bare.endswith("/model-versions/get-download-uri"):
                return 200, {}, json.dumps({"artifact_uri": f"{elsewhere}/1"}).encode()
            return answers(path)

        with served(names_it) as server:
            error = await error_of(tenant(server.uri, ("127.0.0.1/32",)))
        assert not inner.seen
    assert error.reason == reasons.NOT_PERMITTED


@pytest.mark.parametrize("status", [200, 400, 404, 500])
async def test_no_word_of_a_tenants_server_is_repeated(status: int, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"error_code": "SECRET-CODE", "message": "SECRET of 169.254.169.254"}).encode()
    with served(lambda _: (status, {}, body)) as server:
        error = await error_of(tenant(server.uri, HERE))
    assert "SECRET" not in str(error)


async def test_the_operators_own_registry_is_quoted_as_before() -> None:
    body = json.dumps({"error_code": "INVALID_PARAMETER_VALUE", "message": "the quota is used up"}).encode()
    with served(lambda _: (400, {}, body)) as server:
        error = await error_of(RegistryLogin(server.uri, {}))
    assert "the quota is used up" in str(error)


async def test_a_webhooks_address_is_checked_too() -> None:
    asked: list[str] = []

    async def ask(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/{path:.*}", ask)])
    outgoing = Outgoing()
    async with serving(app) as url:
        named = url.replace("127.0.0.1", "localhost")
        for place in (url, named):
            with pytest.raises(Rejected, match="neither public nor in a network") as caught:
                await outgoing.post(place, b"", {}, within=5, place="the place", networks=())
            assert caught.value.reason == reasons.NOT_PERMITTED
        assert not asked
        assert (await outgoing.post(url, b"", {}, within=5, place="the place", networks=HERE)).status == 200
        with pytest.raises(Rejected):  # the connection that was kept is for those who could have made it
            await outgoing.post(url, b"", {}, within=5, place="the place", networks=())
        assert len(asked) == 1
        assert (await outgoing.post(url, b"", {}, within=5, place="the place")).status == 200
    with pytest.raises(Unavailable):
        await outgoing.post(url, b"", {}, within=5, place="the place", networks=HERE)
    await outgoing.close()


async def test_tasks_take_over_what_their_work_may_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with reaching(()) as reach:
            with pytest.raises(OSError, match="no PodiumPolicy grants"):
                await asyncio.create_task(asyncio.open_connection(*server.getsockname()))
            assert reach.refused
        _, writer = await asyncio.open_connection(*server.getsockname())
        writer.close()
        await writer.wait_closed()


def test_a_unix_socket_is_refused(tmp_path: Any) -> None:
    with socket.socket(socket.AF_UNIX) as client, reaching(HERE), pytest.raises(AddressRefused):
        client.connect(str(tmp_path / "docker.sock"))
