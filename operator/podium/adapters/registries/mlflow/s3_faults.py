"""What can go wrong with a store of S3's kind, as Podium's errors, in words that say whom to ask."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from podium.adapters.reach import AddressRefused
from podium.adapters.registries.mlflow.faults import chain
from podium.adapters.registries.mlflow.logins import AWS_KEY, AWS_SECRET, S3_ENDPOINT, secrets
from podium.adapters.registries.mlflow.plain_text import plain, plain_uri
from podium.api.v1alpha1 import reasons
from podium.errors import NotFound, PodiumError, Rejected, Unavailable
from podium.ports import RegistryLogin

_log = logging.getLogger(__name__)
_LOGIN: Final = (
    f"Check {AWS_KEY} and {AWS_SECRET} in the Secret that spec.registry.secretName names, and what the bucket grants "
    "them, or let the registry serve its artifacts itself (--serve-artifacts)"
)
_SILENT: Final = f"Check {S3_ENDPOINT} in the Secret that spec.registry.secretName names, and that the store runs"
# HTTP's status: the error, its reason, what to do.
_BY_STATUS: Final[dict[int, tuple[type[PodiumError], str, str]]] = {
    401: (Rejected, reasons.LOGIN_REJECTED, _LOGIN),
    403: (Rejected, reasons.LOGIN_REJECTED, _LOGIN),
    404: (NotFound, reasons.ARTIFACTS_MISSING, "Log and register the model again: its files are gone"),
    429: (Unavailable, reasons.REGISTRY_UNREACHABLE, "It is tried again"),
}

# What a store says of a login, with whatever status. The last one is VersityGW's, with 404.
_OF_LOGIN: Final = frozenset(
    {
        "AccessDenied",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "XAdminUserNotFound",
    }
)


class InvalidEndpoint(ValueError):
    """What is given as the store's address is none."""


@contextmanager
def asking_s3(login: RegistryLogin, location: str) -> Iterator[None]:
    """Within this block, what botocore raises is raised as an error of Podium that names the location.

    Raises Unavailable where the store does not answer or fails, NotFound where the bucket or a file is not there, and
    Rejected for everything else: a login, a name or an address that it does not take.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  as in `s3`

    try:
        yield
    except ClientError as error:
        _raise_answer(login, location, error, error.response)
    except (BotoCoreError, InvalidEndpoint) as error:
        _raise_other(login, location, error)


def _raise_answer(login: RegistryLogin, location: str, error: Exception, response: object) -> NoReturn:
    told = response if isinstance(response, dict) else {}
    status = int(told.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    if told.get("Error", {}).get("Code") in _OF_LOGIN:
        status = 403
    words = plain(error, secrets=secrets(login)).rstrip(".")
    if login.foreign:
        _log.warning("%s: %s", plain_uri(location), words)
        words = f"HTTP status {status}"  # a tenant may have had the operator ask any server
    otherwise = (
        (Rejected, reasons.REGISTRY_ERROR, "Check the location")
        if 400 <= status < 500  # noqa: PLR2004  HTTP's classes
        else (Unavailable, reasons.REGISTRY_UNREACHABLE, "It is tried again")
    )
    kind, reason, advice = _BY_STATUS.get(status, otherwise)
    raise kind(f"{plain_uri(location)}: the store answered: {words}. {advice}", reason=reason) from error


def _raise_other(login: RegistryLogin, location: str, error: Exception) -> NoReturn:
    from botocore import exceptions  # noqa: PLC0415

    where = plain_uri(location)
    if any(isinstance(link, AddressRefused) for link in chain(error)):
        raise Rejected(
            f"{where}: the store is at an address that no PodiumPolicy grants. Ask for networks, with its address",
            reason=reasons.NOT_PERMITTED,
        ) from error
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        raise Rejected(f"{where}: there is no login for the store. {_LOGIN}", reason=reasons.LOGIN_MISSING) from error
    words = plain(error, secrets=secrets(login)).rstrip(".")
    if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError | exceptions.IncompleteReadError):
        raise Unavailable(
            f"{where}: the store does not answer: {words}. {_SILENT}", reason=reasons.REGISTRY_UNREACHABLE
        ) from error
    raise Rejected(f"{where}: {words}. Check the location, and {S3_ENDPOINT}", reason=reasons.REGISTRY_ERROR) from error
