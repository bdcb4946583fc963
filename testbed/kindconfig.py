"""What kind and kubeadm are told. JSON, which is YAML too."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from testbed import audit

# Open on 127.0.0.1 of this machine under the same number, in the default cluster.
NODE_PORTS = range(31000, 31030)

PATCHES_ON_NODE = "/etc/kubernetes/podium/patches"
FILES_ON_NODE = "/etc/kubernetes/podium"

# Requests made for big machines leave no room on two cores. A request is also a share of a busy processor, so the API
# server and etcd keep theirs.
REQUESTS = {"kube-controller-manager": "50m", "kube-scheduler": "25m"}

CLUSTER = {
    "kind": "ClusterConfiguration",
    "apiServer": {
        "extraArgs": {
            "audit-policy-file": audit.POLICY_ON_NODE,
            "audit-log-path": audit.LOG_ON_NODE,
            "audit-log-maxsize": "200",
            "audit-log-maxbackup": "1",
        },
        "extraVolumes": [
            {"name": "podium", "hostPath": FILES_ON_NODE, "mountPath": FILES_ON_NODE, "readOnly": True},
            {
                "name": "audit-log",
                "hostPath": str(Path(audit.LOG_ON_NODE).parent),
                "mountPath": str(Path(audit.LOG_ON_NODE).parent),
                "pathType": "DirectoryOrCreate",
            },
        ],
    },
    # A test cluster that lost its power is made again, so etcd need not wait for the disk.
    "etcd": {"local": {"extraArgs": {"unsafe-no-fsync": "true"}}},
}
INIT = {"kind": "InitConfiguration", "patches": {"directory": PATCHES_ON_NODE}}


def files() -> dict[str, str]:
    """The files that the control plane finds under `FILES_ON_NODE`."""
    patches = {
        f"patches/{component}+strategic.json": json.dumps(
            {"spec": {"containers": [{"name": component, "resources": {"requests": {"cpu": cpu}}}]}}
        )
        for component, cpu in REQUESTS.items()
    }
    return {"audit-policy.yaml": json.dumps(audit.POLICY, indent=2), **patches}


def render(*, workers: int, files_here: Path, image: str, own_network: bool, ports: range) -> str:
    """Everything for `kind create cluster --config`. With `own_network`, kind installs no pod network of its own."""
    control_plane: dict[str, Any] = {
        "role": "control-plane",
        "image": image,
        "extraMounts": [{"hostPath": str(files_here), "containerPath": FILES_ON_NODE, "readOnly": True}],
        "extraPortMappings": [_mapping(port) for port in ports],
    }
    config: Mapping[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"apiServerAddress": "127.0.0.1", "disableDefaultCNI": own_network},
        "kubeadmConfigPatches": [json.dumps(CLUSTER), json.dumps(INIT)],
        "nodes": [control_plane, *({"role": "worker", "image": image} for _ in range(workers))],
    }
    return json.dumps(config, indent=2)


def _mapping(port: int) -> dict[str, Any]:
    return {"containerPort": port, "hostPort": port, "listenAddress": "127.0.0.1"}
