"""The stage of a bench: the demo's, with the bench's own model registered in place of the demo's."""

from collections.abc import Callable

from demo import registry, stage
from testbed.cluster import Cluster

Say = Callable[[str], None]


def build(say: Say, model: str, *, heedless: int, obedient: int) -> tuple[Cluster, list[str]]:
    """Cluster, MLflow and operator, all there. Returns the cluster and the model's versions: heedless ones first."""
    cluster, images = stage.build(say)
    stage.clear(cluster, say)
    stage.install_mlflow(cluster, images, say)
    registry.forget(stage.MLFLOW_OUTSIDE, model)
    versions = stage.register_models(say, "bench.cluster.models", model, str(heedless), str(obedient))
    stage.install_operator(cluster, images, say)
    return cluster, versions
