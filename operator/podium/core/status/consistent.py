"""A status that was edited, or restored from somewhere else, made consistent before anything reads it.

A rollback must not hang on a number: a step that the trial does not have, a moment that no clock can have measured, a
rate that no spec can ask for. What Git says as well is taken from there; a moment becomes the present one, so that its
duration begins again; and a trial without a possible step is none (see `podium.core.status.observed`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from pydantic import ValidationError

from podium.api.v1alpha1.after_soak import ChampionWatch
from podium.api.v1alpha1.evidence import Evidence, StatusValue
from podium.api.v1alpha1.experiment import Arm
from podium.api.v1alpha1.outage import SharedOutage, Suspicion
from podium.api.v1alpha1.spec.rollout import Rollout
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Status, Trial
from podium.core.fingerprints import terms_hash
from podium.core.status.elapsed import OF_DRAINING, OF_TRIAL, TIMED

SKEW: Final = timedelta(hours=6)  # by more than this, the clocks of two operators do not differ
LONGEST: Final = timedelta(hours=720)  # that a spec lets anything wait
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
_HASHED: Final = ("steps", "guards", "false_rollback_rate", "false_promotion_rate", "detect", "consecutive_failures")
_TERMS: Final = (*_HASHED, "on_inconclusive", "step_timeout", "soak")
_LISTS: Final = ("steps", "guards")  # what they hold has been read, and so may be
Value = TypeVar("Value", bound=StatusValue)
_RATES: Final = ("false_rollback_rate", "false_promotion_rate")


def consistent(status: Status, spec: Spec, now: datetime) -> Status:
    """The status as far as its parts can be true together. It is the same value where all of it can."""
    update = {
        "phase_since": _possible(status.phase_since, now),
        "trial": _trial(status, spec, now),
        "arms": _arms(status, spec, now),
        "draining": status.draining and _with_moments(status.draining, OF_DRAINING, now),
        "held": status.held and _with_moments(status.held, ("since",), now),
        "registry": _with_moments(status.registry, ("requested_at",), now),
        "suspected": status.suspected and _suspected(status.suspected, spec, now),
        "shared_outage": status.shared_outage and _shared_outage(status.shared_outage, spec, now),
        "after_soak": status.after_soak and _watch(status.after_soak, spec, now),
    }
    return _updated(status, update)


def _trial(status: Status, spec: Spec, now: datetime) -> Trial | None:
    trial = status.trial
    if trial is None:
        return None
    trial = _with_terms(_with_moments(trial, ("started_at",), now), spec)
    if trial.step >= len(trial.steps):
        return None
    since = trial.started_at - SKEW  # nothing of a trial was before it, by any operator's clock
    timed = _with_moments(trial, OF_TRIAL, now, since) if status.phase in TIMED else trial
    return _updated(timed, {"evidence": _evidence(timed.evidence, now, since)})


def _arms(status: Status, spec: Spec, now: datetime) -> list[Arm]:
    """The same list where nothing in it changes."""
    found = [_updated(_with_moments(arm, ("out_at",), now), {"trial": _of_arm(arm, spec, now)}) for arm in status.arms]
    return found if any(one is not other for one, other in zip(found, status.arms, strict=True)) else status.arms


def _of_arm(arm: Arm, spec: Spec, now: datetime) -> Trial | None:
    """Its steps are its weight, and its guards some of the spec's; the rest is as in any trial."""
    if arm.trial is None or not arm.trial.steps:
        return None
    since = arm.trial.started_at - SKEW
    timed = _with_moments(_with_moments(arm.trial, ("started_at",), now), OF_TRIAL, now, since)
    mended = {
        name: getattr(spec.rollout, name)
        for name in _TERMS
        if name not in _LISTS and not _allowed(name, getattr(timed, name))
    }
    return _updated(timed, {"step": 0, "evidence": _evidence(timed.evidence, now, since), **mended})


def _with_terms(trial: Trial, spec: Spec) -> Trial:
    """The terms that Git says still, as it says them; of others, those that a spec could say."""
    other = {name: getattr(trial, name) for name in _TERMS if getattr(trial, name) != getattr(spec.rollout, name)}
    if not other:
        return trial
    same = trial.terms_hash == terms_hash(spec)
    mended = [
        name
        for name, value in other.items()
        if (same and name in _HASHED) or (name not in _LISTS and not _allowed(name, value))
    ]
    return _updated(trial, {name: getattr(spec.rollout, name) for name in mended})


def _allowed(name: str, value: object) -> bool:
    """Whether a spec may say it."""
    try:
        Rollout.model_validate({name: value})
    except ValidationError:
        return False
    return True


def _with_rates(
    value: Suspicion | SharedOutage | ChampionWatch, spec: Spec, names: tuple[str, ...]
) -> dict[str, object]:
    return {name: getattr(spec.rollout, name) for name in names if not _allowed(name, getattr(value, name))}


def _suspected(known: Suspicion, spec: Spec, now: datetime) -> Suspicion:
    moments = {"since": _possible(known.since, now), "until": min(known.until, now + LONGEST)}
    return _updated(known, {**moments, **_with_rates(known, spec, _RATES), "evidence": _evidence(known.evidence, now)})


def _shared_outage(known: SharedOutage, spec: Spec, now: datetime) -> SharedOutage:
    parts = {"since": _possible(known.since, now), "evidence": _evidence(known.evidence, now)}
    return _updated(known, {**parts, **_with_rates(known, spec, _RATES[1:])})


def _watch(known: ChampionWatch, spec: Spec, now: datetime) -> ChampionWatch:
    """A look that no clock can have measured would put the next one off for ever."""
    known = _with_moments(known, ("since", "unread_since"), now)
    parts = {"evidence": _evidence(known.evidence, now)}
    return _updated(known, {**parts, **_with_rates(known, spec, _RATES[1:])})


def _evidence(known: Evidence, now: datetime, since: datetime = _BEGINNING) -> Evidence:
    ratio = known.sample_ratio
    return _updated(
        _with_moments(known, ("observed_at",), now, since),
        {"sample_ratio": ratio and _with_moments(ratio, ("since",), now, since)},
    )


def _with_moments(value: Value, names: tuple[str, ...], now: datetime, since: datetime = _BEGINNING) -> Value:
    return _updated(value, {name: _possible(getattr(value, name), now, since) for name in names})


def _possible(at: datetime | None, now: datetime, since: datetime = _BEGINNING) -> datetime | None:
    """The moment, where an operator can have measured it; the present one otherwise."""
    return at if at is None or since <= at <= now + SKEW else now


def _updated(value: Value, update: Mapping[str, object]) -> Value:
    """The same value where nothing in it changes."""
    changed = {name: part for name, part in update.items() if getattr(value, name) is not part}
    return value.model_copy(update=changed) if changed else value
