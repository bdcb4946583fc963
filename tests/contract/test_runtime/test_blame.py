"""A client's fault is a 4xx by every door, and never a failure of the version; a model's fault stays its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from tests.contract.test_runtime.asked import Server, served

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["a", "b"])
Y = (X["a"] > 0).astype(int)
FAILURES = "podium_consecutive_failures"


class Picky(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Raises where b is null or above 100, and answers NaN where a is negative."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        if model_input["b"].isna().any() or (model_input["b"] > 100).any():
            raise ValueError("no such b")
        return np.where(model_input["a"] < 0, np.nan, model_input["a"])


class Loud(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, model_input: list[str]) -> list[str]:
        if "raise" in model_input:
            raise ValueError("the model's own")
        return [text.upper() for text in model_input]


def picky(path: Path, *, signed: bool = True, required: bool = False) -> Path:
    columns = [ColSpec(DataType.double, "a"), ColSpec(DataType.double, "b", required=required)]
    signature = ModelSignature(Schema(columns), Schema([ColSpec(DataType.double)])) if signed else None
    mlflow.pyfunc.save_model(path, python_model=Picky(), signature=signature, pip_requirements=[])
    return path


@pytest.fixture(
    scope="module", params=[GradientBoostingClassifier(n_estimators=3), LogisticRegression()], ids=["boosted", "linear"]
)
def healthy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("model") / "model"
    mlflow.sklearn.save_model(
        request.param.fit(X, Y),
        path,
        signature=infer_signature(X, np.array([0])),
        serialization_format="cloudpickle",
        pip_requirements=[],
    )
    with served(path) as server:
        yield server


def by_every_door(server: Server, rows: list[dict[str, Any]]) -> dict[str, tuple[int, Any]]:
    columns = {name: [row[name] for row in rows] for name in ("a", "b")}
    tensors = [
        {"name": name, "datatype": "FP64", "shape": [len(cells)], "data": cells} for name, cells in columns.items()
    ]
    split = {"columns": ["a", "b"], "data": [[row["a"], row["b"]] for row in rows]}
    answers = {
        "split": server.post("/invocations", {"dataframe_split": split}),
        "inputs": server.post("/invocations", {"inputs": columns}),
        "infer": server.post(f"/v2/models/{server.name}/infer", {"inputs": tensors}),
        "csv": server.post("/invocations", pd.DataFrame(columns).to_csv(index=False).encode(), b"text/csv"),
        "batch": server.post("/api/v1/batch", {"items": rows}),
    }
    if rows:
        answers["records"] = server.post("/invocations", {"dataframe_records": rows})
        answers["inputs of records"] = server.post("/invocations", {"inputs": rows})
        answers["predict"] = server.post("/api/v1/predict", rows[0])
    return answers


def statuses(answers: dict[str, tuple[int, Any]]) -> set[int]:
    return {status for status, _ in answers.values()}


@pytest.mark.parametrize(
    "rows",
    [[], [{"a": None, "b": 1.0}], [{"a": 1.5, "b": float("nan")}]],
    ids=["no rows", "null", "NaN"],
)
def test_what_a_healthy_model_cannot_compute_is_the_requests_fault(healthy: Server, rows: list[dict[str, Any]]) -> None:
    before = healthy.count('podium_requests_total{outcome="client_error"')
    answers = by_every_door(healthy, rows)
    assert statuses(answers) == {400}, answers
    assert healthy.count('podium_requests_total{outcome="client_error"') == before + len(answers)
    assert healthy.count(FAILURES) == 0


def test_a_number_beyond_what_the_model_can_hold_is_the_requests_fault(
    healthy: Server, request: pytest.FixtureRequest
) -> None:
    answers = by_every_door(healthy, [{"a": 1e308, "b": -1e308}])
    expected = 400 if "boosted" in request.node.name else 200  # what a model can compute with is answered
    assert statuses(answers) == {expected}, answers
    assert healthy.count(FAILURES) == 0


@pytest.mark.parametrize("cell", [[], "NaN", None, "inf"])
def test_what_mlflow_lets_through_to_the_model_is_the_requests_fault(healthy: Server, cell: Any) -> None:
    """A list became null, and the text NaN a number, in one form of MLflow's: the model then raised."""
    for form in ("inputs", "instances", "dataframe_records"):
        status, answer = healthy.post("/invocations", {form: [{"a": 1.5, "b": 1.0}, {"a": 1.5, "b": cell}]})
        assert status == 400, (form, answer)
        assert "column 'b'" in answer["message"]
    assert healthy.count(FAILURES) == 0


def test_the_message_names_the_column_and_no_value(healthy: Server) -> None:
    _, answer = healthy.post("/invocations", {"dataframe_records": [{"a": 7.125, "b": None}]})
    assert "'b'" in answer["message"]
    assert "7.125" not in answer["message"]


@pytest.mark.parametrize("body", [{"inputs": [None]}, {"inputs": "text"}, {"inputs": [1]}, {"inputs": {"a": "b"}}])
def test_a_broken_type_hint_is_the_requests_fault(tmp_path: Path, body: Any) -> None:
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=Loud(), pip_requirements=[])
    with served(tmp_path / "model") as server:
        status, answer = server.post("/invocations", body)
        assert status == 400, answer
        assert server.count(FAILURES) == 0
        assert server.post("/invocations", {"inputs": ["x"]}) == (200, {"predictions": ["X"]})
        assert server.post("/invocations", {"inputs": ["raise"]})[0] == 500
        assert server.count(FAILURES) == 1


def test_what_the_model_does_to_a_request_in_order_is_its_own_fault(tmp_path: Path) -> None:
    with served(picky(tmp_path / "model")) as server:
        assert statuses(by_every_door(server, [{"a": 1.0, "b": 300.0}])) == {500}
        assert statuses(by_every_door(server, [{"a": -1.0, "b": 3.0}])) == {500}
        assert server.count(FAILURES) == 16


def test_null_where_the_signature_allows_it_is_the_models_fault(tmp_path: Path) -> None:
    with served(picky(tmp_path / "model")) as server:
        assert server.post("/invocations", {"dataframe_records": [{"a": 1.0, "b": None}]})[0] == 500
        assert server.count(FAILURES) == 1


def test_null_where_the_signature_requires_a_value_is_the_requests_fault(tmp_path: Path) -> None:
    with served(picky(tmp_path / "model", required=True)) as server:
        assert statuses(by_every_door(server, [{"a": 1.0, "b": None}])) == {400}


def test_null_without_a_signature_is_counted_and_is_no_failure_in_a_row(tmp_path: Path) -> None:
    with served(picky(tmp_path / "model", signed=False)) as server:
        for _ in range(3):
            assert server.post("/invocations", {"dataframe_records": [{"a": 1.0, "b": None}]})[0] == 500
        assert server.count('podium_requests_total{outcome="model_error"') == 3
        assert server.count(FAILURES) == 0
        assert server.post("/invocations", {"dataframe_records": [{"a": 1.0, "b": 300.0}]})[0] == 500
        assert server.count(FAILURES) == 1
