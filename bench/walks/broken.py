"""Models that do not work, each in its own way. They go into the model's file whole, and import little."""

import os
from typing import Any, Literal

import mlflow.pyfunc
import numpy as np
import pandas as pd

Fault = Literal["raises", "exits", "fails"]
CRASHED = 1  # the exit code of Python's own crashes


class Broken(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Raises when it is loaded, ends the process then, or fails at each request."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def load_context(self, context: Any) -> None:  # noqa: ARG002
        """Raises RuntimeError, or ends the process, where that is its fault."""
        if self.fault == "exits":
            os._exit(CRASHED)
        if self.fault == "raises":
            raise RuntimeError("this model cannot be loaded")

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:  # noqa: ARG002
        """Raises ValueError for all input."""
        raise ValueError("this model fails for all input")
