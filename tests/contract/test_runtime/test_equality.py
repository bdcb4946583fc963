"""Answers equal those of MLflow's own server, over flavours, signatures, forms and odd inputs.

Both serve the same saved model in this process: MLflow's FastAPI application, and our scorer with its plan.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from podium.runtime.faults import Fault
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.scoring import Scorer
from podium.runtime.protocols import invocations
from podium.runtime.settings import ExtraColumns
from tests.contract.test_runtime.asked import MlflowServer, same

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves, and of the odd inputs

RANDOM = np.random.default_rng(0)
NUMBERS = pd.DataFrame(RANDOM.normal(size=(60, 3)), columns=["a", "b", "c"])
LABELS = (NUMBERS["a"] + NUMBERS["b"] > 0).astype(int)
MIXED = pd.DataFrame(
    {
        "age": RANDOM.integers(18, 90, 60),
        "income": RANDOM.normal(size=60),
        "city": RANDOM.choice(["Kiel", "Ulm", "Köln"], 60),
        "member": RANDOM.random(60) > 0.5,
    }
)


class Scaled(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Sum of the numbers in a row times a param."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        return model_input.select_dtypes("number").sum(axis=1).to_numpy() * (params or {}).get("factor", 1.0)


class Described(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Answers a table that says what it was given, types included."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        return pd.DataFrame(
            {
                "row": [repr(tuple(map(str, row))) for row in model_input.itertuples(index=False)],
                "types": [str(list(map(str, model_input.dtypes)))] * len(model_input),
            }
        )


class Named(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Answers the names of its rows, as a model of time series looks at them."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        return [str(name) for name in model_input.index]


def columns(**types: Any) -> Schema:
    return Schema([ColSpec(kind, name, required=not name.endswith("_")) for name, kind in types.items()])


def sklearn_model(estimator: Any, data: Any, target: Any, *, signed: bool = True, **how: Any) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        estimator.fit(data, target)
        predict = getattr(estimator, how.get("pyfunc_predict_fn", "predict"))
        signature = infer_signature(data, predict(data)) if signed else None
        mlflow.sklearn.save_model(
            estimator, path, signature=signature, serialization_format="cloudpickle", pip_requirements=[], **how
        )

    return save


def python_model(model: Any, inputs: Schema, params: ParamSchema | None = None) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        signature = ModelSignature(inputs=inputs, params=params)
        mlflow.pyfunc.save_model(path, python_model=model, signature=signature, pip_requirements=[])

    return save


def boosted(path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMRegressor(n_estimators=10, verbose=-1).fit(NUMBERS, NUMBERS["a"])
    signature = infer_signature(NUMBERS, model.predict(NUMBERS))
    mlflow.lightgbm.save_model(model, path, signature=signature, pip_requirements=[])


MIXED_PIPELINE = make_pipeline(
    ColumnTransformer([("city", OneHotEncoder(handle_unknown="ignore"), ["city"])], remainder="passthrough"),
    LogisticRegression(),
)
MODELS: dict[str, Callable[[Path], None]] = {
    "classifier": sklearn_model(make_pipeline(StandardScaler(), LogisticRegression()), NUMBERS, LABELS),
    "regressor": sklearn_model(LinearRegression(), NUMBERS, NUMBERS["a"]),
    "forest": sklearn_model(RandomForestRegressor(5, random_state=0), NUMBERS, NUMBERS["a"]),
    "texts": sklearn_model(LogisticRegression(), NUMBERS, LABELS.map({0: "no", 1: "yes"})),
    "two outputs": sklearn_model(LinearRegression(), NUMBERS, NUMBERS[["a", "b"]]),
    "probabilities": sklearn_model(
        LogisticRegression(), NUMBERS, LABELS, pyfunc_predict_fn="predict_proba", signed=True
    ),
    "small numbers": sklearn_model(LinearRegression(), NUMBERS.astype("float32"), NUMBERS["a"]),
    "whole numbers": sklearn_model(LinearRegression(), (NUMBERS * 9).astype("int64"), NUMBERS["a"]),
    "mixed": sklearn_model(MIXED_PIPELINE, MIXED, LABELS),
    "unsigned": sklearn_model(LogisticRegression(), NUMBERS, LABELS, signed=False),
    "matrix": sklearn_model(LinearRegression(), NUMBERS.to_numpy(), NUMBERS["a"]),
    "boosted": boosted,
    "params": python_model(
        Scaled(), columns(a="double", b="double"), ParamSchema([ParamSpec("factor", DataType.double, 2.0)])
    ),
    "seen": python_model(Described(), columns(n="double", i="long", s="string", b="boolean", j="integer", f="float")),
    "optional": python_model(Described(), columns(a="double", b_="double", s_="string")),
    "dates": python_model(Described(), columns(t="datetime", a="double")),
    "one text": python_model(Described(), columns(s="string")),
    "cube": python_model(Scaled(), Schema([TensorSpec(np.dtype("float64"), (-1, 2))])),
}


def forms(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The same rows in every form, and with their columns in another order."""
    split = json.loads(frame.to_json(orient="split", date_format="iso"))
    records = json.loads(frame.to_json(orient="records", date_format="iso"))
    lists = {name: [record[name] for record in records] for name in frame.columns}
    turned = list(reversed(split["columns"]))
    yield {"dataframe_split": split}
    yield {"dataframe_split": {"columns": split["columns"], "data": split["data"]}}
    yield {"dataframe_split": {"columns": turned, "data": [row[::-1] for row in split["data"]]}}
    yield {"dataframe_records": records}
    yield {"dataframe_records": [dict(reversed(record.items())) for record in records]}
    yield {"instances": records}
    yield {"inputs": lists}
    yield {"inputs": records}
    yield {"dataframe_split": split, "params": {"factor": 3.0}}
    yield {"dataframe_split": split, "params": {}}


