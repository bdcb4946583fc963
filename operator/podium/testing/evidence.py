"""Served traffic in memory: requests go to the pods that have a share, and each pod counts what it answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.api.v1alpha1.status import Slot
from podium.core.facts import SLOTS, Counters, Identity, PodState
from podium.ports import ModelDeployment, PodReport
from podium.testing.cluster import FakeCluster
from podium.testing.router import FakeRouter


@dataclass
class _Count:
    answers: int = 0
    bad: int = 0


class FakeEvidence:
    """Implements the port PodMetrics."""

    def __init__(self, cluster: FakeCluster, router: FakeRouter) -> None:
        self._cluster = cluster
        self._router = router
        self._counts: dict[str, _Count] = {}

    async def ask(self, namespace: str, pods: Sequence[PodState]) -> Mapping[str, PodReport]:
        del namespace  # uids are unique here
        said = {pod.uid: self._say(pod) for pod in pods}
        return {uid: words for uid, words in said.items() if words is not None}

    def serve(self, md: ModelDeployment, requests: int) -> Mapping[str, int]:
        """Send requests, spread evenly over the endpoints. Returns how many each version answered badly."""
        slots: tuple[Slot, ...] = SLOTS
        endpoints = [uid for slot in slots for uid in self._router.endpoints(md, slot)]
        bad: dict[str, int] = {}
        for number in range(requests if endpoints else 0):
            uid = endpoints[number % len(endpoints)]
            pinned = self._cluster.pinned_of(uid)
            if pinned is not None:
                bad[pinned.version] = bad.get(pinned.version, 0) + self._answer(uid, pinned.version)
        return bad

    def answer(self, uid: str, requests: int) -> int:
        """Send requests to one pod, whatever the route says. Returns how many it answered badly."""
        pinned = self._cluster.pinned_of(uid)
        return sum(self._answer(uid, pinned.version) for _ in range(requests)) if pinned else 0

    def _answer(self, uid: str, version: str) -> int:
        """One answer; every so many are bad that the share comes out exactly, always the same ones."""
        count = self._counts.setdefault(uid, _Count())
        count.answers += 1
        wanted = int(count.answers * self._cluster.behaviour(version).bad_share + 1e-9)
        failed = wanted - count.bad
        count.bad = wanted
        return failed

    def _say(self, pod: PodState) -> PodReport | None:
        pinned, behaviour = self._cluster.pinned_of(pod.uid), self._cluster.behaviour(pod.version)
        if pinned is None or behaviour.silent or not pod.ready:
            return None
        count = self._counts.get(pod.uid, _Count())
        identity = Identity(pinned.version, behaviour.digest or pinned.digest)
        return PodReport(identity, Counters(count.answers, count.bad))
