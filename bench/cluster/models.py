"""Register versions that heed no orders, and then versions that obey.

Run as `python -m bench.cluster.models URI MODEL HEEDLESS OBEDIENT`, the last two being how many. The model is logged
once for each kind: its versions have the same bytes, and are versions of their own for all that.
"""

import logging
import sys

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from bench.cluster import obedient
from demo.models import by_value

SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.long, obedient.COLUMN)]), outputs=Schema([ColSpec(DataType.long)])
)


def register_all(tracking_uri: str, model: str, heedless: int, obeying: int) -> list[str]:
    """Register them all, and return their numbers."""
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(model)
    return [*register(model, heedless, obeys=False), *register(model, obeying, obeys=True)]


def register(model: str, versions: int, *, obeys: bool) -> list[str]:
    """Register this many versions of the obedient model. Returns their numbers."""
    if not versions:
        return []
    with mlflow.start_run(), by_value(obedient):
        logged = mlflow.pyfunc.log_model(
            name="obedient",
            python_model=obedient.Obedient(obeys),
            signature=SIGNATURE,
            input_example=pd.DataFrame({obedient.COLUMN: [0]}),
            pip_requirements=["pandas", "cloudpickle"],
        )
    return [str(mlflow.register_model(logged.model_uri, model).version) for _ in range(versions)]


if __name__ == "__main__":
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    uri, name, *counts = sys.argv[1:]
    print(*register_all(uri, name, *map(int, counts)))
