"""kubectl as tests use it: in one namespace."""

import json
from dataclasses import dataclass
from typing import Any

from testbed.cluster import Cluster


@dataclass(frozen=True)
class Kubectl:
    """`kubectl("get", "pods")` is what it prints. Raises `testbed.errors.CommandFailed`, with what it said."""

    cluster: Cluster
    namespace: str

    def __call__(self, *words: str, stdin: str | None = None, timeout: float = 120) -> str:
        return self.cluster.kubectl(f"--namespace={self.namespace}", *words, input=stdin, timeout=timeout)

    def apply(self, manifest: str) -> str:
        """Applies YAML or JSON, server-side."""
        return self("apply", "--server-side", "--filename=-", stdin=manifest)

    def evict(self, pod: str) -> str:
        """Evicts a pod, as a drain does. Fails while its PodDisruptionBudget is new, or allows none."""
        name = {"name": pod, "namespace": self.namespace}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": name}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        return self("create", f"--raw={path}", "--filename=-", stdin=json.dumps(body))

    def get(self, *words: str) -> dict[str, Any]:
        """An object, or a list of them, as the API server has it."""
        found: dict[str, Any] = json.loads(self("get", *words, "--output=json"))
        return found
