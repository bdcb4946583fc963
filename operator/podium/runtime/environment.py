"""Variables of the environment as values: each refused by its name, and a misspelt name is not passed over."""

import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from podium.runtime.exits import Exit, StartError, without_secrets

log = logging.getLogger(__name__)

N = TypeVar("N", int, float)
E = TypeVar("E", bound=StrEnum)

PREFIX: Final = "PODIUM_"
ALIKE: Final = 0.8  # of difflib: what is less alike was written for another program
LEAST_SECONDS: Final = 0.001
MOST_SECONDS: Final = 7 * 24 * 3600.0
LAST_PORT: Final = 65535
LARGEST: Final = 2**53

# What Kubernetes sets for a Service called podium, unless the pod says enableServiceLinks: false
_SERVICE_LINK = re.compile(
    r"PODIUM_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
_HTTP_URL = re.compile(r"https?://[^\s/]+(/\S*)?", re.ASCII)
_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S*")


class Known(Mapping[str, str]):
    """The environment, which remembers what it was asked for: those are all the names that there are."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: value for name, value in environ.items() if not _is_service_link(name, value)}
        for name, value in self._environ.items():
            if name.startswith(PREFIX) and not _is_text(value):
                raise _refused(name, "text in UTF-8", value)
        self.asked: set[str] = set()  # names

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)

    def refuse_misspelt(self) -> None:
        """Tell of variables that no setting reads, once all have been read.

        Raises StartError: one is written almost like a setting, so that its value would be missed in silence.
        """
        for name in sorted(self._environ):
            if not name.startswith(PREFIX) or name in self.asked:
                continue
            if close := get_close_matches(name, sorted(self.asked), n=1, cutoff=ALIKE):
                raise StartError(Exit.BAD_SETTINGS, f"{name} is no setting of the model server; write {close[0]}")
            log.warning("%s is no setting of the model server, and has no effect", name)


def _is_service_link(name: str, value: str) -> bool:
    if name in {"PODIUM_PORT", "PODIUM_GRPC_PORT"}:  # settings, too: of a Service, they are addresses
        return _ADDRESS.fullmatch(value) is not None
    return _SERVICE_LINK.fullmatch(name) is not None


def _is_text(value: str) -> bool:
    """Whether no byte of it was anything else: Python keeps such bytes as surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


class Reader:
    """Turns variables into values, and names the variable when one cannot be read."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def flag(self, name: str) -> bool:
        """On or off; off unless set."""
        raw = (self._environ.get(name) or "off").lower()
        if raw not in {"on", "true", "1", "off", "false", "0"}:
            raise _refused(name, "on or off", raw)
        return raw in {"on", "true", "1"}

    def path(self, name: str) -> Path | None:
        """A path; None where it is not set."""
        raw = self._environ.get(name)
        return Path(raw) if raw else None

    def http_url(self, name: str) -> str | None:
        """A URL of HTTP or HTTPS; None where it is not set."""
        raw = self._environ.get(name)
        if raw and not _HTTP_URL.fullmatch(raw):
            raise _refused(name, "a URL of HTTP or HTTPS", without_secrets(raw))
        return raw or None

    def matching(self, name: str, form: re.Pattern[str], expected: str) -> str | None:
        """A text of this form, which the refusal calls what is expected; None where it is not set."""
        raw = self._environ.get(name)
        if raw and not form.fullmatch(raw):
            raise _refused(name, expected, raw)
        return raw or None

    def seconds(self, name: str, default: float, least: float = LEAST_SECONDS) -> float:
        """A number of seconds, up to a week."""
        return self._number(name, default, float, (least, MOST_SECONDS))

    def share(self, name: str, default: float) -> float:
        """A number from 0 to 1."""
        return self._number(name, default, float, (0.0, 1.0))

    def port(self, name: str, default: int) -> int:
        """A port; 0 is any free one."""
        return self._number(name, default, int, (0, LAST_PORT))

    def whole(self, name: str, default: int, least: int = 1, most: int = LARGEST) -> int:
        """A whole number."""
        return self._number(name, default, int, (least, most))

    def refuse_unless(self, holds: bool, name: str, expected: str) -> None:
        """Raises StartError: the setting does not go with another one."""
        if not holds:
            raise _refused(name, expected, self._environ.get(name) or "the default")

    def _number(self, name: str, default: N, kind: Callable[[str], N], bounds: tuple[N, N]) -> N:
        raw = self._environ.get(name)
        if not raw:
            return default
        try:
            value = kind(raw)
        except ValueError:
            value = kind("-1")
        least, most = bounds
        if not least <= value <= most:  # NaN is not
            raise _refused(name, f"a {'whole ' if kind is int else ''}number from {least:.16g} to {most:.16g}", raw)
        return value

    def edges(self, name: str, default: tuple[float, ...]) -> tuple[float, ...]:
        """Rising numbers, separated by commas."""
        raw = self._environ.get(name)
        if not raw:
            return default
        try:
            edges = tuple(float(edge) for edge in raw.split(","))
        except ValueError:
            edges = ()
        if not edges or any(not 0 < edge < math.inf for edge in edges) or list(edges) != sorted(set(edges)):
            raise _refused(name, "rising seconds, separated by commas (0.05,0.12,0.5)", raw)
        return edges

    def choice(self, name: str, default: E) -> E:
        """One of an enum's values, in any case."""
        raw = self._environ.get(name)
        if not raw:
            return default
        try:
            return type(default)(raw.lower())
        except ValueError as error:
            raise _refused(name, " or ".join(type(default)), raw) from error

    def names(self, name: str, default: frozenset[str]) -> frozenset[str]:
        """Names, separated by commas."""
        raw = self._environ.get(name)
        return default if raw is None else frozenset(part.strip().lower() for part in raw.split(",") if part.strip())


def _refused(name: str, expected: str, found: str) -> StartError:
    what_to_do = "correct it, or leave it out for the default"
    return StartError(Exit.BAD_SETTINGS, f"{name}: expected {expected}, found {found[:200]!r}; {what_to_do}")
