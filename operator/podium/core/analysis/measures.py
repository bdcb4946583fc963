"""Measures: what of a pod's counters is an answer, and which answers are bad. Guards are criteria about measures.

Each measure is a pair of totals that only rise while a pod's process lives, so that what came since the last reconcile
is a difference, and one kind of test serves all guards.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from podium.api.v1alpha1.evidence import Counts
from podium.core.facts import Counters
from podium.core.shadow import ShadowPairs


@dataclass(frozen=True)
class Measure:
    """One way to count. `of` gives a pod's totals, None where it has none; it is None for what Prometheus has."""

    name: str
    of: Callable[[Counters], Counts | None] | None
    warm_up: int = 0  # answers of a pod that do not count
    words: str = ""  # for a message, where the name says too much
    first: bool = False  # only answers whose side was drawn for that request
    paired: bool = False  # the champion's pods count it, who saw both answers to the same request
    counted: str = "answers"  # what messages name what it counts

    @property
    def label(self) -> str:
        """How messages name it."""
        return self.words or self.name

    @property
    def answers(self) -> str:
        """How messages name what it counts."""
        return "first answers" if self.first else self.counted

    @property
    def from_zero(self) -> bool:
        """Whether all that a new pod of the version on trial has counted belongs to the trial."""
        return self.of is not None and not self.warm_up

    def read(self, counters: Counters) -> Counts | None:
        """A pod's totals; None while they do not count, and where the pod does not have them."""
        counted = counters.first if self.first else counters
        if self.of is None or counted is None or counters.answers < self.warm_up:
            return None
        return self.of(counted)


def _errors(counters: Counters) -> Counts:
    return Counts(answers=counters.answers, bad=counters.bad)


def _invalid(counters: Counters) -> Counts:
    return Counts(answers=counters.answers, bad=counters.invalid)


def _received(counters: Counters) -> Counts:
    return Counts(answers=counters.received or 0)


ERRORS = Measure("errors", _errors)
INVALID = Measure("invalid", _invalid)
RECEIVED = Measure("requests", _received)  # when they came, so that no slow or failed answer is missing


def _of_pairs(bad: Callable[[ShadowPairs], int], counters: Counters) -> Counts | None:
    pairs = counters.shadow
    return Counts(answers=pairs.total, bad=bad(pairs)) if pairs is not None else None


def _disagreements(counters: Counters) -> Counts | None:
    pairs = counters.shadow
    return Counts(answers=pairs.compared, bad=pairs.disagreements) if pairs is not None else None


def _other_answers(counters: Counters) -> Counts | None:
    """A failure is no answer to compare, and another answer all the same: it is what the user would have had."""
    pairs = counters.shadow
    if pairs is None:
        return None
    alone = pairs.only_challenger_bad
    return Counts(answers=pairs.compared + alone, bad=pairs.disagreements + alone)


ONLY_CHALLENGER_BAD = Measure(
    "pairs in which only the challenger's answer is bad",
    partial(_of_pairs, lambda pairs: pairs.only_challenger_bad),
    paired=True,
    counted="pairs",
)
ONLY_CHAMPION_BAD = Measure(
    "pairs in which only the champion's answer is bad",
    partial(_of_pairs, lambda pairs: pairs.only_champion_bad),
    paired=True,
    counted="pairs",
)
DISAGREEMENTS = Measure(
    "pairs whose predictions disagree", _disagreements, words="disagreements", paired=True, counted="pairs"
)

OTHER_ANSWERS = Measure(
    "pairs in which the challenger's answer is another",
    _other_answers,
    words="failures or disagreements",
    paired=True,
    counted="pairs",
)


def of_first_answers(measure: Measure) -> Measure:
    """The same of answers whose side was drawn for that request, where pods can say which these are."""
    if measure.of is None:
        return measure
    return replace(measure, name=f"{measure.name} of first answers", words=measure.label, first=True)


def slower_than(seconds: float, warm_up_answers: int) -> Measure:
    """Answers that took longer. The first answers of a pod's process do not count: its caches are still cold."""
    return Measure(f"slower than {seconds:g} s", partial(_slower, seconds), warm_up_answers)


def _slower(seconds: float, counters: Counters) -> Counts:
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


METRIC = Measure("counts of the experiment's metric", None, words="good")  # no guard: more is better


def counted_elsewhere(guard: str) -> Measure:
    """What a guard of kind `prometheus` has from Prometheus."""
    return Measure(f"counts of {guard}", None, words="bad")
