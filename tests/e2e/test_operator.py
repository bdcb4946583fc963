"""The operator as it is installed: two replicas, one leader, few rights."""

import time

import pytest

from testbed.waiting import wait_until
from tests.e2e.conftest import Operator

pytestmark = pytest.mark.cluster


def _other_leads(operator: Operator, former: str) -> bool:
    return operator.leader() not in {"", former}


def test_a_leader_that_leaves_hands_over_and_one_that_dies_is_replaced(operator: Operator) -> None:
    operator.scale(2)
    leader = wait_until("somebody leads", operator.leader, 60)
    began = time.monotonic()
    operator.kubectl("delete", "pod", leader, "--wait=false")
    wait_until("the other leads", lambda: _other_leads(operator, leader), 30, interval=0.05)
    print(f"clean handover seen after {time.monotonic() - began:.2f} s")
    operator.scale(2)
    leader = operator.leader()
    began = time.monotonic()
    operator.kill_pod(leader)
    wait_until("the other leads", lambda: _other_leads(operator, leader), 60, interval=0.1)
    print(f"takeover after a crash seen after {time.monotonic() - began:.2f} s")


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        ("create", "pods"),
        ("delete", "deployments.apps"),
        ("delete", "modeldeployments.podium.dev"),
        ("update", "modeldeployments.podium.dev"),  # but patch: the finalizer of those that adopt a route
        ("get", "pods/log"),
        ("create", "pods/exec"),
        ("get", "pods/proxy"),
        ("list", "secrets"),
        ("delete", "services"),
    ],
)
def test_the_operator_may_not(operator: Operator, verb: str, what: str) -> None:
    cluster = operator.kubectl.cluster
    # `can-i` exits with 1 for a no, so the answer is asked for in a way that always succeeds.
    review = f'{{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{_attributes(verb, what)}}}'
    assert cluster.kubectl("create", "--filename=-", "--output=jsonpath={.status.allowed}", input=review) in {
        "",
        "false",
    }


def _attributes(verb: str, what: str) -> str:
    resource, _, sub = what.partition("/")
    resource, _, group = resource.partition(".")
    return (
        f'{{"user":"system:serviceaccount:podium-system:podium-operator","resourceAttributes":{{"verb":"{verb}",'
        f'"group":"{group}","resource":"{resource}","subresource":"{sub}","namespace":"default"}}}}'
    )
