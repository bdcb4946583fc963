"""What is still to be done: posture minus what is seen. `decide` is the whole decision."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from podium.api.status import Phase, Pinned, Slot, Status
from podium.core import gates
from podium.core.actions import (
    Action,
    AskWebhook,
    Detours,
    Event,
    Hold,
    LetGo,
    MoveAlias,
    Route,
    RunAutoscaler,
    RunJob,
    RunSlot,
    Stickiness,
    StopAutoscaler,
    StopSlot,
    WriteRecord,
    WriteTags,
)
from podium.core.conditions import conditions
from podium.core.draining import abandoned, drained
from podium.core.events import events
from podium.core.facts import ALL, SLOTS, Facts, Fresh
from podium.core.lifecycle import enter
from podium.core.messages import message
from podium.core.postures import POSTURES, Size, Traffic
from podium.core.record import artifact_path, document, tags_for, unrecorded
from podium.core.rollout import Move, next_move
from podium.core.shares import challenger_pods, share_pods
from podium.core.terms import trial_id
from podium.core.wishes import former_champion
from podium.core.witness import fresh_counts, without_fresh_counts, witness

# How long to wait for news before looking again, in seconds. Watches and the registry's poll bring most looks forward.
LOOK_AGAIN: Mapping[Phase, float] = {
    Phase.PENDING: 5,
    Phase.GATING: 5,
    Phase.BLOCKED: 30,
    Phase.WARMING: 1,
    Phase.CANARY: 1,
    Phase.PROMOTING: 1,
    Phase.WATCHING: 1,
    Phase.ROLLING_BACK: 0.5,
    Phase.REJECTED: 60,
    Phase.SETTLED: 60,
}
SOON = 0.1  # something was just done: see what came of it


@dataclass(frozen=True)
class Decision:
    """What to write down, what to do, what to tell, and in how many seconds to look again."""

    status: Status
    actions: tuple[Action, ...]
    events: tuple[Event, ...]
    look_again: float
    move: Move | None = None
    fresh: Fresh | None = None  # for the next look's facts

    @property
    def way_back(self) -> tuple[Route, ...]:
        """Of the actions, what is done before anything is told or written down: traffic returns to the champion.

        A crash in between is harmless: what the status then asks for is looked at once more, with the same evidence.
        """
        if self.status.phase is not Phase.ROLLING_BACK:
            return ()
        return tuple(action for action in self.actions if isinstance(action, Route))


def decide(facts: Facts) -> Decision:
    """The whole decision on one ModelDeployment at one moment. At most one move of the table is made."""
    looked = replace(facts, status=witness(facts))
    move = next_move(looked)
    status = enter(looked, move) if move else without_fresh_counts(facts.status, looked.status, facts)
    after = replace(facts, status=status)
    actions = tuple(_plan(after))
    return Decision(
        status=_told(after, before=facts.status),
        actions=actions,
        events=events(facts, move, after),
        look_again=SOON if move or actions else LOOK_AGAIN[status.phase],
        move=move,
        fresh=fresh_counts(status, looked.status),
    )


def _told(facts: Facts, before: Status) -> Status:
    """The status with its message and conditions, and the generation that it is about."""
    update = {"observed_generation": facts.generation, "message": message(facts)}
    status = facts.status.model_copy(update=update)
    return status.model_copy(update={"conditions": conditions(replace(facts, status=status), before)})


def _plan(facts: Facts) -> Iterator[Action]:
    """All that is owed, most urgent first.

    Traffic comes first because it only ever moves to pods that were already seen ready; what has no traffic is stopped
    last, and not before it has been seen to have none. The one thing before it is what makes an adopted route's way
    back sure; where that cannot be had, traffic moves all the same.
    """
    yield from _holds(facts)
    yield from _routes(facts)
    yield from _runs(facts)
    yield from _registry(facts)
    yield from _questions(facts)
    yield from _stops(facts)
    yield from _autoscaler(facts)


def _holds(facts: Facts) -> Iterator[Action]:
    """A route of Podium's own goes with the ModelDeployment; an adopted one stays, and must not stay as it is."""
    adopts = facts.spec.traffic.route is not None
    if adopts and not facts.world.held:
        yield Hold(why="an adopted route is to be left to the champion before the ModelDeployment goes")
    if facts.world.held and not adopts:
        yield LetGo(why="spec.traffic.route is there no more")


