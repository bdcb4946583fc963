"""What the operator says of itself in Prometheus's words: the usual names of controllers, and the rollouts' own."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from podium.api.v1alpha1.status import Phase, Status
from podium.core.facts import Key, TrafficState
from podium.core.rollout.transitions import Move

CONTROLLER: Final = "modeldeployment"


class Metrics:
    """All series of one operator process."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._queue_and_reconciles()
        self._rollouts()

    def _queue_and_reconciles(self) -> None:
        own, by_controller, by_queue = self._registry, ["controller"], ["name"]
        self.reconciles = Counter(
            "controller_runtime_reconcile", "Reconciles by result.", ["controller", "result"], registry=own
        )
        self.errors = Counter(
            "controller_runtime_reconcile_errors", "Reconciles that failed.", by_controller, registry=own
        ).labels(CONTROLLER)
        self.seconds = Histogram(
            "controller_runtime_reconcile_time_seconds", "Time of a reconcile.", by_controller, registry=own
        ).labels(CONTROLLER)
        self.active = Gauge(
            "controller_runtime_active_workers", "Reconciles going on.", by_controller, registry=own
        ).labels(CONTROLLER)
        self.depth = Gauge("workqueue_depth", "Keys that are due.", by_queue, registry=own).labels(CONTROLLER)
        self.adds = Counter("workqueue_adds", "Keys added.", by_queue, registry=own).labels(CONTROLLER)
        self.retries = Counter("workqueue_retries", "Keys added after a failure.", by_queue, registry=own).labels(
            CONTROLLER
        )
        self.leading = Gauge(
            "leader_election_master_status", "1 while this process leads.", by_queue, registry=own
        ).labels("podium")

    def _rollouts(self) -> None:
        own, which = self._registry, ["namespace", "name"]
        self._phase = Gauge(
            "podium_modeldeployment_phase", "1 for the phase it is in.", [*which, "phase"], registry=own
        )
        self._weight = Gauge(
            "podium_traffic_weight_percent",
            "The challenger's share of the traffic: asked, and measured to be in force.",
            [*which, "kind"],
            registry=own,
        )
        self._transitions = Counter(
            "podium_transitions", "Moves from phase to phase.", [*which, "from", "to", "reason"], registry=own
        )
        counted = [*which, "measure", "side"]
        self._answers = Gauge("podium_evidence_answers", "Answers counted in this trial.", counted, registry=own)
        self._bad = Gauge("podium_evidence_bad", "Bad answers counted in this trial.", counted, registry=own)

    @contextmanager
    def reconciling(self) -> Iterator[None]:
        """Time one reconcile."""
        began = perf_counter()
        self.active.inc()
        try:
            yield
        finally:
            self.active.dec()
            self.seconds.observe(perf_counter() - began)

    def reconciled(self, result: str) -> None:
        """Count one reconcile: success, requeue_after or error."""
        self.reconciles.labels(CONTROLLER, result).inc()
        if result == "error":
            self.errors.inc()

    def show(self, key: Key, status: Status, traffic: TrafficState) -> None:
        """Show where a rollout stands."""
        for phase in Phase:
            self._phase.labels(key.namespace, key.name, phase).set(phase is status.phase)
        slot = status.challenger.slot if status.challenger else None
        desired, current = (traffic.desired.get(slot, 0), traffic.current.get(slot, 0)) if slot else (0, 0)
        self._weight.labels(key.namespace, key.name, "desired").set(desired)
        self._weight.labels(key.namespace, key.name, "current").set(current)
        self._evidence(key, status)

    def _evidence(self, key: Key, status: Status) -> None:
        if status.trial is None:
            self._remove(key, self._answers, self._bad)
            return
        for counts in status.trial.evidence.measures:
            for side, count in (("challenger", counts.challenger), ("champion", counts.champion)):
                labels = (key.namespace, key.name, counts.measure, side)
                self._answers.labels(*labels).set(count.answers)
                self._bad.labels(*labels).set(count.bad)

    def moved(self, key: Key, move: Move) -> None:
        """Count a move through the table."""
        self._transitions.labels(key.namespace, key.name, move.source, move.target, move.verdict.reason).inc()

    def stop_showing(self) -> None:
        """Remove where rollouts stand: a former leader does not know it any more. What it counted stays."""
        for key in self.known():
            self._remove(key, self._phase, self._weight, self._answers, self._bad)

    def forget(self, key: Key) -> None:
        """Remove all series of a ModelDeployment that is gone."""
        self._remove(key, self._phase, self._weight, self._transitions, self._answers, self._bad)

    @staticmethod
    def _remove(key: Key, *families: Gauge | Counter) -> None:
        for family in families:
            family.remove_by_labels({"namespace": key.namespace, "name": key.name})

    def known(self) -> frozenset[Key]:
        """Every ModelDeployment that has series here."""
        samples = (sample for family in self._phase.collect() for sample in family.samples)
        return frozenset(Key(sample.labels["namespace"], sample.labels["name"]) for sample in samples)

    def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)
