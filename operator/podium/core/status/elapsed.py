"""Only what an operator saw pass has passed: the moments of a trial move with the clock of the process that leads.

The status keeps moments, and durations are counted from them. Another leader's clock may be ahead or behind, and no
operator may have looked for a while. What neither of them can have measured must end no startup, no step, no soak and
no drain. So the last moment at which an operator looked is taken for the present moment of the next one, and all
moments that something is counted from move by the difference. Moments that only say when something was stay.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, TypeVar

from podium.api.v1alpha1.evidence import StatusValue
from podium.api.v1alpha1.experiment import Arm
from podium.api.v1alpha1.status import Phase, Status, Trial

TIMED: Final = frozenset(
    {
        Phase.RELOADING,
        Phase.STARTING,
        Phase.CANARY,
        Phase.EXPERIMENTING,
        Phase.PROMOTING,
        Phase.SOAKING,
        Phase.ROLLING_BACK,
    }
)
OF_TRIAL: Final = ("starting_since", "step_started_at", "weight_reached_at", "soaking_since")
OF_DRAINING: Final = ("weight_removed_at", "quiet_since")
Value = TypeVar("Value", bound=StatusValue)


def last_look(status: Status) -> datetime | None:
    """The latest moment that something under way is counted from; None where time changes nothing.

    While a version starts or has traffic, the evidence is taken in every look and written every few seconds.
    """
    return max(_moments(status), default=None)


def moved(status: Status, by: timedelta) -> Status:
    """The status with all moments that something is counted from later by so much."""
    if not by:
        return status
    update: dict[str, object] = {}
    if status.draining is not None:
        update["draining"] = _later(status.draining, OF_DRAINING, by)
    if status.suspected is not None:
        evidence = _later(status.suspected.evidence, ("observed_at",), by)
        update["suspected"] = _later(status.suspected, ("until",), by).model_copy(update={"evidence": evidence})
    if status.phase in TIMED:
        update["phase_since"] = status.phase_since and status.phase_since + by
        update["trial"] = status.trial and _trial(status.trial, by)
        update["arms"] = [_arm(arm, by) for arm in status.arms]
    return status.model_copy(update=update)


def _trial(trial: Trial, by: timedelta) -> Trial:
    """Its `started_at` stays: it says which trial it is."""
    evidence = _later(trial.evidence, ("observed_at",), by)
    return _later(trial, OF_TRIAL, by).model_copy(update={"evidence": evidence})


def _arm(arm: Arm, by: timedelta) -> Arm:
    later = _later(arm, ("out_at",), by)
    return later if arm.trial is None else later.model_copy(update={"trial": _trial(arm.trial, by)})


def _later(value: Value, names: tuple[str, ...], by: timedelta) -> Value:
    known = {name: getattr(value, name) for name in names}
    return value.model_copy(update={name: at + by for name, at in known.items() if at is not None})


def _moments(status: Status) -> Iterator[datetime]:
    found: list[datetime | None] = []
    if status.draining is not None:
        found += [getattr(status.draining, name) for name in OF_DRAINING]
    if status.suspected is not None:
        found += [status.suspected.since, status.suspected.evidence.observed_at]
    if status.phase in TIMED:
        found.append(status.phase_since)
        for trial in (status.trial, *(arm.trial for arm in status.arms)):
            if trial is not None:
                found += [getattr(trial, name) for name in OF_TRIAL]
                found.append(trial.evidence.observed_at)
    return (at for at in found if at is not None)
