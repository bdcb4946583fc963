"""One trial in virtual time: the real operator in the simulated world, and clients whose answers are drawn."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.spec.model import RegistryRef
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import HistoryEntry, Phase
from podium.controller.prometheus_totals import queries_of
from podium.core.status.trial_times import COUNTED
from podium.simulation.answers import Answers, chances
from podium.simulation.assumed import Assumed, Role
from podium.simulation.drawn_clients import DrawnClients
from podium.simulation.pace import pace
from podium.simulation.population import Crowd
from podium.simulation.world.faults import Call
from podium.simulation.world.view import MODEL
from podium.simulation.world.world import World

End = Literal["promoted", "rolled back", "circumstances", "undecided"]
CHAMPION: Final = "1"
CHALLENGER: Final = "2"
NOT_BLAMED: Final = frozenset({reasons.SHARED_OUTAGE, reasons.CHAMPION_INCONCLUSIVE})
HISTORY: Final = 10_000  # answers of each of the champion's pods before the trial: enough to read its percentiles
_SOON: Final = 0.9  # seconds: a shorter pause follows an action, and is kept


@dataclass(frozen=True)
class Plan:
    """What is simulated: a spec, how many requests come a second, and what is assumed of the versions."""

    spec: Spec
    rate: float
    assumed: Assumed
    longest: timedelta  # a trial that is not over by then is undecided
    crowd: Crowd | None = None  # who asks; without it, every request is a client of its own

    def spec_for(self, version: str) -> Spec:
        """The spec without gates, for a version of the simulated registry, and not paused."""
        model = self.spec.model.model_copy(update={"name": MODEL, "version": version, "alias": None})
        stay = self.spec.traffic.session_affinity if self.crowd is not None else None
        traffic = self.spec.traffic.model_copy(update={"preview": None, "session_affinity": stay})
        rollout = self.spec.rollout.model_copy(update={"experiment": None})  # of each version alone
        parts: dict[str, object] = {"model": model, "traffic": traffic, "rollout": rollout, "registry": RegistryRef()}
        parts |= {"gates": [], "paused": False}
        return self.spec.model_copy(update=parts)


@dataclass(frozen=True)
class Outcome:
    """How one trial ended. Times are seconds since the challenger's first traffic."""

    end: End
    promoted: float | None  # when it became champion, even if it was rolled back while it was watched
    ended: float  # when it was rolled back, or stable, or given up on
    answers: int  # of the challenger until then
    hit: int  # those of them that were bad in the eyes of the guard that has most of them
    reason: str  # why it was rolled back


def run(plan: Plan, role: Role, seed: str) -> Outcome:
    """One trial of a version that behaves as it is assumed of this role."""
    trial = Trial(plan, role, random.Random(seed))  # noqa: S311 - not for secrets
    try:
        trial.begin()
        while trial.end_of_it is None and trial.seconds(trial.now) < plan.longest.total_seconds():
            trial.tick()
        return trial.outcome()
    finally:
        trial.end()


