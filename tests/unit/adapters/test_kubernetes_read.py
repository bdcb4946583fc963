from datetime import UTC, datetime
from typing import Any

import pytest

from podium.adapters.kubernetes import names, read
from podium.api.v1alpha1.status import Phase, Pinned
from podium.core.facts import Crash

METADATA = {
    "namespace": "ml",
    "name": "churn",
    "uid": "u1",
    "generation": 3,
    "resourceVersion": "77",
    "creationTimestamp": "2026-01-02T03:04:05Z",
}
SPEC = {"model": {"name": "churn", "version": "7"}}


def pod(status: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    labels = {names.SLOT: "a", names.VERSION: "7"}
    return {"metadata": {"uid": "p1", "name": "churn-a-1", "labels": labels, **metadata}, "status": status or {}}


def container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "sidecar"}, {"name": "model", **state}]}


def test_a_model_deployment_is_read_with_its_status() -> None:
    status = {"phase": "Canary", "champion": {"version": "6", "digest": "sha256:66", "slot": "a"}}
    seen = read.model_deployment({"metadata": METADATA, "spec": SPEC, "status": status})
    assert (str(seen.key), seen.uid, seen.generation, seen.resource_version) == ("ml/churn", "u1", 3, "77")
    assert seen.created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert seen.spec is not None
    assert seen.status.phase is Phase.CANARY
    assert not seen.deleting
    assert not seen.has_finalizer


