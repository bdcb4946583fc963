"""Where the events of a Provider go, and what proves who sends them: by its spec and its Secret."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.alerting import HTTP, SCHEMES, ProviderSpec, ProviderType
from podium.errors import NotFound

_ADDRESS: Final = re.compile(r"(?P<scheme>[a-z+]{1,9})://[^\s@]{1,2040}")
_NAMED: Final[frozenset[ProviderType]] = frozenset({"kafka", "smtp"})  # logins have a name and a password
_HEADER: Final = re.compile(r"(?P<name>[A-Za-z0-9-]{1,64}): *(?P<value>[\x21-\x7e][\x20-\x7e]{0,4095})")
_HEADERS: Final = 16
_OURS: Final = frozenset({"content-length", "content-type", "host", "transfer-encoding", "user-agent", "x-signature"})
_MISSING: Final = reasons.LOGIN_MISSING


@dataclass(frozen=True)
class Target:
    """Where events of a Provider go, and what proves who sends them."""

    address: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    login: str | None = None  # whose password the token is
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    networks: tuple[str, ...] | None = None  # beside the public one, where it may be; None: anywhere
    hosts: tuple[str, ...] | None = None  # that its servers may have which it names itself; None: any


def target_of(spec: ProviderSpec, found: Mapping[str, str], where: str) -> Target:
    """By the spec and the entries of its Secret. Raises NotFound, and says what is missing without any secret.

    `where` is how the Secret is named to people.
    """
    address = _address(found.get("address", "").strip() or spec.address or "", spec.type, where)
    login, token = _login(found, spec.type, where)
    if spec.type == "generic-hmac" and token is None:
        raise NotFound(f"{where} has no key token, which signs the events: add it", reason=_MISSING)
    return Target(address, token, login, _headers(found.get("headers", ""), spec.type, where))


def _address(text: str, kind: ProviderType, where: str) -> str:
    """The address. Raises NotFound where it is none for this type of Provider."""
    schemes, found = SCHEMES.get(kind, HTTP), _ADDRESS.fullmatch(text)
    if found is None or found["scheme"] not in schemes:
        expected = " or ".join(f"{scheme}://…" for scheme in schemes)
        raise NotFound(f"{where} has no key address with {expected}: add it", reason=_MISSING)
    return text


def _login(found: Mapping[str, str], kind: ProviderType, where: str) -> tuple[str | None, str | None]:
    """Who logs in, where that has a name, and the token or password. Raises NotFound where they cannot be sent."""
    keys = ("username", "password") if kind in _NAMED else ("", "token")
    login, token = (found.get(key, "").strip() or None for key in keys)
    for key, value in zip(keys, (login, token), strict=True):
        if value is not None and not (value.isascii() and value.isprintable()):
            raise NotFound(f"{where} has no key {key} of printable ASCII: add it", reason=_MISSING)
    if kind in _NAMED and (login is None) != (token is None):
        raise NotFound(f"{where} has one of the keys username and password: add the other one", reason=_MISSING)
    return login, token


def _headers(text: str, kind: ProviderType, where: str) -> Mapping[str, str]:
    """The lines `Name: value`. Raises NotFound at what is none: a header must not end another one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [_HEADER.fullmatch(line) for line in lines]
    if lines and kind == "smtp":
        raise NotFound(f"{where}: a Provider of type smtp sends no headers: remove the key headers", reason=_MISSING)
    headers = {one["name"]: one["value"] for one in found if one is not None and one["name"].lower() not in _OURS}
    if len(headers) != len(lines) or len(headers) > _HEADERS:
        raise NotFound(
            f"{where}: expected at most {_HEADERS} lines `Name: value` under the key headers, none of them of "
            f"{', '.join(sorted(_OURS))}: correct it",
            reason=_MISSING,
        )
    return headers
