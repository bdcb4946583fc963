"""Logs the models that the contract tests serve. Run as a process with MLFLOW_TRACKING_URI set."""

import time
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


class Picky(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Raises for x above 100, answers NaN below 0, and otherwise twice x. While a file `hold` is here, 7 waits."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        x = model_input["x"].to_numpy()
        while (x == 7).any() and Path("hold").exists():
            time.sleep(0.01)
        if (x > 100).any():
            raise ValueError(f"secret-in-the-data {x}")
        return np.where(x < 0, np.nan, 2 * x)


class Hollow(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Cannot answer its own example."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        raise RuntimeError("hollow inside")


def main() -> None:
    features, target = load_breast_cancer(return_X_y=True, as_frame=True)
    churn = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(features, target)
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            churn,
            name="churn",
            registered_model_name="churn",
            signature=infer_signature(features, churn.predict(features)),
            input_example=features.head(3),
        )
    one = pd.DataFrame({"x": [1.0, 2.0]})
    for name, model in (("picky", Picky()), ("hollow", Hollow())):
        with mlflow.start_run():
            mlflow.pyfunc.log_model(
                name=name,
                python_model=model,
                registered_model_name=name,
                signature=infer_signature(one, np.array([1.0])),
                input_example=one,
                pip_requirements=["numpy", "pandas", *(["no-such-package"] if name == "hollow" else [])],
            )


if __name__ == "__main__":
    main()
