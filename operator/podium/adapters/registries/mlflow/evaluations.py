"""On which data a version was measured, as far as MLflow knows.

MLflow 3 links an evaluation to a logged model by its metrics: each carries the id of the model, of the run that
measured it, and the dataset (`mlflow.models.evaluate`, `mlflow.log_metric(…, model_id=…, dataset=…)`). They come with
the logged model itself, so that no further request is needed.
https://mlflow.org/docs/latest/ml/evaluation/model-eval/

MLflow's names for a dataset's part in a run are free text, and `train` and `training` are what its own code writes for
data that is not for evaluation. A dataset without such a name is not known to be for evaluation.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from podium.adapters.registries.mlflow.times import moment
from podium.core.evaluations import Dataset, Evaluation

CONTEXT: Final = "mlflow.data.context"
MOST_DATASETS: Final = 32  # of one run
MOST_EVALUATIONS: Final = 100  # of one version, the newest
_LONG_AGO: Final = datetime.fromtimestamp(0, UTC)
_LONGEST: Final = 500  # characters of a dataset's name, MLflow's own limit


def measured_on(metrics: Iterable[Any]) -> dict[str, Dataset]:
    """The dataset of each metric's last value, for the metrics of which it is known."""
    last = {metric.key: metric for metric in sorted(metrics, key=lambda metric: (metric.step, metric.timestamp))}
    return {key: dataset for key, metric in last.items() if (dataset := _dataset_of(metric)) is not None}


def evaluated_on(run: Any | None) -> tuple[Dataset, ...]:
    """The datasets that the run names for evaluation."""
    inputs = run.inputs.dataset_inputs if run is not None and run.inputs is not None else ()
    named = (each.dataset for each in inputs if _for_evaluation(each.tags))
    return tuple(_dataset(each.name, each.digest) for each in islice(named, MOST_DATASETS))


def evaluations(metrics: Iterable[Any], own_run: str) -> tuple[Evaluation, ...]:
    """One for each run and dataset, the newest last. What the training run measured counts where it names the data."""
    made: defaultdict[tuple[str, Dataset | None], list[Any]] = defaultdict(list)
    for metric in metrics:
        dataset = _dataset_of(metric)
        if dataset is not None or metric.run_id != own_run:
            made[str(metric.run_id), dataset].append(metric)
    found = [_evaluation(run, dataset, of_run) for (run, dataset), of_run in made.items()]
    return tuple(sorted(found, key=lambda each: each.at)[-MOST_EVALUATIONS:])


def _evaluation(run: str, dataset: Dataset | None, metrics: Sequence[Any]) -> Evaluation:
    ordered = sorted(metrics, key=lambda metric: (metric.step, metric.timestamp))
    at = max(metric.timestamp for metric in metrics)
    return Evaluation(
        run[:64], dataset, moment(at) or _LONG_AGO, {metric.key: float(metric.value) for metric in ordered}
    )


def _dataset_of(metric: Any) -> Dataset | None:
    if not metric.dataset_name or not metric.dataset_digest:
        return None
    return _dataset(metric.dataset_name, metric.dataset_digest)


def _dataset(name: str, digest: str) -> Dataset:
    return Dataset(str(name)[:_LONGEST], str(digest)[:_LONGEST])


def _for_evaluation(tags: Iterable[Any]) -> bool:
    context = next((tag.value for tag in tags if tag.key == CONTEXT), "")
    return bool(context) and not str(context).lower().startswith("train")
