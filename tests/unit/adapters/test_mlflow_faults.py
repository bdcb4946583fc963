"""Every error of MLflow's client has its place among Podium's."""

import inspect

import pytest
import requests
import requests.exceptions as http
from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS, MlflowException
from mlflow.protos.databricks_pb2 import ErrorCode

from podium.adapters.registries.mlflow.faults import BY_EXCEPTION, BY_STATUS, Target, asking, fault_of
from podium.api.v1alpha1 import reasons
from podium.errors import NotFound, PodiumError, Rejected, Temporary, Unavailable
from podium.ports import RegistryLogin

LOGIN = RegistryLogin("http://user:in-the-uri@mlflow.ml:5000?k=v", {"MLFLOW_TRACKING_PASSWORD": "of-the-secret"})
WISH = Target(LOGIN, "version 7", "spec.model.version", reasons.VERSION_NOT_FOUND, "Register it")


NETWORK = [found for _, found in inspect.getmembers(http, inspect.isclass) if issubclass(found, http.RequestException)]


@pytest.mark.parametrize("status", sorted(set(ERROR_CODE_TO_HTTP_STATUS.values())))
def test_every_status_that_mlflow_knows_is_in_the_table(status: int) -> None:
    assert status in BY_STATUS


@pytest.mark.parametrize("code", ErrorCode.keys())
def test_every_error_code_is_raised_as_an_error_of_podium(code: str) -> None:
    assert _raised(MlflowException("told", ErrorCode.Value(code))).reason in vars(reasons).values()


@pytest.mark.parametrize("kind", NETWORK)
def test_every_error_of_the_network_has_a_row_before_the_general_one(kind: type[Exception]) -> None:
    row = next(row for row, _ in BY_EXCEPTION if issubclass(kind, row))
    assert issubclass(row, http.RequestException)
    assert kind is http.RequestException or row is not http.RequestException or kind is http.HTTPError


def test_the_special_rows_come_before_the_general_ones() -> None:
    kinds = [kind for kind, _ in BY_EXCEPTION]
    for place, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:place]), kind


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (401, Rejected, reasons.LOGIN_REJECTED),
        (403, Rejected, reasons.LOGIN_REJECTED),
        (404, NotFound, reasons.VERSION_NOT_FOUND),
        (418, Rejected, reasons.REGISTRY_ERROR),
        (429, Unavailable, reasons.REGISTRY_UNREACHABLE),
        (500, Unavailable, reasons.REGISTRY_UNREACHABLE),
        (502, Unavailable, reasons.REGISTRY_UNREACHABLE),
    ],
)
def test_a_status_says_who_has_to_act(status: int, kind: type[PodiumError], reason: str) -> None:
    response = requests.Response()
    response.status_code = status
    error = _raised(http.HTTPError("said", response=response))
    assert (type(error), error.reason) == (kind, reason)


def test_an_error_that_nobody_foresaw_is_temporary_and_named() -> None:
    error = _raised(KeyError("registered_model"))
    assert (type(error), error.reason) == (Temporary, reasons.REGISTRY_ERROR)
    assert "registered_model" in str(error)


def test_an_error_of_podium_goes_through_as_it_is() -> None:
    assert str(_raised(NotFound("as it is", reason=reasons.ALIAS_NOT_FOUND))) == "as it is"


def test_the_network_error_is_found_within_what_mlflow_made_of_it() -> None:
    error = MlflowException("API request failed")
    error.__context__ = http.ReadTimeout("read timed out")  # as by raising it while the other is handled
    assert fault_of(error)[0].error is Unavailable


def test_a_message_says_what_was_wanted_where_and_what_to_do() -> None:
    text = str(_raised(MlflowException("gone", ErrorCode.Value("RESOURCE_DOES_NOT_EXIST"))))
    assert text == ("version 7 (spec.model.version) not found in the registry http://mlflow.ml:5000. Register it")


def test_a_message_is_bounded_and_holds_neither_secrets_nor_control_characters() -> None:
    hostile = "of-the-secret \x1b[31m\r\n\u202e http://me:hidden@other/ " + "x" * 100_000
    text = str(_raised(MlflowException(hostile, ErrorCode.Value("BAD_REQUEST"))))
    assert len(text) < 600
    assert text.isprintable()
    assert not any(secret in text for secret in ("of-the-secret", "in-the-uri", "hidden", "k=v"))


def _raised(error: Exception) -> PodiumError:
    with pytest.raises(PodiumError) as caught, asking(WISH):
        raise error
    return caught.value
