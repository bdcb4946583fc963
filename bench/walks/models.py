"""Register the versions that walks choose from. Run as `python -m bench.walks.models URI MODEL OTHER`."""

import logging
import sys
from typing import get_args

import mlflow

from bench.cluster.models import SIGNATURE, register
from bench.walks import broken
from bench.walks.ground import GOOD
from demo.models import by_value


def register_all(tracking_uri: str, model: str, other: str) -> list[str]:
    """Register all versions of both models: the good ones first, then one for each fault. Returns the model's."""
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(model)
    register(other, 1, obeys=False)
    return [
        *register(model, len(GOOD), obeys=False),
        *(register_broken(model, fault) for fault in get_args(broken.Fault)),
    ]


def register_broken(model: str, fault: broken.Fault) -> str:
    """Register a version with this fault, and return its number."""
    with mlflow.start_run(), by_value(broken):
        logged = mlflow.pyfunc.log_model(
            name="broken",
            python_model=broken.Broken(fault),
            registered_model_name=model,
            signature=SIGNATURE,
            pip_requirements=["pandas", "cloudpickle"],
        )
    return str(logged.registered_model_version)


if __name__ == "__main__":
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    print(*register_all(*sys.argv[1:]))
