"""kind is told all that the tests rely on."""

import json
from pathlib import Path
from typing import Any

from testbed import audit, kindconfig


def config(*, workers: int = 0, own_network: bool = True, ports: range = kindconfig.NODE_PORTS) -> dict[str, Any]:
    rendered: dict[str, Any] = json.loads(
        kindconfig.render(
            workers=workers, files_here=Path("/here"), image="node:1", own_network=own_network, ports=ports
        )
    )
    return rendered


def test_there_is_one_control_plane_and_as_many_workers_as_asked() -> None:
    assert [node["role"] for node in config(workers=2)["nodes"]] == ["control-plane", "worker", "worker"]


def test_every_node_runs_the_same_image() -> None:
    assert {node["image"] for node in config(workers=2)["nodes"]} == {"node:1"}


def test_node_ports_are_open_on_loopback_only_under_the_same_number() -> None:
    mappings = config()["nodes"][0]["extraPortMappings"]
    assert {each["listenAddress"] for each in mappings} == {"127.0.0.1"}
    assert [each["hostPort"] for each in mappings] == list(range(31000, 31030))
    assert all(each["hostPort"] == each["containerPort"] for each in mappings)


def test_kinds_own_network_is_off_only_where_the_pod_network_is_ours() -> None:
    assert config(own_network=True)["networking"]["disableDefaultCNI"]
    assert not config(own_network=False)["networking"]["disableDefaultCNI"]


def test_the_api_server_finds_its_audit_policy_where_the_files_are_mounted() -> None:
    mount = config()["nodes"][0]["extraMounts"][0]
    policy = Path(audit.POLICY_ON_NODE).relative_to(mount["containerPath"])
    assert str(policy) in kindconfig.files()
    settings = [json.loads(patch) for patch in config()["kubeadmConfigPatches"]]
    arguments = next(each for each in settings if each["kind"] == "ClusterConfiguration")["apiServer"]["extraArgs"]
    assert arguments["audit-policy-file"] == audit.POLICY_ON_NODE
    assert arguments["audit-log-path"] == audit.LOG_ON_NODE


def test_kubeadm_finds_its_patches_where_the_files_are_mounted() -> None:
    mount = config()["nodes"][0]["extraMounts"][0]
    folder = Path(kindconfig.PATCHES_ON_NODE).relative_to(mount["containerPath"])
    assert any(name.startswith(f"{folder}/") for name in kindconfig.files())