A, SEEN = (
    pd.DataFrame({"a": [1.5, -2.0], "b": [0.25, 1e300]}),
    pd.DataFrame({"n": [1.5, 2], "i": [3, 2**40], "s": ["x", "é"], "b": [True, False], "j": [1, -2], "f": [0.1, 3.0]}),
)
FRAMES: dict[str, list[pd.DataFrame]] = {
    **{name: [NUMBERS.head(1), NUMBERS.tail(20), (NUMBERS * 100).astype(int).head(3)] for name in MODELS},
    "mixed": [MIXED.head(1), MIXED.tail(20)],
    "params": [A],
    "seen": [SEEN, SEEN.head(1)],
    "optional": [
        pd.DataFrame({"a": [1.0]}),
        pd.DataFrame({"a": [1.0, 2.0], "b_": [None, 2.0]}),
        pd.DataFrame({"a": [1.0], "b_": [2.0], "s_": ["x"]}),
    ],
    "dates": [pd.DataFrame({"t": pd.to_datetime(["2026-11-21T00:00:00", "2026-11-21T04:05:06"]), "a": [1.0, 2.0]})],
    "one text": [pd.DataFrame({"s": ["x", "y", ""]})],
    "cube": [],
    "matrix": [],
}
ROW = [0.1, 0.2, 0.3]
NAMES = ["a", "b", "c"]
ODD: list[dict[str, Any]] = [
    {"dataframe_split": {"columns": NAMES, "data": [[1, 2.5, 3]]}},
    {"dataframe_split": {"columns": NAMES, "data": [["1", "2.5", "3"]]}},
    {"dataframe_split": {"columns": NAMES, "data": [[True, False, 0.5]]}},
    {"dataframe_split": {"columns": NAMES, "data": [["x", 2.5, 3]]}},
    {"dataframe_split": {"columns": NAMES, "data": [[1, 2]]}},
    {"dataframe_split": {"columns": NAMES, "data": []}},
    {"dataframe_split": {"columns": NAMES, "data": [[2**70, 1, 1]]}},
    {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}},
    {"dataframe_split": {"columns": ["a", "a", "a"], "data": [ROW]}},
    {"dataframe_split": {"columns": NAMES, "data": [[[1], 2, 3]]}},
    {"dataframe_split": {"data": [ROW]}},
    {"dataframe_split": {"columns": NAMES, "data": [ROW], "index": [1, 2]}},
    {"dataframe_split": None},
    {"dataframe_records": {"a": 1}},
    {"dataframe_records": []},
    {"dataframe_records": [1, 2]},
    {"instances": [ROW, ROW]},
    {"instances": ROW},
    {"instances": None},
    {"inputs": [ROW, ROW]},
    {"inputs": [[0.5, 1.5], [2, 3]]},
    {"inputs": [[0.5, 1.5, 2.5]], "instances": [ROW]},
    {"inputs": {"a": 1.0, "b": 2.0, "c": 3.0}},
    {"inputs": {"a": [1.0], "b": [2.0, 3.0], "c": [3.0]}},
    {"inputs": "text"},
    {"inputs": ["x", "y"]},
    {"inputs": {"s": ["x", "y"]}},
    {"params": {"factor": 2}},
    {"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 2.0]]}, "params": {"factor": "much"}},
    {"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 2.0]]}, "params": {"unknown": 1}},
    {"dataframe_split": {"columns": NAMES, "data": [ROW]}, "comment": "ignored"},
    {},
]


@pytest.fixture(scope="module", params=MODELS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, MlflowServer, Scorer]]:
    """A model, MLflow's server of it, and ours."""
    path = tmp_path_factory.mktemp("model") / "model"
    MODELS[request.param](path)
    theirs = MlflowServer(path)
    yield request.param, theirs, Scorer(Model.load(path, ExtraColumns.IGNORE))
    theirs.close()


