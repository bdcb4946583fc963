"""Register a version for each fault, and one more without any. Run as `python -m tests.e2e.faulty_model URI MODEL`."""

import logging
import sys
from typing import get_args

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from demo.models import by_value
from tests.e2e.faulty_model import COLUMN, Fault, model

SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.double, COLUMN)]), outputs=Schema([ColSpec(DataType.double)])
)


def register(name: str, fault: Fault) -> None:
    with mlflow.start_run(), by_value(model):
        mlflow.pyfunc.log_model(
            name="faulty",
            python_model=model.FaultyModel(fault),
            registered_model_name=name,
            signature=SIGNATURE,
            input_example=pd.DataFrame({COLUMN: [0.5]}),
            pip_requirements=["pandas", "cloudpickle"],
        )


logging.getLogger("mlflow").setLevel(logging.ERROR)
uri, registered = sys.argv[1:]
mlflow.set_tracking_uri(uri)
mlflow.set_experiment(registered)
for each in (*get_args(Fault), "none"):
    register(registered, each)
