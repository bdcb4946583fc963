"""Models of MLflow's flavours, trained on a few rows: what is compared is the serving."""

import importlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from sklearn import (
    calibration,
    cluster,
    compose,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    ensemble,
    gaussian_process,
    isotonic,
    kernel_ridge,
    linear_model,
    mixture,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)

Save = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One model: how it is saved, and the rows that it is asked for."""

    name: str
    flavour: str
    save: Save
    rows: Any


RANDOM = np.random.default_rng(0)
NUMBERS = pd.DataFrame(RANDOM.normal(size=(80, 4)), columns=["a", "b", "c", "d"])
LABELS = (NUMBERS["a"] + NUMBERS["b"] > 0).astype(int)
TEXTS = LABELS.map({0: "no", 1: "yes"})
TARGET = 2 * NUMBERS["a"] - NUMBERS["b"] + 0.1
TWO = pd.DataFrame({"u": TARGET, "v": -TARGET})
COUNTS = (NUMBERS.abs() * 5).astype("int64")
MIXED = pd.DataFrame(
    {
        "age": RANDOM.integers(18, 90, 80),
        "income": RANDOM.normal(size=80),
        "city": RANDOM.choice(["Kiel", "Ulm", "Köln"], 80),
        "member": RANDOM.random(80) > 0.5,
    }
)
ASKED = NUMBERS.head(7)


def _sklearn(estimator: Any, data: Any = NUMBERS, target: Any = TARGET, *, signed: bool = True, **how: Any) -> Save:
    def save(path: Path) -> None:
        estimator.fit(data, target)
        predict = getattr(estimator, how.get("pyfunc_predict_fn", "predict"))
        signature = infer_signature(data, predict(data)) if signed else None
        mlflow.sklearn.save_model(
            estimator, path, signature=signature, serialization_format="cloudpickle", pip_requirements=[], **how
        )

    return save


_REGRESSORS: list[Any] = [
    linear_model.LinearRegression(),
    linear_model.Ridge(),
    linear_model.Lasso(0.01),
    linear_model.ElasticNet(0.01),
    linear_model.BayesianRidge(),
    linear_model.HuberRegressor(),
    linear_model.SGDRegressor(random_state=0),
    linear_model.RANSACRegressor(random_state=0),
    linear_model.QuantileRegressor(solver="highs"),
    tree.DecisionTreeRegressor(random_state=0),
    tree.ExtraTreeRegressor(random_state=0),
    ensemble.RandomForestRegressor(7, random_state=0),
    ensemble.ExtraTreesRegressor(7, random_state=0),
    ensemble.GradientBoostingRegressor(n_estimators=7, random_state=0),
    ensemble.HistGradientBoostingRegressor(max_iter=7, random_state=0),
    ensemble.AdaBoostRegressor(n_estimators=7, random_state=0),
    ensemble.BaggingRegressor(n_estimators=5, random_state=0),
    neighbors.KNeighborsRegressor(),
    svm.SVR(),
    svm.LinearSVR(random_state=0),
    kernel_ridge.KernelRidge(),
    gaussian_process.GaussianProcessRegressor(random_state=0),
    neural_network.MLPRegressor(hidden_layer_sizes=(8,), max_iter=200, random_state=0),
    cross_decomposition.PLSRegression(),
]
_CLASSIFIERS: list[Any] = [
    linear_model.LogisticRegression(),
    linear_model.RidgeClassifier(),
    linear_model.SGDClassifier(random_state=0),
    linear_model.SGDClassifier(loss="hinge", random_state=0),
    tree.DecisionTreeClassifier(random_state=0),
    ensemble.RandomForestClassifier(7, random_state=0),
    ensemble.ExtraTreesClassifier(7, random_state=0),
    ensemble.GradientBoostingClassifier(n_estimators=7, random_state=0),
    ensemble.HistGradientBoostingClassifier(max_iter=7, random_state=0),
    ensemble.AdaBoostClassifier(n_estimators=7, random_state=0),
    naive_bayes.GaussianNB(),
    naive_bayes.BernoulliNB(),
    neighbors.KNeighborsClassifier(),
    neighbors.NearestCentroid(),
    svm.SVC(),
    discriminant_analysis.LinearDiscriminantAnalysis(),
    discriminant_analysis.QuadraticDiscriminantAnalysis(),
    neural_network.MLPClassifier(hidden_layer_sizes=(8,), max_iter=200, random_state=0),
    calibration.CalibratedClassifierCV(svm.LinearSVC(random_state=0), cv=3),
    cluster.KMeans(3, random_state=0),
    mixture.GaussianMixture(2, random_state=0),
    ensemble.IsolationForest(n_estimators=7, random_state=0),
]


def sklearn_cases() -> Iterator[Case]:
    """Yield scikit-learn's estimators, and what people do with them."""
    for regressor in _REGRESSORS:
        yield Case(type(regressor).__name__, "sklearn", _sklearn(regressor), ASKED)
    for number, classifier in enumerate(_CLASSIFIERS):
        yield Case(f"{type(classifier).__name__} {number}", "sklearn", _sklearn(classifier, target=LABELS), ASKED)
    yield from _sklearn_kinds()