class Trial(World):
    """The world of one trial: pods start at once, and requests come in bulk."""

    registry_poll = timedelta(
        days=1
    ).total_seconds()  # it is asked when the operator wants to know; nothing changes there

    def __init__(self, plan: Plan, role: Role, chance: random.Random) -> None:
        super().__init__(rate=plan.rate)
        self._plan, guards, assumed = plan, plan.spec.rollout.guards, plan.assumed
        self.drawn = DrawnClients(
            self.router,
            chance,
            rate=plan.rate,
            chances={
                CHAMPION: chances(guards, assumed.champion, assumed.champion),
                CHALLENGER: chances(guards, assumed.of(role), assumed.champion),
            },
            consecutive_failures=plan.spec.rollout.consecutive_failures,
            crowd=plan.crowd,
            per_connection=lambda: self.pod_metrics.per_connection,
            usual=chances(guards, assumed.champion, assumed.champion).errors,
        )
        self.alerting.silent = True  # no one is told of it, and no moment is looked at for that alone
        self.pod_metrics.counters_of = self.drawn.counters
        self.clock.lengthen = self._lengthened
        self._began: datetime | None = None
        self._back_at: datetime | None = None  # when the traffic went back
        self._paced_at, self._pace = -1.0, 0.0

    def begin(self) -> None:
        """Until the challenger gets its first traffic. The champion has served long enough by then."""
        for version in (CHAMPION, CHALLENGER):
            self.register(version, ready_after=0.0, stagger=0.0)
        self.commit(self._plan.spec_for(CHAMPION))
        self.settle(CHAMPION)
        for slot in self.in_force():
            for pod in self.ready_pods(slot):
                self.drawn.of(pod).history(HISTORY)
        self.commit(self._plan.spec_for(CHALLENGER))
        self.until(lambda world: world.status.phase in COUNTED)
        self._began = self.status.phase_since

    def seconds(self, moment: datetime) -> float:
        """From the challenger's first traffic to this moment."""
        return (moment - (self._began or moment)).total_seconds()

    # --- time ---------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """To the next moment at which anything is due. Nothing changes before it, so all requests until then are drawn
        at once; before the challenger has traffic, there are none.
        """
        seconds = self.loop.until_next()
        if self._began is not None:
            self.drawn.ask(self.md(), seconds)
            self._count_elsewhere()
        self.loop.run_for(seconds)
        if self._back_at is None and (lost := self._entry(promoted=False)) is not None:
            self._back_at = lost.at

    def _count_elsewhere(self) -> None:
        """Prometheus counts what its queries ask for: where both sides' are the same, the answers of both."""
        found: dict[str, float] = {}
        for query in queries_of(self.md()):
            runs = self.runs(query.slot)
            counts = self.drawn.total(runs.version if runs else "").prometheus(query.guard)
            found[query.bad] = found.get(query.bad, 0) + counts.bad
            found[query.total] = found.get(query.total, 0) + counts.answers
        for text, count in found.items():
            self.metrics_store.put(text, count)

    def _lengthened(self, seconds: float) -> float:
        """How long the operator sleeps instead."""
        if self._began is None or seconds < _SOON:
            return seconds
        if self._paced_at != self.loop.time():  # several of its tasks sleep from the same moment
            self._paced_at, self._pace = self.loop.time(), pace(self.status, self.now)
        return max(seconds, self._pace)

    def _witness(self, call: Call) -> Callable[[], None]:
        """The promises are the tests' to check: here it would cost a tenth of the time."""
        del call
        return lambda: None

    # --- the end ------------------------------------------------------------------------------------------------------

    def _entry(self, *, promoted: bool) -> HistoryEntry | None:
        """What the status has written down of the challenger."""
        entries = [entry for entry in self.status.history if entry.version == CHALLENGER]
        return next((entry for entry in entries if (entry.outcome == "Promoted") is promoted), None)

    @property
    def end_of_it(self) -> End | None:
        """How the trial ended; None while it goes on, and while it is open whose fault it was."""
        if self.status.suspected is not None:
            return None
        if (lost := self._entry(promoted=False)) is not None:
            return "circumstances" if lost.reason in NOT_BLAMED else "rolled back"
        return "promoted" if self.status.phase is Phase.STABLE and self.champion() == CHALLENGER else None

    def outcome(self) -> Outcome:
        """What came of it until now."""
        won, lost = self._entry(promoted=True), self._entry(promoted=False)
        answers: Answers = self.drawn.total(CHALLENGER)
        return Outcome(
            end=self.end_of_it or "undecided",
            promoted=self.seconds(won.at) if won is not None else None,
            ended=self.seconds(self._back_at or self.now),
            answers=answers.answers,
            hit=answers.hit,
            reason=lost.reason if lost is not None else "",
        )
