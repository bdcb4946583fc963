"""The best of many versions, by what was measured of each on one dataset. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from podium.core.evaluations import Evaluation


@dataclass(frozen=True)
class Candidate:
    """A version, and what was measured of it, the newest last."""

    name: str
    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True)
class BestBy:
    """Which metric counts, on which dataset (None: on any), and its limit. The limit says which way is better."""

    metric: str
    dataset: str | None = None
    at_least: float | None = None  # more is better
    at_most: float | None = None  # less is better

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("exactly one of at_least and at_most is needed: it says whether more is better, or less")
        limit = self.at_least if self.at_least is not None else self.at_most
        if not self.metric or limit is None or not isfinite(limit):
            raise ValueError(f"metric is {self.metric!r} and the limit {limit}; required: a name, and a finite number")

    @property
    def limit(self) -> str:
        """The limit in words."""
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"

    def keeps(self, value: float) -> bool:
        """Whether a value is within the limit. NaN and infinities are none."""
        if not isfinite(value):
            return False
        return (
            value >= self.at_least if self.at_least is not None else self.at_most is not None and value <= self.at_most
        )

    def value_of(self, candidate: Candidate) -> float | None:
        """The metric of the candidate's newest evaluation on the dataset; None where there is no such evaluation."""
        named = (each for each in reversed(candidate.evaluations) if self._about(each))
        newest = next(named, None)
        return None if newest is None else newest.metrics.get(self.metric)

    def _about(self, made: Evaluation) -> bool:
        return self.dataset is None or (made.dataset is not None and made.dataset.name == self.dataset)


@dataclass(frozen=True)
class Best:
    """The best candidate and its value, or why there is none."""

    candidate: Candidate | None = None
    value: float | None = None
    problem: str = ""


def best_of(candidates: Iterable[Candidate], by: BestBy) -> Best:
    """The best candidate within the limit. Of equal ones the first: a later one is no reason for a rollout."""
    listed = list(candidates)
    measured = [(each, value) for each in listed if (value := by.value_of(each)) is not None]
    on = f" on dataset {by.dataset}" if by.dataset is not None else ""
    if not measured:
        return Best(problem=f"none of {len(listed)} versions has an evaluation with {by.metric}{on}")
    sign = 1 if by.at_least is not None else -1
    within = [(each, value) for each, value in measured if by.keeps(value)]
    if not within:
        shown = ", ".join(f"{each.name} {value:g}" for each, value in measured[-3:])
        return Best(problem=f"no version has {by.metric}{on} of {by.limit}: {shown}")
    candidate, value = max(within, key=lambda found: sign * found[1])
    return Best(candidate, value)
