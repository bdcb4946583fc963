"""What pods said of themselves when they were last asked: of a pod that rests, an answer stands for a while.

It stands while kubelet says the same of the pod. What is counted is not kept: nothing at rest is decided on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from podium.core.facts import Counters, Key, ObservedState, PodState
from podium.core.shadow import ShadowOrder
from podium.ports import Clock, PodMetrics, PodReport

_STANDS: Final = 1800.0  # seconds


@dataclass(frozen=True, slots=True)
class _Known:
    said_by: tuple[object, ...]
    report: PodReport
    at: float


class KnownReports:
    """Reports by ModelDeployment and pod."""

    def __init__(self, pod_metrics: PodMetrics, clock: Clock) -> None:
        self._pod_metrics = pod_metrics
        self._clock = clock
        self._known: dict[Key, dict[str, _Known]] = {}

    def note(self, key: Key, observed: ObservedState) -> None:
        """What was observed afresh just now; whoever did not answer is not known."""
        pods = [pod for slot in observed.slots.values() for pod in slot.pods]
        self._known[key] = {pod.uid: self._kept(pod, _report(pod)) for pod in pods if pod.identity is not None}

    def forget(self, key: Key) -> None:
        """It is gone."""
        self._known.pop(key, None)

    def of(self, key: Key) -> PodMetrics:
        """The port for this ModelDeployment: it asks those of which nothing is known that stands."""
        return _Asked(self, key)

    async def ask(self, key: Key, namespace: str, pods: Sequence[PodState]) -> Mapping[str, PodReport]:
        """The reports that stand, and the answers of the other pods."""
        known, since = self._known.get(key, {}), self._clock.monotonic() - _STANDS
        stand = {
            pod.uid: kept
            for pod in pods
            if (kept := known.get(pod.uid)) is not None and kept.said_by == _told_of(pod) and kept.at > since
        }
        silent = [pod for pod in pods if pod.uid not in stand]
        answers = await self._pod_metrics.ask(namespace, silent) if silent else {}
        told = [pod for pod in silent if pod.uid in answers and answers[pod.uid].identity is not None]
        self._known[key] = stand | {pod.uid: self._kept(pod, _at_rest(answers[pod.uid])) for pod in told}
        return {**{uid: kept.report for uid, kept in stand.items()}, **answers}

    def _kept(self, pod: PodState, report: PodReport) -> _Known:
        return _Known(_told_of(pod), report, self._clock.monotonic())


@dataclass(frozen=True)
class _Asked:
    """Implements the port PodMetrics."""

    reports: KnownReports
    key: Key

    async def ask(
        self,
        namespace: str,
        pods: Sequence[PodState],
        per_connection: int | None = None,  # noqa: ARG002  at rest no connection has to be closed
        shadow: ShadowOrder | None = None,  # noqa: ARG002  nor is anything copied
    ) -> Mapping[str, PodReport]:
        return await self.reports.ask(self.key, namespace, pods)


def _told_of(pod: PodState) -> tuple[object, ...]:
    """What kubelet, and Podium's own annotation, say of the pod."""
    return pod.name, pod.ready, pod.crash, pod.ip, pod.told, pod.reloads


def _report(pod: PodState) -> PodReport:
    counted = pod.counters or Counters(answers=0, bad=0)
    return _at_rest(PodReport(pod.identity, counted, startup_step=pod.startup_step, reload=pod.reload))


def _at_rest(report: PodReport) -> PodReport:
    counters = Counters(answers=report.counters.answers, bad=report.counters.bad)
    return replace(report, counters=counters, shadow=None)
