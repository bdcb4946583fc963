"""The counts of requests whose side of a trial was drawn for each of them: the operator compares two versions by these.

The names are those of all requests with `first` in them, and a contract with the operator too.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from podium.runtime.faults import Outcome
from podium.runtime.http.tally import TIMED, Tally, scores_text

if TYPE_CHECKING:
    from podium.runtime.prediction.distribution import Predictions  # imports pandas, which takes a second

_SCORES = "Predictions of first requests that are numbers (first column), as podium_scores has them."


class FirstAnswers:
    """These counts."""

    def __init__(self, labels: dict[str, str], edges: tuple[float, ...], predictions: "Predictions") -> None:
        self._labels, self._predictions = labels, predictions
        self._received = {True: 0, False: 0}
        self._outcomes = dict.fromkeys(Outcome, 0)
        self._seconds = Tally(edges)

    def count_received(self, *, first: bool) -> None:
        """Count a request as it comes, so that none is missing that is slow or fails."""
        self._received[first] += 1

    def count(self, outcome: Outcome, seconds: float) -> None:
        """Count a first request's end."""
        self._outcomes[outcome] += 1
        if outcome in TIMED:
            self._seconds.add(seconds)

    def count_late(self, seconds: float) -> None:
        """Count how long the model took for one that was counted at its client's deadline."""
        self._seconds.add(seconds)

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        names, values = tuple(self._labels), tuple(self._labels.values())
        received = CounterMetricFamily(
            "podium_received",
            "Prediction requests as they came, by whether their side of a trial was drawn for each of them.",
            labels=(*names, "first"),
        )
        for first, count in self._received.items():
            received.add_metric((*values, str(first).lower()), count)
        yield received
        requests = CounterMetricFamily(
            "podium_first_requests", "First requests by outcome.", labels=(*names, "outcome")
        )
        for outcome, count in self._outcomes.items():
            requests.add_metric((*values, outcome.value), count)
        yield requests
        seconds = HistogramMetricFamily(
            "podium_first_request_duration_seconds", "Time of first requests to their answers.", labels=names
        )
        seconds.add_metric(values, *self._seconds.buckets())
        yield seconds
        classes = CounterMetricFamily(
            "podium_first_classes", "Predictions of first requests.", labels=(*names, "class")
        )
        for name, count in self._predictions.classes().items():
            classes.add_metric((*values, name), count)
        yield classes

    def scores(self) -> str:
        """The distribution of their predictions."""
        return scores_text("podium_first_scores", _SCORES, self._labels, self._predictions)
