"""What the operator says of itself in Prometheus's words: the usual names of controllers, and the rollouts' own."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from time import perf_counter
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from podium.api.v1alpha1.status import HistoryEntry, Phase, Status, Trial
from podium.controller.rollout_metrics import RolloutSeries
from podium.core.facts import Key, TrafficState
from podium.core.rollout.transitions import Move
from podium.core.status.decisions import decisions, first_sight

CONTROLLER: Final = "modeldeployment"
_LONG: Final = (1, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600)  # seconds: a rollback to a week


class Metrics:
    """All series of one operator process."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
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
        self.shard_held = Gauge(
            "podium_shard_held", "1 while this process holds the shard.", ["shard"], registry=own
        )  # one that has a single shard has none of these

    def _rollouts(self) -> None:
        own, which = self._registry, ["namespace", "name"]
        self._series = RolloutSeries()
        self._transitions = Counter(
            "podium_transitions", "Moves from phase to phase.", [*which, "from", "to", "reason"], registry=own
        )
        self._lead_time = Histogram(
            "podium_lead_time_seconds",
            "Time from the operator's first sight of a version to its promotion.",
            ["namespace"],
            buckets=_LONG,
            registry=own,
        )
        self._trial_time = Histogram(
            "podium_trial_duration_seconds",
            "Time from the beginning of a trial to its decision.",
            ["namespace", "outcome"],
            buckets=_LONG,
            registry=own,
        )
        self._phase_time = Histogram(
            "podium_phase_duration_seconds",
            "Time in a phase, or in one step of Canary, when it is left.",
            ["phase"],
            buckets=_LONG,
            registry=own,
        )
        self._sights: dict[Key, tuple[str, str, datetime]] = {}  # version and digest of the last challenger

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
        self._series.show(key, status, traffic)
        self._see(key, status)

    def moved(self, key: Key, move: Move, before: Status, after: Status) -> None:
        """Count a move through the table, how long the phase before it was, and what was decided by it."""
        self._transitions.labels(key.namespace, key.name, move.source, move.target, move.verdict.reason).inc()
        if before.phase_since is not None and after.phase_since is not None:
            self._phase_time.labels(move.source).observe(_seconds(before.phase_since, after.phase_since))
        for entry in decisions(before, after):
            self._decided(key, entry, before.trial or after.trial)

    def _decided(self, key: Key, entry: HistoryEntry, trial: Trial | None) -> None:
        self._series.decided(key, entry.outcome)
        if trial is not None:
            self._trial_time.labels(key.namespace, entry.outcome).observe(_seconds(trial.started_at, entry.at))
        sight = self._sights.get(key)
        if sight is None or sight[:2] != (entry.version, entry.digest) or entry.outcome == "RolledBack":
            return  # rolled back for a cause that is not its own, it is tried again: the time goes on
        del self._sights[key]
        if entry.outcome == "Promoted":
            self._lead_time.labels(key.namespace).observe(_seconds(sight[2], entry.at))

    def _see(self, key: Key, status: Status) -> None:
        """Remember since when the challenger is known. A new process knows what the status still says of it."""
        challenger, since = status.challenger, first_sight(status)
        if challenger is None or since is None or status.phase is Phase.ROLLING_BACK:
            return
        if self._sights.get(key, ("", ""))[:2] != (challenger.version, challenger.digest):
            self._sights[key] = (challenger.version, challenger.digest, since)

    def stop_showing(self, mine: Callable[[str], bool] = lambda _: True) -> None:
        """Remove where rollouts stand: a former leader of their namespaces does not know it. What it counted stays."""
        for key in self._series.known():
            if mine(key.namespace):
                self._series.hide(key)
        for key in tuple(self._sights):
            if mine(key.namespace):
                del self._sights[key]

    def forget(self, key: Key) -> None:
        """Remove all series of a ModelDeployment that is gone."""
        self._series.forget(key)
        self._sights.pop(key, None)
        self._transitions.remove_by_labels({"namespace": key.namespace, "name": key.name})

    def known(self) -> frozenset[Key]:
        """Every ModelDeployment that has series here."""
        return self._series.known()

    def render(self, names: Collection[str] = ()) -> bytes:
        """The metrics in Prometheus' text format, all or those of these names.

        It may run beside the loop, in a thread of its own.
        """
        asked = self._registry.restricted_registry(names) if names else self._registry
        return generate_latest(asked) + self._series.exposition(names).encode()


def _seconds(since: datetime, until: datetime) -> float:
    return max(0.0, (until - since).total_seconds())
