"""The first questions of what rests, a few at a time for each account: a start is no rush, and holds no commit up.

An operator that starts knows no answer yet. Thousands that rest would all ask at once, and what a person has just
committed would wait behind them, for the threads that ask a registry are few.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from podium.controller.workers.registry_request import Account
from podium.controller.workers.registry_session import Session

AT_ONCE: Final = 2  # of one account: half of the threads that a tenant has for one registry


@dataclass
class _Queue:
    asking: set[Session] = field(default_factory=set)
    waiting: dict[Session, None] = field(default_factory=dict)  # in the order in which they came


class Turns:
    """Whose turn it is to ask."""

    def __init__(self) -> None:
        self._queues: dict[Account, _Queue] = {}

    @contextmanager
    def waited_for(self, session: Session) -> Iterator[bool]:
        """Whether to wait for its news first: it has them once it is its turn. The turn is over at the end."""
        account = session.request.account
        queue = self._queues.setdefault(account, _Queue())
        at_once = len(queue.asking) < AT_ONCE
        if at_once:
            queue.asking.add(session)
        else:
            queue.waiting[session] = None
        try:
            yield not at_once
        finally:
            queue.asking.discard(session)
            queue.waiting.pop(session, None)
            while queue.waiting and len(queue.asking) < AT_ONCE:
                following = next(iter(queue.waiting))
                del queue.waiting[following]
                queue.asking.add(following)
                following.news.set()
            if not queue.asking:  # nor is one waiting: whoever is in it is one or the other
                del self._queues[account]
