"""At rest the operator writes nothing but its Lease: the API server's audit log says so."""

from datetime import UTC, datetime, timedelta

import pytest

from podium.api.v1alpha1.status import Phase
from testbed.waiting import wait_until
from tests.e2e.rollout import Rollout

pytestmark = pytest.mark.cluster
WATCHED = timedelta(seconds=60)


def test_nothing_is_written_at_rest(rollout: Rollout) -> None:
    rollout.apply("1")
    rollout.settle("1")
    blocked = Rollout(rollout.kubectl, rollout.model, rollout.port, name="blocked")
    gates = [{"name": "never", "metric": {"key": "auc", "atLeast": 2}}]
    alias = {"aliases": {"champion": f"blocked-{rollout.kubectl.namespace}"}}
    blocked.apply("2", gates=gates, traffic={}, registry=alias)
    blocked.reach(Phase.BLOCKED)
    rollout.recorded()
    for each in (rollout, blocked):  # no Alert tells of them
        each.until("nothing is to be told", lambda status: not status.outbox.pending)
    began = datetime.now(UTC)
    wait_until("a minute has passed", lambda: datetime.now(UTC) - began > WATCHED, 90, interval=5)
    writes = [
        event
        for event in rollout.kubectl.cluster.audit_events(began + timedelta(seconds=2))
        if event.user == "system:serviceaccount:podium-system:podium-operator"
    ]
    # What another test left in its namespace may not rest yet.
    mine = [each for each in writes if each.namespace == rollout.kubectl.namespace or "test-" not in each.namespace]
    assert [str(event) for event in mine if event.resource != "leases"] == []
    assert any(event.resource == "leases" for event in writes), "the log is about this operator"
