"""Whether a cluster can be used: nodes, pod network and DNS."""

import json
from typing import Any

from testbed.access import Access
from testbed.errors import TestbedError

KINDS = "nodes,deployments,daemonsets,services"


def why_not_ready(cluster: Access, nodes: int) -> str | None:
    """The first thing that is not as it should be."""
    running = cluster.backend.engine.running(cluster.nodes())
    if len(running) != nodes:
        return f"{len(running)} of {nodes} nodes are running"
    try:
        seen = cluster.kubectl(
            "get", KINDS, "--namespace=kube-system", "--request-timeout=5s", "--output=json", timeout=15
        )
    except TestbedError as error:
        return f"the API server does not answer: {str(error).splitlines()[-1]}"
    items = json.loads(seen)["items"]
    return of_objects(items, nodes) or _of_dns(cluster, items)


def of_objects(items: list[dict[str, Any]], nodes: int) -> str | None:
    """The first thing amiss among what the API server tells."""
    ready = [item for item in items if item["kind"] == "Node" and _is_ready(item)]
    if len(ready) != nodes:
        return f"{len(ready)} of {nodes} nodes are Ready"
    status: dict[str, dict[str, Any]] = {item["metadata"]["name"]: item["status"] for item in items}
    if not status.get("coredns", {}).get("availableReplicas"):
        return "CoreDNS is not available"
    if status.get("kube-proxy", {}).get("numberReady") != nodes:
        return "kube-proxy is not ready on every node"
    return None


def _is_ready(node: dict[str, Any]) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"].get("conditions", []))


def _of_dns(cluster: Access, items: list[dict[str, Any]]) -> str | None:
    """CoreDNS's pod must answer on the service's address from every node: so kube-proxy and the pod network work."""
    address = next(item["spec"]["clusterIP"] for item in items if item["metadata"]["name"] == "kube-dns")
    for node in cluster.nodes():
        try:
            url = f"http://{address}:9153/metrics"
            cluster.on_node(node, "curl", "--silent", "--fail", "--max-time", "2", "--output", "/dev/null", url)
        except TestbedError:
            return f"CoreDNS cannot be reached from {node}"
    return None
