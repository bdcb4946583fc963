"""Models of one function each, and `podium score` of small tables with them."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from click.testing import CliRunner, Result
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from podium.cli.score import score

DOUBLE_X = ModelSignature(inputs=Schema([ColSpec(DataType.double, "x")]))


class Answering(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Answers what a function says of the frame."""

    def __init__(self, answer: Callable[[pd.DataFrame], Any]) -> None:
        self.answer = answer

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        return self.answer(model_input)


class Tables:
    """A folder with one model and one table, and what scoring it gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def model(self, answer: Callable[[pd.DataFrame], Any], signature: ModelSignature | None = DOUBLE_X) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mlflow.pyfunc.save_model(
                self.folder / "model", python_model=Answering(answer), signature=signature, pip_requirements=[]
            )

    def columns(self, **columns: DataType) -> ModelSignature:
        return ModelSignature(inputs=Schema([ColSpec(kind, name) for name, kind in columns.items()]))

    def write(self, text: str | bytes, name: str = "in.csv") -> None:
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)

    def run(self, source: str, target: str, *more: str) -> Result:
        places = ["--input", str(self.folder / source), "--output", str(self.folder / target)]
        arguments = ["--model", str(self.folder / "model"), *places, "--git-sha", "abc", *more]
        return CliRunner().invoke(score, arguments)

    def scored(self, source: str, target: str, *more: str, **read: Any) -> pd.DataFrame:
        """Score and read back; texts stay texts in CSV."""
        done = self.run(source, target, *more)
        assert done.exit_code == 0, done.output
        if target.endswith(".parquet"):
            return pd.read_parquet(self.folder / target)
        return pd.read_csv(self.folder / target, dtype=str, keep_default_na=False, **read)

    def refused(self, code: int, source: str, target: str, *more: str) -> str:
        """Score what cannot be, and return the message: one line, no traceback, and nothing at the output's place."""
        done = self.run(source, target, *more)
        assert done.exit_code == code, done.output
        assert isinstance(done.exception, SystemExit), "an exception would be a traceback"
        assert not (self.folder / target).exists()
        lines: Mapping[bool, list[str]] = {True: [], False: []}
        for line in done.output.splitlines():
            lines[line.startswith("Error: ")].append(line)
        assert len(lines[True]) == 1, done.output
        return lines[True][0].removeprefix("Error: ")
