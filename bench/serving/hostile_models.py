"""Models that never fail on what fits their signature: each 5xx beside them is a fault of the server."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


@dataclass(frozen=True)
class Subject:
    """A model, and rows that fit it: their cells are what JSON has for them."""

    save: Callable[[Path], None]
    rows: pd.DataFrame


def subjects() -> dict[str, Subject]:
    """Return numbers that are planned and joined, all kinds of columns with params, and a model without a signature."""
    data, target = load_iris(return_X_y=True, as_frame=True)
    numbers = data.head(3)
    kinds = pd.DataFrame(
        {
            "n": [1.5, -2.0, 0.25],
            "i": [1, 2, 3],
            "s": ["x", "é", "7"],
            "b": [True, False, True],
            "t": ["2026-03-29T00:30:00"] * 3,
            "d": ["aGVsbG8=", "", "aGk="],
            "v": [[1.5, 2.0], [0.5], [3.0]],
        }
    )
    return {
        "numbers": Subject(lambda path: _save_classifier(path, data, target), numbers),
        "kinds": Subject(_save_counting, kinds),
        "unsigned": Subject(lambda path: _save(path, None), numbers),
    }


def _save_classifier(path: Path, data: pd.DataFrame, target: Any) -> None:
    estimator = LogisticRegression(max_iter=1000).fit(data, target)
    mlflow.sklearn.save_model(
        estimator,
        path,
        signature=infer_signature(data, estimator.predict(data)),
        serialization_format="cloudpickle",
        pip_requirements=[],
    )


class Counting(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Answers a number a row, whatever it is given."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:  # noqa: ARG002  MLflow asks so
        """Return as many numbers as there are rows, or one: an array may have no dimension."""
        sized = isinstance(model_input, (list, dict)) or getattr(model_input, "ndim", 0) > 0
        return [float(row) for row in range(len(model_input))] if sized else 1.0


def _save_counting(path: Path) -> None:
    kinds = {
        "n": DataType.double,
        "i": DataType.long,
        "s": DataType.string,
        "b": DataType.boolean,
        "t": DataType.datetime,
        "d": DataType.binary,
        "v": Array(DataType.double),
    }
    inputs = Schema([ColSpec(kind, name, required=name != "s") for name, kind in kinds.items()])
    params = ParamSchema([ParamSpec("factor", DataType.double, 1.0), ParamSpec("words", DataType.string, [], (-1,))])
    _save(path, ModelSignature(inputs=inputs, params=params))


def _save(path: Path, signature: ModelSignature | None) -> None:
    mlflow.pyfunc.save_model(path, python_model=Counting(), signature=signature, pip_requirements=[])
