"""The Registry port on MLflow 3, by MLflow's own client, so that its artifact stores and plugins work.

What belongs here: asking MLflow, translating its errors, hashing a version's files. What does not: any decision, and
any use of a model's content. Nothing is imported or unpickled from it: files are bytes to be hashed.

Names, tags, paths and messages that a registry sends are hostile input. They are bounded, and cleaned before they get
into a message (`plain_text`). A login is sent to the registry's own address only (`logins`).
"""

import os

# MLflow reports its use to its makers unless this is set before its first import. An operator has no such mandate.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from podium.adapters.registries.mlflow.logins import LOGIN_VARIABLES
from podium.adapters.registries.mlflow.registry import MlflowRegistry

__all__ = ["LOGIN_VARIABLES", "MlflowRegistry"]
