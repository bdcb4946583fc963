"""Seats for what may be slow: so many in all, and no tenant can take those of the others, whatever it names.

A tenant is a namespace: it names registries, webhooks and hosts, as many as it likes. The rules:

1. A tenant has a limit, and a limit at each place; a place has one for all tenants together.
2. A tenant takes no more than a part of what is free besides: where some have all that they may, seats stay
   free for the next that comes, and it gets one (Choudhury and Hahne, "Dynamic queue length thresholds", 1998).
3. Where several wait, they get seats in turn, one tenant after another. Of one tenant, whoever came first to a place.
4. The operator itself, the tenant "", has its own few seats at each place, which are counted with no other's.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import Final, TypeVar

K = TypeVar("K")
OPERATOR: Final = ""  # the tenant that is none: what is asked for all
_PART: Final = 4  # a tenant takes no more than this part of what is free


@dataclass(frozen=True)
class Limits:
    """How many seats there are at the same time."""

    whole: int
    tenant: int
    place: int
    own: int  # of one tenant at one place


@dataclass(eq=False)
class Seat:
    """One that is taken, or waited for."""

    tenant: str
    place: str
    given: "asyncio.Future[None]"


class Seats:
    """For one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._whole = 0
        self._tenants: Counter[str] = Counter()
        self._places: Counter[str] = Counter()
        self._own: Counter[tuple[str, str]] = Counter()
        self._waiting: OrderedDict[str, dict[str, deque[Seat]]] = OrderedDict()

    def ask(self, tenant: str, place: str) -> Seat:
        """A seat, whose `given` ends once it is taken. Whoever has asked gives it back in the end."""
        seat = Seat(tenant, place, asyncio.get_running_loop().create_future())
        if place not in self._waiting.get(tenant, {}) and self._may(tenant, place):
            self._give(seat)
        else:
            self._waiting.setdefault(tenant, {}).setdefault(place, deque()).append(seat)
        return seat

    def give_back(self, seat: Seat) -> None:
        """It is free, or not wanted any more."""
        if seat.given.done() and not seat.given.cancelled():
            self._count(seat, -1)
        else:
            seat.given.cancel()
            self._leave(seat)
        self._seat_all()

    def is_its_own_fault(self, tenant: str, place: str) -> bool:
        """Whether it is this place that lets one wait for a seat there, and not what the tenant asks elsewhere."""
        own = self._own[tenant, place] >= self._limits.own
        return own or self._places[place] >= self._limits.place

    def _may(self, tenant: str, place: str) -> bool:
        if self.is_its_own_fault(tenant, place):
            return False
        if tenant == OPERATOR:
            return True
        free = self._limits.whole - self._whole
        most = min(self._limits.tenant, max(1, free // _PART))
        return free > 0 and self._tenants[tenant] < most

    def _seat_all(self) -> None:
        while (seat := self._next()) is not None:
            self._leave(seat)
            if seat.tenant in self._waiting:
                self._waiting.move_to_end(seat.tenant)
            self._give(seat)

    def _give(self, seat: Seat) -> None:
        self._count(seat, 1)
        seat.given.set_result(None)

    def _next(self) -> Seat | None:
        for tenant, places in self._waiting.items():
            for place, seats in places.items():
                if self._may(tenant, place):
                    return seats[0]
        return None

    def _leave(self, seat: Seat) -> None:
        places = self._waiting.get(seat.tenant, {})
        seats = places.get(seat.place)
        if seats is None or seat not in seats:
            return
        seats.remove(seat)
        if not seats:
            del places[seat.place]
        if not places:
            del self._waiting[seat.tenant]

    def _count(self, seat: Seat, by: int) -> None:
        _add(self._tenants, seat.tenant, by)
        _add(self._places, seat.place, by)
        _add(self._own, (seat.tenant, seat.place), by)
        if seat.tenant != OPERATOR:
            self._whole += by


def _add(counter: Counter[K], key: K, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]  # tenants and places come and go
