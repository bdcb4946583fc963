"""How often an outage that hits both versions rejects the good one, and how often a truly bad one is still rejected.

The whole decision runs in virtual time. Both versions fail alike from a moment in the first minute of the trial on; a
bad version fails by itself from its first answer on.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from bench.judgement import bounds
from podium.api.v1alpha1.spec.model import ModelRef
from podium.api.v1alpha1.spec.serving import Serving
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.simulation.assumed import assumed
from podium.simulation.trial import CHALLENGER, CHAMPION, Plan, Trial

SHARES, RATES, REPLICAS = (0.1, 0.3, 1.0), (1, 2, 10, 50), (1, 3)
LONGEST, OUTAGE = timedelta(hours=4), timedelta(minutes=10)
FIRST = 60.0  # seconds within which the outage begins
End = Literal["rejected", "shared outage", "held", "promoted", "undecided"]


@dataclass(frozen=True)
class Setting:
    """One kind of trial."""

    share: float  # of bad answers: of both versions in the outage, or of the bad version alone
    rate: float  # requests a second
    replicas: int
    outage: bool

    def __str__(self) -> str:
        what = "outage of" if self.outage else "bad version"
        return f"{what} {self.share:4.0%}, {self.rate:2g} req/s, {self.replicas} replicas"


@dataclass(frozen=True)
class Ends:
    """How the trials of one setting ended."""

    setting: Setting
    trials: int
    ends: Counter[str]
    waits: list[float]  # seconds from the first weight of 0 to the rejection, of those that were rejected

    @property
    def rejected(self) -> float:
        """Share of the trials in which the version was rejected."""
        return self.ends["rejected"] / self.trials

    @property
    def upper(self) -> float:
        """Upper end of the 99 % interval of the share that was rejected."""
        return bounds.upper(self.ends["rejected"], self.trials)


def settings() -> Iterator[Setting]:
    """All that are measured."""
    for outage in (True, False):
        for share in SHARES:
            for rate in RATES:
                yield from (Setting(share, rate, replicas, outage) for replicas in REPLICAS)


def measured(setting: Setting, trials: int, seed: int) -> Ends:
    """So many trials of one setting."""
    found = [_Outage(setting, f"{seed}/{setting}/{number}").run_to_its_end() for number in range(trials)]
    return Ends(setting, trials, Counter(end for end, _ in found), [wait for end, wait in found if end == "rejected"])


class _Outage(Trial):
    """A trial that goes on until it is decided whose fault it was."""

    def __init__(self, setting: Setting, seed: str) -> None:
        spec = Spec(model=ModelRef(name="model", version="1"), serving=Serving(replicas=setting.replicas))
        plan, chance = Plan(spec, setting.rate, assumed(spec.rollout.guards, {}), LONGEST), random.Random(seed)
        super().__init__(plan, "good", chance)
        self._setting, self._from = setting, chance.uniform(0, FIRST) if setting.outage else 0.0
        self._healthy = {version: self.drawn.chances_of(version) for version in (CHAMPION, CHALLENGER)}

    def run_to_its_end(self) -> tuple[End, float]:
        """How it ended, and how long after its traffic went back."""
        try:
            self.begin()
            while (end := self._decided) is None and self.seconds(self.now) < LONGEST.total_seconds():
                self._fail()
                self.tick()
            return end or "undecided", self.seconds(self.now) - self.outcome().ended
        finally:
            self.end()

    @property
    def _decided(self) -> End | None:
        status = self.status
        if status.rejected:
            return "rejected"
        if status.shared_outage is not None:
            return "shared outage"
        if status.held is not None:
            return "held"
        return "promoted" if status.phase is Phase.STABLE and self.champion() == CHALLENGER else None

    def _fail(self) -> None:
        until = self._from + (OUTAGE if self._setting.outage else LONGEST).total_seconds()
        failing = self._from <= self.seconds(self.now) < until
        for version, healthy in self._healthy.items():
            hit = failing and (self._setting.outage or version == CHALLENGER)
            self.drawn.behave(version, replace(healthy, errors=self._setting.share) if hit else healthy)
