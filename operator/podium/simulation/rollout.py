"""One trial in virtual time. The real core decides at every look; here are the world that it looks at, and the clock.

The operator looks every second. Here it does so for the first seconds after each move only, and then less and less
often: what two looks are apart is a part of the time since then, and the smaller a part, the nearer any judge is to a
proof. A good version takes the longest, and would be looked at in vain.
"""

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase, Pinned, Slot, Status
from podium.core.actions import RunSlot, SetTraffic, StopSlot
from podium.core.analysis.measures import counted_elsewhere
from podium.core.analysis.tests import alpha_shares, test_of
from podium.core.decide import Decision, decide
from podium.core.facts import (
    ALL,
    Facts,
    Identity,
    Key,
    ModelVersion,
    ObservedState,
    PodState,
    RegistryState,
    SlotState,
    TrafficState,
    UnsavedEvidence,
)
from podium.core.rollout.transitions import next_move
from podium.core.status.observed import COUNTED, observed
from podium.simulation.answers import Answers, binomial, chances
from podium.simulation.assumed import Assumed, Role

End = Literal["promoted", "rolled back", "circumstances", "undecided"]
BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
# From so many nats on that a bet on a broken guard has won: how many times longer the time since the last move is than
# what two looks are apart. With 1.3 % errors at a limit of 1 %, 49 of 360 trials are rolled back; 48, if every second
# is looked at.
LOOKS = ((0.0, 25), (-3.0, 12), (-math.inf, 5))
HISTORY = 10_000  # answers of the champion before the trial: enough to read its percentiles
KEY = Key("simulated", "simulated")
CHAMPION = Pinned(version="champion", digest="sha256:champion", slot="a")
CHALLENGER = ModelVersion("challenger", "sha256:challenger")


@dataclass(frozen=True)
class Plan:
    """What is simulated: a spec, how many requests come a second, and what is assumed of the versions."""

    spec: Spec
    rate: float
    assumed: Assumed
    longest: timedelta  # a trial that is not over by then is undecided

    def trial_spec(self) -> Spec:
        """The spec without gates, for a version by number, and not paused."""
        model = self.spec.model.model_copy(update={"version": CHALLENGER.version, "alias": None})
        traffic = self.spec.traffic.model_copy(update={"preview": None, "session_affinity": None})
        return self.spec.model_copy(update={"model": model, "traffic": traffic, "gates": [], "paused": False})


@dataclass(frozen=True)
class Outcome:
    """How one trial ended. Times are seconds since the challenger's first traffic."""

    end: End
    promoted: float | None  # when it became champion, even if it was rolled back while it was watched
    ended: float  # when it was rolled back, or settled, or given up on
    answers: int  # of the challenger until then
    hit: int  # those of them that were bad in the eyes of the guard that has most of them
    reason: str  # why it was rolled back


def run(plan: Plan, role: Role, seed: str) -> Outcome:
    """One trial of a version that behaves as it is assumed of this role."""
    rollout = _Rollout(plan, role, random.Random(seed))  # noqa: S311 - not for secrets
    while rollout.end is None and rollout.now - BEGIN < plan.longest:
        rollout.look()
        rollout.serve()
    return rollout.outcome()


