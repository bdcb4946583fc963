"""The garbage collector looks once at what a server has loaded, and not while it answers."""

import contextlib
import gc
import weakref
from collections.abc import Iterator

import pytest

from podium.runtime import collector


@pytest.fixture(autouse=True)
def _all_looked_at() -> Iterator[None]:
    yield
    gc.unfreeze()


class Node:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


def looked_at(one: object) -> bool:
    return any(each is one for each in gc.get_objects())


@pytest.mark.parametrize("leave_out", [collector.keep_imports, collector.keep, collector.keep_anew])
def test_what_is_left_out_is_not_looked_at(leave_out: object) -> None:
    node = Node()
    assert looked_at(node)
    leave_out()  # type: ignore[operator]  # each is a function
    assert not looked_at(node)


def test_what_is_of_no_use_is_freed_before_the_rest_is_left_out() -> None:
    freed = weakref.ref(Node())
    collector.keep()
    assert freed() is None


def test_what_was_left_out_is_freed_once_it_is_of_no_use() -> None:
    node = Node()
    collector.keep()
    freed = weakref.ref(node)
    del node
    gc.collect()
    assert freed() is not None
    collector.keep_anew()
    assert freed() is None


def test_a_load_is_collected_seldom_and_what_follows_as_usual() -> None:
    before = gc.get_threshold()
    with collector.seldom():
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before


def test_the_usual_thresholds_are_back_when_a_load_fails() -> None:
    before = gc.get_threshold()
    with contextlib.suppress(ImportError), collector.seldom():
        raise ImportError
    assert gc.get_threshold() == before
