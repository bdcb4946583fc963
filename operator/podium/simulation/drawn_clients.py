"""Clients whose requests are drawn in bulk: how many reach each pod, and how many of its answers are bad."""

import random
from collections.abc import Mapping

from podium.core.facts import ALL, Counters
from podium.ports import ModelDeployment
from podium.simulation.answers import Answers, Chances, binomial
from podium.simulation.world.pods import Pod
from podium.simulation.world.router import FakeRouter


class DrawnClients:
    """`rate` requests a second, to the pods that have traffic. Each pod counts its own answers."""

    def __init__(
        self,
        router: FakeRouter,
        chance: random.Random,
        *,
        rate: float,
        chances: Mapping[str, Chances],
        consecutive_failures: int,
    ) -> None:
        self._router, self._chance, self._rate, self._chances = router, chance, rate, dict(chances)
        self._consecutive_failures = consecutive_failures  # a run of so many bad answers must not be missed
        self._owed = 0.0
        self._answers: dict[str, dict[str, Answers]] = {}  # by version and pod

    def ask(self, md: ModelDeployment, seconds: float) -> None:
        """All requests of so many seconds, in which nothing else changes."""
        self._owed += self._rate * seconds
        number = int(self._owed)
        self._owed -= number
        left = float(ALL)
        for slot, share in self._router.in_force(md).items():
            part = binomial(self._chance, number, min(1.0, share / left)) if left > 0 else 0
            self._spread(self._router.pods(md, slot), part, max(1, int(seconds)))
            number, left = number - part, left - share

    def chances_of(self, version: str) -> Chances:
        """With which chances its answers are bad now."""
        return self._chances[version]

    def behave(self, version: str, chances: Chances) -> None:
        """From now on, answers of this version are bad with these chances."""
        self._chances[version] = chances
        for answers in self._answers.get(version, {}).values():
            answers.chances = chances

    def of(self, pod: Pod) -> Answers:
        """What this pod has answered."""
        version = pod.pinned.version
        known = self._answers.setdefault(version, {})
        if pod.uid not in known:
            known[pod.uid] = Answers(self._chances[version], self._chance)
        return known[pod.uid]

    def counters(self, pod: Pod) -> Counters:
        """What this pod's page says."""
        return self.of(pod).counters()

    def total(self, version: str) -> Answers:
        """What all pods of a version have answered."""
        total = Answers(self._chances[version], self._chance)
        for answers in self._answers.get(version, {}).values():
            total.add(answers)
        return total

    def _spread(self, pods: list[Pod], number: int, moments: int) -> None:
        for left, pod in zip(range(len(pods), 0, -1), pods, strict=True):
            part = binomial(self._chance, number, 1 / left)
            self.of(pod).serve(part, moments, self._consecutive_failures)
            number -= part
