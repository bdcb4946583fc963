"""What others do, beside it: a threshold on the share of good answers in each window of so many requests.

In closed form: each window fails by itself with the same chance, and the first one that does ends the trial.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, comb, log

from podium.api.v1alpha1.spec.spec import Spec
from podium.core.traffic.shares import share_in_force

SIZE, SUCCESS = 20, 0.99  # requests, and the share of them that has to be good


@dataclass(frozen=True)
class Windowed:
    """What the thresholds would do with the same steps, each as long as its `hold`, and then promote."""

    false_rollback: float  # chance for the good version
    missed: float  # chance that the bad version is promoted
    to_rollback: float | None  # seconds, median of the bad versions that are found out
    hit: float | None  # bad answers until then, median


def windowed(spec: Spec, rate: float, good: float, bad: float) -> Windowed:
    """The figures for `rate` requests a second and versions with these shares of failing answers."""
    stretches = list(_stretches(spec, rate))
    windows = int(sum(seconds * answers for seconds, answers in stretches)) // SIZE
    passes = 1 - _fails(bad)
    missed = passes**windows
    if missed == 1:
        return Windowed(_ends(good, windows), missed, None, None)
    half = (1 + missed) / 2  # the median among those that are found out
    needed = max(1, ceil(log(half) / log(passes))) if passes > 0 else 1
    return Windowed(_ends(good, windows), missed, _when(stretches, needed * SIZE), needed * SIZE * bad)


def _fails(share: float) -> float:
    """The chance that too many of a window's answers are bad."""
    most = int(SIZE * (1 - SUCCESS) + 1e-9)
    return 1 - sum(comb(SIZE, bad) * share**bad * (1 - share) ** (SIZE - bad) for bad in range(most + 1))


def _ends(share: float, windows: int) -> float:
    return float(1 - (1 - _fails(share)) ** windows)


def _stretches(spec: Spec, rate: float) -> Iterator[tuple[float, float]]:
    """Seconds and answers a second of the challenger, step by step."""
    for step in spec.rollout.steps:
        yield step.duration.total_seconds(), rate * share_in_force(step.weight, spec)


def _when(stretches: list[tuple[float, float]], answers: float) -> float:
    passed = 0.0
    for seconds, each in stretches:
        if answers <= seconds * each:
            return passed + answers / each
        passed, answers = passed + seconds, answers - seconds * each
    return passed
