"""What the server counts. The names and labels are a contract with the operator, which reads them once a second.

Counting happens on the event loop at every request, so it is plain integers; prometheus_client only writes them out.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from podium.runtime.faults import Outcome
from podium.runtime.identity import Identity

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

# The outcomes whose time says something of the model. Refusals and the client's faults are quick, and would hide
# a slow model among fast answers that it never gave.
TIMED = frozenset({Outcome.OK, Outcome.MODEL_ERROR, Outcome.NAN, Outcome.TIMEOUT})

BATCH_EDGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # requests joined into one prediction


class Tally:
    """A histogram: how many values fell at or below each edge."""

    def __init__(self, edges: tuple[float, ...]) -> None:
        self._edges = edges
        self._counts = [0] * (len(edges) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._edges, value)] += 1
        self._sum += value

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """Return the cumulative buckets and the sum, as prometheus_client wants them."""
        edges = [floatToGoString(edge) for edge in (*self._edges, float("inf"))]  # type: ignore[no-untyped-call]
        return list(zip(edges, map(float, accumulate(self._counts)), strict=True)), self._sum


class Metrics:
    """The counters of one served version: made when its identity is known, so that labels never change."""

    def __init__(self, identity: Identity, edges: tuple[float, ...], depth: Callable[[], int]) -> None:
        self._identity = identity
        self._depth = depth
        self._outcomes = dict.fromkeys(Outcome, 0)
        self._seconds = Tally(edges)
        self._batches = Tally(BATCH_EDGES)
        self._rows = 0
        self.fallbacks = 0  # requests that the compiled plan could not express
        self.from_cache = False  # whether the registry was silent at start
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def count(self, outcome: Outcome | None, seconds: float) -> None:
        if outcome is None:
            return
        self._outcomes[outcome] += 1
        if outcome in TIMED:
            self._seconds.add(seconds)

    def count_batch(self, requests: int, rows: int) -> None:
        self._batches.add(requests)
        self._rows += rows

    def render(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families: prometheus_client's protocol for custom collectors."""
        who = self._identity
        names, values = ("model", "version"), (who.model, who.version)
        info = GaugeMetricFamily(
            "podium_model_info", "The version that this process loaded.", labels=(*names, "run_id", "digest")
        )
        info.add_metric((*values, who.run_id, who.digest), 1)
        yield info
        requests = CounterMetricFamily("podium_requests", "Prediction requests by outcome.", labels=(*names, "outcome"))
        for outcome, count in self._outcomes.items():
            requests.add_metric((*values, outcome.value), count)
        yield requests
        yield from self._sized(names, values)

    def _sized(self, names: tuple[str, ...], values: tuple[str, ...]) -> Iterator[Metric]:
        seconds = HistogramMetricFamily(
            "podium_request_duration_seconds",
            "Time from a request's last byte to its answer, for outcomes ok, model_error, nan and timeout.",
            labels=names,
        )
        seconds.add_metric(values, *self._seconds.buckets())
        yield seconds
        batches = HistogramMetricFamily(
            "podium_batch_requests", "Requests that were joined into one prediction.", labels=names
        )
        batches.add_metric(values, *self._batches.buckets())
        yield batches
        for name, text, count in (
            ("podium_rows", "Rows predicted by the compiled plan.", self._rows),
            ("podium_plan_fallbacks", "Requests that the compiled plan could not express.", self.fallbacks),
        ):
            counter = CounterMetricFamily(name, text, labels=names)
            counter.add_metric(values, count)
            yield counter
        cached = GaugeMetricFamily(
            "podium_model_from_cache", "1 where the registry was silent and the last good copy serves.", labels=names
        )
        cached.add_metric(values, float(self.from_cache))
        yield cached
        depth = GaugeMetricFamily("podium_queue_depth", "Requests that wait or are being predicted.", labels=names)
        depth.add_metric(values, self._depth())
        yield depth
