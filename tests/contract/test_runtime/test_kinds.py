"""Kinds of models that MLflow serves start here too, and are answered alike."""

import base64
import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array, Map, Object, Property
from sklearn.linear_model import LogisticRegression

from tests.contract.test_runtime.asked import MlflowServer, same, served

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves

AGENTS = Path(__file__).with_name("agents")
NUMBERED = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)))  # its columns are 0, 1, 2
X = Schema([ColSpec(DataType.double, "x")])


class Nested(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        return [
            {"label": "a", "vector": [1.0, float(x)], "about": {"score": np.float32(0.5)}} for x in model_input["x"]
        ]


class Lists(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        return [[float(x), 1.0] for x in model_input["x"]]


class Years(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, model_input: list[dt.datetime]) -> list[int]:
        return [each.year for each in model_input]


class Sizes(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, model_input: list[bytes]) -> list[int]:
        return [len(each) for each in model_input]


class Loud(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    def predict(self, model_input: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{name: text.upper() for name, text in each.items()} for each in model_input]


def python_model(model: Any, outputs: Schema | None = None, **how: Any) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        if outputs is not None:
            how["signature"] = ModelSignature(inputs=X, outputs=outputs)
        mlflow.pyfunc.save_model(path, python_model=model, pip_requirements=[], **how)

    return save


def numbered(path: Path) -> None:
    target = (NUMBERED[0] > 0).astype(int)
    mlflow.sklearn.save_model(
        LogisticRegression().fit(NUMBERED.to_numpy(), target),
        path,
        signature=infer_signature(NUMBERED, target),
        input_example=NUMBERED.head(2),
        serialization_format="cloudpickle",
        pip_requirements=[],
    )


def agent(name: str) -> Callable[[Path], None]:
    return python_model(str(AGENTS / f"{name}.py"))


MESSAGES = {"messages": [{"role": "user", "content": "hello there", "id": "0"}]}
NOW = dt.datetime(2026, 11, 28, 1, 2, 3)  # noqa: DTZ001  MLflow's dates have no zones
ROW = {"dataframe_records": [{"x": 1.0}, {"x": 2.0}]}
KINDS: dict[str, tuple[Callable[[Path], None], list[Any]]] = {
    "an array among the outputs": (
        python_model(
            Nested(),
            Schema(
                [
                    ColSpec(DataType.string, "label"),
                    ColSpec(Array(DataType.double), "vector"),
                    ColSpec(Object([Property("score", DataType.double)]), "about"),
                ]
            ),
        ),
        [ROW],
    ),
    "lists of lists": (python_model(Lists(), infer_signature([1.0], [[1.0, 2.0]]).outputs), [ROW]),
    "a map": (python_model(Nested(), Schema([ColSpec(Map(DataType.double))])), [ROW]),
    "columns named by numbers": (
        numbered,
        [
            {"dataframe_split": {"columns": [0, 1, 2], "data": [[1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]]}},
            {"dataframe_split": {"columns": [2, 1, 0], "data": [[1.0, 2.0, 3.0]]}},
            {"inputs": [[1.0, 2.0, 3.0]]},
            {"dataframe_records": [{"0": 1.0, "1": 2.0, "2": 3.0}]},
        ],
    ),
    "dates by type hints": (
        python_model(Years(), input_example=[NOW]),
        [{"inputs": ["2026-11-28T01:02:03", "1999-01-01"]}],
    ),
    "bytes by type hints": (
        python_model(Sizes(), input_example=[b"ab"]),
        [{"inputs": [base64.b64encode(b"hello").decode(), ""]}],
    ),
    "objects by type hints": (python_model(Loud(), input_example=[{"a": "b"}]), [{"inputs": [{"a": "b"}, {}]}]),
    "a ChatModel": (agent("chat_model"), [MESSAGES, {**MESSAGES, "temperature": 0.5}]),
    "a ChatAgent": (agent("chat_agent"), [MESSAGES, {**MESSAGES, "context": {"user_id": "u"}}]),
    "a ResponsesAgent": (agent("responses"), [{"input": [{"role": "user", "content": "hello there"}]}]),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_model_that_mlflow_serves_is_served_and_answered_alike(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", raising=False)  # MLflow's server leaves it set
    monkeypatch.chdir(tmp_path)  # MLflow's traces of agents go to a file in the current directory
    save, bodies = KINDS[name]
    save(tmp_path / "model")
    with served(tmp_path / "model") as server:
        found = [server.post("/invocations", body) for body in bodies]
        for page in ("/openapi.json", f"/v2/models/{server.name}"):
            assert server.get(page)[0] == 200
    monkeypatch.setitem(os.environ, "_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
    theirs = MlflowServer(tmp_path / "model")
    for body, (status, answer) in zip(bodies, found, strict=True):
        expected = theirs.post(json.dumps(body).encode(), "application/json")
        assert status == expected.status_code, (body, answer, expected.text)
        assert status != 200 or same(expected.json(), answer), (body, expected.text, answer)
    theirs.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"stream": "true"}, "column 'stream': expected true or false (boolean), found a text"),
        ({"temperature": "hot"}, "column 'temperature': expected a number (double), found a text"),
        ({"messages": "hello"}, "column 'messages': expected Array("),
    ],
)
def test_what_is_wrong_with_a_chat_like_body_is_named(
    wrong: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages were read as rows, and blamed for whatever was wrong beside them."""
    monkeypatch.chdir(tmp_path)
    agent("chat_model")(tmp_path / "model")
    with served(tmp_path / "model") as server:
        status, answer = server.post("/invocations", {**MESSAGES, **wrong})
        assert status == 400
        assert said in answer["message"]
