"""Measures: what of a pod's counters is an answer, and which answers are bad. Guards are criteria about measures.

Each measure is a pair of totals that only rise while a pod's process lives, so that what came since the last reconcile
is a difference, and one kind of test serves all guards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from podium.api.v1alpha1.evidence import Counts
from podium.core.facts import Counters


@dataclass(frozen=True)
class Measure:
    """One way to count. `of` gives a pod's totals, or None while they do not count; it is None for what Prometheus has.

    `from_zero` says whether all that a new pod of the version on trial has counted belongs to the trial.
    """

    name: str
    of: Callable[[Counters], Counts | None] | None
    from_zero: bool = True
    words: str = ""  # for a message, where the name says too much

    @property
    def label(self) -> str:
        """How messages name it."""
        return self.words or self.name


def _errors(counters: Counters) -> Counts:
    return Counts(answers=counters.answers, bad=counters.bad)


def _invalid(counters: Counters) -> Counts:
    return Counts(answers=counters.answers, bad=counters.invalid)


ERRORS = Measure("errors", _errors)
INVALID = Measure("invalid", _invalid)


def slower_than(seconds: float, warm_up_answers: int) -> Measure:
    """Answers that took longer. The first answers of a pod's process do not count: its caches are still cold."""
    return Measure(f"slower than {seconds:g} s", partial(_slower, seconds, warm_up_answers), warm_up_answers == 0)


def _slower(seconds: float, warm_up_answers: int, counters: Counters) -> Counts | None:
    if counters.answers < warm_up_answers:
        return None
    latency = counters.latency
    return Counts(answers=latency.total, bad=latency.total - latency.at_most(seconds))


def scores_above(edge: float) -> Measure:
    """Predictions above a value."""
    return Measure(f"scores above {edge:g}", partial(_above, edge))


def _above(edge: float, counters: Counters) -> Counts:
    scores = counters.scores
    return Counts(answers=scores.total, bad=scores.total - scores.at_most(edge))


def of_class(name: str) -> Measure:
    """Predictions that are this class."""
    return Measure(f"class {name}", partial(_of_class, name))


def _of_class(name: str, counters: Counters) -> Counts:
    return Counts(answers=sum(counters.classes.values()), bad=counters.classes.get(name, 0))


def counted_elsewhere(guard: str) -> Measure:
    """What a guard of kind `prometheus` has from Prometheus."""
    return Measure(f"counts of {guard}", None, from_zero=False, words="bad")
