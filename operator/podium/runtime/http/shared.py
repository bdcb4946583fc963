"""What all connections of a server have in common: the limits, what they hold together, and the head of an answer."""

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from podium.runtime.exchange import Application, Request, Response
from podium.runtime.turns import Turns

SPARE_SHARE = 8  # of what bodies may take, one part is left to those that no client waits for
SPARE = 32  # connections above the limit, for probes while every other one is busy
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


@dataclass(slots=True)
class Limits:
    """What one client may take. Sizes in bytes, times in seconds."""

    body_bytes: int
    buffered_bytes: int  # bodies of all clients together, until they are answered
    arrive_seconds: float  # for a whole request, from its first byte
    send_seconds: float  # for a client to take what waits for it
    idle_seconds: float  # between requests
    connections: int = 2**31  # above it, a new one takes the place of the one that has been silent for longest


class Held(Protocol):
    """A connection, as far as others know of it."""

    since: float  # when its client last began something, on the clock of time.monotonic

    @property
    def busy(self) -> bool:
        """Whether a request of it is being answered, or waits for that."""

    def drop(self) -> None:
        """Close it at once."""

    def close_if_idle(self) -> None:
        """Close it if nothing is asked on it."""

    def close_if_overdue(self, now: float) -> None:
        """End what takes too long on it."""


class Spare:
    """The bytes of bodies that no client waits for: they count within the limit of all bodies, and go first."""

    def __init__(self) -> None:
        self.held = 0
        self.limit = 0  # of what may be held so
        self.free: Callable[[], int] = lambda: 0  # what clients' bodies leave of the limit
        self.drop: Callable[[int], None] = lambda size: None  # noqa: ARG005  lets go of so many bytes, if it has them

    def fits(self, size: int) -> bool:
        """Return whether so many bytes more may be held."""
        return self.held + size <= min(self.limit, self.free())

    def give_way(self) -> None:
        """Let go of what clients' bodies have no room beside."""
        if self.held > (free := self.free()):
            self.drop(self.held - free)


@dataclass
class Shared:
    """The state that every connection reads, and few change."""

    app: Application
    limits: Limits
    connections: set[Held] = field(default_factory=set)
    buffered: int = 0
    draining: bool = False  # every answer says `Connection: close`
    closing: bool = False  # and no connection waits for another request
    date: bytes = b""
    turns: Turns = field(default_factory=Turns)
    spare: Spare = field(default_factory=Spare)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _process: str = field(default_factory=lambda: os.urandom(6).hex())

    def __post_init__(self) -> None:
        self.spare.limit = self.limits.buffered_bytes // SPARE_SHARE
        self.spare.free = lambda: self.limits.buffered_bytes - self.buffered

    def release(self, request: Request | None, size: int) -> None:
        """Count so many bytes no more, once the prediction of their request is over, too; None: there is no request."""
        if request is None:
            self._release(size)
        else:
            request.after_work(lambda: self._release(size))

    def _release(self, size: int) -> None:
        self.buffered -= size

    def next_id(self) -> bytes:
        """A request id that no other request of this process has."""
        return b"%s-%x" % (self._process.encode(), next(self._ids))

    def enter(self, newcomer: Held) -> None:
        """Let a connection in. The one that is silent for longest leaves where there are too many."""
        self.connections.add(newcomer)
        if len(self.connections) <= self.limits.connections:
            return
        silent = min((each for each in self.connections if not each.busy), key=lambda each: each.since)
        if silent is not newcomer or len(self.connections) > self.limits.connections + SPARE:
            self.connections.discard(silent)
            silent.drop()

    def identity_of(self, request: Request | None) -> bytes:
        """Return the header lines that say who answers this request: another version may serve when it has."""
        asked = request.identity_block if request is not None else None
        return self.app.identity_block if asked is None else asked

    def head(self, answer: Response, request: Request | None, length: bytes, *, keep_alive: bool) -> bytes:
        """Return the status line and headers; `length` is the line that says where the body ends."""
        return b"".join(
            (
                _STATUS_LINES[answer.status],
                b"date: %b\r\ncontent-type: %b\r\n" % (self.date, answer.content_type),
                length,
                self.identity_of(request),
                b"x-request-id: %b\r\n" % (request.id if request is not None else self.next_id()),
                *(b"%b: %b\r\n" % header for header in answer.headers),
                b"\r\n" if keep_alive else b"connection: close\r\n\r\n",
            )
        )
