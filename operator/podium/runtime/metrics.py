"""What the server counts. The names and labels are a contract with the operator, which reads them once a second."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from podium.runtime.faults import Outcome
from podium.runtime.identity import Identity

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

# The outcomes whose time says something of the model. Refusals and the client's faults are quick, and would hide
# a slow model among fast answers that it never gave.
TIMED = frozenset({Outcome.OK, Outcome.MODEL_ERROR, Outcome.NAN, Outcome.TIMEOUT})


class Metrics:
    """The counters of one served version: made when its identity is known, so that labels never change."""

    def __init__(self, identity: Identity, edges: tuple[float, ...]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        labels = {"model": identity.model, "version": identity.version}
        info = self._gauge("podium_model_info", "The version that this process loaded.", (*labels, "run_id", "digest"))
        info.labels(**labels, run_id=identity.run_id, digest=identity.digest).set(1)
        requests = Counter(
            "podium_requests",
            "Prediction requests by outcome.",
            (*labels, "outcome"),
            registry=self._registry,
        )
        self._requests = {outcome: requests.labels(**labels, outcome=outcome.value) for outcome in Outcome}
        self._seconds = Histogram(
            "podium_request_duration_seconds",
            "Time from a request's headers to its answer, for outcomes ok, model_error, nan and timeout.",
            tuple(labels),
            buckets=edges,
            registry=self._registry,
        ).labels(**labels)
        self.queue_depth = self._gauge("podium_queue_depth", "Requests waiting for the model.", tuple(labels)).labels(
            **labels
        )

    def _gauge(self, name: str, text: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, text, labels, registry=self._registry)

    def count(self, outcome: Outcome, seconds: float) -> None:
        self._requests[outcome].inc()
        if outcome in TIMED:
            self._seconds.observe(seconds)

    def render(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self._registry)
