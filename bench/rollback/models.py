"""Register the two versions: 1 heeds no orders, 2 obeys. Run as `python -m bench.rollback.models URI MODEL`."""

import logging
import sys

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from bench.rollback import obedient
from demo.models import by_value

SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.long, obedient.COLUMN)]), outputs=Schema([ColSpec(DataType.long)])
)


def register_all(tracking_uri: str, model: str) -> list[str]:
    """Register both versions, and return their numbers."""
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(model)
    return [register(model, obeys) for obeys in (False, True)]


def register(model: str, obeys: bool) -> str:
    with mlflow.start_run(), by_value(obedient):
        logged = mlflow.pyfunc.log_model(
            name="obedient",
            python_model=obedient.Obedient(obeys),
            registered_model_name=model,
            signature=SIGNATURE,
            input_example=pd.DataFrame({obedient.COLUMN: [0]}),
            pip_requirements=["pandas", "cloudpickle"],
        )
    return str(logged.registered_model_version)


if __name__ == "__main__":
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    uri, name = sys.argv[1:]
    print(*register_all(uri, name))