# --- traffic ----------------------------------------------------------------------------------------------------------


def _routes(facts: Facts) -> Iterator[Action]:
    seen = facts.world.traffic
    weights = _weights(facts) or seen.asked
    detours = Detours(_preview(facts, weights), _sticky(facts, weights))
    if weights and (weights, detours) != (seen.asked, seen.detours):
        shares = ", ".join(f"{weight} % to slot {slot}" for slot, weight in sorted(weights.items()))
        of = " of users" if detours.sticky else ""
        testers = f", testers to slot {detours.preview}" if detours.preview else ""
        yield Route(weights, f"{facts.status.phase}: {shares}{of}{testers}", detours)


def _weights(facts: Facts) -> Mapping[Slot, int] | None:
    """The weights to ask for, or None to leave the traffic where it is."""
    traffic = POSTURES[facts.status.phase].traffic
    challenger, trial = facts.status.challenger, facts.status.trial
    up: Mapping[Slot, int] | None = None
    if challenger is not None and trial is not None:
        proved = facts.world.slot(challenger.slot).proved(challenger)
        if traffic is Traffic.CHALLENGER and proved >= facts.spec.serving.size:
            up = _to(challenger, ALL)
        if traffic is Traffic.STEP and proved >= share_pods(trial.steps[trial.step].weight, facts.spec):
            up = _to(challenger, trial.steps[trial.step].weight)
    if up is not None:
        return up
    if traffic is not Traffic.CHAMPION and facts.world.traffic.asked and not abandoned(facts):
        return None  # the last step goes on until the next one can be carried
    return _back(facts)


def _back(facts: Facts) -> Mapping[Slot, int] | None:
    """All to the champion; but the healthier side keeps the traffic while only that has a ready pod.

    On the gradual way back the champion gets no more than its ready pods stand for, and never less than it has.
    """
    champion = facts.status.champion
    if champion is None:
        return None
    other = _other(champion.slot)
    able = facts.world.slot(champion.slot).ready(champion)
    other_seen, asked = facts.world.slot(other), facts.world.traffic.asked
    carried = asked.get(other, 0) > 0 and other_seen.ready(other_seen.runs) > 0
    if not carried:
        return _to(champion, ALL)
    if facts.spec.traffic.rollback == "gradual":
        carries = ALL * able // facts.spec.serving.size
        return _to(champion, min(ALL, max(carries, asked.get(champion.slot, 0))))
    return _to(champion, ALL) if able else None


def _preview(facts: Facts, weights: Mapping[Slot, int]) -> Slot | None:
    """Where testers go: to a challenger that not everybody gets, from its first proved pod until none is ready."""
    challenger, traffic = facts.status.challenger, facts.world.traffic
    if facts.spec.traffic.preview is None or not POSTURES[facts.status.phase].preview:
        return None
    if challenger is None or facts.status.champion is None or weights.get(challenger.slot) == ALL:
        return None
    seen = facts.world.slot(challenger.slot)
    # A pod that has not been heard at this look still is what it has proved to be: that is no reason for two writes.
    stays = traffic.detours.preview == challenger.slot and seen.ready(challenger) > 0
    return challenger.slot if stays or seen.proved(challenger) > 0 else None


def _sticky(facts: Facts, weights: Mapping[Slot, int]) -> Stickiness | None:
    """How users stay on their side: while both sides get some, and the weight only rises."""
    challenger, trial = facts.status.challenger, facts.status.trial
    if facts.spec.traffic.sticky is None or POSTURES[facts.status.phase].traffic is Traffic.CHAMPION:
        return None
    if challenger is None or trial is None or not 0 < weights.get(challenger.slot, 0) < ALL:
        return None
    now = weights[challenger.slot]
    earlier = [step.weight for step in trial.steps if step.weight < now]
    return Stickiness(trial_id(challenger, trial), challenger.slot, (*earlier, now))


