"""Clients who stay: their shares of bad answers, their turns, and on which side each of them is."""

import random
from collections import Counter

import pytest

from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.status import Pinned
from podium.core.actions import TrialAffinity
from podium.simulation.population import Client, Crowd, Population, Seated, errors_of, failing_clients
from podium.simulation.seats import Cookie, by_connection, by_cookie
from podium.simulation.world.pods import Behaviour, Pod

SHARES: dict[Slot, float] = {"a": 95.0, "b": 5.0}


@pytest.mark.parametrize("champion", [0.0, 0.01, 0.15, 0.4])
@pytest.mark.parametrize("errors", [0.0, 0.005, 0.01, 0.2, 0.9])
def test_over_all_clients_the_share_is_the_one_that_is_assumed(champion: float, errors: float) -> None:
    failing = failing_clients(champion)
    both = failing * errors_of(True, errors, champion) + (1 - failing) * errors_of(False, errors, champion)
    assert both == pytest.approx(errors)


def test_a_champion_fails_one_request_in_five_of_the_few_who_fail() -> None:
    assert failing_clients(0.01) == pytest.approx(0.05)
    assert errors_of(True, 0.01, 0.01) == pytest.approx(0.2)
    assert errors_of(False, 0.01, 0.01) == 0.0


def asked(crowd: Crowd, number: int) -> Counter[int]:
    """How many requests each client sent."""
    found, kept = Counter[int](), []  # kept, so that no id comes twice

    def seats(client: Client, requests: int) -> list[Seated[str]]:
        found[id(client)] += requests
        kept.append(client)
        return []

    Population(crowd, random.Random(1), failing=0.05).ask(number, seats)
    assert sum(found.values()) == number
    return found


def test_clients_leave_after_their_requests_and_others_come() -> None:
    assert len(asked(Crowd(20), 4000)) == 20
    assert len(asked(Crowd(20, requests=10), 20_000)) == pytest.approx(2000, rel=0.15)


def test_a_few_of_unequal_activity_send_most() -> None:
    equal, unequal = asked(Crowd(200), 20_000), asked(Crowd(200, activity="log-normal"), 20_000)
    most = sum(count for _, count in unequal.most_common(20))
    assert most > 2 * sum(count for _, count in equal.most_common(20))


def test_a_user_stays_and_only_ever_moves_to_the_challenger() -> None:
    chance, moved = random.Random(1), 0
    first, then = TrialAffinity("t", "b", (5,)), TrialAffinity("t", "b", (5, 50))
    for _ in range(2000):
        client = Client(fails=False, left=100)
        (one,) = by_cookie(SHARES, first, chance)(client, 3)
        assert (one.requests, one.drawn) == (3, 1)
        (stays,) = by_cookie(SHARES, first, chance)(client, 2)
        assert (stays.place, stays.drawn) == (one.place, 0)
        (later,) = by_cookie(SHARES, then, chance)(client, 1)
        assert later.drawn == 0
        assert later.place == "b" or one.place == "a"
        moved += later.place == "b"
    assert moved == pytest.approx(1000, abs=100)


def test_a_cookie_of_another_trial_says_nothing() -> None:
    client = Client(fails=False, left=9, seat=Cookie("old", 5, "a"))
    (one,) = by_cookie({"a": 50.0, "b": 50.0}, TrialAffinity("new", "b", (50,)), random.Random(1))(client, 1)
    assert one.drawn == 1
    assert client.seat.trial == "new"


def test_without_a_cookie_each_request_is_drawn() -> None:
    client = Client(fails=False, left=9)
    found = list(by_cookie({"a": 75.0, "b": 25.0}, None, random.Random(1))(client, 4000))
    assert {one.place: one.drawn for one in found} == pytest.approx({"a": 3000, "b": 1000}, abs=150)


def test_a_connection_leads_to_one_pod_until_it_closes(pods: list[Pod]) -> None:
    client, chance = Client(fails=False, left=9), random.Random(1)
    (one,) = by_connection(pods, chance, None)(client, 50)
    (again,) = by_connection(pods, chance, None)(client, 50)
    assert (one.drawn, again.drawn, again.place) == (1, 0, one.place)
    closed = list(by_connection(pods, chance, 10)(Client(fails=False, left=9), 35))
    assert [(each.requests, each.drawn) for each in closed] == [(10, 1), (10, 1), (10, 1), (5, 1)]


def test_a_connection_whose_pod_has_gone_is_made_again(pods: list[Pod]) -> None:
    client, chance = Client(fails=False, left=9), random.Random(1)
    (one,) = by_connection(pods[:1], chance, None)(client, 1)
    (other,) = by_connection(pods[1:2], chance, None)(client, 1)
    assert (other.place, other.drawn) == (pods[1].uid, 1)
    assert other.place != one.place


@pytest.fixture
def pods() -> list[Pod]:
    pinned = Pinned(version="1", digest="sha256:1", slot="a")
    return [Pod(uid=uid, name=uid, pinned=pinned, behaviour=Behaviour(), born=0.0) for uid in "1234"]
