"""Clients who stay distort no comparison: an A/A trial fails no version, unless all of their answers are counted."""

import random
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest

from podium.api.v1alpha1.evidence import Slot
from podium.core.actions import TrialAffinity
from podium.core.analysis import criteria, sample_ratio
from podium.core.analysis.sequential import AgainstChampion
from podium.simulation.answers import binomial
from podium.simulation.assumed import Role, Shares, assumed
from podium.simulation.population import Crowd, Population, errors_of, failing_clients
from podium.simulation.seats import by_cookie
from podium.simulation.trial import Plan, Trial
from tests.stories.simulator import spec_of

MARGIN, ALPHA, CHAMPION = 0.005, 0.01, 0.01
SEEDS = 150


def verdicts(crowd: Crowd, weight: int, *, first: bool, bad: float = CHAMPION, seeds: int = SEEDS) -> int:
    """Of so many trials of a version this bad, how many fail: 100 requests a second, for five minutes."""
    return sum(failed(crowd, weight, first, bad, random.Random(seed)) for seed in range(seeds))


def failed(crowd: Crowd, weight: int, first: bool, bad: float, chance: random.Random) -> bool:
    judge = AgainstChampion(MARGIN, ALPHA, 0.05)
    for block in blocks(crowd, weight, first, bad, chance):
        judge = judge.see(*block)
    return judge.verdict == "Failed"


def blocks(
    crowd: Crowd, weight: int, first: bool, bad: float, chance: random.Random
) -> Iterator[tuple[int, int, int, int]]:
    population = Population(crowd, chance, failing=failing_clients(CHAMPION))
    seats = by_cookie({"a": 100.0 - weight, "b": float(weight)}, TrialAffinity("t", "b", (weight,)), chance)
    for _ in range(60):
        counts: dict[Slot, list[int]] = {"a": [0, 0], "b": [0, 0]}
        for kind, number in population.ask(500, seats).items():
            if first and not kind.drawn:
                continue
            share = errors_of(kind.fails, bad if kind.place == "b" else CHAMPION, CHAMPION)
            failures = binomial(chance, number, share)
            counts[kind.place][0] += failures
            counts[kind.place][1] += number - failures
        yield (counts["b"][0], counts["b"][1], counts["a"][0], counts["a"][1])


@pytest.mark.parametrize(
    ("crowd", "weight"),
    [(Crowd(200), 50), (Crowd(200), 5), (Crowd(200, requests=50), 50), (Crowd(200, activity="log-normal"), 50)],
    ids=["stay", "stay at 5 %", "come and go", "unequal"],
)
def test_counting_all_answers_of_users_who_stay_fails_good_versions_and_first_ones_do_not(
    crowd: Crowd, weight: int
) -> None:
    assert verdicts(crowd, weight, first=False, seeds=50) >= 3  # of 50, where 1 % is promised at most
    assert verdicts(crowd, weight, first=True) <= 1  # of 150


def test_a_fault_is_found_by_first_answers_too() -> None:
    assert verdicts(Crowd(200, requests=50), 50, first=True, bad=CHAMPION + 0.2, seeds=30) == 30


# --- the operator itself ----------------------------------------------------------------------------------------------

STICKY = {"gateway": {"name": "public"}, "sessionAffinity": {"cookieName": "podium"}}
COMPARED = [{"name": "errors", "errorRate": {"maxAboveChampion": "0.5%"}}]


def trial(crowd: Crowd, traffic: Mapping[str, object], weight: int, seed: int, bad: float = CHAMPION) -> Trial:
    steps = [{"weight": weight, "duration": "5m"}]
    rollout = {"steps": steps, "soak": "10s", "guards": COMPARED, "stepTimeout": "5m", "onInconclusive": "Proceed"}
    spec = spec_of("2", rollout=rollout, traffic=traffic, serving={"replicas": 3})
    said: dict[Role, Shares] = {"champion": {"": CHAMPION}, "good": {"": CHAMPION}, "bad": {"": bad}}
    shares = assumed(spec.rollout.guards, said)
    role: Role = "good" if bad == CHAMPION else "bad"
    return Trial(Plan(spec, 100, shares, timedelta(days=1), crowd), role, random.Random(seed))


def ended(trials: Iterator[Trial]) -> tuple[int, int]:
    """How many of them were rolled back, and in how many requests were not shared by the weight."""
    back = mismatched = 0
    for one in trials:
        try:
            one.begin()
            while one.end_of_it is None:
                one.tick()
                evidence = one.status.trial.evidence if one.status.trial is not None else None
                mismatch = evidence.mismatch if evidence is not None else ""
                mismatched += bool(mismatch)
            back += one.end_of_it == "rolled back"
        finally:
            one.end()
    return back, mismatched


@pytest.mark.parametrize(
    ("crowd", "traffic", "weight"),
    [
        (Crowd(200, requests=50), STICKY, 50),
        (Crowd(200), STICKY, 5),
        (Crowd(40, kept_alive=True), {}, 25),
        (Crowd(40, requests=200, kept_alive=True), {}, 25),
    ],
    ids=["users who come and go", "users who stay", "connections that stay", "connections that come and go"],
)
def test_the_operator_rolls_no_good_version_back_for_what_its_users_are(
    crowd: Crowd, traffic: Mapping[str, object], weight: int
) -> None:
    assert ended(trial(crowd, traffic, weight, seed) for seed in range(15)) == (0, 0)


@pytest.mark.parametrize(
    ("crowd", "traffic", "weight"),
    [(Crowd(200, requests=50), STICKY, 50), (Crowd(40, kept_alive=True), {}, 25)],
    ids=["users who come and go", "connections that stay"],
)
def test_and_a_bad_one_for_what_it_does(crowd: Crowd, traffic: Mapping[str, object], weight: int) -> None:
    found, mismatched = ended(trial(crowd, traffic, weight, seed, bad=CHAMPION + 0.2) for seed in range(10))
    assert (found, mismatched) == (10, 0)


def test_comparisons_that_count_all_answers_would_roll_good_versions_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(criteria, "_of_first_answers", lambda criterion: criterion)
    back, _ = ended(trial(Crowd(40), STICKY, 50, seed) for seed in range(15))
    assert back >= 3


def test_requests_that_stay_on_a_side_contradict_the_weight_where_all_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As behind a proxy that Podium knows nothing of."""
    monkeypatch.setattr(sample_ratio, "counts_first_answers", lambda *_, **__: False)
    _, mismatched = ended(trial(Crowd(40), STICKY, 50, seed) for seed in range(5))
    assert mismatched
