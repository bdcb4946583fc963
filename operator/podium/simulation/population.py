"""Clients who stay: users, and programs that keep a connection open. What they ask is not drawn independently.

Each is one client with a trait of its own: a few fail with one request in five, whichever version answers (an old app,
an unusual input), and all others fail no more than the version itself is worse than its champion. The shares come out
as they were assumed; but where a client stays on its side, all of its failures fall on that side.
"""

import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import exp, inf
from typing import Any, Final, Generic, Literal, TypeVar

Activity = Literal["equal", "log-normal"]
Place = TypeVar("Place", bound=Hashable)

ONE_IN_FIVE: Final = 0.2  # of the requests of a client that fails
SPREAD: Final = (
    1.0  # of the logarithm of a client's activity: a tenth of the clients then send about 40 % of the requests
)


@dataclass(frozen=True)
class Crowd:
    """Who asks."""

    clients: int  # at any time
    requests: float | None = None  # of a client on average, before another takes its place; None: all of them stay
    activity: Activity = "equal"
    kept_alive: bool = False  # each is a connection, and not a user with a cookie


@dataclass
class Client:
    """One of them. `seat` is what it remembers of its side: a cookie, or the other end of its connection."""

    fails: bool
    left: float  # requests until another takes its place
    seat: Any = None
    used: int = 0  # requests on its connection


@dataclass(frozen=True)
class Seated(Generic[Place]):
    """So many requests of one client to one place; `drawn` of them had their side drawn for themselves."""

    place: Place
    requests: int
    drawn: int


@dataclass(frozen=True)
class Kind(Generic[Place]):
    """Requests that are alike."""

    place: Place
    fails: bool  # they come from clients that fail
    drawn: bool  # the side was drawn for each of them


Seats = Callable[[Client, int], Iterable[Seated[Place]]]  # where a client's next requests go


class Population:
    """The clients, and how active each is."""

    def __init__(self, crowd: Crowd, chance: random.Random, *, failing: float) -> None:
        self._crowd, self._chance, self._failing = crowd, chance, failing
        self._clients = [self._new() for _ in range(crowd.clients)]
        weights = (exp(chance.gauss(0, SPREAD)) if crowd.activity == "log-normal" else 1.0 for _ in self._clients)
        self._cumulative = list(accumulate(weights))

    def ask(self, number: int, seats: Seats[Place]) -> Counter[Kind[Place]]:
        """So many requests, each from a client that is drawn by activity."""
        found = Counter[Kind[Place]]()
        drawn = self._chance.choices(range(len(self._clients)), cum_weights=self._cumulative, k=number)
        for place, requests in Counter(drawn).items():
            for client, some in self._turns(place, requests):
                for seated in seats(client, some):
                    found[Kind(seated.place, client.fails, True)] += seated.drawn
                    found[Kind(seated.place, client.fails, False)] += seated.requests - seated.drawn
        return found

    def _turns(self, place: int, requests: int) -> Iterator[tuple[Client, int]]:
        """The requests of one place, and who has it meanwhile."""
        while requests > 0:
            client = self._clients[place]
            some = int(min(requests, client.left))
            yield client, some
            requests, client.left = requests - some, client.left - some
            if client.left < 1:
                self._clients[place] = self._new()

    def _new(self) -> Client:
        stay = self._crowd.requests
        left = inf if stay is None else 1 + self._chance.expovariate(1 / max(stay - 0.5, 0.01))
        return Client(self._chance.random() < self._failing, left)


def failing_clients(errors: float) -> float:
    """The share of clients that fail, where this share of a champion's answers is bad."""
    return min(1.0, errors / ONE_IN_FIVE)


def errors_of(fails: bool, errors: float, champion: float) -> float:
    """A version's share of bad answers to such a client: over all it is `errors`, and its champion's `champion`.

    What it is worse than the champion hits every client alike.
    """
    usual = max(ONE_IN_FIVE, champion) if fails else 0.0
    if errors < champion:
        return usual * errors / champion
    return 1 - (1 - usual) * (1 - errors) / (1 - champion) if champion < 1 else 1.0
