"""What a look adds to the memory before anything is decided: evidence, shares in force, the registry's word."""

from datetime import datetime, timedelta

from podium.api.spec import LABEL
from podium.api.status import (
    Environment,
    Evidence,
    GateStatus,
    HistoryEntry,
    Phase,
    RegistryStatus,
    Slot,
    Status,
    Trial,
    Weight,
)
from podium.core import gates
from podium.core.draining import idle
from podium.core.environment import watched
from podium.core.facts import Facts, Fresh
from podium.core.jury import heard
from podium.core.marks import marked
from podium.core.questions import measures
from podium.core.record import tags_for
from podium.core.shares import challenger_pods, share_pods
from podium.core.tally import baseline, counted
from podium.core.wishes import former_champion

COUNTED = frozenset({Phase.CANARY, Phase.PROMOTING, Phase.WATCHING})
KEEP = timedelta(seconds=5)  # counts are written down this often at the most; a restart sees the rest as one block


def witness(facts: Facts) -> Status:
    """The status with all that these facts show and no decision taken."""
    return facts.status.model_copy(
        update={
            "replicas": _replicas(facts),
            "selector": f"{LABEL}={facts.key.name}",
            "gates": _gates(facts),
            "trial": _trial(facts),
            "environment": _environment(facts),
            "weight": _weight(facts),
            "idle": idle(facts),
            "registry": _registry(facts),
            "history": [_confirmed(entry, facts) for entry in facts.status.history],
        }
    )


def _replicas(facts: Facts) -> int:
    """The size as an autoscaler sees it: the champion's. The challenger's follows from it."""
    champion = facts.status.champion
    return facts.world.slot(champion.slot).replicas if champion is not None else 0


def without_fresh_counts(before: Status, after: Status, facts: Facts) -> Status:
    """Leave the counts of a moment ago in place where nothing was decided, so that not every look is a write."""
    return after.model_copy(
        update={"trial": _older(before.trial, after.trial, facts), "environment": _as_before(before, after, facts)}
    )


def fresh_counts(written: Status, looked: Status) -> Fresh | None:
    """What was seen and is not written down, to go on from at the next look."""
    if written.trial is None or looked.trial is None or written.trial.evidence == looked.trial.evidence:
        return None
    return Fresh(written.trial.began, written.trial.evidence.seen_at, looked.trial.evidence)


def _older(before: Trial | None, after: Trial | None, facts: Facts) -> Trial | None:
    if before is None or after is None or before.step != after.step or not _just_now(before.evidence, facts):
        return after
    return after.model_copy(update={"evidence": before.evidence})


def _as_before(before: Status, after: Status, facts: Facts) -> Environment | None:
    known, now = before.environment, after.environment
    return known if known is not None and now is not None and _just_now(known.evidence, facts) else now


def _just_now(evidence: Evidence, facts: Facts) -> bool:
    return evidence.seen_at is not None and facts.now - evidence.seen_at < KEEP


def _environment(facts: Facts) -> Environment | None:
    known = facts.status.environment
    return watched(known, facts) if known is not None else None


def _gates(facts: Facts) -> list[GateStatus]:
    """What the gates say of the challenger; once it has passed them, what they said then."""
    version, challenger = facts.world.registry.wanted, facts.status.challenger
    if facts.status.phase not in gates.ASKING or version is None or challenger is None:
        return facts.status.gates
    if former_champion(facts, challenger) is not None:
        return []  # it is trusted, and asked nothing
    if (version.version, version.digest) != (challenger.version, challenger.digest):
        return facts.status.gates
    return gates.remembered(facts, version)


def _trial(facts: Facts) -> Trial | None:
    trial, subject = facts.status.trial, facts.subject
    if trial is None or subject is None:
        return trial
    evidence = _last_known(trial, facts.fresh)
    if facts.status.phase in COUNTED | {Phase.WARMING}:
        evidence = marked(evidence, trial.guards, facts, subject.slot)
    wanted = measures(trial.guards, evidence)
    if facts.status.phase in COUNTED:
        evidence, blocks = counted(evidence, facts, subject.slot, wanted)
        evidence = heard(trial, evidence, blocks)
    elif facts.status.phase is Phase.WARMING:
        evidence = baseline(evidence, facts, wanted)
    since = {"in_force_since": _in_force_since(facts, trial), "warming_since": _warming_since(facts, trial)}
    return trial.model_copy(update={"evidence": evidence, **since})


def _last_known(trial: Trial, fresh: Fresh | None) -> Evidence:
    """The newest evidence of this trial: what the last look saw, if the status still is as it was then."""
    goes_on = fresh is not None and (fresh.began, fresh.base) == (trial.began, trial.evidence.seen_at)
    return fresh.evidence if fresh is not None and goes_on else trial.evidence


def _in_force_since(facts: Facts, trial: Trial) -> datetime | None:
    """Since when the step's weight has been seen in force without a break."""
    subject, world = facts.subject, facts.world
    if facts.status.phase is not Phase.CANARY or subject is None:
        return trial.in_force_since
    weight = trial.steps[trial.step].weight
    enough = world.slot(subject.slot).proved(subject) >= share_pods(weight, facts.spec)
    if not enough or not world.traffic.current or world.traffic.asked.get(subject.slot, 0) != weight:
        return None
    return trial.in_force_since or facts.now


def _warming_since(facts: Facts, trial: Trial) -> datetime | None:
    """Since when too few pods are proved without a break; a pod that is evicted in a long pause has its time anew."""
    subject = facts.subject
    if facts.status.phase is not Phase.WARMING or subject is None:
        return trial.warming_since
    if facts.world.slot(subject.slot).proved(subject) >= challenger_pods(facts):
        return None
    return trial.warming_since or facts.now


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
