"""What can go wrong with MLflow, as Podium's errors. Every error of its client is in one of the tables below.

What an error means depends on what was asked: a 404 is a missing model here and a missing file there. So a query
is asked within `asking(Target(…))`, which knows the words for it.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NoReturn

import requests.exceptions as http
from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS, MlflowException, RestException

from podium.adapters.reach import AddressRefused
from podium.adapters.registries.mlflow.logins import secrets
from podium.adapters.registries.mlflow.plain_text import plain, plain_uri
from podium.api.v1alpha1 import reasons
from podium.errors import NotFound, PodiumError, Rejected, Temporary, Unavailable
from podium.ports import RegistryLogin

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """What is asked of the registry, in words for the message that tells of its failure."""

    login: RegistryLogin
    what: str  # 'version 7 of registered model "churn"'
    field: str  # where the spec asks for it
    missing: str = reasons.REGISTRY_ERROR  # the reason, where it is not there
    advice: str = ""  # what to do where it is not there

    @property
    def place(self) -> str:
        """The registry as messages name it, without its login."""
        return f"the registry {plain_uri(self.login.uri)}"


@dataclass(frozen=True)
class Fault:
    """One kind of failure. `words` has places for the object, the server, the field and the cause."""

    error: type[PodiumError]
    reason: str
    words: str


_SILENT = Fault(
    Unavailable,
    reasons.REGISTRY_UNREACHABLE,
    "could not read {what}: {place} does not answer: {found}. Check that it runs, and spec.registry.uri",
)
_FAILING = Fault(
    Unavailable,
    reasons.REGISTRY_UNREACHABLE,
    "could not read {what}: {place} failed: {found}. Check its log",
)
_STRANGE = Fault(
    Temporary,
    reasons.REGISTRY_ERROR,
    "could not read {what}: {place} is not an MLflow server by its response: {found}. Check spec.registry.uri",
)
_NO_LOGIN = Fault(
    Rejected,
    reasons.LOGIN_REJECTED,
    "could not read {what}: {place} rejected the login: {found}. Check the Secret that spec.registry.secretName names",
)
_NO_RIGHT = Fault(
    Rejected,
    reasons.LOGIN_REJECTED,
    "could not read {what}: {place} does not permit it to this login: {found}. Grant the permission to the user of the "
    "Secret that spec.registry.secretName names",
)
_NOT_THERE = Fault(NotFound, "", "{what} ({field}) not found in {place}. {advice}")
_REFUSED = Fault(
    Rejected, reasons.REGISTRY_ERROR, "could not read {what} ({field}): {place} rejected the request: {found}"
)
_BAD_ADDRESS = Fault(
    Rejected, reasons.REGISTRY_ERROR, "could not read {what}: spec.registry.uri is not the address of a server: {found}"
)
_BAD_LOGIN = Fault(
    Rejected,
    reasons.LOGIN_REJECTED,
    "could not read {what}: the login for {place} holds characters that cannot be sent. Check the Secret that "
    "spec.registry.secretName names",
)
_NOT_INSTALLED = Fault(
    Rejected,
    reasons.REGISTRY_ERROR,
    "could not read {what}: MLflow's client lacks a package for where it is stored: {found}. Add it to the images of "
    "the operator and of the model server, or let the registry serve its artifacts itself (--serve-artifacts)",
)
_NOT_GRANTED = Fault(
    Rejected,
    reasons.NOT_PERMITTED,
    "could not read {what}: {place} leads to an address, or redirects to a server, that no PodiumPolicy grants. Ask "
    "for networks, with its address",
)
_OWN_TROUBLE = Fault(
    Temporary, reasons.REGISTRY_ERROR, "could not read {what}: the operator's own machine failed: {found}"
)

_NO_CODE: Final = "INTERNAL_ERROR"  # what MLflow's client gives its own errors, too

# By what the server said. MLflow's error codes stand for these, see ERROR_CODE_TO_HTTP_STATUS.
BY_STATUS: Final = {
    400: _REFUSED, 401: _NO_LOGIN, 403: _NO_RIGHT, 404: _NOT_THERE, 409: _FAILING, 429: _FAILING, 499: _FAILING,
    500: _FAILING, 501: _STRANGE, 503: _FAILING, 504: _FAILING,
}  # fmt: skip

# By what was raised before there was an answer. The first that fits, so the special comes before the general.
BY_EXCEPTION: Final[Sequence[tuple[type[Exception], Fault]]] = (
    (AddressRefused, _NOT_GRANTED),
    (http.InvalidHeader, _BAD_LOGIN),
    (http.InvalidURL, _BAD_ADDRESS),
    (http.MissingSchema, _BAD_ADDRESS),
    (http.InvalidSchema, _BAD_ADDRESS),
    (http.URLRequired, _BAD_ADDRESS),
    (http.RetryError, _FAILING),
    (http.ConnectionError, _SILENT),
    (http.Timeout, _SILENT),
    (http.ChunkedEncodingError, _SILENT),
    (http.ContentDecodingError, _STRANGE),
    (http.InvalidJSONError, _STRANGE),
    (http.TooManyRedirects, _STRANGE),
    (http.StreamConsumedError, _STRANGE),
    (http.UnrewindableBodyError, _STRANGE),
    (http.RequestException, _SILENT),
    (ImportError, _NOT_INSTALLED),
    (OSError, _OWN_TROUBLE),
    (
        Exception,
        _STRANGE,
    ),  # an answer that MLflow's client cannot read ends in any error at all: KeyError, ParseError …
)


@contextmanager
def asking(target: Target) -> Iterator[None]:
    """Within this block, what MLflow's client raises is raised as an error of Podium, in the words of the target."""
    try:
        yield
    except PodiumError:
        raise
    except Exception as error:  # noqa: BLE001  a hostile answer can make the client raise anything
        _raise(error, target)


