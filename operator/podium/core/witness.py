"""What a look adds to the memory before anything is decided: evidence, shares in force, the registry's word."""

from datetime import datetime, timedelta

from podium.api.status import HistoryEntry, Phase, RegistryStatus, Slot, Status, Trial, Weight
from podium.core.facts import Facts
from podium.core.record import tags_for
from podium.core.shares import pods_for
from podium.core.tally import baseline, counted

COUNTED = frozenset({Phase.CANARY, Phase.PROMOTING, Phase.WATCHING})
KEEP = timedelta(seconds=5)  # counts are written down this often at the most; the pods' totals bridge the time between


def witness(facts: Facts) -> Status:
    """The status with all that these facts show and no decision taken."""
    return facts.status.model_copy(
        update={
            "trial": _trial(facts),
            "weight": _weight(facts),
            "registry": _registry(facts),
            "history": [_confirmed(entry, facts) for entry in facts.status.history],
        }
    )


def without_fresh_counts(before: Status, after: Status, facts: Facts) -> Status:
    """Leave the counts of a moment ago in place where nothing was decided, so that not every look is a write."""
    if before.trial is None or after.trial is None or before.phase is not after.phase:
        return after
    seen_at = before.trial.evidence.seen_at
    if seen_at is None or facts.now - seen_at >= KEEP or before.trial.step != after.trial.step:
        return after
    return after.model_copy(update={"trial": after.trial.model_copy(update={"evidence": before.trial.evidence})})


def _trial(facts: Facts) -> Trial | None:
    trial, subject = facts.status.trial, facts.subject
    if trial is None or subject is None:
        return trial
    evidence = trial.evidence
    if facts.status.phase in COUNTED:
        evidence = counted(evidence, facts, subject.slot)
    elif facts.status.phase is Phase.WARMING:
        evidence = baseline(evidence, facts)
    return trial.model_copy(update={"evidence": evidence, "in_force_since": _in_force_since(facts, trial)})


def _in_force_since(facts: Facts, trial: Trial) -> datetime | None:
    """Since when the step's weight has been seen in force without a break."""
    subject, world = facts.subject, facts.world
    if facts.status.phase is not Phase.CANARY or subject is None:
        return trial.in_force_since
    weight = trial.steps[trial.step].weight
    enough = world.slot(subject.slot).proved(subject) >= pods_for(weight, facts.spec.serving.replicas)
    if not enough or not world.traffic.current or world.traffic.asked.get(subject.slot, 0) != weight:
        return None
    return trial.in_force_since or facts.now


def _weight(facts: Facts) -> Weight | None:
    challenger, traffic = facts.status.challenger, facts.world.traffic
    if challenger is None or facts.status.trial is None:
        return None
    slot: Slot = challenger.slot
    return Weight(asked=traffic.asked.get(slot, 0), in_force=round(traffic.in_force.get(slot, 0)))


def _registry(facts: Facts) -> RegistryStatus:
    champion, registry = facts.status.champion, facts.status.registry
    if champion is not None and facts.world.registry.alias == champion.version:
        return registry.model_copy(update={"alias": champion.version})
    return registry


def _confirmed(entry: HistoryEntry, facts: Facts) -> HistoryEntry:
    if entry.recorded or entry.version not in facts.world.registry.tags:
        return entry
    seen = facts.world.registry.tags[entry.version]
    written = all(seen.get(key) == value for key, value in tags_for(entry, facts).items())
    return entry.model_copy(update={"recorded": True}) if written else entry
