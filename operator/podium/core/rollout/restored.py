"""What is written on the way back to the champion before: its trial, the change of roles, or why it could not be."""

from dataclasses import replace

from podium.api.v1alpha1.after_soak import ChampionFailure, Return
from podium.api.v1alpha1.evidence import Counts
from podium.api.v1alpha1.outage import Suspicion
from podium.api.v1alpha1.status import HistoryEntry, Outcome, Pinned, Status, Trial, Verdict
from podium.core.analysis import suspicion
from podium.core.facts import Facts
from podium.core.rollout import alias
from podium.core.rollout.degraded import standing_failure
from podium.core.rollout.outcomes import rejected, with_entry


def begun(status: Status) -> Status:
    """The trial that has just begun is the former champion's: it is trusted, and skips gates and steps."""
    failure, trial = standing_failure(status), status.trial
    assert failure is not None
    assert trial is not None
    lost = Verdict(reason=failure.reason, message=failure.message, rejects=failure.own, suspects=not failure.own)
    trusted = {"previously_promoted": True, "tries_template": False, "recovers": lost}
    return _with_failure(status, "Begun").model_copy(update={"trial": trial.model_copy(update=trusted)})


def given_up(status: Status, verdict: Verdict) -> Status:
    """It could not take the champion's place, and is not started for that again."""
    return _with_failure(status, "Ended", verdict.message)


def taken_over(facts: Facts, verdict: Verdict) -> Status:
    """It is champion again, and what failed after its soak has lost: roles, alias and record are as after a trial."""
    status, new, old = facts.status, facts.status.challenger, facts.status.champion
    trial = status.trial
    assert new is not None, verdict
    assert old is not None, verdict
    assert trial is not None, verdict
    lost = trial.recovers
    assert lost is not None, verdict
    return status.model_copy(
        update={
            "champion": new,
            "challenger": old,
            "former": None,
            "trial": trial.model_copy(update={"recovers": None, "verdict": lost}),
            "after_soak": None,
            "held": None,
            "registry": alias.promoted(status, new),
            "suspected": _suspicion(facts, trial, old, lost) if lost.suspects else None,
            **rejected(facts, old, lost),
            "history": _history(facts, new, old, verdict, lost),
        }
    )


def _history(facts: Facts, new: Pinned, old: Pinned, verdict: Verdict, lost: Verdict) -> list[HistoryEntry]:
    """Both decisions. What was counted in the trial is not what was counted of the one that lost."""
    status = facts.status.model_copy(update={"history": with_entry(facts, new, "Promoted", verdict), "trial": None})
    outcome: Outcome = "Rejected" if lost.rejects else "RolledBack"
    *earlier, entry = with_entry(replace(facts, status=status), old, outcome, lost)
    seen = _seen(standing_failure(facts.status))
    return [*earlier, entry.model_copy(update={"answers": seen.answers, "bad": seen.bad})]


def _seen(failure: ChampionFailure | None) -> Counts:
    tests = failure.tests if failure is not None else []
    return tests[0].challenger if tests else Counts()


def _suspicion(facts: Facts, trial: Trial, old: Pinned, lost: Verdict) -> Suspicion:
    """The new champion's own answers are to show whether the fault is the old one's."""
    failure = standing_failure(facts.status)
    failed = [guard for guard in trial.guards if failure is not None and guard.name in failure.guards]
    tests = failure.tests if failure is not None else []
    return suspicion.of(facts, trial, old, lost, failed=failed, tests=tests)


def _with_failure(status: Status, returned: Return, why_not: str = "") -> Status:
    watch = status.after_soak
    if watch is None or watch.failure is None:
        return status
    failure = watch.failure.model_copy(update={"returned": returned, "why_not": why_not})
    return status.model_copy(update={"after_soak": watch.model_copy(update={"failure": failure})})
