"""Version 3's mistake: it was written for the cases that its author had seen."""

from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd


class RangeChecked(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """A classifier that raises for tumours larger than those it was trained on, one in five of the real ones."""

    def __init__(self, classifier: Any, largest: float) -> None:
        self.classifier = classifier
        self.largest = largest  # of "mean radius"

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:  # noqa: ARG002
        """Predict 0 (malignant) or 1 (benign) for each row. Raises ValueError, as no test of its author did."""
        if (model_input["mean radius"] > self.largest).any():
            raise ValueError(f"mean radius above {self.largest:g}: no such case in the training data")
        predicted: np.ndarray = self.classifier.predict(model_input)
        return predicted
