"""Clients whose requests are drawn in bulk: how many reach each pod, and how many of its answers are bad."""

import random
from collections.abc import Callable, Mapping

from podium.api.v1alpha1.status import Phase
from podium.core.facts import ALL, SLOTS, Counters
from podium.ports import ModelDeployment
from podium.simulation.answers import Answers, Chances, binomial
from podium.simulation.population import Crowd, Population, errors_of, failing_clients
from podium.simulation.seats import by_connection, by_cookie
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
        crowd: Crowd | None = None,
        per_connection: Callable[[], int | None] = lambda: None,
        usual: float = 0.0,
    ) -> None:
        """Without a `crowd`, requests are drawn independently. `usual` is the champion's share of bad answers, and
        `per_connection` the number of requests after which pods close a connection now.
        """
        self._per_connection = per_connection
        self._router, self._chance, self._rate, self._chances = router, chance, rate, dict(chances)
        self._consecutive_failures = consecutive_failures  # a run of so many bad answers must not be missed
        self._owed, self._usual, self._crowd = 0.0, usual, crowd
        self._population = Population(crowd, chance, failing=failing_clients(usual)) if crowd is not None else None
        self._answers: dict[str, dict[str, Answers]] = {}  # by version and pod

    def ask(self, md: ModelDeployment, seconds: float) -> None:
        """All requests of so many seconds, in which nothing else changes."""
        self._owed += self._rate * seconds
        number = int(self._owed)
        self._owed -= number
        self._copy(md, number)
        if self._population is not None:
            self._ask_each(self._population, md, number, max(1, int(seconds)))
            return
        left = float(ALL)
        for slot, share in self._router.in_force(md).items():
            part = binomial(self._chance, number, min(1.0, share / left)) if left > 0 else 0
            self._spread(self._router.pods(md, slot), part, max(1, int(seconds)))
            number, left = number - part, left - share

    def _copy(self, md: ModelDeployment, number: int) -> None:
        """The pairs of a shadow step, in which the champion answers all. What either fails is drawn for each by itself.

        The pods were told of it: a simulated operator that sleeps for long does not tell them again.
        """
        trial, champion, challenger = md.status.trial, md.status.champion, md.status.challenger
        if md.status.phase is not Phase.CANARY or trial is None or champion is None or challenger is None:
            return
        pods = [pod for pod in self._router.pods(md, champion.slot) if pod.shadow.order is not None]
        share = trial.steps[trial.step].shadow
        if share is None or not pods:
            return
        copies = binomial(self._chance, number, share)
        mine, its = (self._chances[each.version].errors for each in (champion, challenger))
        champion_bad = binomial(self._chance, copies, mine)
        both_bad = binomial(self._chance, champion_bad, its)
        only_challenger = binomial(self._chance, copies - champion_bad, its)
        pods[0].shadow.add(
            both_bad=both_bad,
            only_champion_bad=champion_bad - both_bad,
            only_challenger_bad=only_challenger,
            both_good=copies - champion_bad - only_challenger,
        )

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
            known[pod.uid] = self._none_yet(version)
        return known[pod.uid]

    def _none_yet(self, version: str) -> Answers:
        """Pods tell first answers apart where clients stay; elsewhere every answer is one."""
        first = Answers(self._chances[version], self._chance) if self._population is not None else None
        return Answers(self._chances[version], self._chance, first=first)

    def counters(self, pod: Pod) -> Counters:
        """What this pod's page says."""
        return self.of(pod).counters()

    def total(self, version: str) -> Answers:
        """What all pods of a version have answered."""
        total = Answers(self._chances[version], self._chance)
        for answers in self._answers.get(version, {}).values():
            total.add(answers)
        return total

    def _ask_each(self, population: Population, md: ModelDeployment, number: int, moments: int) -> None:
        """The same, from clients who stay."""
        pods = {slot: self._router.pods(md, slot) for slot in SLOTS}
        if self._crowd is not None and self._crowd.kept_alive:
            every = [pod for slot in SLOTS for pod in pods[slot]]
            by_uid = {pod.uid: pod for pod in every}
            asked = population.ask(number, by_connection(every, self._chance, self._per_connection()))
            for kind, requests in asked.items():
                self._serve(by_uid[kind.place], requests, moments, fails=kind.fails, first=kind.drawn)
            return
        affinity = self._router.taken(md)[1].session_affinity
        for of, requests in population.ask(
            number, by_cookie(self._router.in_force(md), affinity, self._chance)
        ).items():
            self._spread(pods[of.place], requests, moments, fails=of.fails, first=of.drawn)

    def _spread(
        self, pods: list[Pod], number: int, moments: int, *, fails: bool | None = None, first: bool = False
    ) -> None:
        for left, pod in zip(range(len(pods), 0, -1), pods, strict=True):
            part = binomial(self._chance, number, 1 / left)
            self._serve(pod, part, moments, fails=fails, first=first)
            number -= part

    def _serve(self, pod: Pod, number: int, moments: int, *, fails: bool | None, first: bool) -> None:
        """So many answers of one pod, to clients that fail, to others, or to all alike."""
        answers = self.of(pod)
        errors = None if fails is None else errors_of(fails, answers.chances.errors, self._usual)
        answers.serve(number, moments, self._consecutive_failures, errors, first=first)
