import inspect
import ssl

import aiohttp
import pytest
from kubernetes.aio.client import exceptions
from kubernetes.aio.config import ConfigException

from podium.adapters.kubernetes.errors import BY_HUNDRED, BY_STATUS, FOREIGN, from_exception, from_status, kind_of
from podium.errors import Conflict, NotFound, PodiumError, Rejected, Temporary, Unavailable


@pytest.mark.parametrize("status", range(300, 600))
def test_every_status_that_is_no_success_is_an_error_of_ours(status: int) -> None:
    error = from_status(status, {"message": "why", "reason": "Because"}, "GET /x")
    assert isinstance(error, PodiumError)
    assert "GET /x" in str(error)
    assert "why" in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, Rejected),
        (403, Rejected),
        (404, NotFound),
        (409, Conflict),
        (422, Rejected),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_the_class_says_what_to_do_next(status: int, kind: type[PodiumError]) -> None:
    assert type(from_status(status, "", "PATCH /x")) is kind


def test_the_table_has_no_row_that_its_hundred_would_give_too() -> None:
    assert all(BY_HUNDRED.get(status // 100) is not kind for status, kind in BY_STATUS.items())


def _all_of(module: object, base: type[Exception]) -> list[type[Exception]]:
    return [one for _, one in inspect.getmembers(module, inspect.isclass) if issubclass(one, base)]


@pytest.mark.parametrize(
    "kind",
    [
        *_all_of(aiohttp, aiohttp.ClientError),
        *_all_of(exceptions, exceptions.OpenApiException),
        ConfigException,
        OSError,
        TimeoutError,
        ssl.SSLError,
        ConnectionResetError,
        ValueError,
    ],
)
def test_everything_that_the_client_can_raise_is_in_the_table(kind: type[Exception]) -> None:
    assert issubclass(kind, FOREIGN)
    assert issubclass(kind_of(kind), PodiumError)


def test_a_broken_connection_is_temporary_and_a_broken_kubeconfig_is_not() -> None:
    assert isinstance(from_exception(aiohttp.ServerDisconnectedError(), "GET /x"), Temporary)
    assert isinstance(from_exception(TimeoutError(), "GET /x"), Temporary)
    assert isinstance(from_exception(ConfigException("no context"), "GET /x"), Rejected)


def test_an_answer_that_is_no_json_is_cut_short() -> None:
    assert len(str(from_status(502, "<html>" * 10_000, "GET /x"))) < 400
