"""The actions: desired state minus observed state. `decide` is the whole decision."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from podium.api.v1alpha1.status import Phase, Pinned, Status, Verdict
from podium.core import gates
from podium.core.actions import (
    Action,
    AddFinalizer,
    CallWebhook,
    Event,
    RemoveFinalizer,
    RunAutoscaler,
    RunJob,
    RunSlot,
    SetTraffic,
    StopAutoscaler,
    StopSlot,
    WriteRecord,
    WriteTags,
)
from podium.core.facts import SLOTS, Facts
from podium.core.permissions.still_done import still_done
from podium.core.rollout import alias
from podium.core.rollout.desired import former_champion
from podium.core.rollout.experiment_checks import arm_lost
from podium.core.rollout.lifecycle import enter
from podium.core.rollout.reload_checks import inherits
from podium.core.rollout.reload_pods import others, reloads
from podium.core.rollout.transitions import OF_GIT, Move, next_move
from podium.core.status.bare import bare, with_failure
from podium.core.status.events import events
from podium.core.status.finished import finished
from podium.core.status.kept_watch import newer_watch, seconds_to_look
from podium.core.status.looks import looked
from podium.core.status.observed import (
    answered_before,
    keep_recent_evidence,
    lost_before,
    observed,
    unsaved_evidence,
    unwritten_evidence,
)
from podium.core.status.record import artifact_path, document, tags_for, unrecorded
from podium.core.traffic.arms import arm_pods, leaves, leaving_arms
from podium.core.traffic.draining import drained, losing
from podium.core.traffic.lending import champion_down
from podium.core.traffic.phase_targets import PHASE_TARGETS, Size
from podium.core.traffic.retries import retries
from podium.core.traffic.shares import challenger_pods
from podium.core.traffic.weights import routes
from podium.core.unsaved import NewerWatch, Unsaved

# How long to wait before the next reconcile, in seconds. Watches and the registry's poll bring most of them forward.
REQUEUE_AFTER: Mapping[Phase, float] = {
    Phase.PENDING: 5,
    Phase.GATING: 5,
    Phase.BLOCKED: 30,
    Phase.RELOADING: 0.5,
    Phase.STARTING: 1,
    Phase.CANARY: 1,
    Phase.EXPERIMENTING: 1,
    Phase.PROMOTING: 1,
    Phase.SOAKING: 1,
    Phase.ROLLING_BACK: 0.5,
    Phase.REJECTED: 60,
    Phase.ABORTED: 60,
    Phase.STABLE: 60,
}
UNAVAILABLE = 5.0  # no request can be answered
SOON = 0.1  # something was just done: see what came of it
# No version is on trial: traffic moves to the champion, and no record has to come before that.
WAY_BACK = frozenset(phase for phase, target in PHASE_TARGETS.items() if target.rests)


@dataclass(frozen=True)
class Decision:
    """The status to write, the actions, the Events, and in how many seconds to reconcile again."""

    status: Status
    actions: tuple[Action, ...]
    events: tuple[Event, ...]
    requeue_after: float
    move: Move | None = None
    unsaved: Unsaved | None = None  # for the next reconcile's facts
    newer_watch: NewerWatch | None = None  # the same
    unwritten: Unsaved | None = None  # the same, where the status could not be written

    @property
    def rollback_actions(self) -> tuple[SetTraffic, ...]:
        """What comes before any Event or status write: traffic returns to the champion. A crash then is harmless."""
        arm_leaves = self.move is not None and self.move.check is arm_lost
        if self.status.phase not in WAY_BACK and not arm_leaves:
            return ()
        return tuple(action for action in self.actions if isinstance(action, SetTraffic))


def decide(facts: Facts) -> Decision:
    """The whole decision on one ModelDeployment at one moment. At most one move of the table is made."""
    known, lost = facts.answered_before or answered_before(facts), facts.lost or lost_before(facts)
    observed_facts = replace(facts, status=observed(facts), answered_before=known, lost=lost)
    move = next_move(observed_facts)
    status = enter(observed_facts, move) if move else keep_recent_evidence(facts.status, observed_facts.status, facts)
    after = replace(facts, status=status)
    actions = still_done(tuple(_plan(after)), after)
    after = replace(after, status=alias.with_intent(after, actions))
    again = min(_requeue_after(after), seconds_to_look(observed_facts.status.after_soak, facts))
    return Decision(
        status=looked(facts, after, finished(facts, move, after)),
        actions=actions,
        events=events(facts, move, after),
        requeue_after=SOON if move or actions else again,
        move=move,
        unsaved=unsaved_evidence(status, observed_facts.status),
        newer_watch=newer_watch(facts.status, status, observed_facts.status),
        unwritten=unwritten_evidence(facts.status, observed_facts.status, _lost(move)),
    )


def _lost(move: Move | None) -> Verdict | None:
    """The verdict by which the version loses its trial. What Git says is read again, and needs no memory."""
    if move is None or move.target is not Phase.ROLLING_BACK or move.check in OF_GIT:
        return None
    return move.verdict


def _requeue_after(facts: Facts) -> float:
    """A slot that is still to lose its traffic is watched as closely as in a rollback, whatever came after that.

    A champion without a ready pod is looked at often, as no watch may tell; nor that a pod loaded another version.
    """
    usual = REQUEUE_AFTER[facts.status.phase]
    if champion_down(facts) or any(others(pinned, facts.observed.slot(pinned.slot)) for pinned, _ in _sizes(facts)):
        usual = min(usual, UNAVAILABLE)
    back = REQUEUE_AFTER[Phase.ROLLING_BACK]
    loses = facts.status.phase in WAY_BACK and losing(facts) is not None
    return min(usual, back) if loses or leaves(facts) else usual


def decide_without_evidence(facts: Facts, error: Exception) -> Decision:
    """The decision of tripwires and Git alone, for when `decide` has failed. Nothing progresses, and nothing is lost.

    Evidence and guards are put back into the status as they were; the condition GuardsEvaluated says what went wrong.
    """
    known, lost = answered_before(facts), lost_before(facts)
    blind = replace(facts, status=bare(facts.status), unsaved=None)
    decision = decide(replace(blind, answered_before=known, lost=lost, evaluable=False))
    unwritten = unwritten_evidence(facts.status, facts.status, _lost(decision.move))
    whole = with_failure(decision.status, facts, error)
    return replace(decision, status=whole, unsaved=None, unwritten=unwritten)


def _plan(facts: Facts) -> Iterator[Action]:
    """All actions that are due, most urgent first.

    Traffic comes first because it only ever moves to pods that were already seen ready; what has no traffic is stopped
    last, and not before it has been seen to have none. The one thing before it is what makes an adopted route's way
    back sure; where that cannot be had, traffic moves all the same.
    """
    yield from _finalizer(facts)
    yield from routes(facts)
    yield from _runs(facts)
    yield from retries(facts)
    yield from _registry(facts)
    yield from _gate_requests(facts)
    yield from _stops(facts)
    yield from _autoscaler(facts)


def _finalizer(facts: Facts) -> Iterator[Action]:
    """A route of Podium's own goes with the ModelDeployment; an adopted one stays, and must not stay as it is."""
    adopts = facts.spec.traffic.router.adopts
    if adopts and not facts.observed.has_finalizer:
        yield AddFinalizer(why="reset the adopted HTTPRoute to 100 % champion before the ModelDeployment is deleted")
    if facts.observed.has_finalizer and not adopts:
        yield RemoveFinalizer(why="spec.traffic.httpRouteRef was removed")