def _sklearn_kinds() -> Iterator[Case]:
    numbers = [("sklearn", name, save, ASKED) for name, save in _of_numbers()]
    columns = compose.ColumnTransformer(
        [("city", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["city"])], remainder="passthrough"
    )
    mixed = pipeline.make_pipeline(columns, linear_model.LogisticRegression(max_iter=1000))
    matrix = NUMBERS.to_numpy()
    floats = matrix.astype("float32")
    by_place = NUMBERS.set_axis(range(4), axis=1)
    others: list[tuple[str, str, Save, Any]] = [
        ("sklearn mixed types", "mixed columns", _sklearn(mixed, MIXED, LABELS), MIXED.head(7)),
        ("sklearn matrix", "a matrix", _sklearn(linear_model.LinearRegression(), matrix), matrix[:7]),
        ("sklearn matrix", "a matrix of float32", _sklearn(linear_model.Ridge(), floats), floats[:7]),
        ("sklearn matrix", "no signature, matrix", _sklearn(linear_model.Ridge(), matrix, signed=False), matrix[:7]),
        ("sklearn", "no signature", _sklearn(linear_model.Ridge(), signed=False), ASKED),
        ("sklearn", "whole numbers", _sklearn(linear_model.Ridge(), COUNTS), COUNTS.head(7)),
        ("sklearn", "one column", _sklearn(isotonic.IsotonicRegression(), NUMBERS[["a"]]), ASKED[["a"]]),
        ("sklearn", "columns by numbers", _sklearn(linear_model.Ridge(), by_place.to_numpy()), matrix[:3]),
    ]
    for flavour, name, save, rows in [*numbers, *others]:
        yield Case(name, flavour, save, rows)


def _of_numbers() -> Iterator[tuple[str, Save]]:
    forest = ensemble.RandomForestClassifier(5, random_state=0)
    scaled = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression())
    centred = pipeline.make_pipeline(preprocessing.FunctionTransformer(_centred), linear_model.LinearRegression())
    both = pd.DataFrame({"u": LABELS, "v": 1 - LABELS})
    yield "texts", _sklearn(linear_model.LogisticRegression(), target=TEXTS)
    yield "booleans", _sklearn(tree.DecisionTreeClassifier(random_state=0), target=LABELS.astype(bool))
    yield "a pipeline", _sklearn(scaled, target=LABELS)
    yield (
        "principal components",
        _sklearn(pipeline.make_pipeline(decomposition.PCA(2), linear_model.Ridge()), target=TARGET),
    )
    yield "probabilities", _sklearn(linear_model.LogisticRegression(), target=LABELS, pyfunc_predict_fn="predict_proba")
    yield (
        "logarithms",
        _sklearn(linear_model.LogisticRegression(), target=LABELS, pyfunc_predict_fn="predict_log_proba"),
    )
    yield "two targets", _sklearn(linear_model.LinearRegression(), target=TWO)
    yield "two labels", _sklearn(forest, target=both)
    yield (
        "probabilities of two labels",
        _sklearn(
            ensemble.RandomForestClassifier(5, random_state=0),
            target=both,
            signed=False,
            pyfunc_predict_fn="predict_proba",
        ),
    )
    yield "targets by a wrapper", _sklearn(multioutput.MultiOutputRegressor(linear_model.Ridge()), target=TWO)
    yield "centred over the batch", _sklearn(centred)


def _centred(frame: Any) -> Any:
    return frame - frame.mean(axis=0)


