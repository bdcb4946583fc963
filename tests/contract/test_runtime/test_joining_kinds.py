"""Whatever the estimator and however its rows come in requests: joined equals alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF, PCA
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, minmax_scale, scale

from tests.contract.test_runtime.asked import Server, same, served
from tests.contract.test_runtime.test_joining import BOTH, X, Y, saved

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

ROUNDS, MOST_ROWS = 4, 4
Made = tuple[Any, Any, str]  # an estimator, its target, and the method that is served


def proba(estimator: Any, target: Any = Y) -> Made:
    return estimator, target, "predict_proba"


def label(estimator: Any, target: Any = Y) -> Made:
    return estimator, target, "predict"


def after(step: Any, last: Any = None) -> Made:
    return label(make_pipeline(FunctionTransformer(step) if callable(step) else step, last or linear_model.Ridge()))


FOREST = ensemble.RandomForestClassifier(5, random_state=0)
LOGISTIC = linear_model.LogisticRegression()
ROW_WISE: dict[str, Made] = {
    "logistic regression": proba(LOGISTIC),
    "ridge": label(linear_model.Ridge()),
    "lasso": label(linear_model.Lasso(0.01)),
    "stochastic gradient": label(linear_model.SGDClassifier(random_state=0)),
    "several targets": label(linear_model.LinearRegression(), BOTH),
    "forest": proba(FOREST),
    "extra trees": label(ensemble.ExtraTreesRegressor(5, random_state=0)),
    "boosting": proba(ensemble.GradientBoostingClassifier(n_estimators=5)),
    "histograms": label(ensemble.HistGradientBoostingRegressor(max_iter=5)),
    "adaptive boosting": proba(ensemble.AdaBoostClassifier(n_estimators=5)),
    "bagging": label(ensemble.BaggingClassifier(n_estimators=3, random_state=0)),
    "voting": proba(ensemble.VotingClassifier([("a", LOGISTIC), ("b", FOREST)], voting="soft")),
    "outliers": label(ensemble.IsolationForest(n_estimators=5, random_state=0)),
    "tree": label(tree.DecisionTreeClassifier(max_depth=3)),
    "neighbours": proba(neighbors.KNeighborsClassifier(3)),
    "support vectors": proba(svm.SVC(probability=True, random_state=0)),
    "naive Bayes": proba(naive_bayes.GaussianNB()),
    "neural network": proba(neural_network.MLPClassifier(5, max_iter=20, random_state=0)),
    "clusters": label(KMeans(3, random_state=0)),
    "components": label(make_pipeline(StandardScaler(), PCA(2), LOGISTIC)),
    "logarithms": after(np.log1p),
    "imputed": label(make_pipeline(SimpleImputer(), LOGISTIC)),
}
BY_OUTPUT: dict[str, Made] = {  # a list of one table an output
    "forest of several outputs": proba(FOREST, BOTH),
    "tree of several outputs": proba(tree.DecisionTreeClassifier(max_depth=3), BOTH),
    "neighbours of several outputs": proba(neighbors.KNeighborsClassifier(3), BOTH),
    "one classifier an output": proba(MultiOutputClassifier(LOGISTIC), BOTH),
    "chain": proba(ClassifierChain(LOGISTIC), BOTH),
    "one regressor an output": label(MultiOutputRegressor(linear_model.Ridge()), BOTH),
}
DEPENDENT: dict[str, Made] = {  # on the other rows of the same request
    "centred": after(lambda x: x - x.mean(0)),
    "ranks": after(lambda x: pd.DataFrame(x).rank(pct=True)),
    "scaled by the request": after(scale),
    "between the request's extremes": after(minmax_scale),
    "filled by the request's median": after(lambda x: np.where(np.abs(x) > 2, np.median(x, axis=0), x)),
    "differences of rows": after(lambda x: np.diff(np.asarray(x), axis=0, prepend=0.0)),
    "cumulated": after(lambda x: np.cumsum(np.asarray(x), axis=0)),
    "factorization": label(make_pipeline(FunctionTransformer(np.abs), NMF(2, max_iter=20), linear_model.Ridge())),
    "random labels": label(DummyClassifier(strategy="stratified", random_state=0)),
}
ALL = ROW_WISE | BY_OUTPUT | DEPENDENT


def served_as(path: Path, name: str, *, example: bool) -> Path:
    estimator, target, method = ALL[name]
    return saved(path, estimator.fit(np.abs(X), target), pyfunc_predict_fn=method, example=example)


def drawn(random: np.random.Generator) -> list[tuple[str, Any]]:
    """Requests of some rows each, by several doors."""
    requests: list[tuple[str, Any]] = []
    for _ in range(int(random.integers(2, 7))):
        rows = np.abs(X.iloc[random.integers(0, len(X), int(random.integers(1, MOST_ROWS + 1)))])
        records = rows.to_dict("records")
        split = {"columns": list(rows.columns), "data": rows.to_numpy().tolist()}
        doors: list[tuple[str, Any]] = [
            ("/invocations", {"dataframe_records": records}),
            ("/invocations", {"dataframe_split": split}),
            ("/api/v1/batch", {"items": records}),
            ("/api/v1/predict", records[0]),
        ]
        requests.append(doors[int(random.integers(len(doors)))])
    return requests


def joined(server: Server) -> float:
    """How many predictions were of more than one request."""
    batches = "podium_batch_requests"
    return server.count(f"{batches}_count") - server.count(f'{batches}_bucket{{le="1.0"')


def compare(server: Server, seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(ROUNDS):
        requests = drawn(random)
        alone = [server.post(*request) for request in requests]
        assert {status for status, _ in alone} == {200}, alone
        together = server.post_together(requests)
        assert same(alone, together), (requests, alone, together)


@pytest.mark.parametrize("name", ALL)
def test_joined_equals_alone(name: str, tmp_path: Path) -> None:
    with served(served_as(tmp_path / "model", name, example=False)) as server:
        compare(server, seed=7)
        assert (joined(server) > 0) == (name in ROW_WISE or name in {"chain", "one regressor an output"})


@pytest.mark.parametrize("name", [*BY_OUTPUT, "centred", "ranks", "cumulated"])
def test_joined_equals_alone_where_joining_is_forced_and_an_example_is_there(name: str, tmp_path: Path) -> None:
    with served(served_as(tmp_path / "model", name, example=True), BATCHING="on") as server:
        compare(server, seed=8)
