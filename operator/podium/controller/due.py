"""Which key is due, and which of those comes first, found in O(log n): ten thousand objects at rest cost no scan.

Of keys with the same priority the namespaces have their turns, one after another: a thousand keys of one do not stand
before the one key of another.

A key has one valid entry, in the heap of later moments or in that of its priority. An entry that is replaced stays
where it is, with a number that is valid no more, until it comes up or there are more of such than of others.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final, Generic, TypeVar

from podium.core.facts import Key

P = TypeVar("P", bound=int)
_Entry = tuple[float, int, Key]  # when it is due, its number
_Turns = OrderedDict[str, list[_Entry]]  # by namespace, that whose turn is next first
_SPARE: Final = 64  # invalid entries that are kept whatever the number of keys


class DueKeys(Generic[P]):
    """Keys and when they are due, in seconds of a monotonic clock. The lower number of two priorities comes first."""

    def __init__(self, priority: Callable[[Key], P], last: P) -> None:
        """`last` is the priority of what rests: of two keys with it, one that has news comes first.

        A priority counts as it was when the key became due, was added, or was released, whichever was last.
        """
        self._priority = priority
        self._last = last
        self._due: dict[Key, float] = {}
        self._news_of: set[Key] = set()
        self._held: set[Key] = set()
        self._valid: dict[Key, int] = {}
        self._ready_as: dict[Key, P] = {}
        self._later: list[_Entry] = []
        self._ready: dict[tuple[P, bool], _Turns] = {}  # by priority, and by whether others of it come before them
        self._numbers: Iterator[int] = count()

    def add(self, key: Key, moment: float, *, news: bool) -> bool:
        """Let it be due then, or earlier where it is already. Returns whether this brought it forward.

        `news` is whether there is another reason for it than that time has passed.
        """
        known = self._due.get(key)
        earlier = known is None or moment < known
        told = news and key not in self._news_of
        if told:
            self._news_of.add(key)
        if earlier:
            self._due[key] = moment
        if earlier or told or self._priority_changed(key):
            self._place(key)
        return earlier

    def pop(self, now: float, free: Collection[P] | Mapping[P, Collection[str]]) -> tuple[Key, P] | None:
        """The first of those that are due and have one of these priorities, with it. It is held until `release`.

        A mapping says for each priority the namespaces that it is not to be of.
        """
        self._promote(now)
        without: Mapping[P, Collection[str]] = free if isinstance(free, Mapping) else dict.fromkeys(free, ())
        for priority in sorted(without):
            for after_news in (False, True):
                key = self._first(self._ready.get((priority, after_news)), without[priority])
                if key is not None:
                    self._forget(key)
                    del self._due[key]
                    self._news_of.discard(key)
                    self._held.add(key)
                    return key, priority
        return None

    def release(self, key: Key) -> None:
        """It is worked on no more: where it was added meanwhile, it can be popped again."""
        self._held.discard(key)
        if key in self._due:
            self._place(key)

    def next_moment(self) -> float | None:
        """When the next of those that are not due yet will be; None where there is none."""
        self._trim(self._later)
        return self._later[0][0] if self._later else None

    def waiting(self, now: float) -> int:
        """How many are due, those that are held included."""
        self._promote(now)
        return len(self._ready_as) + sum(self._due.get(key, now + 1) <= now for key in self._held)

    def _first(self, turns: _Turns | None, without: Collection[str]) -> Key | None:
        """Take the first key of the namespace whose turn it is."""
        if turns is None:
            return None
        found, over = None, []
        for namespace, heap in turns.items():
            self._trim(heap)
            if not heap:
                over.append(namespace)
            elif namespace not in without:
                found = namespace, heappop(heap)[-1]
                break
        for namespace in over:
            del turns[namespace]
        if found is None:
            return None
        turns.move_to_end(found[0])
        return found[1]

    def _priority_changed(self, key: Key) -> bool:
        return key in self._ready_as and self._ready_as[key] != self._priority(key)

    def _place(self, key: Key) -> None:
        self._forget(key)
        if key in self._held:
            return
        number = self._valid[key] = next(self._numbers)
        self._push(self._later, (self._due[key], number, key))

    def _forget(self, key: Key) -> None:
        self._valid.pop(key, None)
        self._ready_as.pop(key, None)

    def _promote(self, now: float) -> None:
        """Move what is due from the later ones to its priority's heap."""
        while (moment := self.next_moment()) is not None and moment <= now:
            due, number, key = heappop(self._later)
            priority = self._ready_as[key] = self._priority(key)
            after_news = priority == self._last and key not in self._news_of
            turns = self._ready.setdefault((priority, after_news), OrderedDict())
            self._push(turns.setdefault(key.namespace, []), (due, number, key))

    def _trim(self, heap: list[_Entry]) -> None:
        """Remove what is not valid from the front."""
        while heap and not self._is_valid(heap[0]):
            heappop(heap)

    def _push(self, heap: list[_Entry], entry: _Entry) -> None:
        if len(heap) > 2 * len(self._due) + _SPARE:
            heap[:] = filter(self._is_valid, heap)
            heapify(heap)
        heappush(heap, entry)

    def _is_valid(self, entry: _Entry) -> bool:
        return self._valid.get(entry[-1]) == entry[1]
