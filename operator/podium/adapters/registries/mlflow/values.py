"""What a metric's value is, where MLflow's store has no room for it.

The table of a logged model's metrics has no mark for NaN, and hands out 0; the run that measured it still says NaN.
Both tables hold infinity as the largest float. A training that diverged must not pass a gate for that.
https://github.com/mlflow/mlflow/issues/26108, https://github.com/mlflow/mlflow/issues/22826
"""

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

from mlflow.entities import Metric

MOST_RUNS: Final = 20  # that are asked for values of one version
MOST_HISTORIES: Final = 50
NO_VALUE: Final = math.nan  # what cannot be told from NaN counts as NaN: no gate passes for it

MetricsOf = Callable[[str], "dict[str, float] | None"]  # the last value of each metric of a run; None where it is gone
HistoryOf = Callable[[str, str], Sequence[Metric]]  # all values of one metric of a run


def with_infinity(value: float) -> float:
    """The value, where the largest float stands for infinity."""
    return math.copysign(math.inf, value) if abs(value) >= sys.float_info.max else float(value)


def true_values(metrics: Iterable[Metric], metrics_of: MetricsOf, history_of: HistoryOf) -> list[Metric]:
    """A logged model's metrics with the values that their runs say. Only runs of values that are 0 are asked."""
    listed = list(metrics)
    doubtful = [metric for metric in listed if metric.value == 0]
    run_ids = dict.fromkeys(str(metric.run_id) for metric in doubtful)
    runs = {run: metrics_of(run) for run in islice(run_ids, MOST_RUNS)}
    times = Counter((str(metric.run_id), metric.key) for metric in listed)
    histories = _Histories(history_of)

    def value(metric: Metric) -> float:
        if metric.value != 0:
            return with_infinity(metric.value)
        of_run = runs.get(str(metric.run_id))
        if of_run is None or metric.key not in of_run:
            return NO_VALUE
        once = times[str(metric.run_id), metric.key] == 1
        return of_run[metric.key] if once else histories.value(metric)

    return [_with(metric, value(metric)) for metric in listed]


class _Histories:
    """Values of metrics that a run measured more than once, on several datasets or at several steps."""

    def __init__(self, history_of: HistoryOf) -> None:
        self._history_of = history_of
        self._known: dict[tuple[str, str], Sequence[Metric]] = {}

    def value(self, metric: Metric) -> float:
        key = str(metric.run_id), str(metric.key)
        if key not in self._known and len(self._known) == MOST_HISTORIES:
            return NO_VALUE
        if key not in self._known:
            self._known[key] = self._history_of(*key)
        recorded = self._known[key]
        at_the_same = [each for each in recorded if (each.step, each.timestamp) == (metric.step, metric.timestamp)]
        return NO_VALUE if any(math.isnan(each.value) for each in at_the_same or recorded) else float(metric.value)


def _with(metric: Metric, value: float) -> Metric:
    data = metric.dataset_name, metric.dataset_digest
    return Metric(metric.key, value, metric.timestamp, metric.step, metric.model_id, *data, metric.run_id)