def test_what_waits_for_podium_before_it_goes_is_held() -> None:
    going = {**METADATA, "deletionTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["x/y", names.FINALIZER]}
    seen = read.model_deployment({"metadata": going, "spec": SPEC})
    assert (seen.deleting, seen.has_finalizer) == (True, True)


def test_a_new_one_has_an_empty_status() -> None:
    assert read.model_deployment({"metadata": METADATA, "spec": SPEC}).status.phase is Phase.PENDING


def test_a_spec_that_cannot_be_read_says_where() -> None:
    seen = read.model_deployment({"metadata": METADATA, "spec": {**SPEC, "rollout": {"soak": "soon"}}})
    assert seen.spec is None
    assert not seen.unreadable
    assert "rollout.soak" in seen.flaw


def test_a_status_that_cannot_be_read_is_marked_so_that_it_is_kept() -> None:
    champion = {"version": "6", "digest": "sha256:66", "slot": "a"}
    status = {"phase": "Meditating", "champion": champion, "challenger": {"version": 7}}
    seen = read.model_deployment({"metadata": METADATA, "spec": SPEC, "status": status})
    assert seen.unreadable
    assert "phase" in seen.flaw
    assert seen.status.champion == Pinned(version="6", digest="sha256:66", slot="a")
    assert seen.status.challenger is None


def test_what_a_slot_runs_is_read_from_labels_and_annotations() -> None:
    labels = {names.SLOT: "b", names.VERSION: "7"}
    annotations = {names.DIGEST: "sha256:77"}
    found = {"metadata": {"labels": labels, "annotations": annotations}}
    assert read.pinned(found) == Pinned(version="7", digest="sha256:77", slot="b")
    assert read.pinned({"metadata": {"labels": labels}}) is None
    assert read.pinned({"metadata": {}}) is None
    assert read.latency_limits("0.12,soon") == ()


def test_only_the_controlling_owner_owns() -> None:
    def owned_by(*references: dict[str, Any]) -> bool:
        return read.owned({"metadata": {"ownerReferences": list(references)}}, "u1")

    assert owned_by({"uid": "u0", "controller": False}, {"uid": "u1", "controller": True})
    assert not owned_by({"uid": "u1"})
    assert not owned_by({"uid": "u0", "controller": True})
    assert not read.owned({"metadata": {}}, "u1")


def test_pods_that_are_being_deleted_are_counted_and_evicted_ones_are_left_out() -> None:
    found = [
        pod(uid="p2", name="churn-a-2"),
        pod(uid="p1", name="churn-a-1"),
        pod(uid="p3", deletionTimestamp="2026-01-01T00:00:00Z"),
        pod({"phase": "Failed", "reason": "Evicted"}, uid="p4"),
        pod(uid="p5", labels={names.SLOT: "b"}),
    ]
    pods, stopping = read.pods_of(found, "a")
    assert ([one.uid for one in pods], stopping) == (["p1", "p2"], 1)


def test_a_pod_that_is_about_to_be_evicted_is_as_good_as_gone() -> None:
    """Kubelet says so, makes it unready, and ends it after its grace period: all that is no fault of the version."""

    def disrupted(status: str) -> list[dict[str, str]]:
        return [{"type": "DisruptionTarget", "status": status, "reason": "TerminationByKubelet"}]

    found = [
        pod({"phase": "Running", "conditions": disrupted("True")}, uid="p1"),
        pod({"phase": "Failed", "conditions": disrupted("True")}, uid="p2"),
        pod({"phase": "Running", "conditions": disrupted("False")}, uid="p3"),  # the disruption was called off
    ]
    pods, stopping = read.pods_of(found, "a")
    assert ([one.uid for one in pods], stopping) == (["p3"], 1)


def test_a_pod_whose_node_is_lost_is_as_good_as_gone() -> None:
    """Of a pod that cannot serve, kubelet says that its containers are unready too."""

    def says(**conditions: str) -> dict[str, Any]:
        return {"phase": "Running", "conditions": [{"type": kind, "status": is_} for kind, is_ in conditions.items()]}

    found = [
        pod(says(Ready="False", ContainersReady="True"), uid="p1"),
        pod(says(Ready="False", ContainersReady="False"), uid="p2"),
        pod(says(Ready="True", ContainersReady="True"), uid="p3"),
        pod(says(Ready="False", ContainersReady="True"), uid="p4") | {"spec": {"readinessGates": [{}]}},
    ]
    pods, stopping = read.pods_of(found, "a")
    assert ([one.uid for one in pods], stopping) == (["p2", "p3", "p4"], 1)


def test_a_pod_is_ready_when_its_condition_says_so() -> None:
    assert read.pod_seen(pod({"conditions": [{"type": "Ready", "status": "True"}], "podIP": "10.0.0.9"})).ready
    assert not read.pod_seen(pod({"conditions": [{"type": "Ready", "status": "False"}]})).ready
    assert not read.pod_seen(pod()).ready


@pytest.mark.parametrize("where", ["state", "lastState"])
def test_the_last_end_of_the_models_container_is_told_with_its_message(where: str) -> None:
    end = {"exitCode": 4, "reason": "Error", "message": "NOT_LOADED: x\n", "finishedAt": "2026-01-01T00:00:00Z"}
    crash = read.pod_seen(pod(container(**{where: {"terminated": end}}))).crash
    assert crash == Crash(datetime(2026, 1, 1, tzinfo=UTC), 4, "Error", "NOT_LOADED: x")


def test_a_message_is_cut_to_a_bounded_length() -> None:
    end = {"exitCode": 1, "message": "x" * 100_000, "finishedAt": "whenever"}
    crash = read.pod_seen(pod(container(state={"terminated": end}))).crash
    assert crash is not None
    assert len(crash.message) == 2000


@pytest.mark.parametrize(
    ("status", "waiting"),
    [
        (container(state={"waiting": {"reason": "ContainerCreating"}}), ""),
        (
            container(state={"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}),
            "ImagePullBackOff: no such image",
        ),
        (container(state={"waiting": {"reason": "CreateContainerConfigError"}}), "CreateContainerConfigError"),
        (
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
                ]
            },
            "Unschedulable: 0/1 nodes",
        ),
        (container(state={"running": {}}), ""),
    ],
)
def test_why_a_pod_waits_is_told_where_it_is_not_just_starting(status: dict[str, Any], waiting: str) -> None:
    assert read.pod_seen(pod(status)).waiting == waiting


def deployment(generation: int, size: int, **status: object) -> dict[str, Any]:
    return {"metadata": {"generation": generation}, "spec": {"replicas": size}, "status": status}


@pytest.mark.parametrize(
    ("found", "done"),
    [
        (deployment(3, 2, observedGeneration=3, replicas=2, updatedReplicas=2, availableReplicas=2), True),
        (deployment(3, 2, observedGeneration=2, replicas=2, updatedReplicas=2, availableReplicas=2), False),
        (deployment(3, 2, observedGeneration=3, replicas=3, updatedReplicas=1, availableReplicas=2), False),
        (deployment(3, 2, observedGeneration=3, replicas=1, updatedReplicas=1), False),
        (deployment(3, 0, observedGeneration=3), True),
        (deployment(1, 2), False),
    ],
)
def test_a_deployment_has_rolled_out_once_all_its_pods_are_of_the_newest_template(
    found: dict[str, Any], done: bool
) -> None:
    assert read.rolled_out(found) is done


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        ([{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}], ""),
        ([], ""),
        (
            [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}],
            "ProgressDeadlineExceeded: timed out",
        ),
        (
            [
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
                {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"},
            ],
            "FailedCreate: exceeded quota",
        ),
    ],
)
def test_a_deployment_says_why_it_does_not_get_on(conditions: list[dict[str, str]], why: str) -> None:
    assert read.stuck(deployment(1, 2, conditions=conditions)) == why
