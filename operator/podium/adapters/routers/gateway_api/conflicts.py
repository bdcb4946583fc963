"""Who writes other weights than Podium's, and how often: a drift is put back, a fight is reported too.

Kept in memory: a restarted operator counts from zero, and reverts drift all the same.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import Slot
from podium.core.facts import Problem
from podium.ports import Clock

OFTEN: Final = 3  # times …
WITHIN: Final = 600.0  # … in so many seconds; tools that sync every few minutes are found out too


@dataclass
class _Contest:
    ours: Mapping[Slot, int] | None = None  # what we wrote last; None once it has been seen overwritten
    times: deque[float] = field(default_factory=lambda: deque(maxlen=OFTEN))
    other: str = ""


class RouteConflicts:
    """What was written and what was found, by route, which is `namespace/name` of an HTTPRoute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Contest] = {}

    def wrote(self, route: str, weights: Mapping[Slot, int]) -> None:
        """These weights were written by us."""
        self._known.setdefault(route, _Contest()).ours = dict(weights)

    def found(self, route: str, weights: Mapping[Slot, int], writer: str) -> None:
        """These weights stand there. Where they are not ours, `writer` is who wrote last beside us."""
        contest = self._known.get(route)
        if contest is None or contest.ours is None or contest.ours == weights:
            return
        contest.ours, contest.other = None, writer
        contest.times.append(self._clock.monotonic())

    def problem(self, route: str) -> Problem | None:
        """What to say of a route that is written again and again; nothing where it was left in peace for a while."""
        contest, now = self._known.get(route), self._clock.monotonic()
        if contest is None or len(contest.times) < OFTEN or now - contest.times[0] > WITHIN:
            return None
        message = (
            f"field manager {contest.other} has overwritten the weights of HTTPRoute {route} {OFTEN} times within "
            f"{round(now - contest.times[0])} s; they are put back each time: keep it from writing them"
        )
        return Problem(reasons.ROUTE_CONFLICT, message)

    def forget(self, route: str) -> None:
        """Forget what is remembered of a route that is gone."""
        self._known.pop(route, None)
