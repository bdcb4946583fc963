"""What is known to be row-wise is: joined with any others, a row gets the answer that it gets alone."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import NMF
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, StackingRegressor, VotingClassifier
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401  they must come first
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler, scale
from sklearn.utils import all_estimators

from podium.runtime.prediction.joining import objection
from podium.runtime.prediction.rows import row_count
from podium.runtime.prediction.steps import all_row_wise

pytestmark = pytest.mark.filterwarnings("ignore")

RANDOM = np.random.default_rng(7)
X = np.abs(RANDOM.normal(size=(60, 4)))  # some steps take no negative numbers
LABELS = (X[:, 0] + X[:, 1] > 1.5).astype(int)
METHODS = ("predict", "predict_proba", "predict_log_proba")


def centred(x: Any) -> Any:
    return x - x.mean(axis=0)


def filled(x: Any) -> Any:
    return np.where(np.isnan(x), np.nanmedian(x, axis=0), x)


class Ranks(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Its output depends on all rows of a call."""

    def fit(self, x: Any, y: Any = None) -> "Ranks":
        return self

    def transform(self, x: Any) -> Any:
        return np.argsort(np.argsort(x, axis=0), axis=0) / len(x)


class Unnamed:
    """No estimator by its base class, and used as one all the same."""

    def fit(self, x: Any, y: Any = None) -> "Unnamed":
        return self

    def fit_transform(self, x: Any, y: Any = None) -> Any:
        return centred(x)

    def transform(self, x: Any) -> Any:
        return centred(x)


def pipeline(step: Any) -> Any:
    return make_pipeline(step, Ridge())


DEPENDENT: dict[str, Any] = {
    "a function that centres": pipeline(FunctionTransformer(centred)),
    "a lambda": pipeline(FunctionTransformer(lambda x: x - x.mean(0))),
    "a function that fills by the median": pipeline(FunctionTransformer(filled)),
    "scikit-learn's own scale": pipeline(FunctionTransformer(scale)),
    "a transformer of the user's": pipeline(Ranks()),
    "a step that is no estimator by its class": pipeline(Unnamed()),
    "one inside a column transformer": pipeline(
        ColumnTransformer([("ranks", Ranks(), [0, 1])], remainder="passthrough")
    ),
    "a target that is transformed": TransformedTargetRegressor(
        Ridge(), func=centred, inverse_func=centred, check_inverse=False
    ),
    "a factorization": pipeline(NMF(2, max_iter=20)),
    "random labels": DummyClassifier(strategy="stratified", random_state=0),
    "random imputation": pipeline(IterativeImputer(sample_posterior=True, random_state=0)),
    "neighbours within a radius, of whole numbers": RadiusNeighborsRegressor(),
    "a step that a search has chosen": GridSearchCV(
        pipeline(StandardScaler()), {"standardscaler": [FunctionTransformer(centred)]}, cv=2
    ),
}
KNOWN: dict[str, Any] = {
    "scaled": make_pipeline(StandardScaler(), LogisticRegression()),
    "logarithms": pipeline(FunctionTransformer(np.log1p)),
    "a target in logarithms": TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    "columns": pipeline(ColumnTransformer([("scaled", MinMaxScaler(), [0, 1])], remainder="passthrough")),
    "imputed": pipeline(KNNImputer()),
    "searched": GridSearchCV(pipeline(StandardScaler()), {"ridge__alpha": [0.1, 1.0]}, cv=2),
    "stacked": StackingRegressor([("ridge", Ridge()), ("linear", LinearRegression())], cv=2),
    "voted": VotingClassifier([("a", LogisticRegression()), ("b", RandomForestClassifier(3))], voting="soft"),
    "forest": RandomForestClassifier(5, random_state=0),
    "neighbours": KNeighborsClassifier(3),
}


def fitted(estimator: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, LABELS)


@pytest.mark.parametrize("name", DEPENDENT)
def test_a_step_whose_rows_depend_on_each_other_is_not_known_to_be_row_wise(name: str) -> None:
    assert not all_row_wise(fitted(DEPENDENT[name]))


@pytest.mark.parametrize("name", KNOWN)
def test_usual_models_are_known_to_be_row_wise(name: str) -> None:
    assert all_row_wise(fitted(KNOWN[name]))


def test_neighbours_within_a_radius_are_known_where_their_targets_are_fractions() -> None:
    assert all_row_wise(RadiusNeighborsRegressor().fit(X, LABELS * 0.5))
    assert all_row_wise(RadiusNeighborsRegressor())  # of an ensemble, which asks its copies


def test_a_method_that_was_replaced_is_not_known() -> None:
    estimator = fitted(LinearRegression())
    estimator.predict = centred
    assert not all_row_wise(estimator)


def test_neighbours_by_matrix_products_are_not_known() -> None:
    assert not all_row_wise(fitted(KNeighborsClassifier(3, algorithm="brute")))


def candidates() -> Iterator[tuple[str, Callable[[], Any]]]:
    yield from all_estimators()
    yield "MultiOutput", lambda: MultiOutputClassifier(LogisticRegression())
    yield "Chain", lambda: ClassifierChain(LogisticRegression())


def made(name: str, kind: Callable[[], Any]) -> Any:
    """The estimator, fitted; a transformer before a regression. None where it takes other data or other arguments."""
    try:
        estimator = kind()
        usable = estimator if hasattr(estimator, "predict") else pipeline(estimator)
        target = np.column_stack([LABELS, 1 - LABELS]) if name.startswith(("Multi", "Chain")) else LABELS
        return usable.fit(X, target)
    except Exception:  # noqa: BLE001  text, sparse, one column, needs another estimator …
        return None


@pytest.fixture(scope="module")
def estimators() -> dict[str, Any]:
    """All of scikit-learn that can be fitted to a small table of numbers."""
    return {name: each for name, kind in candidates() if (each := made(name, kind)) is not None}


def drawn(seed: int) -> Any:
    """Rows with ties, with rows of the training data, and with others."""
    random = np.random.default_rng(seed)
    return np.concatenate([random.choice([0.0, 0.5, 1.0, 3.0], (3, 4)), X[random.integers(0, 60, 3)]])


def differences(estimator: Any) -> list[str]:
    found = []
    for call in [getattr(estimator, method) for method in METHODS if hasattr(estimator, method)]:

        def predict(rows: Any, call: Callable[[Any], Any] = call) -> Any:
            return call(np.array(rows))

        for rows in map(drawn, range(3)):
            try:
                raw = call(rows)
            except Exception:  # noqa: BLE001  joined requests that fail are asked again, each alone
                continue
            if row_count(raw) == len(rows):  # what has other rows, or none, is never joined
                found.append(objection(predict, rows.tolist()))
    return [each for each in found if each is not None]


def test_joined_equals_alone_for_all_that_is_known_to_be_row_wise(estimators: dict[str, Any]) -> None:
    row_wise = {name: each for name, each in estimators.items() if all_row_wise(each)}
    assert len(row_wise) > 120
    assert {name: found for name, each in row_wise.items() if (found := differences(each))} == {}


def test_the_exceptions_that_are_named_are_some(estimators: dict[str, Any]) -> None:
    """FeatureAgglomeration pools by a function that could be anybody's. The targets here are whole numbers."""
    named = {name for name, each in estimators.items() if not all_row_wise(each)}
    matrices = {"NMF", "MiniBatchNMF", "SparsePCA", "MiniBatchSparsePCA"}
    assert named == {*matrices, "FeatureAgglomeration", "RadiusNeighborsRegressor"}
