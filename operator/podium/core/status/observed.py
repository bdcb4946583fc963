"""What a reconcile adds to the status before any decision: evidence, current weights, the registry's alias."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from podium.api.v1alpha1.evidence import Evidence, Slot
from podium.api.v1alpha1.manifest import LABEL
from podium.api.v1alpha1.outage import SharedOutage, Suspicion
from podium.api.v1alpha1.source import address
from podium.api.v1alpha1.status import GateStatus, HistoryEntry, Phase, Pinned, Status, Trial, Verdict
from podium.api.v1alpha1.traffic import Weight
from podium.core import gates
from podium.core.analysis import after_soak, suspicion
from podium.core.analysis.shared_outage import updated
from podium.core.facts import SLOTS, Facts, other_than
from podium.core.rollout.alias import known_alias
from podium.core.rollout.circumstances import relevant_hold
from podium.core.rollout.degraded import tripped_alone
from podium.core.rollout.desired import former_champion, is_desired
from podium.core.rollout.templates import behind
from podium.core.rollout.trial_terms import new_trial
from podium.core.status.arms import observed_arms, with_winner
from podium.core.status.counted import counted, last_known
from podium.core.status.kept_watch import older_watch
from podium.core.status.own_slots import with_own_slots
from podium.core.status.record import tags_for
from podium.core.status.trial_times import KEEP
from podium.core.traffic.draining import draining
from podium.core.unsaved import Unsaved

Counting = TypeVar("Counting", SharedOutage, Suspicion)


def observed(facts: Facts) -> Status:
    """The status with all that these facts show and no decision taken."""
    whole = replace(facts, status=_without_gaps(replace(facts, status=with_own_slots(facts))))
    whole = replace(whole, status=with_winner(whole))
    return _observed(replace(facts, status=_with_serving(whole)))


def answered_before(facts: Facts) -> frozenset[str]:
    """UIDs of the pods that had answered by the last reconcile, by the evidence of then."""
    trial = facts.status.trial
    known = last_known(trial, facts.unsaved).pods if trial is not None else []
    known = [*known, *(pod for arm in facts.status.arms if arm.trial is not None for pod in arm.trial.evidence.pods)]
    return frozenset(pod.uid for pod in known if any(counts.answers for counts in pod.counts.values()))


def lost_before(facts: Facts) -> Verdict | None:
    """The verdict of an earlier reconcile on this trial that could not be written."""
    trial, unsaved = facts.status.trial, facts.unsaved
    return unsaved.verdict if trial is not None and unsaved is not None and unsaved.goes_on(trial) else None


# What a phase cannot be without. It can be missing after a restore from a backup, or a person's edit.
_NEEDED: Mapping[Phase, tuple[str, ...]] = {
    Phase.GATING: ("challenger",),
    Phase.BLOCKED: ("challenger",),
    Phase.RELOADING: ("champion", "challenger", "trial"),
    Phase.STARTING: ("challenger", "trial"),
    Phase.CANARY: ("challenger", "trial"),
    Phase.PROMOTING: ("challenger", "trial"),
    Phase.SOAKING: ("champion", "trial"),
    Phase.EXPERIMENTING: ("champion", "experiment"),
}


def _without_gaps(facts: Facts) -> Status:
    """A phase that lacks what it needs ends: the champion stays, and Git's version is tried again.

    Where it was the champion that was lost, the former one is still warm, and trusted.
    """
    status = facts.status
    # Only a soak has a former champion, and a phase that is not there is read as Pending
    soaking = status.phase is Phase.SOAKING or (status.phase is Phase.PENDING and status.former is not None)
    whole = all(getattr(status, part) is not None for part in _NEEDED.get(status.phase, ()))
    if whole and soaking == (status.phase is Phase.SOAKING):
        return status
    if soaking and status.champion is not None and status.former is not None:
        return _soaking_again(facts, status.champion, status.former)
    forgotten: dict[str, object] = dict.fromkeys(("challenger", "former", "trial", "weight", "draining"))
    kept = {"champion": status.champion or status.former, "phase": Phase.PENDING, "phase_since": facts.now}
    return status.model_copy(update=forgotten | kept)


def _with_serving(facts: Facts) -> Status:
    """A status that was lost (restored from a backup, replaced, emptied) is no reason to stop what serves.

    The champion is a version that has traffic, and pods that verified what they loaded. Of two, one is on trial: the
    version that Git selects, or of the same one that with the newest template. Its weight says nothing about its
    verdict, so the other one is the champion.
    """
    status, weights = facts.status, facts.observed.traffic.desired
    if not status.blank:
        return status
    serving: list[tuple[bool, bool, int, Pinned]] = []
    for slot in SLOTS:
        weight, pinned = weights.get(slot, 0), facts.observed.slot(slot).runs
        if weight and pinned is not None and facts.observed.slot(slot).verified(pinned):
            serving.append((is_desired(facts, pinned) is not True, behind(facts, pinned), weight, pinned))
    if not serving:
        return status
    champion = max(serving, key=lambda each: each[:3])[3]
    former = _kept_warm(facts, champion)
    return _soaking_again(facts, champion, former) if former else status.model_copy(update={"champion": champion})


def _kept_warm(facts: Facts, champion: Pinned) -> Pinned | None:
    """The version without traffic that runs at full size beside the one that Git selects: that is so in a soak only.

    A version on trial is the one that Git selects, and one that was rolled back is stopped as soon as it has drained.
    Beside a champion whose template is not the newest, it may be the same version that starts with another one.
    """
    other = other_than(champion.slot)
    seen, weights = facts.observed.slot(other), facts.observed.traffic.desired
    if is_desired(facts, champion) is not True or behind(facts, champion):
        return None
    if weights.get(other, 0) or seen.replicas < facts.spec.serving.size:
        return None
    return seen.runs if seen.ready(seen.runs) else None


def _soaking_again(facts: Facts, champion: Pinned, former: Pinned) -> Status:
    """The soak of which the record was lost: for its full time again, as it is not known how much has passed."""
    update = {"champion": champion, "former": former, "phase": Phase.SOAKING, "phase_since": facts.now}
    return facts.status.model_copy(update={**update, "trial": new_trial(facts, champion)})


def _observed(facts: Facts) -> Status:
    return facts.status.model_copy(
        update={
            **{role: _as_made(getattr(facts.status, role), facts) for role in ("champion", "challenger", "former")},
            "replicas": _replicas(facts),
            "selector": f"{LABEL}={facts.key.name}",
            "gates": _gates(facts),
            "trial": counted(facts),
            **observed_arms(facts),
            "after_soak": after_soak.watched(facts, tripped_alone(facts)),
            "shared_outage": _shared_outage(facts),
            "held": relevant_hold(facts),
            "suspected": _suspected(facts),
            "weight": _weight(facts),
            "draining": draining(facts),
            "registry": known_alias(facts),
            "history": [_confirmed(entry, facts) for entry in facts.status.history],
        }
    )


def _as_made(pinned: Pinned | None, facts: Facts) -> Pinned | None:
    """The template of pods that an older Podium made, once it is known; before there are any, the login for them."""
    if pinned is None or pinned.template is not None:
        return pinned
    seen, login = facts.observed.slot(pinned.slot), facts.spec.registry.secret_name
    if seen.runs is not None and seen.runs.template is not None and seen.runs.same_version(pinned) and seen.replicas:
        return pinned.model_copy(update={"template": seen.runs.template})
    if not pinned.model or address(pinned.registry) != address(facts.observed.registry.uri):
        return pinned
    return pinned.model_copy(update={"login": login})


def _replicas(facts: Facts) -> int:
    """The size as an autoscaler sees it: the champion's. The challenger's follows from it."""
    champion = facts.status.champion
    return facts.observed.slot(champion.slot).replicas if champion is not None else 0


def keep_recent_evidence(before: Status, after: Status, facts: Facts) -> Status:
    """Leave the counts of a moment ago in place where nothing was decided, so that not every reconcile is a write."""
    return after.model_copy(
        update={
            "trial": _older(before.trial, after.trial, facts),
            "after_soak": older_watch(before.after_soak, after.after_soak, facts),
            "shared_outage": _as_before(before.shared_outage, after.shared_outage, facts),
            "suspected": _as_before(before.suspected, after.suspected, facts),
        }
    )


def unsaved_evidence(written: Status, observed_status: Status) -> Unsaved | None:
    """Evidence that was observed and not written, for the next reconcile."""
    if (
        written.trial is None
        or observed_status.trial is None
        or written.trial.evidence == observed_status.trial.evidence
    ):
        return None
    return Unsaved.beside(written.trial, observed_status.trial.evidence)


def unwritten_evidence(written: Status, observed_status: Status, lost: Verdict | None) -> Unsaved | None:
    """What the next reconcile has to know where the status stays as it was written before this one."""
    if written.trial is None or observed_status.trial is None:
        return None
    return Unsaved.beside(written.trial, observed_status.trial.evidence, lost)


def _older(before: Trial | None, after: Trial | None, facts: Facts) -> Trial | None:
    if before is None or after is None or before.step != after.step or not _just_now(before.evidence, facts):
        return after
    return after.model_copy(update={"evidence": before.evidence})


def _as_before(known: Counting | None, now: Counting | None, facts: Facts) -> Counting | None:
    return known if known is not None and now is not None and _just_now(known.evidence, facts) else now


def _just_now(evidence: Evidence, facts: Facts) -> bool:
    return evidence.observed_at is not None and timedelta() <= facts.now - evidence.observed_at < KEEP


def _shared_outage(facts: Facts) -> SharedOutage | None:
    known = facts.status.shared_outage
    return updated(known, facts) if known is not None and facts.evaluable else known


def _suspected(facts: Facts) -> Suspicion | None:
    known = facts.status.suspected
    return suspicion.updated(known, facts) if known is not None else None


def _gates(facts: Facts) -> list[GateStatus]:
    """The gates' results for the challenger; once it has passed them, the results of then."""
    version, challenger = facts.observed.registry.desired, facts.status.challenger
    if facts.status.phase not in gates.GATE_PHASES or version is None or challenger is None:
        return facts.status.gates
    if former_champion(facts, challenger) is not None:
        return []  # it is trusted, and asked nothing
    if (version.version, version.digest) != (challenger.version, challenger.digest):
        return facts.status.gates
    return gates.statuses(facts, version)


def _weight(facts: Facts) -> Weight | None:
    challenger, traffic = facts.status.challenger, facts.observed.traffic
    if challenger is None or facts.status.trial is None or facts.status.phase is Phase.RELOADING:
        return None
    slot: Slot = challenger.slot
    return Weight(desired=traffic.desired.get(slot, 0), current=round(traffic.current.get(slot, 0)))


def _confirmed(entry: HistoryEntry, facts: Facts) -> HistoryEntry:
    if entry.recorded or not facts.of_source(entry) or entry.version not in facts.observed.registry.tags:
        return entry
    seen = facts.observed.registry.tags[entry.version]
    written = all(seen.get(key) == value for key, value in tags_for(entry, facts).items())
    return entry.model_copy(update={"recorded": True}) if written else entry
