"""The guards of a trial as plain values: each with how far its criteria are from a verdict."""

import math
from collections.abc import Iterator, Sequence

from podium.api.v1alpha1.evidence import Counts
from podium.api.v1alpha1.spec.guards import Guard
from podium.api.v1alpha1.status import Phase, Pinned, Status, Trial
from podium.core.analysis import guards
from podium.core.analysis.guards import CriterionResult, GuardResult
from podium.core.analysis.measures import ERRORS, of_class, of_first_answers, scores_above
from podium.core.analysis.tests import NOT_EVALUATED, SequentialTest, sequential_tests
from podium.core.status.explained import CriterionExplanation, DistributionPoint, GuardExplanation, Side
from podium.core.status.messages import trial_began


def explained_guards(
    trial: Trial, status: Status, judged: Sequence[GuardResult] | None = None
) -> Iterator[GuardExplanation]:
    """Each guard of a trial, with how far its criteria are from a verdict. `judged`: where that is known."""
    tests = {test.criterion.name: test for test in sequential_tests(trial, trial.evidence)}
    for result in guards.judge(trial) if judged is None else judged:
        found = [_criterion(finding, tests[finding.criterion.name], trial, status) for finding in result.findings]
        points = list(_distribution(result.guard, trial, status))
        yield GuardExplanation(result.guard.name, result.state, result.message, found, result.guard.kind, points)


def _criterion(finding: CriterionResult, test: SequentialTest, trial: Trial, status: Status) -> CriterionExplanation:
    criterion, (log_failed, log_passed) = finding.criterion, _proofs(test)
    subject, other = _versions(status)
    more = max(0, finding.enough - finding.challenger.answers) if finding.state == "Inconclusive" else 0
    return CriterionExplanation(
        measure=criterion.measure.name,
        limit=criterion.limit,
        beside_champion=criterion.difference,
        mirrored=criterion.mirrored,
        verdict=finding.state,
        subject=side(subject, finding.challenger),
        champion=side(other, finding.champion),
        towards_failed=1.0 if finding.state == "Failed" else _part(log_failed, -math.log(test.share.alpha)),
        towards_passed=_part(log_passed, -math.log(trial.false_promotion_rate)),
        alpha=test.share.alpha,
        more_answers=more,
        more_seconds=_seconds(more, finding.challenger.answers, trial),
    )


def _distribution(guard: Guard, trial: Trial, status: Status) -> Iterator[DistributionPoint]:
    """Both versions' predictions at the champion's quantiles, or by class, as far as they were counted."""
    evidence = trial.evidence
    baseline = next((one for one in evidence.baselines if one.guard == guard.name), None)
    if guard.prediction_shift is None or baseline is None:
        return
    places: list[tuple[str, float | None]] = [(f"{edge:g}", edge) for edge in baseline.edges]
    places += [(name, None) for name in baseline.classes]
    subject, other = _versions(status)
    for (name, value), share in zip(places, baseline.shares, strict=True):
        measure = of_class(name) if value is None else scores_above(value)
        counts = evidence.measured((of_first_answers(measure) if evidence.first_answers else measure).name)
        yield DistributionPoint(name, value, side(subject, counts.challenger), side(other, counts.champion), share)


def answers_of(trial: Trial, status: Status) -> Sequence[Side]:
    """What the version under judgement answered in its trial, and what the one beside it did meanwhile."""
    counts, (subject, other) = trial.evidence.measured(ERRORS.name), _versions(status)
    return side(subject, counts.challenger), side(other, counts.champion)


def _proofs(test: SequentialTest) -> tuple[float, float]:
    """How far the test has come; not at all where its state is none that Podium wrote, which its guard says."""
    try:
        judge = test.judge()
    except NOT_EVALUATED:
        return 0.0, 0.0
    return judge.log_failed, judge.log_passed


def _versions(status: Status) -> tuple[str, str]:
    """The version under judgement, and the one beside it."""
    if status.phase is Phase.SOAKING:
        return version_of(status.champion), version_of(status.former)
    return version_of(status.challenger), version_of(status.champion)


def side(version: str, counts: Counts) -> Side:
    """What one version answered."""
    return Side(version, counts.answers, counts.bad)


def _part(won: float, needed: float) -> float:
    return min(1.0, max(0.0, won / needed))


def _seconds(more: int, answers: int, trial: Trial) -> float | None:
    """How long so many more answers take, at the mean rate since the challenger's first traffic, or near it."""
    seen, began = trial.evidence.observed_at, trial_began(trial)
    if seen is None or seen <= began or not answers:
        return None
    return more * (seen - began).total_seconds() / answers


def version_of(pinned: Pinned | None) -> str:
    """Its number; "" where there is none."""
    return pinned.version if pinned is not None else ""
