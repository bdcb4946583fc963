"""When Python's garbage collector looks for objects that only refer to each other, and at which of them.

A full collection looks at every object that can refer to others, while nothing else runs: 360,000 of them once MLflow
and scikit-learn are imported, which takes 180 ms. A start had six of these. A server had one for every 40,000 requests
or so, in which all clients waited. What is loaded stays, so it is looked at once and then left out.
"""

import contextlib
import gc
from collections.abc import Iterator

_LOADING = (
    50_000,
    10,
    10,
)  # new objects before a young collection; tenth parts of it for older ones: for imports, none


@contextlib.contextmanager
def seldom() -> Iterator[None]:
    """Collect seldom as long as the block runs, because nearly all that is made in it stays."""
    before = gc.get_threshold()
    gc.set_threshold(*_LOADING)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def keep_imports() -> None:
    """Leave out what is there, unseen: what imports make stays until the process ends."""
    gc.freeze()


def keep() -> None:
    """Free what is of no use any more, and leave out the rest."""
    gc.collect()
    gc.freeze()


def keep_anew() -> None:
    """The same, where some of what was left out is of no use any more."""
    gc.unfreeze()
    keep()
