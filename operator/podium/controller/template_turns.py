"""Whose turn it is to try a pod template that came with another operator: a few ModelDeployments at a time.

Trials that began are in the status of their ModelDeployments, so another leader that has listed them counts them, too.
What this process has granted and is not written down yet it remembers.
"""

from collections.abc import Callable
from itertools import islice

from podium.core.facts import Key


class TemplateTurns:
    """At most `budget` at a time; none where it is 0."""

    def __init__(self, budget: int, wake: Callable[[Key], None]) -> None:
        self._budget = budget
        self._wake = wake  # a ModelDeployment that may have its turn now
        self._granted: set[Key] = set()
        self._waiting: dict[Key, None] = {}  # in the order in which they came

    def others(self, key: Key) -> frozenset[Key]:
        """Those before whose end this one does not begin, where there are as many as the budget says."""
        return frozenset(self._granted - {key})

    def knows(self, key: Key) -> bool:
        """Whether it has its turn, or waits for it."""
        return key in self._granted or key in self._waiting

    def has(self, key: Key) -> bool:
        """Whether it has its turn."""
        return key in self._granted

    def take(self, key: Key, *, wanted: bool, elsewhere: int = 0) -> bool:
        """Whether the ModelDeployment may begin now. One that rests without wanting its turn gives it back.

        So many have theirs in other shards.
        """
        if not wanted:
            self.forget(key)
            return False
        if len(self.others(key)) + elsewhere >= self._budget:
            self._waiting.setdefault(key)
            return False
        self._granted.add(key)
        self._waiting.pop(key, None)
        return True

    def note(self, key: Key, *, occupies: bool) -> None:
        """A trial of it is under way: whoever began that, its turn is known here until others need not wait for it."""
        if occupies:
            self._granted.add(key)
        else:
            self.forget(key)

    def forget(self, key: Key) -> None:
        """It has had its turn, or is gone: the next ones may begin."""
        first = next(iter(self._waiting), None)
        self._waiting.pop(key, None)
        if key in self._granted or key == first:
            self._granted.discard(key)
            for one in list(islice(self._waiting, max(0, self._budget - len(self._granted)))):
                self._wake(one)
