"""Files of an artifact store are hashed while they come: a large one fills no disk, and an endless one ends."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from podium.adapters.registries.mlflow import streamed
from podium.adapters.registries.mlflow.streamed import Budget, sha256_of
from podium.errors import Rejected, Unavailable

CONTENT = b"weights " * 300_000
Write = Callable[[Path], object]


class Store:
    """An artifact repository whose client writes as it is told."""

    def __init__(self, write: Write) -> None:
        self.write, self.places = write, list[str]()

    def _download_file(self, path: str, place: str) -> None:
        self.places.append(place)
        self.write(Path(place))


def from_first_to_last(place: Path) -> None:
    """As MLflow's clients of its own server, Google and Azure do."""
    with place.open("wb") as file:
        for begin in range(0, len(CONTENT), 4096):
            file.write(CONTENT[begin : begin + 4096])


def in_two_turns(place: Path) -> None:
    """As a client that opens the file again, where an answer broke off."""
    half = len(CONTENT) // 2
    for part in (CONTENT[:half], CONTENT[half:]):
        with place.open("ab") as file:
            file.write(part)


def parts_side_by_side(place: Path) -> None:
    """As MLflow's multipart download."""
    with place.open("wb") as file:
        file.truncate(len(CONTENT))
    with place.open("r+b") as file:
        file.seek(8)
        file.write(CONTENT[8:])
        file.seek(0)
        file.write(CONTENT[:8])


def another_file_in_its_place(place: Path) -> None:
    """As a client that renames what it has."""
    beside = place.with_suffix(".part")
    beside.write_bytes(CONTENT)
    beside.replace(place)


@pytest.mark.parametrize(
    "write", [from_first_to_last, in_two_turns, parts_side_by_side, another_file_in_its_place], ids=lambda w: w.__name__
)
def test_a_file_has_one_hash_however_its_client_writes(write: Write, tmp_path: Path) -> None:
    found = sha256_of(Store(write), "model.pkl", len(CONTENT), tmp_path, Budget("the artifacts"))
    assert found == hashlib.sha256(CONTENT).hexdigest()
    assert list(tmp_path.iterdir()) == [], "nothing is left"


def test_a_file_that_comes_in_order_never_lies_on_the_disk(tmp_path: Path) -> None:
    def write(place: Path) -> None:
        from_first_to_last(place)
        assert place.is_fifo()

    assert sha256_of(Store(write), "model.pkl", None, tmp_path, Budget("the artifacts"))


def test_an_empty_file_is_one(tmp_path: Path) -> None:
    found = sha256_of(Store(lambda place: place.open("wb").close()), "empty", 0, tmp_path, Budget("the artifacts"))
    assert found == hashlib.sha256(b"").hexdigest()


def test_a_file_that_is_shorter_than_its_store_lists_it_is_tried_again(tmp_path: Path) -> None:
    """A proxy that was restarted in the middle: what came is no version's digest."""
    with pytest.raises(Unavailable, match=rf"ended after {len(CONTENT)} bytes; expected {len(CONTENT) + 1}"):
        sha256_of(Store(from_first_to_last), "model.pkl", len(CONTENT) + 1, tmp_path, Budget("the artifacts"))


def test_a_file_without_an_end_has_one_here(tmp_path: Path) -> None:
    def write(place: Path) -> None:
        with place.open("wb") as file:
            while True:
                file.write(b"x" * 65536)

    with pytest.raises(Rejected, match=r"the artifacts are more than 1000000 bytes; required"):
        sha256_of(Store(write), "model.pkl", 10, tmp_path, Budget("the artifacts", most_bytes=1_000_000))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_comes_drop_by_drop_has_an_end_too(tmp_path: Path) -> None:
    clock = iter(range(0, 10_000, 100))

    def write(place: Path) -> None:
        with place.open("wb", buffering=0) as file:
            while True:
                file.write(b"x")

    budget = Budget("the artifacts", most_seconds=3600, now=lambda: float(next(clock)))
    with pytest.raises(Rejected, match="the artifacts are not read after 3600 s"):
        sha256_of(Store(write), "model.pkl", 10, tmp_path, budget)


def test_the_limit_holds_for_all_files_of_a_version_together(tmp_path: Path) -> None:
    budget = Budget("the artifacts", most_bytes=len(CONTENT) + 1)
    sha256_of(Store(from_first_to_last), "a", None, tmp_path, budget)
    with pytest.raises(Rejected, match="more than"):
        sha256_of(Store(from_first_to_last), "b", None, tmp_path, budget)


@pytest.mark.parametrize("size", [None, streamed.LARGEST_FILE + 1])
def test_no_large_file_is_put_on_the_disk_for_a_client_that_writes_here_and_there(
    size: int | None, tmp_path: Path
) -> None:
    store = Store(parts_side_by_side)
    with pytest.raises(OSError, match="Invalid argument"):
        sha256_of(store, "model.pkl", size, tmp_path, Budget("the artifacts"))
    assert len(store.places) == 1


def test_what_the_client_raises_is_raised_and_nothing_waits(tmp_path: Path) -> None:
    def write(place: Path) -> None:
        with place.open("wb") as file:
            file.write(b"x")
        raise ConnectionResetError("broken off")

    before = open_files()
    for _ in range(20):
        with pytest.raises(ConnectionResetError):
            sha256_of(Store(write), "model.pkl", 10, tmp_path, Budget("the artifacts"))
    deadline = time.monotonic() + 10
    while open_files() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert open_files() <= before, "the reader's ends are closed"


def open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()])
