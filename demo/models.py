"""Three versions of one classifier, trained on scikit-learn's breast-cancer data and registered in MLflow.

Version 1 knows two of the thirty features, version 2 all of them. Version 3 scores well on the cases that its author
kept, passes every gate, and raises for the other cases: one in five. Run as `python -m demo.models URI MODEL`.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import mlflow
import pandas as pd
import sklearn
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from demo import range_checked

KEPT = ["mean texture", "mean smoothness"]  # what version 1 knows
COMMON = 0.8  # share of the cases that version 3's author kept: those with the smaller tumours
SEED = 7
EXPERIMENT = "breast cancer"
REQUIREMENTS = [f"scikit-learn=={sklearn.__version__}"]


@dataclass(frozen=True)
class Cases:
    """Rows of the data set, for training and for the metrics."""

    train: pd.DataFrame
    train_target: pd.Series
    test: pd.DataFrame
    test_target: pd.Series

    def where(self, kept: Callable[[pd.DataFrame], pd.Series]) -> "Cases":
        """Return the cases for which `kept` holds."""
        train, test = kept(self.train), kept(self.test)
        return Cases(self.train[train], self.train_target[train], self.test[test], self.test_target[test])


def register_all(tracking_uri: str, model: str) -> list[str]:
    """Train and register the three versions, and return their numbers."""
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(EXPERIMENT)
    cases = _cases()
    return [register(model, cases) for register in (_fair, _better, _range_checked)]


def raises_for(row: pd.DataFrame) -> pd.Series:
    """Whether version 3 raises for each row."""
    return row["mean radius"] > _largest()


def _cases() -> Cases:
    features, target = load_breast_cancer(return_X_y=True, as_frame=True)
    train, test, train_target, test_target = train_test_split(
        features, target, test_size=0.3, random_state=SEED, stratify=target
    )
    return Cases(train, train_target, test, test_target)


def _fair(model: str, cases: Cases) -> str:
    known = ColumnTransformer([("known", "passthrough", KEPT)])
    classifier = make_pipeline(known, StandardScaler(), LogisticRegression()).fit(cases.train, cases.train_target)
    return _log_sklearn(model, classifier, cases, "two features, to have something to begin with")


def _better(model: str, cases: Cases) -> str:
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return _log_sklearn(model, classifier.fit(cases.train, cases.train_target), cases, "all features")


def _range_checked(model: str, cases: Cases) -> str:
    common = cases.where(lambda rows: ~raises_for(rows))
    forest = RandomForestClassifier(n_estimators=50, random_state=SEED).fit(common.train, common.train_target)
    with _run(forest, common, "a forest, trained and tested on the common cases"), by_value(range_checked):
        logged = mlflow.pyfunc.log_model(
            name="classifier",
            python_model=range_checked.RangeChecked(forest, _largest()),
            registered_model_name=model,
            signature=infer_signature(common.test, forest.predict(common.test)),
            input_example=common.test.head(2),
            pip_requirements=[*REQUIREMENTS, "pandas", "cloudpickle"],
        )
    return str(logged.registered_model_version)


def _log_sklearn(model: str, classifier: Pipeline, cases: Cases, note: str) -> str:
    with _run(classifier, cases, note):
        logged = mlflow.sklearn.log_model(
            classifier,
            name="classifier",
            registered_model_name=model,
            signature=infer_signature(cases.test, classifier.predict(cases.test)),
            input_example=cases.test.head(2),
            pip_requirements=[*REQUIREMENTS, "skops"],
        )
    return str(logged.registered_model_version)


@contextmanager
def _run(classifier: Any, cases: Cases, note: str) -> Iterator[None]:
    """An MLflow run with the metrics and tags that the gates ask for."""
    tags = {"dataset_version": f"scikit-learn {sklearn.__version__}", "mlflow.note.content": note}
    with mlflow.start_run(tags=tags):
        chances = classifier.predict_proba(cases.test)[:, 1]
        mlflow.log_metric("auc", float(roc_auc_score(cases.test_target, chances)))
        mlflow.log_metric("accuracy", float(accuracy_score(cases.test_target, chances > 0.5)))  # noqa: PLR2004
        yield


@contextmanager
def by_value(module: ModuleType) -> Iterator[None]:
    """A module's classes go into the model's file whole: the image that serves it does not have that module."""
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _largest() -> float:
    return float(load_breast_cancer(as_frame=True).data["mean radius"].quantile(COMMON))


if __name__ == "__main__":
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    uri, name = sys.argv[1:]
    sys.stdout.write(f"{' '.join(register_all(uri, name))}\n")