def _raise(error: Exception, target: Target) -> NoReturn:
    fault, cause = fault_of(error)
    found = plain(_innermost(cause), secrets=secrets(target.login)) or type(cause).__name__
    if target.login.foreign:
        _log.warning("the registry %s: %s", plain_uri(target.login.uri), found)
        found = _without_its_words(cause)
    message = fault.words.format(
        what=target.what,
        place=target.place,
        field=target.field,
        advice=target.advice,
        found=found.rstrip("."),
    )
    raise fault.error(message.strip(), reason=fault.reason or target.missing) from error


def fault_of(error: Exception) -> tuple[Fault, Exception]:
    """Which fault an error of MLflow's client is, and the error that tells most about it."""
    for link in chain(error):
        if isinstance(link, AddressRefused):
            return _NOT_GRANTED, link
    for link in chain(error):
        if isinstance(link, http.HTTPError) and link.response is not None:
            return _of_status(link.response.status_code), link
        if isinstance(link, http.RequestException):
            return _of_exception(link), link
    if isinstance(error, MlflowException) and (isinstance(error, RestException) or error.error_code != _NO_CODE):
        return _of_status(ERROR_CODE_TO_HTTP_STATUS.get(error.error_code, 500)), error
    return _of_exception(error), error


def _of_status(status: int) -> Fault:
    return BY_STATUS.get(status) or (_REFUSED if 400 <= status < 500 else _FAILING)  # noqa: PLR2004  HTTP's classes


def _of_exception(error: Exception) -> Fault:
    return next(fault for kind, fault in BY_EXCEPTION if isinstance(error, kind))


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from or while handling. MLflow folds the network's errors into its own."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _without_its_words(error: Exception) -> str:
    """What failed, with no text of the server's: a tenant may have had the operator ask any server of theirs."""
    if isinstance(error, http.HTTPError) and error.response is not None:
        return f"it answered {error.response.status_code}"
    if isinstance(error, MlflowException) and error.error_code in ERROR_CODE_TO_HTTP_STATUS:
        return f"it answered {error.error_code}"
    found = _innermost(error)
    return found if isinstance(found, str) else f"{type(error).__name__}: the operator's log has its words"


def _innermost(error: Exception) -> object:
    """The operating system's word, where there is one ("Connection refused"): the layers above repeat it at length."""
    if not isinstance(error, http.ConnectionError):
        return error
    words = [link.strerror for link in chain(error) if isinstance(link, OSError) and link.strerror]
    return words[-1] if words else error
