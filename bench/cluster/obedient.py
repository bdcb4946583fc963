"""A model that does as it is told, or that heeds no orders. It goes into the model's file whole, and imports little."""

import os
import time
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd

FAIL, CRASH, INVALID, HANG, BUSY = (
    1,
    2,
    3,
    4,
    5,
)  # as in bench.cluster.orders, which no pod has
COLUMN = "order"
SECONDS = {HANG: 5.0, BUSY: 1.0}  # for which it does nothing
CRASHED = 1  # the exit code of Python's own crashes


class Obedient(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Predicts the order itself, unless that is to fail, to crash, to answer NaN, or to take its time."""

    def __init__(self, obeys: bool) -> None:
        self.obeys = obeys

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:  # noqa: ARG002
        """Raises ValueError, or ends the process, where an order says so and it obeys."""
        orders: np.ndarray = model_input[COLUMN].to_numpy()
        if self.obeys and (orders == CRASH).any():
            os._exit(CRASHED)  # a signal would not do: the kernel shields process 1 of a container from its own
        if self.obeys and (orders == FAIL).any():
            raise ValueError("told to fail")
        if self.obeys and (orders == INVALID).any():
            return np.full(len(orders), np.nan)
        if self.obeys:
            time.sleep(max(SECONDS.get(int(order), 0.0) for order in orders))
        return orders
