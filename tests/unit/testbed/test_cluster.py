"""What can be known of a cluster without starting one."""

import os
from pathlib import Path
from typing import Any

import pytest

from testbed import health, nodeimage, places, podman, processes, state
from testbed.__main__ import parser
from testbed.cluster import Cluster
from testbed.engine import labelled
from testbed.errors import TimedOut
from testbed.waiting import wait_until


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PODIUM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_nothing_is_kept_outside_the_cache(cache: Path) -> None:
    assert Cluster().kubeconfig.is_relative_to(cache)


def test_the_cache_is_where_the_users_other_caches_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PODIUM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert places.cache() == tmp_path / "podium"


def test_only_the_default_cluster_has_ports_on_this_machine() -> None:
    assert len(Cluster().node_ports) == 30
    assert len(Cluster("other").node_ports) == 0


def test_a_cluster_is_remembered_until_it_is_forgotten() -> None:
    made = state.State(backend="podman", workers=2, recipe="abc")
    made.write("podium")
    assert state.read("podium") == made
    state.forget("podium")
    assert state.read("podium") is None


def test_a_memory_that_cannot_be_read_is_none(cache: Path) -> None:
    (state.folder("podium") / "state.json").write_text("{")
    assert state.read("podium") is None


def test_volumes_of_a_cluster_with_a_longer_name_are_left_alone() -> None:
    rows = ["v1 map[podium-control-plane:true]", "v2 map[podium-worker2:true]", "v3 map[my-podium-worker:true]", "v4 "]
    assert labelled("podium", rows) == ["v1", "v2"]


@pytest.mark.parametrize(
    ("image", "stage"),
    [
        ("hub.example/kube-apiserver:v1", "components"),
        ("hub.example/etcd:3.6.5-0", "components"),
        ("hub.example/kube-proxy:v1", "kube-proxy"),
        ("hub.example/coredns/coredns:v1", "coredns"),
        ("hub.example/pause:3.10", "pause"),
    ],
)
def test_every_image_of_the_control_plane_has_a_stage(image: str, stage: str) -> None:
    assert nodeimage.stage_of(image) == stage
    assert f"AS {stage}\n" in (places.recipe("control-plane") / "Containerfile").read_text()


def test_podman_asks_for_no_more_than_the_machine_grants() -> None:
    settings = podman.containers_conf(open_files=20000, processes=500, systemd=False)
    assert '"nofile=20000:20000", "nproc=500:500"' in settings
    assert 'cgroup_manager = "cgroupfs"' in settings


def objects(*, ready: bool = True, coredns: int = 1, proxies: int = 1) -> list[dict[str, Any]]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return [
        {"kind": "Node", "metadata": {"name": "n"}, "status": {"conditions": [condition]}},
        {"kind": "Deployment", "metadata": {"name": "coredns"}, "status": {"availableReplicas": coredns}},
        {"kind": "DaemonSet", "metadata": {"name": "kube-proxy"}, "status": {"numberReady": proxies}},
    ]


def test_a_healthy_cluster_has_nothing_to_complain_of() -> None:
    assert health.of_objects(objects(), nodes=1) is None


@pytest.mark.parametrize(
    ("objects_", "reason"),
    [
        (objects(ready=False), "0 of 1 nodes are Ready"),
        (objects(coredns=0), "CoreDNS is not available"),
        (objects(proxies=0), "kube-proxy is not ready on every node"),
        (objects()[:1], "CoreDNS is not available"),
    ],
)
def test_the_first_thing_amiss_is_named(objects_: list[dict[str, Any]], reason: str) -> None:
    assert health.of_objects(objects_, nodes=1) == reason


def test_the_number_of_workers_may_be_left_open() -> None:
    assert parser().parse_args(["up", "--workers", "2"]).workers == 2
    assert parser().parse_args(["up", "--workers"]).workers is None
    assert parser().parse_args(["up"]).workers is None


def test_waiting_ends_with_what_was_waited_for() -> None:
    answers = iter([None, 0, "yes"])
    assert wait_until("it is so", lambda: next(answers), 5, interval=0) == "yes"


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(TimedOut, match="it is so"):
        wait_until("it is so", lambda: False, 0, interval=0)


def test_a_number_that_another_process_has_now_is_not_the_containers() -> None:
    assert processes.is_alive(os.getpid())
    assert not processes.is_in(os.getpid(), "0123456789abcdef")


def test_a_file_is_written_only_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "file"
    places.write(file, "one")
    before = file.stat().st_mtime_ns
    places.write(file, "one")
    assert file.stat().st_mtime_ns == before
    places.write(file, "two")
    assert file.read_text() == "two"
    assert [path.name for path in file.parent.iterdir()] == ["file"]
