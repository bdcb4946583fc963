"""Clients that ask at random, and testers who ask for the preview. Draws come from seeds, so a run repeats itself."""

import random
from collections import Counter
from collections.abc import Mapping

from podium.api.v1alpha1.evidence import ARM_SLOTS, Slot
from podium.core.facts import other_than
from podium.ports import ModelDeployment
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.pods import Pod
from podium.simulation.world.router import FakeRouter

NO_POD = "no pod"  # had to answer a request: there was none


class Clients:
    """`rate` requests a second to one ModelDeployment. `outage` is the share that fails whichever pod answers."""

    def __init__(self, cluster: FakeCluster, router: FakeRouter, *, rate: float, seed: int) -> None:
        self.rate = rate
        self.outage = 0.0
        self.testers = False  # whether one asks whenever clients do
        self.served: Counter[str] = Counter()  # answers by version
        self.failed: Counter[str] = Counter()  # bad answers by version, requests it took with it, or without a pod
        self.saved: Counter[str] = Counter()  # those of them that no user got: another pod answered
        self.tested: Counter[str] = Counter()  # answers to testers by version
        self.copied: Counter[str] = Counter()  # copies in a shadow step that a version answered
        self._cluster, self._router = cluster, router
        drawn = (random.Random(seed + number) for number in (0, 2, 3, 4))  # noqa: S311 - not for secrets
        self._chance, self._figures, self._second, self._shadow = drawn
        self._owed = 0.0

    def ask(self, md: ModelDeployment, seconds: float) -> None:
        """All requests of so many seconds."""
        self._owed += self.rate * seconds
        ready = self._ready(md)
        while self._owed >= 1:
            self._owed -= 1
            if pod := self._drawn(md, ready):
                self._answer(md, pod)
                if pod.behaviour.crash_after_answers is not None:
                    ready = self._ready(md)  # it may have been its last answer
                    self._cut_off(md, pod, ready)
            elif self._router.weights(md):
                self.failed[NO_POD] += 1
        if self.testers:
            self._test(md, ready)

    def _ready(self, md: ModelDeployment) -> Mapping[Slot, list[Pod]]:
        """The ready pods of the slots that have a weight."""
        weights = self._router.taken(md)[0]
        return {slot: self._router.pods(md, slot) for slot, weight in weights.items() if weight > 0}

    def _drawn(self, md: ModelDeployment, ready: Mapping[Slot, list[Pod]]) -> Pod | None:
        """The pod that gets the next request: of a slot drawn by weight where shares are exact."""
        if md.spec is not None and md.spec.traffic.exact and ready:
            weights = self._router.taken(md)[0]
            (slot,) = self._chance.choices(list(ready), [weights[slot] for slot in ready])
            pods = ready[slot]
        else:
            pods = [pod for of_slot in ready.values() for pod in of_slot]
        return self._chance.choice(pods) if pods else None

    def _answer(self, md: ModelDeployment, pod: Pod) -> None:
        seen, version = pod.behaviour, pod.pinned.version
        invalid = self._figures.random() < seen.invalid
        bad = invalid or self._chance.random() < max(seen.bad_share, self.outage)
        cold = pod.answered.answers < seen.cold
        seconds = 2.0 if cold else 0.2 if self._figures.random() < seen.slow else 0.02
        pod.answered.add(bad=bad, invalid=invalid, seconds=seconds, score=self._figures.random() + seen.shift)
        self.served[version] += 1
        self.failed[version] += bad
        self.saved[version] += bad and self._stood_in(md, pod)
        self._copy(md, pod, bad=bad)

    def _copy(self, md: ModelDeployment, champion: Pod, *, bad: bool) -> None:
        """Send the request to the challenger too, once it is answered, where the pod was told so."""
        to = champion.shadow.copies(self._cluster.clock.monotonic(), self._shadow)
        if to is None:
            return
        pods = self._cluster.ready_pods(md.key, other_than(champion.pinned.slot))
        if not pods or (pods[0].pinned.version, pods[0].pinned.digest) != (to.version, to.digest):
            champion.shadow.add(dropped=1)
            return
        seen = self._shadow.choice(pods).behaviour
        self.copied[to.version] += 1
        champion.shadow.pair(
            champion_bad=bad,
            challenger_bad=self._shadow.random() < max(seen.bad_share, seen.invalid, self.outage),
            disagree=self._shadow.random() < seen.disagrees,
        )

    def _cut_off(self, md: ModelDeployment, pod: Pod, ready: Mapping[Slot, list[Pod]]) -> None:
        """The requests that the pod had not answered when it ended: lost, but for those that the gateway sends again.

        Where users stay on their side, it does so on that side only: a gateway chooses a slot once for each request.
        """
        if any(pod in pods for pods in ready.values()):
            return
        affinity = self._router.taken(md)[1].session_affinity is not None
        others = ready.get(pod.pinned.slot, []) if affinity else [each for pods in ready.values() for each in pods]
        lost = pod.behaviour.in_flight
        self.failed[pod.pinned.version] += lost
        self.saved[pod.pinned.version] += lost if others and self._router.retries(md) else 0

    def _stood_in(self, md: ModelDeployment, failed: Pod) -> bool:
        """Whether an earlier trial's version, in the other slot, has a good answer: it counts nothing of it."""
        if md.spec is None or not md.spec.traffic.fallback.enabled:
            return False
        arm, champion = failed.pinned.slot in ARM_SLOTS, md.status.champion
        beside = champion.slot if arm and champion is not None else other_than(failed.pinned.slot)
        pods = self._cluster.ready_pods(md.key, beside)
        older = [pod for pod in pods if pod.pinned.trial_number < failed.pinned.trial_number]
        return bool(older) and self._second.random() >= max(older[0].behaviour.bad_share, self.outage)

    def _test(self, md: ModelDeployment, ready: Mapping[Slot, list[Pod]]) -> None:
        """A tester asks: the pods count nothing of it."""
        slot = self._router.taken(md)[1].preview
        seen = self._cluster.ready_pods(md.key, slot) if slot is not None else []
        pod = self._chance.choice(seen) if seen else None if slot is not None else self._drawn(md, ready)
        self.tested[pod.pinned.version if pod else NO_POD] += 1