# --- pods -------------------------------------------------------------------------------------------------------------


def _sizes(facts: Facts) -> Iterator[tuple[Pinned, int]]:
    """Every version that is to run, with its number of pods."""
    status, target, full = facts.status, PHASE_TARGETS[facts.status.phase], facts.spec.serving.size
    serves = status.challenger if target.in_place else status.champion
    if serves is not None:
        yield serves, full
    for pinned, size in ((status.challenger, target.challenger), (status.former, target.former)):
        if pinned is not None and size is not Size.NONE:
            yield pinned, full if size is Size.FULL else challenger_pods(facts)
    yield from arm_pods(facts)


def _runs(facts: Facts) -> Iterator[Action]:
    for pinned, replicas in _sizes(facts):
        seen = facts.observed.slot(pinned.slot)
        if inherits(facts, pinned):
            if drained(facts, pinned.slot):
                yield StopSlot(pinned.slot, why=f"{facts.status.phase}: version {pinned.version} gets pods of its own")
        elif seen.runs != pinned or seen.replicas != replicas or not seen.up_to_date:
            yield RunSlot(pinned, replicas, f"{facts.status.phase}: version {pinned.version} with {replicas} pods")
        else:
            yield from reloads(facts, pinned, seen)


def _stops(facts: Facts) -> Iterator[Action]:
    if facts.status.blank and any(facts.observed.traffic.desired.values()):
        return  # the status was lost: which version is the champion is not known before its pods are verified
    desired = {pinned.slot for pinned, _ in _sizes(facts)}
    for slot in SLOTS:
        if slot in desired or facts.observed.slot(slot).replicas == 0:
            continue
        # Without a champion, a version that is rolled back has nowhere to send its traffic: it is stopped all the same.
        given_up = facts.status.champion is None and facts.status.phase is Phase.ROLLING_BACK
        if drained(facts, slot) or given_up:
            yield StopSlot(slot, why=f"{facts.status.phase}: slot {slot} has no traffic and has drained")
    for slot in leaving_arms(facts):
        yield StopSlot(slot, why=f"{facts.status.phase}: slot {slot} has no traffic and has drained")