def _to(pinned: Pinned, weight: int) -> Mapping[Slot, int]:
    return {pinned.slot: weight, _other(pinned.slot): ALL - weight}


def _other(slot: Slot) -> Slot:
    return "b" if slot == "a" else "a"


# --- pods -------------------------------------------------------------------------------------------------------------


def _sizes(facts: Facts) -> Iterator[tuple[Pinned, int]]:
    """Every version that is to run, with its number of pods."""
    status, posture, full = facts.status, POSTURES[facts.status.phase], facts.spec.serving.size
    if status.champion is not None:
        yield status.champion, full
    for pinned, size in ((status.challenger, posture.challenger), (status.former, posture.former)):
        if pinned is not None and size is not Size.NONE:
            yield pinned, full if size is Size.FULL else challenger_pods(facts)


def _runs(facts: Facts) -> Iterator[Action]:
    for pinned, replicas in _sizes(facts):
        seen = facts.world.slot(pinned.slot)
        if seen.runs != pinned or seen.replicas != replicas or not seen.current:
            yield RunSlot(pinned, replicas, why=f"{facts.status.phase}: version {pinned.version} with {replicas} pods")


def _stops(facts: Facts) -> Iterator[Action]:
    wanted = {pinned.slot for pinned, _ in _sizes(facts)}
    for slot in SLOTS:
        if slot in wanted or facts.world.slot(slot).replicas == 0:
            continue
        if drained(facts, slot) or facts.status.champion is None:
            yield StopSlot(slot, why=f"{facts.status.phase}: slot {slot} has no traffic and nothing to wait for")


def _autoscaler(facts: Facts) -> Iterator[Action]:
    seen, wanted = facts.world.autoscaler, facts.spec.serving.autoscaling
    if seen is None:
        return
    if wanted is not None and not seen.current:
        yield RunAutoscaler(why=f"between {wanted.min_replicas} and {wanted.max_replicas} pods, as the load asks")
    if wanted is None and seen.there:
        yield StopAutoscaler(why="spec.serving.autoscaling is there no more")


# --- registry ---------------------------------------------------------------------------------------------------------


def _registry(facts: Facts) -> Iterator[Action]:
    """The alias and the record of decisions. A person's own change of the alias is left alone."""
    registry, status = facts.world.registry, facts.status
    if facts.world.rival is not None:
        return
    champion = status.champion
    if champion is not None and registry.alias is not None:
        ours = status.registry.alias == champion.version  # it has been there by our decision; who moved it since?
        if registry.alias != champion.version and not ours:
            alias = facts.spec.registry.aliases.champion
            was = f"version {registry.alias}" if registry.alias else "nothing"
            yield MoveAlias(alias, champion.version, why=f"alias {alias} moves from {was} to {champion.version}")
    for entry in unrecorded(status):
        if entry.version in registry.tags:
            why = f"the record of {entry.outcome.lower()} version {entry.version}"
            yield WriteRecord(entry.version, entry.run_id, artifact_path(entry), document(entry, facts), why)
            yield WriteTags(entry.version, tags_for(entry, facts), why=f"{entry.outcome}: {entry.reason}")


# --- gates ------------------------------------------------------------------------------------------------------------


def _questions(facts: Facts) -> Iterator[Action]:
    """What is to be asked of pods and services. A trusted version is asked nothing, and a paused one waits."""
    pinned = facts.status.challenger
    if pinned is None or facts.spec.paused or former_champion(facts, pinned) is not None:
        return
    for gate, question in gates.open_questions(facts.spec, facts.status):
        said = facts.world.gate_answers.get(gate.name)
        if said is not None and said.question == question:
            continue
        why = f"gate {gate.name} asks about version {pinned.version}"
        if gate.job is not None:
            yield RunJob(gate.name, gate.job, question, pinned, why)
        elif gate.webhook is not None:
            yield AskWebhook(gate.name, gate.webhook, question, pinned, why)
