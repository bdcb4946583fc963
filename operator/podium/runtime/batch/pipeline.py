"""Reading ahead and writing behind, each by one thread: the next chunk is parsed while this one is predicted."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], pool: ThreadPoolExecutor) -> Iterator[T]:
    """Yield the items; the next is being made while the caller works on the present one."""
    following: Future[list[T]] = pool.submit(_next, items)
    while item := following.result():
        following = pool.submit(_next, items)
        yield item[0]


def _next(items: Iterator[T]) -> list[T]:
    """Return the next item in a list, or an empty list: a future may not raise StopIteration."""
    for item in items:
        return [item]
    return []


class Behind:
    """Does one thing at a time while the caller goes on; what it raises, the next call or `wait` raises."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._last: Future[None] | None = None

    def do(self, work: Callable[[], None]) -> None:
        """Begin this work once the last one has ended. Raises what the last one raised."""
        self.wait()
        self._last = self._pool.submit(work)

    def wait(self) -> None:
        """Wait for the work that was begun last. Raises what it raised."""
        last, self._last = self._last, None
        if last is not None:
            last.result()
