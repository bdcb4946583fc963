"""What one client is answered never depends on what another asks: joined requests equal the same requests alone."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import ModelSignature, infer_signature
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.contract.test_runtime.asked import Server, same, served

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

RANDOM = np.random.default_rng(0)
X = pd.DataFrame(RANDOM.normal(size=(80, 3)), columns=["a", "b", "c"])
Y = (X["a"] > 0).astype(int)
BOTH = pd.DataFrame({"p": Y, "q": (X["b"] > 0).astype(int)})
REQUESTS: list[tuple[str, Any]] = [
    ("/invocations", {"dataframe_records": [{"a": sign * 1.0, "b": sign * 2.0, "c": sign * 3.0}]}) for sign in (1, -1)
] + [("/invocations", {"dataframe_split": {"columns": ["a", "b", "c"], "data": X.iloc[:3].to_numpy().tolist()}})]


def saved(path: Path, estimator: Any, *, example: bool = False, **how: Any) -> Path:
    mlflow.sklearn.save_model(
        estimator,
        path,
        signature=ModelSignature(inputs=infer_signature(X).inputs),
        input_example=X.head(3) if example else None,
        serialization_format="cloudpickle",
        pip_requirements=[],
        **how,
    )
    return path


class Listing(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Answers a list, with one place too many."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        return [float(model_input["a"].sum()), 0.0]


class Centred(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        return (model_input["a"] - model_input["a"].mean()).to_numpy()


class SmallAndCentred(Centred):
    """Its answers are those of a model of rare events, or of amounts in another unit."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        return super().predict(context, model_input) * 1e-9


class Ends(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Ends whoever runs it, for one row: as sys.exit() does, asyncio, and a panic of Rust."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        if (model_input["a"] == -1).any():
            raise self.error
        return model_input["a"].to_numpy()


class Vectors(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Answers an array a row, as a model of embeddings does."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        return pd.DataFrame({"vector": [np.array([a, a]) for a in model_input["a"]]})


class Ids(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Answers large whole numbers, and null for a row that it does not know: pandas makes floats of them all then."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        return pd.DataFrame({"id": [None if a == -1 else 2**53 + int(a) for a in model_input["a"]]})


def python_model(path: Path, model: Any, *, example: bool) -> Path:
    signature = ModelSignature(inputs=infer_signature(X).inputs)
    mlflow.pyfunc.save_model(
        path,
        python_model=model,
        signature=signature,
        input_example=X.head(1) if example else None,
        pip_requirements=[],
    )
    return path


FOREST = RandomForestClassifier(5, random_state=0)
MODELS: dict[str, Callable[[Path], Path]] = {
    "probabilities of several outputs": lambda path: saved(
        path, FOREST.fit(X, BOTH), pyfunc_predict_fn="predict_proba"
    ),
    "the same with an example": lambda path: saved(
        path, FOREST.fit(X, BOTH), pyfunc_predict_fn="predict_proba", example=True
    ),
    "centred": lambda path: saved(
        path, make_pipeline(FunctionTransformer(lambda x: x - x.mean(0)), LinearRegression()).fit(X, Y)
    ),
    "ranks": lambda path: saved(
        path, make_pipeline(FunctionTransformer(lambda x: x.rank(pct=True)), LinearRegression()).fit(X, Y), example=True
    ),
    "usual": lambda path: saved(path, make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)),
    "several outputs": lambda path: saved(path, LinearRegression().fit(X, BOTH)),
}


def rounds(server: Server) -> list[Any]:
    return [server.post_together(REQUESTS) for _ in range(5)]


@pytest.mark.parametrize("name", MODELS)
def test_requests_that_come_together_are_answered_as_each_alone(name: str, tmp_path: Path) -> None:
    model = MODELS[name](tmp_path / "model")
    with served(model, BATCHING="off") as alone:
        expected = [alone.post(*request) for request in REQUESTS]
    assert [status for status, _ in expected] == [200, 200, 200]
    with served(model) as server:
        assert same([expected] * 5, rounds(server))


def test_a_usual_model_is_joined(tmp_path: Path) -> None:
    with served(MODELS["usual"](tmp_path / "model")) as server:
        rounds(server)
        assert server.count('podium_batch_requests_bucket{le="1.0"') == 0
        assert server.count("podium_batch_requests_count") == 5


@pytest.mark.parametrize(
    ("model", "example"),
    [(Centred(), True), (SmallAndCentred(), True), (Listing(), True), (Listing(), False)],
    ids=["centred", "centred in small numbers", "list", "list without an example"],
)
def test_joining_that_is_forced_is_given_up_where_the_answers_show_that_it_is_wrong(
    model: Any, example: bool, tmp_path: Path
) -> None:
    path = python_model(tmp_path / "model", model, example=example)
    with served(path, BATCHING="off") as alone:
        expected = [alone.post(*request) for request in REQUESTS]
    with served(path, BATCHING="on") as server:
        assert same([expected] * 5, rounds(server))


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_what_ends_one_prediction_ends_no_other(error: type[BaseException], tmp_path: Path) -> None:
    path = python_model(tmp_path / "model", Ends(error), example=True)
    with served(path, BATCHING="on") as server:
        first, second, third = server.post_together(REQUESTS)
        assert server.get(f"/v2/models/{server.name}")[1]["podium"]["joined"] is True
    assert first == (200, {"predictions": [1.0]})
    assert second[0] == 500
    assert error.__name__ in second[1]["message"]
    assert third[0] == 200


def test_joined_answers_are_of_the_types_that_each_alone_has(tmp_path: Path) -> None:
    path = python_model(tmp_path / "model", Ids(), example=True)
    with served(path, BATCHING="off") as alone:
        expected = [alone.post(*request) for request in REQUESTS]
    with served(path, BATCHING="on") as server:
        assert repr(rounds(server)) == repr([expected] * 5)  # 1 and 1.0 are one in Python
    assert repr(expected[0]) == f"(200, {{'predictions': [{{'id': {2**53 + 1}}}]}})"


def test_cells_that_are_arrays_are_compared_too(tmp_path: Path) -> None:
    with served(python_model(tmp_path / "model", Vectors(), example=True), BATCHING="on") as server:
        assert server.get(f"/v2/models/{server.name}")[1]["podium"]["joined"] is True
        assert server.post_together(REQUESTS)[1] == (200, {"predictions": [{"vector": [-1.0, -1.0]}]})


def test_joining_that_is_forced_where_no_signature_is_planned_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=Listing(), pip_requirements=[])
    with served(tmp_path / "model", BATCHING="on") as server:
        assert server.get(f"/v2/models/{server.name}")[1]["podium"]["joined"] is False
    assert "PODIUM_BATCHING=on has no effect: only rows of a signature that is planned can be joined" in caplog.text


def test_several_outputs_are_named_in_order_by_every_door(tmp_path: Path) -> None:
    with served(MODELS["probabilities of several outputs"](tmp_path / "model")) as server:
        items = [{"a": 1.0, "b": 2.0, "c": 3.0}, {"a": -1.0, "b": -2.0, "c": -3.0}]
        status, whole = server.post("/invocations", {"dataframe_records": items})
        assert status == 200
        first, second = whole["predictions"]  # by output, as MLflow answers
        _, batch = server.post("/api/v1/batch", {"items": items})
        assert batch["predictions"] == [[first[0], second[0]], [first[1], second[1]]]
        _, one = server.post("/api/v1/predict", items[1])
        assert one["prediction"] == [first[1], second[1]]
