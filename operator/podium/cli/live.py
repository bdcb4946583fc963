"""A ModelDeployment from the cluster of the kubeconfig."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes.aio.config import list_kube_config_contexts

from podium.adapters.kubernetes import names
from podium.adapters.kubernetes.api import Api, in_cluster, kubeconfig
from podium.errors import Rejected

_IN_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


async def model_deployment(name: str, namespace: str | None) -> Mapping[str, Any]:
    """The object as the API server has it. Raises the errors of `podium.errors`."""
    where = namespace or _namespace()
    api = await Api.connect()
    try:
        return await api.get(names.path(names.MODEL_DEPLOYMENTS, where, name))
    finally:
        await api.close()


def _namespace() -> str:
    """The namespace that kubectl would take."""
    if in_cluster():
        return _IN_POD.read_text(encoding="utf-8").strip() if _IN_POD.exists() else "default"
    try:
        _, active = list_kube_config_contexts(kubeconfig())
    except Exception as error:  # kubeconfig loaders raise whatever a broken file makes them raise
        raise Rejected(f"{kubeconfig()} is no kubeconfig ({error}); do: set KUBECONFIG, or use --file") from error
    return str((active.get("context") or {}).get("namespace") or "default")
