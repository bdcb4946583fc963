"""The registry for people and programs: versions with lifecycle, aliases, metrics and signature, read and changed.

    from podium.registry import Registry

    registry = Registry("https://mlflow.example.com")           # or MLFLOW_TRACKING_URI
    for version in registry.versions("churn"):
        print(version.number, version.stage, version.aliases, version.metrics.get("auc"))

What belongs here: the typed API that `podium models` and `podium migrate` stand on. It speaks MLflow's REST API with
the standard library alone, so that a command is done before MLflow's client would be imported. What does not: the
operator's own registry (`podium.adapters.registries`), and any decision about traffic.

Its errors are those of `podium.errors`: Unavailable, Rejected and NotFound, each with what to check.
"""

from podium.core.semantic_versions import SemanticVersion
from podium.core.version_lifecycle import Stage
from podium.registry.registry import Registry
from podium.registry.versions import Comparison, Details, RegisteredModel, Version

__all__ = ["Comparison", "Details", "RegisteredModel", "Registry", "SemanticVersion", "Stage", "Version"]
