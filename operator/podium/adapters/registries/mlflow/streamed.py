"""One file of an artifact store, taken while it comes: whatever its size, it fills neither disk nor memory.

MLflow's client of a store writes to a path. Here the path is a pipe, so that what is written is hashed and gone. The
clients of MLflow's own server, of S3, Google and Azure write from the first byte to the last, which is all that a pipe
asks. One that does not (parts side by side) is given a file, as long as the store says that it is no large one.
"""

import errno
import hashlib
import io
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, Final, Protocol, TypeVar

from podium.api.v1alpha1 import reasons
from podium.errors import Rejected, Temporary, Unavailable

LARGEST_FILE: Final = 2**31  # bytes of a file that is kept on the disk for a moment
MOST_BYTES: Final = 2**40  # of one version: an endless answer has an end here
MOST_SECONDS: Final = 4 * 3600.0  # for one version
_READ: Final = 2**20
_LAST_SECONDS: Final = 60.0  # in which what is in the pipe is read
Download = Callable[[Path], None]  # to this place
SinkT = TypeVar("SinkT", bound="Sink")
_NO_PIPE: Final = frozenset({errno.EINVAL, errno.ESPIPE})  # of a client that writes here and there


@dataclass
class Budget:
    """What is left for one version. `named` is what messages call its files."""

    named: str
    most_bytes: int = MOST_BYTES
    most_seconds: float = MOST_SECONDS
    now: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._left, self._until = self.most_bytes, self.now() + self.most_seconds

    def take(self, size: int) -> None:
        """Count so many bytes. Raises Rejected where they are too many, or have taken too long."""
        self._left -= size
        if self._left < 0:
            raise self._over(f"more than {self.most_bytes} bytes", "a smaller model, or one in several versions")
        if self.now() > self._until:
            raise self._over(f"not read after {self.most_seconds:g} s", "an artifact store that is quicker")

    def _over(self, found: str, required: str) -> Rejected:
        return Rejected(f"{self.named} are {found}; required: {required}", reason=reasons.REGISTRY_ERROR)


class Reading(Thread):
    """Reads a pipe to its end. `error` is why it did not: whoever writes is then told that the pipe is broken."""

    def __init__(self, pipe: Path, budget: Budget, sink: "Sink") -> None:
        super().__init__(name="mlflow-file", daemon=True)
        self._budget = budget
        self._sink = sink
        self.error: Exception | None = None
        self._end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # a pipe that is not written to yet is opened at once
        os.set_blocking(self._end, True)

    def run(self) -> None:
        """Read, in this thread."""
        try:
            while data := os.read(self._end, _READ):
                self._budget.take(len(data))
                self._sink.update(data)
        except Exception as error:  # noqa: BLE001  it is raised in the thread that writes
            self.error = error
        finally:
            os.close(self._end)


class Sink(Protocol):
    """What takes a file, part by part."""

    def update(self, data: bytes, /) -> object:
        """Take the next part."""


class Hashed:
    """A sink that keeps the hash alone, and how many bytes there were."""

    def __init__(self) -> None:
        self._hash, self.size = hashlib.sha256(), 0

    def update(self, data: bytes, /) -> None:
        """Take the next part."""
        self._hash.update(data)
        self.size += len(data)

    def hexdigest(self) -> str:
        """The SHA-256 of all so far."""
        return self._hash.hexdigest()


class Content(bytearray):
    """A sink that keeps all of it."""

    update = bytearray.extend


def sha256_of(repository: Any, path: str, size: int | None, folder: Path, budget: Budget) -> str:
    """Download one file of the repository and return its SHA-256 in hex. Blocking.

    `size` in bytes is what the store says of it. `folder` is empty, and is so again. Raises Rejected where the budget
    is over, Temporary where the file has no end, Unavailable where it ends before that size, and what the repository
    raises.
    """
    found = _taken(_download(repository, path), size, folder / "file", budget, Hashed)
    if size is not None and found.size < size:  # a store that unpacks what it keeps packed gives more, and is right
        raise Unavailable(
            f"{budget.named}: a file ended after {found.size} bytes; expected {size}, as its store lists it. It is "
            "tried again",
            reason=reasons.REGISTRY_UNREACHABLE,
        )
    return found.hexdigest()


def content_of(repository: Any, path: str, folder: Path, budget: Budget) -> bytes:
    """Download one small file, of which the budget says how small, and return what is in it. As `sha256_of`."""
    return bytes(_taken(_download(repository, path), budget.most_bytes, folder / "file", budget, Content))


def _taken(download: Download, size: int | None, place: Path, budget: Budget, empty: Callable[[], SinkT]) -> SinkT:
    """The file in a sink, of which `empty` makes new ones."""
    try:
        return _through_pipe(download, place, budget, empty)
    except (OSError, io.UnsupportedOperation) as error:
        if not _wants_a_file(error) or size is None or size > LARGEST_FILE:
            raise
    finally:
        place.unlink(missing_ok=True)
    try:
        download(place)
        return _from_file(place, budget, empty())
    finally:
        place.unlink(missing_ok=True)


def _through_pipe(download: Download, place: Path, budget: Budget, empty: Callable[[], SinkT]) -> SinkT:
    os.mkfifo(place, 0o600)
    sink = empty()
    reading = Reading(place, budget, sink)
    held = os.open(place, os.O_WRONLY)  # so that the pipe does not end where the client closes it for a moment
    reading.start()
    try:
        download(place)
    except Exception as error:
        if reading.error is not None:
            raise reading.error from error  # which is why it could not be written
        raise
    finally:
        os.close(held)
    reading.join(_LAST_SECONDS)
    if reading.is_alive():
        raise Temporary(f"{budget.named}: the client of their store does not end a file", reason=reasons.REGISTRY_ERROR)
    if reading.error is not None:
        raise reading.error
    if not stat.S_ISFIFO(place.lstat().st_mode):  # the client has put a file of its own there
        return _from_file(place, budget, empty())
    return sink


def _from_file(place: Path, budget: Budget, sink: SinkT) -> SinkT:
    with place.open("rb") as file:
        while data := file.read(_READ):
            budget.take(len(data))
            sink.update(data)
    return sink


def _download(repository: Any, path: str) -> Download:
    # The hook that every artifact store implements. `download_artifacts` would call it in threads of its own, where
    # this call's login is not known, under names that the registry chose, and would fold its errors into one text.
    return lambda place: repository._download_file(path, str(place))  # noqa: SLF001


def _wants_a_file(error: Exception) -> bool:
    return isinstance(error, io.UnsupportedOperation) or (isinstance(error, OSError) and error.errno in _NO_PIPE)
