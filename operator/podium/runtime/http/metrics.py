"""What the server counts. The names and labels are a contract with the operator, which reads them once a second.

Counting happens on the event loop at every request, so it is plain integers; prometheus_client only writes them out.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from podium.runtime.faults import Outcome
from podium.runtime.http.first_answers import FirstAnswers
from podium.runtime.http.tally import BAD, TIMED, Tally, scores_text
from podium.runtime.identity import Identity
from podium.runtime.other_slot import Caller
from podium.runtime.startup import StartupStep

if TYPE_CHECKING:
    from podium.runtime.prediction.distribution import Predictions  # imports pandas, which takes a second

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

BATCH_EDGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # requests joined into one prediction

_ASIDE = {
    Caller.TESTER: ("podium_preview_requests", "Testers' requests by outcome."),
    Caller.FALLBACK: ("podium_fallback_requests", "Requests that the other slot's version failed, by outcome here."),
    Caller.COPY: (
        "podium_shadow_answers",
        "Copies of requests that the other slot's version answered, by outcome here.",
    ),
}

_SCORES = (
    "Predictions that are numbers (first column). Edges are fixed; only those of buckets that hold something are here."
)


def before_serving(step: StartupStep) -> bytes:
    """Return what there is to say before a model is served, in Prometheus's text format."""
    head = (
        "# HELP podium_startup_step What a server that is not ready yet is doing.\n# TYPE podium_startup_step gauge\n"
    )
    return f'{head}podium_startup_step{{step="{step}"}} 1.0\n'.encode()


class Metrics:
    """The counters of one served version: made when its identity is known, so that labels never change."""

    def __init__(
        self,
        identity: Identity,
        edges: tuple[float, ...],
        depth: Callable[[], int],
        predictions: "Predictions",
        *,
        previews: bool = False,
        beside: bool = False,
        first: "Predictions | None" = None,
        shadow: Callable[[], Iterator[Metric]] | None = None,
    ) -> None:
        """`previews` is whether testers are counted, apart from users; `beside`, whether there is another slot. `first`
        are the predictions of requests whose side of a trial was drawn; None where the server cannot know which.
        `shadow` yields the counts of a shadow step.
        """
        self._identity = identity
        self._labels = {"model": identity.model, "version": identity.version}
        self._depth = depth
        self._predictions = predictions
        self._outcomes = dict.fromkeys(Outcome, 0)
        self._shadow = shadow
        there = {Caller.TESTER: previews, Caller.FALLBACK: beside, Caller.COPY: beside}
        self._aside = {caller: dict.fromkeys(Outcome, 0) for caller, counted in there.items() if counted}
        self._sent_on = dict.fromkeys((True, False), 0) if beside else {}
        self._seconds = Tally(edges)
        self._batches = Tally(BATCH_EDGES)
        self._first = FirstAnswers(self._labels, edges, first) if first is not None else None
        self._rows = 0
        self._in_a_row = 0  # bad answers since the last good one
        self.fallbacks = 0  # requests that the compiled plan could not express
        self.from_cache = False  # whether the registry was silent at start
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def count_received(self, *, first: bool) -> None:
        """Count a request as it comes; `first` is whether its side of a trial was drawn for it."""
        if self._first is not None:
            self._first.count_received(first=first)

    def count(self, outcome: Outcome | None, seconds: float, *, doubtful: bool = False, first: bool = False) -> None:
        """Count a request's end; one that may be the request's own fault is no failure in a row, nor ends one."""
        if outcome is None:
            return
        self._outcomes[outcome] += 1
        if first and self._first is not None:
            self._first.count(outcome, seconds)
        if outcome in TIMED:
            self._seconds.add(seconds)
            if not doubtful:
                self._in_a_row = self._in_a_row + 1 if outcome in BAD else 0

    @property
    def answered(self) -> int:
        """How many requests have been counted, those of testers and of the other slot's users among them."""
        aside = (outcomes for caller, outcomes in self._aside.items() if caller is not Caller.COPY)
        return sum(self._outcomes.values()) + sum(sum(each.values()) for each in aside)

    def count_late(self, seconds: float, *, first: bool = False) -> None:
        """Count how long the model took for a request that was counted at its client's deadline."""
        self._seconds.add(seconds)
        if first and self._first is not None:
            self._first.count_late(seconds)

    def count_aside(self, caller: Caller, outcome: Outcome | None) -> None:
        """Count a request that is no user's, and nothing else of it."""
        if outcome is not None:
            self._aside[caller][outcome] += 1

    def count_sent_on(self, answered: bool) -> None:
        """Count a failed request for which the other slot was asked."""
        self._sent_on[answered] += 1

    def count_batch(self, requests: int, rows: int) -> None:
        """Count one call of the model, with what was joined in it."""
        self._batches.add(requests)
        self._rows += rows

    def render(self) -> bytes:
        """Return everything in Prometheus's text format."""
        first = self._first.scores() if self._first is not None else ""
        return generate_latest(self._registry) + (self._scores() + first).encode()

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families: prometheus_client's protocol for custom collectors."""
        who = self._identity
        names, values = tuple(self._labels), tuple(self._labels.values())
        info = GaugeMetricFamily(
            "podium_model_info", "The version that this process loaded.", labels=(*names, "run_id", "digest")
        )
        info.add_metric((*values, who.run_id, who.digest), 1)
        yield info
        yield self._by_outcome("podium_requests", "Prediction requests by outcome.", self._outcomes)
        for caller, outcomes in self._aside.items():
            yield self._by_outcome(*_ASIDE[caller], outcomes)
        if self._sent_on:
            yield self._sent_on_to_the_other_slot(names, values)
        if self._shadow is not None:
            yield from self._shadow()
        yield from self._sized(names, values)
        yield self._named_classes(names, values)
        if self._first is not None:
            yield from self._first.collect()

    def _sent_on_to_the_other_slot(self, names: tuple[str, ...], values: tuple[str, ...]) -> Metric:
        sent = CounterMetricFamily(
            "podium_fallbacks",
            "Users' requests that this version failed, and that the other slot was asked to answer.",
            labels=(*names, "answered"),
        )
        for answered, count in self._sent_on.items():
            sent.add_metric((*values, str(answered).lower()), count)
        return sent

    def _by_outcome(self, name: str, text: str, outcomes: Mapping[Outcome, int]) -> Metric:
        requests = CounterMetricFamily(name, text, labels=(*self._labels, "outcome"))
        for outcome, count in outcomes.items():
            requests.add_metric((*self._labels.values(), outcome.value), count)
        return requests

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
        for name, text, now in (
            (
                "podium_model_from_cache",
                "1 where the registry was silent and the last good copy serves.",
                self.from_cache,
            ),
            ("podium_queue_depth", "Requests that wait or are being predicted.", self._depth()),
            ("podium_consecutive_failures", "Bad answers since the last good one.", self._in_a_row),
        ):
            gauge = GaugeMetricFamily(name, text, labels=names)
            gauge.add_metric(values, float(now))
            yield gauge

    def _named_classes(self, names: tuple[str, ...], values: tuple[str, ...]) -> Metric:
        classes = CounterMetricFamily(
            "podium_classes",
            "Predictions that are classes (first column). The first 32 have their names, all others none.",
            labels=(*names, "class"),
        )
        for name, count in self._predictions.classes().items():
            classes.add_metric((*values, name), count)
        return classes

    def _scores(self) -> str:
        return scores_text("podium_scores", _SCORES, self._labels, self._predictions)
