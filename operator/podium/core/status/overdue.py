"""Pods that a rollout has waited for longer than they may take to start: what keeps them, and what a person can do."""

from collections.abc import Mapping
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.api.v1alpha1.values.base import format_duration
from podium.core.facts import Facts, Problem
from podium.core.rollout.circumstances import circumstance
from podium.core.rollout.hindrances import hindrances
from podium.core.rollout.templates import on_trial_by_operator
from podium.core.traffic.lending import lent
from podium.core.traffic.shares import pods_to_start

_WITH_TRAFFIC: Final = frozenset({Phase.CANARY, Phase.PROMOTING, Phase.SOAKING})
_ROOM: Final = "make room for them, or lower spec.serving.replicas"
# What mends each circumstance of pods that do not serve
MENDS: Final[Mapping[str, str]] = {
    reasons.CONTAINER_NOT_CREATED: "correct spec.serving",
    reasons.IMAGE_UNAVAILABLE: "make the image available, or correct spec.serving.image",
    reasons.MODEL_NOT_FETCHED: "make the registry reachable from the pods",
    reasons.NODE_LOST: _ROOM,
    reasons.NO_STORAGE: _ROOM,
    reasons.PODS_NOT_SCRAPED: "let Podium reach their metrics",
    reasons.PODS_REFUSED: f"{_ROOM}: see quotas and admission webhooks",
    reasons.UNSCHEDULABLE: _ROOM,
}
_UNKNOWN: Final = "look at the pods' logs and Events, or name another version"


def overdue(facts: Facts) -> Problem | None:
    """Why a step's weight cannot be set, a version not be promoted, or a new champion not serve: its pods do not start.

    A template that came with the operator takes nothing away: TemplateInSync tells of it. Where a person has paused
    the rollout, it waits for nothing else.
    """
    trial, subject, limit = facts.status.trial, facts.subject, facts.spec.rollout.startup_timeout
    if facts.status.phase not in _WITH_TRAFFIC or subject is None or trial is None or trial.starting_since is None:
        return None
    if facts.spec.paused or on_trial_by_operator(facts.status) or facts.now - trial.starting_since < limit:
        return None
    ready, needed = facts.observed.slot(subject.slot).verified(subject), pods_to_start(facts)
    found = circumstance(facts, subject)
    unscraped = found is not None and found.reason == reasons.PODS_NOT_SCRAPED
    known = hindrances(facts, subject)[:2] or ([found.message] if found is not None else [])
    pods = "; ".join([f"{ready} of {needed} pods of version {subject.version} are ready and verified", *known])
    mend = MENDS[found.reason] if found is not None else _UNKNOWN
    serving = "; the former champion answers meanwhile" if facts.status.phase is Phase.SOAKING and lent(facts) else ""
    message = (
        f"{pods}, for longer than {format_duration(limit)} (startupTimeout){serving}. The rollout goes on by itself "
        f"once they are: {mend}"
    )
    return Problem(reasons.PODS_NOT_SCRAPED if unscraped else reasons.PODS_NOT_STARTING, message)
