"""Questions: each a measure and a limit for its share of bad answers. A guard asks one or more of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from podium.api.guards import Guard
from podium.api.status import Evidence, Mark
from podium.core.evidence import HOPELESS
from podium.core.facts import ALL
from podium.core.measures import ERRORS, INVALID, Measure, counted_elsewhere, of_class, scores_above, slower_than


@dataclass(frozen=True)
class Question:
    """Whether a share is above a limit, or above the champion's by more than a margin."""

    guard: Guard
    measure: Measure
    limit: float  # a share; beside the champion a difference of shares
    beside_champion: bool = False
    mirrored: bool = False  # good and bad change places: the share must not fall by more than the margin

    @property
    def name(self) -> str:
        """Its key in the status: the same guard asks the same questions at every look."""
        beside = " beside the champion" if self.beside_champion else ""
        return f"{self.guard.name}: {'not ' if self.mirrored else ''}{self.measure.name}{beside}"


def questions(guard: Guard, evidence: Evidence) -> tuple[Question, ...]:
    """All that a guard asks; nothing yet where it waits for the champion's distribution."""
    mark = next((mark for mark in evidence.marks if mark.guard == guard.name), Mark(guard=guard.name))
    kind = next(kind for kind in _KINDS if getattr(guard, kind) is not None)
    return tuple(_KINDS[kind](guard, mark))


def measures(guards: Sequence[Guard], evidence: Evidence) -> Mapping[str, Measure]:
    """Everything that has to be counted, by name. Errors always are: the record tells of them."""
    asked = (question.measure for guard in guards for question in questions(guard, evidence))
    return {measure.name: measure for measure in (ERRORS, *asked)}


def _errors(guard: Guard, _: Mark) -> Iterable[Question]:
    assert guard.error_rate is not None
    return _limited(guard, ERRORS, guard.error_rate.at_most, guard.error_rate.max_above_champion)


def _invalid(guard: Guard, _: Mark) -> Iterable[Question]:
    assert guard.invalid is not None
    return _limited(guard, INVALID, guard.invalid.at_most, guard.invalid.max_above_champion)


def _counts(guard: Guard, _: Mark) -> Iterable[Question]:
    assert guard.counts is not None
    return _limited(guard, counted_elsewhere(guard.name), guard.counts.at_most, guard.counts.max_above_champion)


def _latency(guard: Guard, mark: Mark) -> Iterator[Question]:
    latency = guard.latency
    assert latency is not None
    if latency.at_most is not None:
        limit = slower_than(latency.at_most.total_seconds(), latency.warm_up_answers)
        yield Question(guard, limit, 1 - latency.percentile / ALL)
    if latency.max_slower_than_champion is not None:
        for edge in mark.edges:
            measure = slower_than(edge, latency.warm_up_answers)
            yield Question(guard, measure, latency.max_slower_than_champion, beside_champion=True)


def _scores(guard: Guard, mark: Mark) -> Iterator[Question]:
    """Both directions at each mark; but not a direction in which there is no room for the margin."""
    assert guard.scores is not None
    margin = guard.scores.max_shift
    compared = [*(scores_above(edge) for edge in mark.edges), *(of_class(name) for name in mark.classes)]
    for measure, share in zip(compared, mark.shares, strict=True):
        for mirrored, champion in ((False, share), (True, 1 - share)):
            if champion + margin < HOPELESS:
                yield Question(guard, measure, margin, beside_champion=True, mirrored=mirrored)


def _limited(guard: Guard, measure: Measure, at_most: float | None, above: float | None) -> Iterator[Question]:
    if at_most is not None:
        yield Question(guard, measure, at_most)
    if above is not None:
        yield Question(guard, measure, above, beside_champion=True)


_KINDS: Mapping[str, Callable[[Guard, Mark], Iterable[Question]]] = {
    "error_rate": _errors,
    "latency": _latency,
    "invalid": _invalid,
    "scores": _scores,
    "counts": _counts,
}
