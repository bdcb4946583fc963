"""Several arms beside one champion: at one α for all of them, and the best is the one of which the most is proved."""

import random
from itertools import pairwise
from math import exp, inf, log

import pytest

from podium.core.analysis.sequential import AgainstChampion, best_arm, failed_arms, log_evidence_against, lower_bound
from podium.simulation.answers import binomial

ALPHA = 0.01


def wealth(*arms: float) -> list[float]:
    return [log(each) for each in arms]


@pytest.mark.parametrize(
    ("arms", "failed"),
    [
        (wealth(100), (True,)),  # one arm: as one challenger is
        (wealth(99.9), (False,)),
        (wealth(200, 1), (True, False)),
        (wealth(199, 1), (False, False)),
        (wealth(100, 200), (True, True)),  # the one that failed makes way
        (wealth(100, 199), (False, False)),  # and the other does not pass it by
        (wealth(1, 400, 300, 250), (False, True, True, True)),
        (wealth(1, 400, 299, 299), (False, True, False, False)),
        ([-inf, 10.0], (False, True)),
        ([], ()),
    ],
)
def test_arms_fail_in_the_order_of_what_speaks_against_them(arms: list[float], failed: tuple[bool, ...]) -> None:
    assert failed_arms([each + 1e-9 for each in arms], ALPHA) == failed


def test_what_has_failed_stays_so_as_evidence_only_grows() -> None:
    chance = random.Random(1)
    peaks, before = [0.0] * 5, dict.fromkeys(range(5), False)
    for _ in range(200):
        peaks = [max(peak, peak + chance.gauss(0, 0.3)) for peak in peaks]
        now = dict(enumerate(failed_arms(peaks, ALPHA)))
        assert all(now[arm] for arm, failed in before.items() if failed)
        before = now
    assert all(before.values())


def test_an_arm_is_as_bad_as_its_worst_criterion_by_its_part() -> None:
    half = [(log(30), 0.5), (log(80), 0.5)]
    assert exp(log_evidence_against(half)) == pytest.approx(40)
    assert exp(log_evidence_against([*half, (log(500), 0.1)])) == pytest.approx(50)
    assert log_evidence_against([]) == -inf


def test_eight_good_arms_beside_one_champion_fail_rarely_and_the_bad_one_does() -> None:
    chance, wrong, found = random.Random(2), 0, 0
    for _ in range(40):
        arms, peaks = [AgainstChampion(0.005, ALPHA, 0.05) for _ in range(8)], [0.0] * 8
        for _ in range(60):
            bad = binomial(chance, 100, 0.01)
            for place, share in enumerate([0.2] + [0.015] * 7):
                own = binomial(chance, 20, share)
                arms[place] = arms[place].see(own, 20 - own, bad, 100 - bad)
                peaks[place] = max(peaks[place], arms[place].log_failed)
        failed = failed_arms(peaks, ALPHA)
        wrong, found = wrong + any(failed[1:]), found + failed[0]
    assert (wrong, found) == (0, 40)


# --- the best of them -------------------------------------------------------------------------------------------------


def test_more_answers_with_the_same_share_prove_more() -> None:
    bounds = [lower_bound(3 * many, 97 * many, 0.05) for many in (0, 1, 10, 100, 1000, 100_000)]
    assert all(one < other < 0.03 for one, other in pairwise(bounds))
    assert bounds[-1] == pytest.approx(0.03, abs=0.0005)


@pytest.mark.parametrize(("wanted", "other", "bound"), [(0, 0, 0.0), (0, 9, 0.0), (1000, 0, 0.985), (1, 10**6, 0.0)])
def test_the_ends_of_the_scale(wanted: int, other: int, bound: float) -> None:
    assert lower_bound(wanted, other, 0.05) == pytest.approx(bound, abs=1e-3)


def test_a_bound_is_below_the_true_share_however_often_one_looks() -> None:
    chance, above = random.Random(3), 0
    for _ in range(200):
        wanted = other = 0
        for size in (3, 10, 30, 100, 300, 1000, 3000):
            more = binomial(chance, size, 0.1)
            wanted, other = wanted + more, other + size - more
            if lower_bound(wanted, other, 0.05) > 0.1:
                above += 1
                break
    assert above <= 10  # of 200: 5 % at the most


def test_the_best_arm_is_the_one_of_which_the_most_is_proved() -> None:
    assert best_arm([(290, 9710), (320, 9680), (1, 9)], 0.05) == 1  # one of ten proves less
    assert best_arm([(30, 70), (30, 70)], 0.05) == 0  # a tie: the order in Git
    assert best_arm([(0, 0), (0, 0)], 0.05) == 0
    assert best_arm([(0, 100), (1, 99)], 0.05) == 1


def test_a_count_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="other = -1"):
        lower_bound(1, -1, 0.05)
