"""Drift against a training profile: how often it alarms wrongly is bounded, and what has drifted is found."""

from collections.abc import Iterator
from math import exp, log
from random import Random

import pytest

from podium.core.drift import DriftDetector, FeatureDetector, Reference, stability_index
from podium.core.drift.detector import ROWS, detector
from podium.core.drift.sample import divergence, nearest, radius

YEAR = 8760.0
TENTHS = (0.1,) * 10
SHIFTED = (0.069, 0.081, 0.089, 0.094, 0.098, 0.102, 0.107, 0.111, 0.119, 0.13)  # by 0.2 standard deviations, up


def number(rows: int = 100_000, name: str = "age") -> Reference:
    """A feature that is a number and never missing."""
    return Reference(name, (*[rows // 10] * 10, 0), ordered=10)


def drawn(shares: tuple[float, ...], rows: int, random: Random) -> list[int]:
    counts = [0] * len(shares)
    for place in random.choices(range(len(shares)), shares, k=rows):
        counts[place] += 1
    return counts


# --- the reference is a sample ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shares", [TENTHS, (0.9, 0.09, 0.009, 0.001), (1.0, 0.0)])
@pytest.mark.parametrize("rows", [10, 200, 3000])
def test_a_sample_is_seldom_farther_from_the_truth_than_its_radius(shares: tuple[float, ...], rows: int) -> None:
    random, size = Random(1), radius(rows, len(shares), alpha=0.1)
    samples = ([count / rows for count in drawn(shares, rows, random)] for _ in range(300))
    assert sum(divergence(sample, shares) > size for sample in samples) <= 30


def test_without_a_row_nothing_is_known_and_one_bin_alone_is_certain() -> None:
    assert radius(0, 3, 0.01) == float("inf")
    assert radius(10, 1, 0.01) == 0.0


def _of_the_ball(shares: tuple[float, ...], size: float, random: Random) -> Iterator[tuple[float, ...]]:
    """Points on the edge of what is tolerated, in directions drawn at random."""
    for _ in range(300):
        weights = [random.expovariate(1) ** 3 for _ in shares]
        far = tuple(weight / sum(weights) for weight in weights)
        point = nearest(shares, size, tuple(0.999 * part + 0.001 / len(far) for part in far))
        if point is not None:
            yield point


@pytest.mark.parametrize("counts", [(*[1000] * 10, 0), (5000, 300, 20, 1, 0), (30, 30, 30)])
def test_no_share_that_is_tolerated_can_expect_to_win_a_bet(counts: tuple[int, ...]) -> None:
    """The mean of what a row multiplies the wealth with is at most 1: an e-variable."""
    reference = Reference("x", counts, ordered=0)
    for point in _of_the_ball(reference.shares, reference.size, Random(2)):
        for bet in reference.bets:
            mean = sum(share * exp(gain) for share, gain in zip(point, bet.by_bin, strict=True))
            assert mean <= 1 + 1e-9


def test_rows_that_come_alike_can_expect_to_win_no_bet_either() -> None:
    """A block of 10,000 rows counts as 1,000: ten rows that are one and the same are one row to it."""
    reference, most = number(), 1e6
    for place in range(10):
        alike = [0] * 11
        alike[place] = 10 * ROWS
        one = [count // 10 for count in alike]
        expected = FeatureDetector(reference).see(one, most).wealth
        assert FeatureDetector(reference).see(alike, most).wealth == pytest.approx(expected)


def test_parts_of_the_capital_sum_to_one() -> None:
    for reference in (number(), number(rows=500), Reference("plan", (700, 200, 90, 10), ordered=0)):
        assert sum(bet.part for bet in reference.bets) == pytest.approx(1.0)


def test_a_profile_of_few_rows_alarms_at_nothing() -> None:
    empty = detector(iter([Reference("x", (0, 0), ordered=0)]), 10.0)
    assert not empty.features[0].reference.bets
    assert not empty.see({"x": (1000, 0)}).alarms


@pytest.mark.parametrize(("counts", "ordered"), [((3,), 0), ((3, -1), 0), ((3, 1), 3)])
def test_counts_that_are_no_reference_are_refused(counts: tuple[int, ...], ordered: int) -> None:
    with pytest.raises(ValueError, match="two or more counts, none negative"):
        Reference("x", counts, ordered)


# --- blocks -----------------------------------------------------------------------------------------------------------


def blocks_to_an_alarm(
    watch: DriftDetector, shares: tuple[float, ...], random: Random, rows: int, most: int = 1000
) -> int:
    """How many blocks it takes; `most` where it takes more."""
    for block in range(1, most):
        watch = watch.see({f.reference.name: drawn(shares, rows, random) for f in watch.features})
        if watch.alarms:
            return block
    return most


def test_the_mean_time_to_a_false_alarm_is_at_least_what_was_asked_for() -> None:
    """With all features as far off as is tolerated, in the direction of which bets are laid: the worst there is."""
    random, references = Random(3), [number(rows=3000, name="age"), number(rows=3000, name="income")]
    far = nearest(references[0].shares, references[0].size, (*SHIFTED[:9], 0.129, 0.001))
    assert far is not None
    times = [blocks_to_an_alarm(detector(iter(references), 20.0), far, random, 100, most=80) for _ in range(40)]
    assert sum(times) / len(times) >= 20.0
    assert min(times) < 80  # some do alarm


def test_a_shift_by_a_fifth_of_a_standard_deviation_is_found_within_a_day_of_a_hundred_rows_an_hour() -> None:
    random = Random(4)
    times = [blocks_to_an_alarm(detector(iter([number()]), YEAR), (*SHIFTED, 0.0), random, 100) for _ in range(20)]
    assert sum(times) / len(times) <= 2 * log(YEAR) / (100 * 0.0086)


@pytest.mark.parametrize(
    ("reference", "drifted"),
    [
        (number(), (0.13, 0.1, 0.09, 0.09, 0.09, 0.09, 0.09, 0.09, 0.1, 0.13, 0.0)),  # wider
        (number(), (*[0.095] * 10, 0.05)),  # missing
        (number(), (*[0.085] * 5, 0.235, *[0.085] * 4, 0.0)),  # a value that stands for another
        (Reference("plan", (60_000, 30_000, 9_000, 1_000), 0), (0.5, 0.4, 0.09, 0.01)),
        (Reference("plan", (60_000, 30_000, 9_000, 1_000), 0), (0.57, 0.29, 0.09, 0.05)),  # others
    ],
)
def test_every_kind_of_drift_is_found(reference: Reference, drifted: tuple[float, ...]) -> None:
    assert blocks_to_an_alarm(detector(iter([reference]), YEAR), drifted, Random(5), 1000) <= 8


def test_what_drifts_is_named_and_what_does_not_is_not() -> None:
    watch = detector(iter([number(name="age"), number(name="income")]), YEAR)
    for _ in range(6):
        watch = watch.see({"age": [100] * 10 + [0], "income": [int(1000 * s) for s in SHIFTED] + [0], "other": [1]})
    assert watch.alarms
    assert watch.suspects == ("income",)


def test_a_drift_that_is_over_is_seen_to_be_over() -> None:
    """The wealth has a ceiling, however long the drift lasted."""
    watch, usual = detector(iter([number()]), YEAR), [100] * 10 + [0]
    for _ in range(500):
        watch = watch.see({"age": [int(1000 * share) for share in SHIFTED] + [0]})
    assert watch.alarms
    assert not watch.ended
    for _ in range(24):
        watch = watch.see({"age": usual})
    assert watch.ended


def test_a_long_time_without_drift_hides_none() -> None:
    random, watch = Random(6), detector(iter([number()]), YEAR)
    for _ in range(2000):
        watch = watch.see({"age": [100] * 10 + [0]})
    assert blocks_to_an_alarm(watch, (*SHIFTED, 0.0), random, 1000) <= 6


def test_a_block_without_rows_and_a_feature_without_counts_change_nothing() -> None:
    watch = detector(iter([number(name="age"), number(name="income")]), YEAR).see({"age": [5] * 11, "income": [5] * 11})
    assert watch.see({"age": [0] * 11}) == watch
    assert watch.see({}) == watch


@pytest.mark.parametrize("counts", [[1] * 10, [1] * 10 + [-1]])
def test_a_block_of_other_bins_is_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="expected 11 counts, none negative"):
        detector(iter([number()]), YEAR).see({"age": counts})


def test_a_detector_of_no_feature_says_nothing() -> None:
    watch = detector(iter([]), YEAR).see({"age": [1]})
    assert not watch.alarms
    assert watch.suspects == ()


def test_the_stability_index_is_that_of_the_literature() -> None:
    assert stability_index((0.5, 0.5), (0.6, 0.4)) == pytest.approx(0.1 * log(0.6 / 0.5) + 0.1 * log(0.5 / 0.4))
