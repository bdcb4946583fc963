"""A/A trials with clients who stay: how often a good version fails, by first answers, and by all answers beside it.

Each trial has clients of its own, of whom some fail one request in five whichever version answers (as
`podium.simulation.population` has them), and sends 100 requests a second for five minutes. Every request is drawn.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.judgement import bounds
from bench.judgement.errors import ALPHA, BETA, CHAMPION, MARGIN
from bench.judgement.twins import ChampionTwin, Counts, Flags
from podium.simulation.population import ONE_IN_FIVE, SPREAD

REQUESTS, LOOKS = 30_000, 300
FAULT = 0.05  # by which a bad version is worse than the champion
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Setting:
    """Who asks."""

    clients: int
    weight: float
    unequal: bool = False  # in activity, log-normal
    stay: int | None = None  # requests, until another client takes a client's place; None: all of them
    per_connection: int | None = None  # requests of a connection; None: users with a cookie

    def __str__(self) -> str:
        kind = "users" if self.per_connection is None else "connections"
        parts = [f"{self.clients:,} {kind} at {self.weight:.0%}", "unequal" if self.unequal else "equal"]
        return ", ".join(parts + ([f"{self.stay} requests each"] if self.stay is not None else []))


SETTINGS = (
    *(Setting(clients, 0.5, unequal) for clients in (200, 2000, 20_000) for unequal in (False, True)),
    Setting(200, 0.05),
    Setting(200, 0.5, stay=50),
    Setting(2000, 0.5, stay=5, unequal=True),
    Setting(40, 0.25, per_connection=10),
    Setting(40, 0.25, per_connection=10, unequal=True),
    Setting(400, 0.25, per_connection=10, stay=200),
)


@dataclass(frozen=True)
class Rate:
    """How many of the trials fail a good version."""

    setting: Setting
    trials: int
    first: int  # by first answers
    all: int  # by all

    @property
    def upper(self) -> float:
        """Upper end of the 99 % interval, by first answers."""
        return bounds.upper(self.first, self.trials)


def rates(trials: int, seed: int) -> Iterator[Rate]:
    """Each setting."""
    for setting in SETTINGS:
        chance = np.random.default_rng(seed)
        drawn = [_trial(setting, chance, CHAMPION) for _ in range(trials)]
        first, every = (np.stack([each[kind] for each in drawn], axis=-1) for kind in (0, 1))
        yield Rate(setting, trials, int(_failed(first).sum()), int(_failed(every).sum()))


def ratio(trials: int, seed: int) -> float:
    """How many of the challenger's first answers find a fault of 5 points: the median, by the information bound.

    Among users who come and go, as those who all stay have no more first answers than there are users.
    """
    setting, chance = Setting(2000, 0.5, stay=5), np.random.default_rng(seed)
    looks = np.stack([_trial(setting, chance, CHAMPION + FAULT)[0] for _ in range(trials)], axis=-1)
    twin, found = ChampionTwin(trials, MARGIN, ALPHA, BETA), np.full(trials, np.inf)
    seen = np.zeros(trials)
    for block in looks:
        twin.see(*block)
        seen += block[0] + block[1]
        found[twin.broken & np.isinf(found)] = seen[twin.broken & np.isinf(found)]
    bound = bounds.against_champion(CHAMPION + FAULT, CHAMPION, MARGIN, setting.weight, ALPHA)
    return float(np.median(found)) / bound


def _failed(looks: Counts) -> Flags:
    twin = ChampionTwin(looks.shape[-1], MARGIN, ALPHA, BETA)
    for block in looks:
        twin.see(*block)
    return twin.broken


def _trial(setting: Setting, chance: np.random.Generator, share: float) -> tuple[Counts, Counts]:
    """The blocks of one trial, (look, kind): of its first answers, and of all that there are without the mend.

    Without it, connections stay open, and each is on one side for good.
    """
    client = _clients(setting, chance)
    unusual = chance.random(int(client.max()) + 1) < CHAMPION / ONE_IN_FIVE
    usual = (chance.random(REQUESTS) < ONE_IN_FIVE) & unusual[client]
    worse = chance.random(REQUESTS) < (share - CHAMPION) / (1 - CHAMPION)
    stays = chance.random(int(client.max()) + 1) < setting.weight
    of_all = _blocks(stays[client], usual, worse, np.ones(REQUESTS, bool))
    if setting.per_connection is None:
        return _blocks(stays[client], usual, worse, _occurrence(client) == 0), of_all
    connection = _lives(client, setting.per_connection)
    side = (chance.random(int(connection.max()) + 1) < setting.weight)[connection]
    return _blocks(side, usual, worse, _occurrence(connection) == 0), of_all


def _clients(setting: Setting, chance: np.random.Generator) -> Ids:
    """Who sends each request."""
    activity = np.exp(chance.normal(0, SPREAD if setting.unequal else 0.0, setting.clients))
    sent = chance.choice(setting.clients, REQUESTS, p=activity / activity.sum())
    return sent if setting.stay is None else _lives(sent, setting.stay)


def _lives(ids: Ids, requests: int) -> Ids:
    """Another id for each id after every so many of its requests."""
    lives = ids + (int(ids.max()) + 1) * (_occurrence(ids) // requests)
    found: Ids = np.unique(lives, return_inverse=True)[1].astype(np.int64)
    return found


def _occurrence(ids: Ids) -> Ids:
    """How many requests of the same id came before each."""
    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(ids[order]) != 0])
    places = np.arange(len(ids)) - np.repeat(starts, np.diff(np.r_[starts, len(ids)]))
    found = np.empty(len(ids), np.int64)
    found[order] = places
    return found


def _blocks(challenger: Flags, usual: Flags, worse: Flags, counted: Flags) -> Counts:
    """Bad and good answers of the challenger, and of the champion, by look."""
    look = np.arange(REQUESTS) * LOOKS // REQUESTS
    bad = np.where(challenger, usual | worse, usual)
    kinds = (challenger & bad, challenger & ~bad, ~challenger & bad, ~challenger & ~bad)
    counts: Counts = np.stack([np.bincount(look[kind & counted], minlength=LOOKS) for kind in kinds], axis=-1)
    return counts
