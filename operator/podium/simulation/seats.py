"""On which side a client is: by its cookie as Podium's own HTTPRoute reads it, or by its connection's pod."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from podium.api.v1alpha1.evidence import Slot
from podium.core.actions import TrialAffinity
from podium.core.facts import ALL, other_than
from podium.simulation.answers import binomial
from podium.simulation.population import Client, Seated
from podium.simulation.world.pods import Pod


@dataclass(frozen=True)
class Cookie:
    """What an answer said of a user's side, and under which weight it was drawn."""

    trial: str
    weight: int
    slot: Slot


def by_cookie(
    shares: Mapping[Slot, float], affinity: TrialAffinity | None, chance: random.Random
) -> Callable[[Client, int], Iterator[Seated[Slot]]]:
    """Users who stay where the route says so; without that, each of their requests is drawn."""

    def seats(client: Client, requests: int) -> Iterator[Seated[Slot]]:
        if affinity is None:
            yield from _each_drawn(shares, requests, chance)
            return
        drawn = int(_share_of_challenger(client.seat, affinity) is None)
        client.seat = _cookie(client.seat, affinity, chance)
        yield Seated(client.seat.slot, requests, drawn)

    return seats


def _each_drawn(shares: Mapping[Slot, float], requests: int, chance: random.Random) -> Iterator[Seated[Slot]]:
    left = float(ALL)
    for slot, share in shares.items():
        part = binomial(chance, requests, min(1.0, share / left)) if left > 0 else 0
        if part:
            yield Seated(slot, part, part)
        requests, left = requests - part, left - share


def _share_of_challenger(seat: Cookie | None, affinity: TrialAffinity) -> float | None:
    """With which chance a user with this cookie goes to the challenger; None where it has none of this trial."""
    now = affinity.weights[-1]
    if seat is None or seat.trial != affinity.trial or seat.weight not in affinity.weights:
        return None
    if seat.slot == affinity.challenger:
        return 1.0
    return (now - seat.weight) / (ALL - seat.weight)


def _cookie(seat: Cookie | None, affinity: TrialAffinity, chance: random.Random) -> Cookie:
    share, now = _share_of_challenger(seat, affinity), affinity.weights[-1]
    over = chance.random() < (now / ALL if share is None else share)
    return Cookie(affinity.trial, now, affinity.challenger if over else other_than(affinity.challenger))


def by_connection(
    pods: Sequence[Pod], chance: random.Random, closes_after: int | None
) -> Callable[[Client, int], Iterator[Seated[str]]]:
    """Connections that a Service leads to one of these pods each, until the pod goes, or closes them."""
    known = {pod.uid for pod in pods}

    def seats(client: Client, requests: int) -> Iterator[Seated[str]]:
        while requests > 0 and pods:
            if client.seat not in known or (closes_after is not None and client.used >= closes_after):
                client.seat, client.used = chance.choice(pods).uid, 0
            some = requests if closes_after is None else min(requests, closes_after - client.used)
            yield Seated(client.seat, some, int(client.used == 0))
            client.used, requests = client.used + some, requests - some

    return seats
