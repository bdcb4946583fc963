"""The simulated world of one case, and what is there in its end."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from bench.faults.schedule import Case, Schedule
from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.status import Phase
from podium.core.actions import Event
from podium.core.facts import SLOTS
from podium.core.rollout.circumstances import CIRCUMSTANCES
from podium.simulation.world.promises import holds
from podium.simulation.world.view import KEY, MODEL
from podium.simulation.world.world import World

CHALLENGER: Final = "2"
_RATE: Final = 20.0  # requests a second
_TICK: Final = 0.5  # seconds
_WITHIN: Final = timedelta(minutes=2)


@dataclass(frozen=True)
class End:
    """What is there in the end, by versions: in which slot a version runs is Podium's own affair."""

    phase: Phase | None = None  # None: the ModelDeployment is gone
    ready: bool = False
    champion: str = ""
    image: str = ""  # of the champion's pods
    registry: str = ""  # from which they load
    traffic: Mapping[str, float] | None = None
    pods: Mapping[str, int] | None = None
    alias: str = ""
    decisions: Mapping[str, str] | None = None  # tags, by version
    rejected: tuple[str, ...] = ()


class FaultyWorld(World):
    """A world whose faults are planned. It measures for how long the challenger has traffic."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(rate=_RATE, election=True, disorder=schedule, tick=_TICK)
        self.schedule = schedule
        schedule.now = self.loop.time
        self.exposed = 0.0  # seconds for which the challenger had traffic that it had to lose
        self.regained = 0.0  # the same, after its traffic had been taken by a verdict on it
        self._lost = False

    def tick(self) -> None:
        super().tick()
        if self.cluster.now(KEY) is not None and self.traffic().get(CHALLENGER):
            self.exposed += _TICK
            self.regained += _TICK if self._lost else 0.0
        elif not self._lost:
            self._lost = any(_loses(event) for _, event in self.cluster.events)

    def must_lose(self) -> None:
        """From now on the challenger must lose its traffic, and not already from its first request on."""
        self.exposed = 0.0

    def traffic(self) -> dict[str, float]:
        """The share of each version."""
        shares = self.in_force().items()
        return {runs.version: share for slot, share in shares if share and (runs := self.runs(slot)) is not None}

    def end_state(self) -> End:
        """What is there now."""
        md = self.cluster.now(KEY)
        if md is None:
            return End()
        sizes = {slot: self.size(slot) for slot in SLOTS}
        return End(
            phase=md.status.phase,
            ready=holds("Ready", md.status, md.generation),
            champion=self.champion(),
            image=self._image(),
            registry=md.status.champion.registry if md.status.champion else "",
            traffic=self.traffic(),
            pods={runs.version: sizes[slot] for slot in SLOTS if sizes[slot] and (runs := self.runs(slot))},
            alias=self.alias,
            decisions={
                version: decision
                for version in self.registry.models[MODEL].versions
                if (decision := self.recorded(version))
            },
            rejected=tuple(sorted({lost.version for lost in md.status.rejected} | self._rejected_image())),
        )

    def _image(self) -> str:
        champion = self.status.champion
        return champion.template.image if champion is not None and champion.template is not None else ""

    def _rejected_image(self) -> set[str]:
        lost = self.status.rejected_template
        return {lost.template.image} if lost is not None else set()

    def ends(self, expected: End) -> None:
        """Let time pass until this is there."""
        self.until(lambda _: self._phase() is expected.phase and self.has(expected), within=_WITHIN)

    def has(self, expected: End) -> bool:
        """Whether this is there, as far as it can still be known."""
        return known(self.end_state(), self.schedule.case) == known(expected, self.schedule.case)

    def _phase(self) -> Phase | None:
        md = self.cluster.now(KEY)
        return md.status.phase if md is not None else None

    def rest(self, seconds: float) -> None:
        """Time in which no request comes: nothing is left to do."""
        self.tell()
        self.loop.run_for(seconds)
        self.tick()


def _loses(event: Event) -> bool:
    own = event.reason not in CIRCUMSTANCES | {reasons.SHARED_OUTAGE}
    return event.warning and own and f"-> {Phase.ROLLING_BACK}: " in event.message


def known(end: End, case: Case) -> End:
    """Where a fault emptied the status, what the registry had not been told of is not known any more."""
    forgotten = any(fault.forgets for _, fault in case.faults)
    return replace(end, decisions=None) if forgotten else end