class _Rollout:
    """The world of one trial. Pods of a side count together: the first one's page says what all have answered."""

    def __init__(self, plan: Plan, role: Role, chance: random.Random) -> None:
        self.spec, self.rate, self.chance = plan.trial_spec(), plan.rate, chance
        guards, assumed = self.spec.rollout.guards, plan.assumed
        self.sides: dict[Slot, Answers] = {
            "a": Answers(chances(guards, assumed.champion, assumed.champion), chance),
            "b": Answers(chances(guards, assumed.of(role), assumed.champion), chance),
        }
        self.sides["a"].history(HISTORY)
        self.status = Status(phase=Phase.STABLE, phase_since=BEGIN, champion=CHAMPION)
        self.fresh: UnsavedEvidence | None = None
        self.pods: dict[Slot, tuple[Pinned, tuple[PodState, ...]]] = {}
        self._run(RunSlot(CHAMPION, self.spec.serving.size, why=""))
        self.weights: Mapping[Slot, int] = {"a": ALL, "b": 0}
        self.now = self.moved = BEGIN
        self.owed = 0.0  # requests
        self.pause = 0.0  # seconds until the next look
        self.quiet = False  # the last look found nothing to do: until the next move, only counts change
        self.promoted: datetime | None = None
        self.reason = ""

    # --- the operator -------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Decide, and do what is decided. Between two moves only that part of the core is asked that can find one."""
        facts = self._facts()
        if self.quiet:
            seen = observed(facts)
            if next_move(replace(facts, status=seen)) is None:
                self.status, self.fresh, self.pause = seen, None, self._until_next()
                return
        self._do(decide(facts))

    def _do(self, decision: Decision) -> None:
        self.status, self.fresh, self.pause = decision.status, decision.unsaved, decision.requeue_after
        self.quiet = not decision.move and not decision.actions
        for action in decision.actions:
            match action:
                case RunSlot():
                    self._run(action)
                case StopSlot(slot):
                    del self.pods[slot]
                case SetTraffic(weights):
                    self.weights = weights
        if decision.move is not None:
            self.moved, self.reason = self.now, decision.move.verdict.reason
            if decision.move.target is Phase.SOAKING:
                self.promoted = self.now

    def _run(self, wanted: RunSlot) -> None:
        pinned, slot = wanted.pinned, wanted.pinned.slot
        said = Identity(pinned.version, pinned.digest)
        pods = (
            PodState(uid=f"{slot}-{number}", name=f"{slot}-{number}", version=pinned.version, ready=True, identity=said)
            for number in range(wanted.replicas)
        )
        self.pods[slot] = pinned, tuple(pods)

    def _until_next(self) -> float:
        passed = (self.now - self.moved).total_seconds()
        suspicion = self._suspicion()
        pause = max(1.0, passed // next(times for least, times in LOOKS if suspicion >= least))
        return min([pause, *(left for left in self._deadlines() if left > 0)])

    def _suspicion(self) -> float:
        """What the best bet on a broken guard has won, in nats."""
        trial = self.status.trial
        asked = alpha_shares(trial.guards, trial.evidence, trial.false_rollback_rate) if trial is not None else ()
        return max((test_of(share, trial).log_failed for share in asked if trial is not None), default=-math.inf)

    def _deadlines(self) -> Iterator[float]:
        """Seconds until time alone may change something."""
        trial, since = self.status.trial, self.status.phase_since
        if trial is None or since is None:
            return
        waits = [
            (trial.weight_reached_at, trial.steps[trial.step].duration),
            (trial.step_started_at, trial.step_timeout),
        ]
        for began, length in [*waits, (since, trial.soak)]:
            if began is not None:
                yield (began + length - self.now).total_seconds()

    # --- the world ----------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Let time pass until the next look. Before the challenger has traffic, nothing is worth waiting for."""
        if self.status.phase not in COUNTED:
            return
        self.now += timedelta(seconds=self.pause)
        self.owed += self.rate * self.pause
        number, moments = int(self.owed), max(1, int(self.pause))
        self.owed -= number
        challenger = binomial(self.chance, number, self._in_force().get("b", 0.0) / ALL)
        most = self.spec.rollout.consecutive_failures
        self.sides["a"].serve(number - challenger, moments, most)
        self.sides["b"].serve(challenger, moments, most)

    def _in_force(self) -> Mapping[Slot, float]:
        """Shares as a gateway gives them, or a Service: by pods of the slots that have any weight."""
        if self.spec.traffic.exact:
            return {slot: float(weight) for slot, weight in self.weights.items()}
        sizes = {slot: len(pods) for slot, (_, pods) in self.pods.items() if self.weights.get(slot, 0) > 0}
        return {slot: ALL * size / sum(sizes.values()) for slot, size in sizes.items()}

    def _facts(self) -> Facts:
        world = ObservedState(
            registry=RegistryState(desired=CHALLENGER),
            slots={slot: self._slot(slot) for slot in self.pods},
            traffic=TrafficState(desired=self.weights, current=self._in_force(), in_sync=True),
            counts={
                counted_elsewhere(guard.name).name: {
                    slot: side.prometheus(guard.name) for slot, side in self.sides.items()
                }
                for guard in self.spec.rollout.guards
                if guard.prometheus is not None
            },
        )
        return Facts(KEY, 1, self.spec, self.status, world, self.now, self.fresh)

    def _slot(self, slot: Slot) -> SlotState:
        pinned, pods = self.pods[slot]
        spokesman = replace(pods[0], counters=self.sides[slot].counters())
        return SlotState(runs=pinned, replicas=len(pods), pods=(spokesman, *pods[1:]))

    # --- the end ------------------------------------------------------------------------------------------------------

    @property
    def end(self) -> End | None:
        """How the trial ended; None while it goes on."""
        if self.status.phase is Phase.ROLLING_BACK:
            return "circumstances" if self.reason == reasons.SHARED_OUTAGE else "rolled back"
        return "promoted" if self.status.phase is Phase.STABLE and self.promoted is not None else None

    def outcome(self) -> Outcome:
        side = self.sides["b"]
        return Outcome(
            end=self.end or "undecided",
            promoted=(self.promoted - BEGIN).total_seconds() if self.promoted else None,
            ended=(self.now - BEGIN).total_seconds(),
            answers=side.answers,
            hit=side.hit,
            reason=self.reason if self.end != "promoted" else "",
        )
