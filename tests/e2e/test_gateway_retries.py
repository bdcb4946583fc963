"""Requests that a pod takes with it when it ends, behind a real Envoy: it sends them again."""

import json
from typing import Any

import pytest

from podium.api.v1alpha1.status import Phase
from testbed import gateway
from testbed.waiting import wait_until
from tests.e2e.envoy import SLOW_STEPS, in_force
from tests.e2e.rollout import Rollout, clients

pytestmark = [pytest.mark.cluster, pytest.mark.gateway, pytest.mark.timeout(600)]

POLICIES = "backendtrafficpolicies.gateway.envoyproxy.io"


def policies(rollout: Rollout) -> dict[str, dict[str, Any]]:
    """All of the namespace, by name."""
    return {found["metadata"]["name"]: found for found in rollout.kubectl.get(POLICIES)["items"]}


def retried(rollout: Rollout) -> bool:
    """Whether Envoy Gateway has said that it follows Podium's policy."""
    return any((each.type, each.status) == ("RetriesInSync", "True") for each in rollout.status().conditions)


def half(rollout: Rollout) -> None:
    """Version 2 has half of the requests."""
    rollout.apply("1")
    rollout.settle("1")
    assert policies(rollout) == {}
    rollout.apply("2", rollout=SLOW_STEPS)
    rollout.until("half is in force", in_force)
    wait_until("Envoy retries", lambda: retried(rollout), 30)


def kill(rollout: Rollout, pod: str) -> None:
    """`kill -9` of the model server in the pod."""
    find = f"for p in $(pgrep -f podium.runtime); do grep -qz HOSTNAME={pod} /proc/$p/environ && kill -9 $p; done; true"
    for node in rollout.kubectl.cluster.nodes():
        rollout.kubectl.cluster.on_node(node, "sh", "-c", find)


def test_a_challengers_pod_that_ends_under_load_takes_no_request_with_it(
    routed: Rollout, host: str, rows: list[bytes]
) -> None:
    half(routed)
    with clients(gateway.PORT, rows, rate=100, host=host) as ledger:
        (pod,) = routed.pods("2")
        kill(routed, pod["metadata"]["name"])
        routed.until("the weight is back", lambda status: status.weight is not None and status.weight.desired == 0)
    assert [(each.status, each.version, each.trouble) for each in ledger.failures] == []
    routed.apply("1")
    routed.settle("1")
    wait_until("no policy is left", lambda: policies(routed) == {}, 60)


def test_a_promotion_leaves_no_policy_behind(routed: Rollout) -> None:
    half(routed)
    routed.apply("2", rollout={"steps": [{"weight": 50, "duration": "1s"}], "soak": "5s", "guards": []})
    routed.reach(Phase.SOAKING)
    assert set(policies(routed)) == {"churn"}
    routed.settle("2")
    wait_until("no policy is left", lambda: policies(routed) == {}, 60)


def test_a_policy_of_a_person_for_the_route_is_left_alone_and_told(routed: Rollout) -> None:
    half(routed)
    target = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "churn"}
    theirs = {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "BackendTrafficPolicy",
        "metadata": {"name": "theirs"},
        "spec": {"targetRefs": [target], "retry": {"numRetries": 1}},
    }
    routed.kubectl.apply(json.dumps(theirs))
    wait_until("Podium's own is gone", lambda: set(policies(routed)) == {"theirs"}, 30)
    routed.until("it is told", lambda s: any(each.reason == "RetriesLeftAlone" for each in s.conditions))
    assert any(event.startswith("RetriesLeftAlone: BackendTrafficPolicy") for event in routed.events())

    def in_effect() -> bool:
        ancestors = policies(routed)["theirs"].get("status", {}).get("ancestors", [])
        said = [one for each in ancestors for one in each["conditions"] if one["type"] == "Accepted"]
        return bool(said) and all(one["status"] == "True" for one in said)

    wait_until("theirs is in effect", in_effect, 30)
    routed.apply("1")
    routed.settle("1")
    assert set(policies(routed)) == {"theirs"}