def _autoscaler(facts: Facts) -> Iterator[Action]:
    seen, desired = facts.observed.autoscaler, facts.spec.serving.autoscaling
    if seen is None:
        return
    if desired is not None and not seen.up_to_date:
        yield RunAutoscaler(why=f"between {desired.min_replicas} and {desired.max_replicas} pods, by load")
    if desired is None and seen.there:
        yield StopAutoscaler(why="spec.serving.autoscaling was removed")


# --- registry ---------------------------------------------------------------------------------------------------------


def _registry(facts: Facts) -> Iterator[Action]:
    """The alias and the record of decisions. A person's own change of the alias is left alone."""
    registry, status = facts.observed.registry, facts.status
    if facts.observed.alias_conflict is not None:
        return
    yield from alias.claims(facts)
    yield from alias.moves(facts)
    for entry in unrecorded(status):
        if facts.of_source(entry) and entry.version in registry.tags:
            why = f"the record of {entry.outcome.lower()} version {entry.version}"
            yield WriteRecord(entry.version, artifact_path(entry), document(entry, facts), why)
            yield WriteTags(entry.version, tags_for(entry, facts), why=f"{entry.outcome}: {entry.reason}")


# --- gates ------------------------------------------------------------------------------------------------------------


def _gate_requests(facts: Facts) -> Iterator[Action]:
    """The requests to Jobs and webhooks. A trusted version needs none, and a paused rollout waits."""
    pinned = facts.status.challenger
    if pinned is None or facts.spec.paused or former_champion(facts, pinned) is not None:
        return
    for gate, request_id in gates.pending_requests(facts.spec, facts.status):
        response = facts.observed.gate_responses.get(gate.name)
        if response is not None and response.request_id == request_id:
            continue
        why = f"gate {gate.name} checks version {pinned.version}"
        if gate.job is not None:
            yield RunJob(gate.name, gate.job, request_id, pinned, why)
        elif gate.webhook is not None:
            yield CallWebhook(gate.name, gate.webhook, request_id, pinned, why)
