"""One request and its answer, as the two halves of a connection and whoever answers see it."""

from typing import Protocol

from podium.runtime.http2.headers import Head

WINDOW = 1024 * 1024  # bytes that a client may send on a stream, or on a connection, before it is told to go on


class Answerer(Protocol):
    """Who answers on one stream. Nothing here raises."""

    @property
    def working(self) -> bool:
        """Whether an answer is owed."""

    def received(self, data: bytes) -> None:
        """A part of the body is here. The window is opened again by `Stream.credit`."""

    def completed(self) -> None:
        """The body is whole."""

    def sent(self) -> None:
        """The client has taken what was sent."""

    def lost(self) -> None:
        """The client does not want the answer any more, or is gone."""

    def expire(self, now: float) -> None:
        """End what takes too long."""

    def leave(self) -> None:
        """The server ends: what is not owed ends, too."""


class Absent:
    """The Answerer of a stream that has none yet, or none any more: a stream and its call would hold each other."""

    working = False

    def received(self, data: bytes) -> None:
        """Drop it."""

    def completed(self) -> None:
        """Nothing is owed."""

    sent = lost = leave = completed

    def expire(self, now: float) -> None:
        """Nothing takes long."""


ABSENT = Absent()


class Outlet(Protocol):
    """The way out of all streams of one connection."""

    def send(self, stream: "Stream", head: bytes, data: bytes, last: bytes) -> None:
        """Send what there is of a header block, data and trailers."""

    def credit(self, stream: "Stream", size: int) -> None:
        """Let the client send so many bytes more."""


class Stream:
    """A stream's windows, and what waits for the client to open them."""

    __slots__ = (
        "_outlet", "answered", "answerer", "ended", "expected", "head", "id", "last", "owed", "pending", "received",
        "room", "until", "whole", "window",
    )  # fmt: skip

    def __init__(self, number: int, head: Head, outlet: Outlet, window: int) -> None:
        self.id = number
        self.head = head
        self._outlet = outlet
        self.answerer: Answerer = ABSENT
        self.room = WINDOW  # bytes that the client may send
        self.owed = 0  # bytes for which the client has not been told that it may send others
        self.received = 0  # bytes of the body
        self.expected: int | None = None  # as the client said
        self.whole = False  # the client has said all
        self.window = window  # bytes that we may send
        self.pending: memoryview | None = None  # what waits for a window
        self.last = b""  # the frame behind it
        self.until: float | None = None  # by when the client has to take it
        self.answered = False  # an answer has gone out, perhaps the first of many
        self.ended = False

    def send(self, head: bytes = b"", data: bytes = b"", last: bytes = b"") -> None:
        """Send a header block, data and a last header block; each may be empty.

        Data are sent only once the Answerer has been told that those before them are taken.
        """
        if not self.ended:
            self._outlet.send(self, head, data, last)

    def credit(self, size: int) -> None:
        """Let the client send so many bytes more: as many of its own were taken in."""
        if not self.ended:
            self._outlet.credit(self, size)
