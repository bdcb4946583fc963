"""Models from code: one for each kind of answer, of input column, and of what a type hint says."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import Array, Map, Object, Property

from bench.parity.estimators import Case, Save

X = pd.DataFrame({"x": [1.5, -2.0, 0.25]})
PLAIN = Schema([ColSpec(DataType.double, "x")])
AGENTS = Path(__file__).parents[2] / "tests" / "contract" / "test_runtime" / "agents"


class Answering(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Answers by a function of its numbers."""

    def __init__(self, answer: Callable[[np.ndarray[Any, Any]], Any]) -> None:
        self.answer = answer

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        return self.answer(model_input["x"].to_numpy())


class Described(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Says what it was given, values and types."""

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        if isinstance(model_input, pd.DataFrame):
            rows = model_input.itertuples(index=False)
            return [f"{[str(cell) for cell in row]} {list(map(str, model_input.dtypes))} {params}" for row in rows]
        if isinstance(model_input, dict):
            return [f"{name} {each.dtype} {each.tolist()}" for name, each in sorted(model_input.items())]
        return [f"{model_input.dtype} {row.tolist()}" for row in model_input]


class Years(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Takes dates."""

    def predict(self, model_input: list[dt.datetime]) -> list[int]:
        return [each.year for each in model_input]


class Sizes(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Takes bytes."""

    def predict(self, model_input: list[bytes]) -> list[int]:
        return [len(each) for each in model_input]


class Loud(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Takes texts."""

    def predict(self, model_input: list[str]) -> list[str]:
        return [each.upper() for each in model_input]


class Doubled(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Takes objects."""

    def predict(self, model_input: list[dict[str, float]]) -> list[dict[str, float]]:
        return [{name: 2 * each for name, each in item.items()} for item in model_input]


def _objects(x: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    return [{"label": "a", "score": float(each), "about": {"ranks": [1, 2]}} for each in x]


ANSWERS: dict[str, Callable[[np.ndarray[Any, Any]], Any]] = {
    "array of float64": lambda x: 2 * x,
    "array of float32": lambda x: x.astype("float32"),
    "array of int64": lambda x: x.astype("int64"),
    "array of int8": lambda x: x.astype("int8"),
    "array of bool": lambda x: x > 0,
    "array of texts": lambda x: np.array([f"t{each}" for each in x]),
    "array of objects": lambda x: np.array([{"v": float(each)} for each in x], dtype=object),
    "array of dates": lambda x: np.array(["2026-03-29T00:30:00"] * len(x), dtype="datetime64[s]"),
    "matrix": lambda x: np.column_stack([x, -x]),
    "cube": lambda x: np.stack([np.eye(2) * each for each in x]),
    "array with NaN": lambda x: np.where(x < 0, np.nan, x),
    "array with infinity": lambda x: np.where(x < 0, np.inf, x),
    "empty array": lambda _: np.array([]),
    "series": lambda x: pd.Series(x, name="y"),
    "series of texts": lambda x: pd.Series([str(each) for each in x]),
    "series of categories": lambda x: pd.Series([str(each > 0) for each in x], dtype="category"),
    "series with missing": lambda x: pd.Series([None if each < 0 else float(each) for each in x], dtype="Float64"),
    "frame": lambda x: pd.DataFrame({"y": x, "label": [str(each) for each in x]}),
    "frame of dates": lambda x: pd.DataFrame({"t": pd.to_datetime(["2026-03-29T00:30:00"] * len(x))}),
    "frame with missing": lambda x: pd.DataFrame({"y": [None if each < 0 else each for each in x]}),
    "frame of lists": lambda x: pd.DataFrame({"v": [[float(each), 1.0] for each in x]}),
    "frame with an index": lambda x: pd.DataFrame({"y": x}, index=[f"r{n}" for n in range(len(x))]),
    "list of floats": lambda x: x.tolist(),
    "list of NumPy numbers": list,
    "list of texts": lambda x: [str(each) for each in x],
    "list of booleans": lambda x: [bool(each > 0) for each in x],
    "list of lists": lambda x: [[float(each)] * 2 for each in x],
    "list of ragged lists": lambda x: [[float(each)] * (number + 1) for number, each in enumerate(x)],
    "list of objects": _objects,
    "list of arrays": lambda x: [np.array([each, 1.0]) for each in x],
    "list with null": lambda x: [None if each < 0 else float(each) for each in x],
    "list of large numbers": lambda x: [2**70 for _ in x],
    "list of tuples": lambda x: [(float(each), "a") for each in x],
    "tuple": lambda x: tuple(x.tolist()),
    "dict of lists": lambda x: {"y": x.tolist(), "label": ["a"] * len(x)},
    "dict of arrays": lambda x: {"y": x, "z": -x},
    "dict of one object": lambda x: {"total": float(x.sum()), "count": len(x)},
    "nested dict": lambda x: {"about": {"total": float(x.sum())}, "names": ["a", "b"]},
    "number": lambda x: float(x.sum()),
    "NumPy number": lambda x: x.sum(),
    "text": lambda x: f"{len(x)} rows",
    "boolean": lambda x: bool(x.sum() > 0),
    "null": lambda _: None,
    "bytes": lambda x: [b"\x00\xff" for _ in x],
    "dates": lambda x: [dt.datetime(2026, 3, 29, 0, 30, tzinfo=dt.UTC) for _ in x],
    "decimals": lambda x: [Decimal("1.5") for _ in x],
    "generator": lambda x: (float(each) for each in x),
    "raising": lambda x: 1 / 0 if len(x) else None,
}


def answer_cases() -> Iterator[Case]:
    """Yield a model for each kind of answer."""
    for name, answer in ANSWERS.items():
        yield Case(f"answers {name}", f"pyfunc answering {name.split()[0]}", _python(Answering(answer), PLAIN), X)


COLUMNS: dict[str, tuple[Any, list[Any]]] = {
    "double": (DataType.double, [1.5, 2.0, -1.0]),
    "float": (DataType.float, [0.5, 2.0]),
    "long": (DataType.long, [3, 2**53 + 1]),
    "integer": (DataType.integer, [3, -4]),
    "boolean": (DataType.boolean, [True, False]),
    "string": (DataType.string, ["x", "é", "7"]),
}
BODIES: dict[str, tuple[Any, list[Any]]] = {
    "binary": (DataType.binary, ["aGVsbG8=", ""]),
    "datetime": (DataType.datetime, ["2026-03-29T00:30:00", "1999-12-31"]),
    "array": (Array(DataType.double), [[1.5, 2.0], [0.5]]),
    "object": (Object([Property("a", DataType.double)]), [{"a": 1.5}]),
    "map": (Map(DataType.double), [{"a": 1.5, "b": 2.0}]),
    "array of objects": (Array(Object([Property("a", DataType.string)])), [[{"a": "x"}]]),
}


def input_cases() -> Iterator[Case]:
    """Yield a model for each kind of column, and for tensors, params and type hints."""
    for name, (kind, cells) in COLUMNS.items():
        schema = Schema([ColSpec(kind, "c"), ColSpec(DataType.double, "n")])
        rows = pd.DataFrame({"c": cells, "n": [0.5] * len(cells)})
        yield Case(f"column of {name}", "pyfunc columns", _python(Described(), schema), rows)
    for name, (kind, cells) in BODIES.items():
        bodies = [{form: [{"c": cell} for cell in cells]} for form in ("dataframe_records", "instances", "inputs")]
        save = _python(Described(), Schema([ColSpec(kind, "c")]))
        yield Case(f"column of {name}", "pyfunc nested columns", save, [*bodies, {"inputs": {"c": 1}}])
    yield from _tensors()
    yield from _hints()


def _tensors() -> Iterator[Case]:
    for dtype, shape in (("float64", (-1, 2)), ("float32", (-1, 2, 2)), ("int64", (-1,)), ("uint8", (-1, 2, 2, 3))):
        size = tuple(3 if each == -1 else each for each in shape)
        array = np.arange(np.prod(size)).reshape(size).astype(dtype)
        schema = Schema([TensorSpec(np.dtype(dtype), shape)])
        yield Case(f"tensor of {dtype} {shape}", "pyfunc tensors", _python(Described(), schema), array)
    named = Schema([TensorSpec(np.dtype("float64"), (-1, 2), "u"), TensorSpec(np.dtype("int64"), (-1,), "v")])
    bodies = [{"inputs": {"u": [[1.0, 2.0]], "v": [3]}}, {"instances": [{"u": [1.0, 2.0], "v": 3}]}, {"inputs": {}}]
    yield Case("named tensors", "pyfunc tensors", _python(Described(), named), bodies)


def _hints() -> Iterator[Case]:
    now = dt.datetime(2026, 11, 28, 1, 2, 3)  # noqa: DTZ001  MLflow's dates have no zones
    hinted: dict[str, tuple[Any, Any, list[Any]]] = {
        "dates": (Years(), [now], [["2026-11-28T01:02:03", "1999-01-01"], ["x"], "x"]),
        "bytes": (Sizes(), [b"ab"], [["aGVsbG8=", ""], [1]]),
        "texts": (Loud(), ["ab"], [["x", "é"], [1], []]),
        "objects": (Doubled(), [{"a": 1.0}], [[{"a": 1.0}, {}], [{"a": "x"}]]),
    }
    for name, (model, example, inputs) in hinted.items():
        save = _python(model, None, input_example=example)
        yield Case(f"hints of {name}", "pyfunc type hints", save, [{"inputs": each} for each in inputs])
    params = ParamSchema([ParamSpec("factor", DataType.double, 2.0), ParamSpec("mode", DataType.string, "a")])
    rows = {"dataframe_records": [{"x": 1.0}]}
    asked = [rows, *({**rows, "params": each} for each in ({"factor": 3.0}, {"factor": "x"}, {"other": 1}, {}, None))]
    yield Case("params", "pyfunc params", _python(Described(), PLAIN, params=params), asked)
    optional = Schema([ColSpec(DataType.double, "x"), ColSpec(DataType.string, "s", required=False)])
    bodies = [{"dataframe_records": each} for each in ([{"x": 1.0}], [{"x": 1.0, "s": "a"}], [{"s": "a"}])]
    yield Case("optional column", "pyfunc columns", _python(Described(), optional), bodies)
    yield from _agents()


def _agents() -> Iterator[Case]:
    messages = {"messages": [{"role": "user", "content": "hello there", "id": "0"}]}
    bodies: dict[str, list[Any]] = {
        "chat_model": [messages, {**messages, "temperature": 0.5}, {"messages": "x"}],
        "chat_agent": [messages, {**messages, "context": {"user_id": "u"}}],
        "responses": [{"input": [{"role": "user", "content": "hello there"}]}],
    }
    for name, asked in bodies.items():
        yield Case(name, f"pyfunc {name}", _python(str(AGENTS / f"{name}.py"), None), asked)


def _python(model: Any, inputs: Schema | None, params: ParamSchema | None = None, **how: Any) -> Save:
    def save(path: Path) -> None:
        if inputs is not None:
            how["signature"] = ModelSignature(inputs=inputs, params=params)
        mlflow.pyfunc.save_model(path, python_model=model, pip_requirements=[], **how)

    return save
