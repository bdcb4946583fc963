"""The model itself. It goes into the model's file whole, and imports little."""

import time
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd


class FaultyModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Predicts its only column, a number between 0 and 1."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """Predict one number a row. Raises ValueError for one row in ten, if that is its fault."""
        x: np.ndarray = model_input.iloc[:, 0].to_numpy(dtype=float)
        if self.fault == "slow" and (x < 0.4).any():
            time.sleep(1)  # far longer than a healthy one takes on a machine that is busy
        if self.fault == "raises" and (x < 0.1).any():
            raise ValueError("x is too small")
        if self.fault == "nan":
            return np.where(x < 0.2, np.nan, x)
        return x + 0.4 if self.fault == "shifted" else x
