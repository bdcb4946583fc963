"""One at a time: builds, and changes to one cluster, by several shells on one machine."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from testbed import places
from testbed.progress import say


@contextmanager
def held(name: str) -> Iterator[None]:
    """Holds the lock of that name; waits for whoever has it. The kernel frees it when its holder dies."""
    with (places.folder("locks") / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another testbed, which is busy with {name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
