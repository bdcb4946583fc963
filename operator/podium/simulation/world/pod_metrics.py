"""What pods say of themselves, and requests that a test sends: spread evenly, and every so many answered badly."""

from collections.abc import Callable, Mapping, Sequence

from podium.core.facts import SLOTS, Counters, PodState
from podium.core.identity import Identity
from podium.core.shadow import ShadowOrder
from podium.ports import ModelDeployment, PodReport
from podium.simulation.world.cluster import FakeCluster
from podium.simulation.world.pods import Pod
from podium.simulation.world.router import FakeRouter


class FakePodMetrics:
    """Implements the port PodMetrics."""

    def __init__(self, cluster: FakeCluster, router: FakeRouter) -> None:
        self._cluster = cluster
        self._router = router
        self.counters_of: Callable[[Pod], Counters] = lambda pod: pod.answered.counters()
        self.per_connection: int | None = None  # after how many requests pods were last told to close a connection
        self.unreachable = False  # a NetworkPolicy is in the way

    async def ask(
        self,
        namespace: str,
        pods: Sequence[PodState],
        per_connection: int | None = None,
        shadow: ShadowOrder | None = None,
    ) -> Mapping[str, PodReport]:
        del namespace  # uids are unique here
        self.per_connection = per_connection
        if self.unreachable:
            return {}
        found = [(seen, self._cluster.pod(seen.uid)) for seen in pods]
        if shadow is not None:
            for pod in (pod for _, pod in found if pod is not None):
                pod.shadow.tell(shadow, _identity(pod), self._cluster.clock.monotonic())
        reports = {seen.uid: self._report(seen, pod) for seen, pod in found if pod is not None}
        return {uid: report for uid, report in reports.items() if report is not None}

    def serve(self, md: ModelDeployment, requests: int) -> Mapping[str, int]:
        """Send requests, spread evenly over the endpoints. Returns how many each version answered badly."""
        endpoints = [pod for slot in SLOTS for pod in self._router.pods(md, slot)]
        bad: dict[str, int] = {}
        for number in range(requests if endpoints else 0):
            pod = endpoints[number % len(endpoints)]
            bad[pod.pinned.version] = bad.get(pod.pinned.version, 0) + _answer(pod)
        return bad

    def answer(self, uid: str, requests: int) -> int:
        """Send requests to one pod, whatever the route says. Returns how many it answered badly."""
        pod = self._cluster.pod(uid)
        return sum(_answer(pod) for _ in range(requests)) if pod else 0

    def _report(self, seen: PodState, pod: Pod) -> PodReport | None:
        """A pod's server counts before its model is loaded; what it has loaded, it says once it is ready."""
        behaviour = pod.behaviour
        if behaviour.silent:
            return None
        identity = _identity(pod) if seen.ready else None
        return PodReport(
            identity, self.counters_of(pod), "" if seen.ready else behaviour.startup_step, pod.reload, pod.shadow.pairs
        )


def _identity(pod: Pod) -> Identity:
    return Identity(pod.pinned.version, pod.behaviour.digest or pod.pinned.digest)


def _answer(pod: Pod) -> bool:
    """One answer; every so many are bad that the share comes out exactly, always the same ones."""
    answered = pod.answered
    bad = int((answered.answers + 1) * pod.behaviour.bad_share + 1e-9) > answered.bad
    answered.add(bad=bad)
    return bad
