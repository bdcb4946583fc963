"""The only place that sleeps."""

import time
from collections.abc import Callable
from typing import TypeVar

from testbed.errors import TimedOut

T = TypeVar("T")


def wait_until(what: str, condition: Callable[[], T | None], timeout: float, interval: float = 0.25) -> T:
    """Asks again and again until the answer is truthy, and returns it.

    `timeout` and `interval` are seconds. Raises `TimedOut`, which names `what`.
    """
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimedOut(f"waited {timeout:.0f} s in vain: {what}")
        time.sleep(interval)
    return answer