def boosted_cases() -> Iterator[Case]:
    """Yield models of LightGBM, XGBoost and CatBoost."""
    catboost, lightgbm, xgboost = map(importlib.import_module, ("catboost", "lightgbm", "xgboost"))

    light, cat = {"n_estimators": 7, "verbose": -1}, {"iterations": 7, "verbose": False, "allow_writing_files": False}
    table: list[tuple[str, str, Any, Any]] = [
        ("lightgbm", "regressor", lightgbm.LGBMRegressor(**light).fit(NUMBERS, TARGET), mlflow.lightgbm),
        ("lightgbm", "classifier", lightgbm.LGBMClassifier(**light).fit(NUMBERS, LABELS), mlflow.lightgbm),
        ("lightgbm", "texts", lightgbm.LGBMClassifier(**light).fit(NUMBERS, TEXTS), mlflow.lightgbm),
        ("lightgbm", "booster", _booster(lightgbm), mlflow.lightgbm),
        ("xgboost", "regressor", xgboost.XGBRegressor(n_estimators=7).fit(NUMBERS, TARGET), mlflow.xgboost),
        ("xgboost", "classifier", xgboost.XGBClassifier(n_estimators=7).fit(NUMBERS, LABELS), mlflow.xgboost),
        (
            "xgboost",
            "booster",
            xgboost.train({"max_depth": 3}, xgboost.DMatrix(NUMBERS, TARGET), 7),
            mlflow.xgboost,
        ),
        ("catboost", "regressor", catboost.CatBoostRegressor(**cat).fit(NUMBERS, TARGET), mlflow.catboost),
        ("catboost", "classifier", catboost.CatBoostClassifier(**cat).fit(NUMBERS, LABELS), mlflow.catboost),
        ("catboost", "texts", catboost.CatBoostClassifier(**cat).fit(NUMBERS, TEXTS), mlflow.catboost),
    ]
    for flavour, name, model, module in table:
        yield Case(f"{flavour} {name}", flavour, _by(module, model), ASKED)


def _booster(lightgbm: Any) -> Any:
    return lightgbm.train({"verbose": -1}, lightgbm.Dataset(NUMBERS, TARGET), 7)


def _by(module: Any, model: Any) -> Save:
    def save(path: Path) -> None:
        loaded = TARGET.to_numpy()[:1]
        module.save_model(model, path, signature=infer_signature(NUMBERS, loaded), pip_requirements=[])
        _resigned(path)

    return save


def _resigned(path: Path) -> None:
    """Write the signature again with the answers that the saved model really gives."""
    answered = mlflow.pyfunc.load_model(str(path)).predict(ASKED)
    mlflow.models.set_signature(str(path), infer_signature(NUMBERS, answered))


def other_cases() -> Iterator[Case]:
    """Yield models of statsmodels and ONNX."""
    skl2onnx, sm = map(importlib.import_module, ("skl2onnx", "statsmodels.api"))

    signature = infer_signature(NUMBERS, TARGET)
    for name, fitted in {
        "OLS": sm.OLS(TARGET, NUMBERS).fit(),
        "GLM": sm.GLM(TARGET, NUMBERS).fit(),
        "Logit": sm.GLM(LABELS, NUMBERS, family=sm.families.Binomial()).fit(),
        "RLM": sm.RLM(TARGET, NUMBERS).fit(),
    }.items():
        yield Case(f"statsmodels {name}", "statsmodels", _statsmodels(fitted, signature), ASKED)
    floats = NUMBERS.to_numpy().astype("float32")
    for estimator in (linear_model.LinearRegression(), tree.DecisionTreeRegressor(random_state=0)):
        onnx = skl2onnx.to_onnx(estimator.fit(floats, TARGET), floats[:1])
        yield Case(f"onnx {type(estimator).__name__}", "onnx", _onnx(onnx, floats), floats[:7])


def _statsmodels(fitted: Any, signature: ModelSignature) -> Save:
    def save(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mlflow.statsmodels.save_model(fitted, path, signature=signature, pip_requirements=[])

    return save


def _onnx(model: Any, floats: np.ndarray[Any, Any]) -> Save:
    def save(path: Path) -> None:
        mlflow.onnx.save_model(model, path, signature=infer_signature(floats), pip_requirements=[])

    return save
