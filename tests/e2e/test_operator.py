"""The operator as it is installed: two replicas, one leader."""

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
