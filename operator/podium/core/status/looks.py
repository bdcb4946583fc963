"""The ring of a trial's looks: a point now and then, of which a bounded number is kept, over the whole of its time.

It is for people who ask how a trial came to its verdict. Nothing is decided by it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import sqrt
from typing import Final

from podium.api.v1alpha1.looks import LOOKS_LIMIT, GuardLooks, Looks
from podium.api.v1alpha1.status import Phase, Status, Trial
from podium.core.analysis.guards import judged
from podium.core.analysis.tests import NOT_EVALUATED
from podium.core.facts import ALL, Facts
from podium.core.status.explained import CriterionExplanation, GuardExplanation, GuardLook, LookExplanation
from podium.core.status.guard_explanations import explained_guards
from podium.core.status.trial_times import COUNTED

DIGITS: Final = 3  # of a part: a picture has no more
MOST: Final = 10**9  # seconds, or answers: what a status may claim and a picture can show
_FEW: Final = 2  # criteria of a guard that count the same: those on distributions have up to twenty, of many kinds
_COLUMNS: Final = ("answers", "bad", "champion_answers", "champion_bad", "failed", "passed")
_ALONE: Final[Mapping[Phase, int]] = {Phase.SOAKING: ALL}  # in a soak the version under judgement is champion
_Z: Final = 1.959964  # of a normal distribution, two-sided 95 %


def looked(before: Facts, after: Facts, status: Status) -> Status:
    """The status with one look more, where its evidence is new and the last look is long enough ago.

    `before` are the facts that were decided on, `after` those of the decision: what it judged is not judged again.
    """
    known, trial = before.status.trial, status.trial
    if known is None or trial is None or before.status.phase not in COUNTED or not before.evaluable:
        return status
    if known.started_at != trial.started_at or known.evidence.observed_at == trial.evidence.observed_at:
        return status
    return status.model_copy(update={"trial": trial.model_copy(update={"looks": _with_look(after, trial, status)})})


def _with_look(facts: Facts, trial: Trial, status: Status) -> Looks:
    known, passed = _whole(trial.looks, trial), int((facts.now - trial.started_at).total_seconds())
    if known.seconds and passed - known.seconds[-1] < known.gap:
        return known
    try:
        seen = {guard.name: guard for guard in explained_guards(trial, status, judged(facts))}
    except NOT_EVALUATED:  # a picture holds no decision up; where this matters, the decision finds it itself
        return known
    weight = status.weight.desired if status.weight is not None else _ALONE.get(status.phase, 0)
    guards = [_with(each, seen[each.guard]) for each in known.guards]
    update = {"seconds": (*known.seconds, max(passed, 0)), "weights": (*known.weights, weight), "guards": guards}
    return _thinned(known.model_copy(update=update))


def _whole(looks: Looks, trial: Trial) -> Looks:
    """The ring with a row for each guard of the trial; an empty one where an edit left it with holes."""
    names, size = [guard.name for guard in trial.guards], len(looks.seconds)
    columns = [looks.weights, *(getattr(each, name) for each in looks.guards for name in _COLUMNS)]
    if [each.guard for each in looks.guards] != names or any(len(column) != size for column in columns):
        return Looks(guards=[GuardLooks(guard=name) for name in names])
    return looks


def _with(known: GuardLooks, now: GuardExplanation) -> GuardLooks:
    counted, worst = _counted(now), now.worst if now.criteria else None
    values: Mapping[str, float] = {
        "answers": counted.subject.answers if counted else 0,
        "bad": counted.subject.bad if counted else 0,
        "champion_answers": counted.champion.answers if counted else 0,
        "champion_bad": counted.champion.bad if counted else 0,
        "failed": round(worst.towards_failed, DIGITS) if worst else 0.0,
        "passed": round(worst.towards_passed, DIGITS) if worst else 0.0,
    }
    return known.model_copy(update={name: (*getattr(known, name), values[name]) for name in _COLUMNS})


def _counted(guard: GuardExplanation) -> CriterionExplanation | None:
    """The criterion whose shares are drawn; None of a guard whose criteria each count something else."""
    return guard.criteria[0] if 0 < len(guard.criteria) <= _FEW else None


def _thinned(looks: Looks) -> Looks:
    if len(looks.seconds) <= LOOKS_LIMIT:
        return looks
    guards = [each.model_copy(update={name: getattr(each, name)[::2] for name in _COLUMNS}) for each in looks.guards]
    update = {"gap": 2 * looks.gap, "seconds": looks.seconds[::2], "weights": looks.weights[::2], "guards": guards}
    return looks.model_copy(update=update)


def until(looks: Looks, seconds: float) -> Looks:
    """The looks up to so many seconds after the trial began."""
    size = sum(each <= seconds for each in looks.seconds)
    guards = [each.model_copy(update={name: getattr(each, name)[:size] for name in _COLUMNS}) for each in looks.guards]
    update = {"seconds": looks.seconds[:size], "weights": looks.weights[:size], "guards": guards}
    return looks.model_copy(update=update)


# --- for people -------------------------------------------------------------------------------------------------------


def explained_looks(trial: Trial, guards: Sequence[GuardExplanation]) -> Sequence[LookExplanation]:
    """Each look with its shares, their intervals and how far the evidence was."""
    known = _whole(trial.looks, trial)
    counted = {guard.name: _counted(guard) for guard in guards}
    return [
        LookExplanation(
            at=trial.started_at + timedelta(seconds=min(max(seconds, 0), MOST)),
            weight=known.weights[place],
            guards={each.guard: _guard_look(each, place, counted.get(each.guard)) for each in known.guards},
        )
        for place, seconds in enumerate(known.seconds)
    ]


def _guard_look(known: GuardLooks, place: int, counted: CriterionExplanation | None) -> GuardLook:
    share = _share(known.bad[place], known.answers[place])
    champion = _share(known.champion_bad[place], known.champion_answers[place])
    low, high = interval(known.bad[place], known.answers[place])
    return GuardLook(
        answers=known.answers[place],
        share=share,
        low=low,
        high=high,
        champion=champion,
        tolerated=None if counted is None else counted.tolerated_beside(champion),
        towards_failed=min(max(known.failed[place], 0.0), 1.0),
        towards_passed=min(max(known.passed[place], 0.0), 1.0),
    )


def _share(bad: int, answers: int) -> float | None:
    return min(max(bad / answers, 0.0), 1.0) if answers > 0 else None


def interval(bad: int, answers: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson (1927), for this one moment; all of it where nothing was answered."""
    if answers <= 0:
        return 0.0, 1.0
    share, z = min(max(bad / answers, 0.0), 1.0), _Z**2 / answers
    middle = (share + z / 2) / (1 + z)
    half = sqrt(z * (share * (1 - share) + z / 4)) / (1 + z)
    return max(0.0, middle - half), min(1.0, middle + half)