def both(theirs: MlflowServer, ours: Scorer, body: bytes, content_type: str) -> tuple[Any, Any]:
    """What each answers: the parsed JSON, or None for a refusal."""
    answer = theirs.post(body, content_type)
    expected = json.loads(answer.content) if answer.status_code == 200 else None
    try:
        found = json.loads(ours.answer(ours.ask(invocations.read, body, content_type)))
    except Fault:
        found = None
    return expected, found


def test_the_same_rows_get_the_same_answer_in_every_form(served: tuple[str, MlflowServer, Scorer]) -> None:
    name, theirs, ours = served
    for frame in FRAMES[name]:
        for body in forms(frame):
            expected, found = both(theirs, ours, json.dumps(body).encode(), "application/json")
            assert same(expected, found), (body, expected, found)


@pytest.mark.parametrize("index", [["2026-01-01", "2026-01-02"], [7, 8], [0, 1], [0.0, 1.0]])
@pytest.mark.parametrize("cell", [2.5, None], ids=["planned", "not planned"])
def test_names_of_rows_reach_the_model(index: list[Any], cell: Any, tmp_path: Path) -> None:
    python_model(Named(), columns(a="double"))(tmp_path / "model")
    body = {"dataframe_split": {"columns": ["a"], "data": [[1.5], [cell]], "index": index}}
    theirs, ours = MlflowServer(tmp_path / "model"), Scorer(Model.load(tmp_path / "model"))
    expected, found = both(theirs, ours, json.dumps(body).encode(), "application/json")
    theirs.close()
    assert expected == found == {"predictions": list(map(str, index))}


def test_csv_gets_the_same_answer(served: tuple[str, MlflowServer, Scorer]) -> None:
    name, theirs, ours = served
    for frame in FRAMES[name]:
        expected, found = both(theirs, ours, frame.to_csv(index=False).encode(), "text/csv; charset=utf-8")
        if name == "dates":  # MLflow's CSV refuses them; here they mean what its JSON makes of the same texts
            assert expected is None
            records = json.dumps({"dataframe_records": frame.astype({"t": str}).to_dict("records")}).encode()
            expected, _ = both(theirs, ours, records, "application/json")
        assert same(expected, found), (expected, found)


@pytest.mark.parametrize("body", ODD, ids=lambda body: json.dumps(body)[:60])
def test_what_is_odd_is_taken_or_refused_alike(served: tuple[str, MlflowServer, Scorer], body: dict[str, Any]) -> None:
    _, theirs, ours = served
    expected, found = both(theirs, ours, json.dumps(body).encode(), "application/json")
    assert same(expected, found), (expected, found)


@pytest.mark.parametrize("name", ["classifier", "forest", "mixed", "matrix", "boosted", "seen", "small numbers"])
def test_usual_signatures_are_planned(name: str, tmp_path: Path) -> None:
    MODELS[name](tmp_path / "model")
    assert Model.load(tmp_path / "model").plan is not None


def test_joined_requests_get_the_answers_that_each_gets_alone(tmp_path: Path) -> None:
    MODELS["classifier"](tmp_path / "model")
    model = Model.load(tmp_path / "model")
    rows = NUMBERS.to_numpy().tolist()
    assert model.predict_rows(rows).tolist() == [model.predict_rows([row])[0] for row in rows]
