"""The pod network of the podman backend: a bridge on each node, and routes between them.

kind's own network plugin is an image on a hub. The stock CNI plugins and one route for each other node do the same.
"""

import json
from typing import Any

from testbed.access import Access
from testbed.waiting import wait_until

BRIDGE = "cni0"
CONFIG_ON_NODE = "/etc/cni/net.d/10-podium.conflist"


def conflist(pod_cidr: str) -> str:
    """The network of the pods on one node."""
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": pod_cidr}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": "/run/cni-ipam",
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "podium", "plugins": [bridge, portmap]}, indent=2)


def routes(node: str, nodes: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs of pod network and gateway for one node. `nodes` gives each node's address and pod network."""
    return [(cidr, address) for name, (address, cidr) in sorted(nodes.items()) if name != node]


def connect(cluster: Access) -> None:
    """Gives every node its part of the pod network, as soon as the API server has said which."""
    nodes = wait_until("every node has a pod network", lambda: _nodes(cluster), 60)
    for node, (_, cidr) in nodes.items():
        cluster.on_node(node, "tee", CONFIG_ON_NODE, input=conflist(cidr))
        for target, gateway in routes(node, nodes):
            cluster.on_node(node, "ip", "route", "replace", target, "via", gateway)


def _nodes(cluster: Access) -> dict[str, tuple[str, str]] | None:
    """Address and pod network of each node; None until all have both."""
    items = cluster.get("nodes")["items"]
    found = {item["metadata"]["name"]: (_address(item), item["spec"].get("podCIDR", "")) for item in items}
    whole = len(found) == len(cluster.nodes()) and all(address and cidr for address, cidr in found.values())
    return found if whole else None


def _address(node: dict[str, Any]) -> str:
    return next((each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"), "")
